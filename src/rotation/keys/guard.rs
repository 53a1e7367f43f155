//! The guard: no key goes while a token lives that it signed, and none signs before every task knows it.
//!
//! What counts is not when AWSCURRENT moved but when the last task ended that held the value before: until then it signed with
//! the old key. From then on a token lives for `keyroll:token-lifetime` at most.

use crate::api::listed;
use crate::context::{Context, Overview};
use crate::dependents::{Holder, Move, Progress};
use crate::error::{Error, ErrorKind, Result};
use crate::jose::{KeyKind, Keys};
use crate::rollout::holders;
use crate::secret::AWSPREVIOUS;
use crate::timestamp::Timestamp;
use std::time::Duration;

/// When the version under AWSCURRENT came, and what this very step has done about its rollout.
pub(super) struct Before {
    /// When the last rotation was, if there was one.
    pub(super) last: Option<Timestamp>,
    /// When the version was made.
    pub(super) created: Option<Timestamp>,
    /// The services that this step has just redeployed, to finish the last rotation first.
    pub(super) redeployed: Vec<String>,
}

/// Refuses to begin too early. Gives what to tell of services that do not take the value before.
pub(super) async fn refuse(
    context: &Context<'_>,
    seen: &Overview,
    keys: &Keys,
    before: &Before,
) -> Result<Vec<String>> {
    let (now, lifetime) = (context.clock.now(), seen.settings.token_lifetime());
    let ending = if lifetime > Duration::ZERO { ending(keys, seen) } else { None };
    let must_know = keys.promotes() || keys.converts();
    if !must_know && ending.is_none() && !keys.kind.wants_previous() {
        return Ok(Vec::new());
    }
    if (must_know || ending.is_some()) && !before.redeployed.is_empty() {
        let reasons = before.redeployed.iter().map(|name| format!("{name}: it was redeployed a moment ago"));
        return Err(not_settled(keys, &reasons.collect::<Vec<_>>()));
    }
    // Tokens by the key before were signed until the last rotation at least, whatever ECS shows.
    let last = before.last.map(|last| last.max(before.created.unwrap_or(last)));
    if let (Some(ending), Some(last)) = (&ending, last) {
        too_early(ending, last, lifetime, now)?;
    }
    let created = before.created.ok_or_else(|| {
        let cause = "Secrets Manager shows no date of the version under AWSCURRENT";
        Error::new(ErrorKind::FailedAws, cause, "run the step again")
    })?;
    let moved = Move::rolled(created, seen.last_rotated);
    let mut found = holders::find(context, &seen.arn, &seen.settings, &moved).await;
    let mut warnings = Vec::new();
    if must_know || ending.is_some() {
        warnings.extend(holders::ask_history(context, &mut found.all, &moved).await);
        let settled = settled(keys, &found.all, &found.unseen)?;
        if let (Some(ending), Some(since)) = (&ending, settled.max(last)) {
            too_early(ending, since, lifetime, now)?;
        }
    }
    warnings.extend(beside(seen, keys, &found.all));
    warnings.extend(found.unseen.iter().chain(&found.unread).map(|error| {
        format!("which services take AWSPREVIOUS could not be seen: {}; {}", error.cause(), error.remedy())
    }));
    Ok(warnings)
}

/// The key that a rotation ends, by its name.
fn ending(keys: &Keys, seen: &Overview) -> Option<String> {
    let in_previous = || seen.labels.holder(AWSPREVIOUS).map(|_| "the key in AWSPREVIOUS".to_owned());
    match keys.kind {
        // Services that read the bare form may verify with the previous secret.
        KeyKind::KeyRing if keys.converts() => in_previous(),
        KeyKind::KeyRing => keys.ends().map(|kid| format!("the previous key {kid:?}")),
        KeyKind::Jwt | KeyKind::SigningKey => in_previous(),
        // Nobody but its owner knows for how long a token of this kind lives; keyroll:min-age is for those.
        KeyKind::Token | KeyKind::TokenList => None,
    }
}

/// Since when every task of every service has read AWSCURRENT; none where there are no tasks.
fn settled(keys: &Keys, found: &[Holder], unseen: &[Error]) -> Result<Option<Timestamp>> {
    if let Some(error) = Error::join(unseen.to_vec()) {
        return Err(error.map_cause(|cause| {
            format!(
                "whether every task holds the value under AWSCURRENT could not be seen, so that this rotation has not begun: {cause}"
            )
        }));
    }
    let mut since = None;
    let mut unsettled = Vec::new();
    // A service that never takes another version is a warning, and cannot be waited for.
    for Holder { name, progress, .. } in found.iter().filter(|holder| !holder.stays) {
        match progress {
            Progress::Settled(at) => since = since.max(*at),
            Progress::Deploying(reason)
            | Progress::Replacing(reason)
            | Progress::Older(reason)
            | Progress::Failed(reason)
            | Progress::Unknown(reason) => unsettled.push(format!("{name}: {reason}")),
        }
    }
    if unsettled.is_empty() { Ok(since) } else { Err(not_settled(keys, &unsettled)) }
}

fn not_settled(keys: &Keys, reasons: &[String]) -> Error {
    let why = if keys.promotes() || keys.converts() {
        "a task that does not hold AWSCURRENT would refuse tokens of the next value"
    } else {
        "a task that does not hold AWSCURRENT still signs with the key that would end"
    };
    Error::new(
        ErrorKind::FailedTooSoon,
        format!("this rotation is put off: {why}: {}", listed(reasons)),
        "wait until the deployment is complete, or mend it; the action Redeploy replaces tasks that are older, where ECS itself \
         deploys them, and else their own deployer does",
    )
}

/// Refuses while a token may live that the key signed which is to end. `since` is when it last signed.
fn too_early(ending: &str, since: Timestamp, lifetime: Duration, now: Timestamp) -> Result<()> {
    let until = since.after(lifetime);
    if now >= until {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::FailedTooSoon,
        format!(
            "this rotation is put off: it would end {ending}, which tasks signed with until {}; tokens of it may live until {} \
             (keyroll:token-lifetime, {} h)",
            since,
            until,
            lifetime.as_secs_f64() / 3600.0
        ),
        "wait: Secrets Manager tries again by itself; where tokens live shorter, say so in keyroll:token-lifetime; if the key has \
         leaked, invoke the action Revoke",
    ))
}

/// What to tell of services that will not have every value that they need.
fn beside(seen: &Overview, keys: &Keys, found: &[Holder]) -> Vec<String> {
    let mut told = Vec::new();
    let stay: Vec<String> = found.iter().filter(|holder| holder.stays).map(|holder| holder.name.to_string()).collect();
    if !stay.is_empty() {
        told.push(format!(
            "these take one version for ever, or a label that no rotation moves, and will not know the keys to come: {}",
            listed(&stay)
        ));
    }
    if !keys.kind.wants_previous() {
        return told;
    }
    let exists = seen.labels.holder(AWSPREVIOUS).is_some();
    let field = seen.settings.field.as_deref().and_then(|fields| fields.split_whitespace().next()).unwrap_or_default();
    let made = if keys.kind.signs() { "signed" } else { "issued" };
    let reads = || found.iter().flat_map(|holder| &holder.reads);
    let alone: Vec<String> = reads().filter(|one| one.current && !one.previous).map(ToString::to_string).collect();
    if !alone.is_empty() {
        // What a placeholder signs is anybody's.
        let when = match (exists, keys.fingerprint().signs) {
            (true, Some(_)) => "add",
            (false, Some(_)) => "once this rotation has ended, and not before, add",
            (_, None) => {
                "once the rotation after this one has ended, and not before, as AWSPREVIOUS is a placeholder until then, add"
            }
        };
        told.push(format!(
            "these take AWSCURRENT without AWSPREVIOUS, so that once replaced they refuse what was {made} with the value before: {}; \
             to a service that can take two values, {when} \"valueFrom\": \"{}:{field}:AWSPREVIOUS:\"",
            listed(&alone),
            seen.arn
        ));
    }
    let early: Vec<String> = reads().filter(|one| one.previous).map(ToString::to_string).collect();
    if keys.fingerprint().signs.is_none() && !early.is_empty() {
        told.push(format!(
            "these take AWSPREVIOUS, which will be the placeholder once this rotation has ended: they would accept what anybody \
             makes with it, until the rotation after: {}",
            listed(&early)
        ));
    }
    if !exists && !early.is_empty() {
        told.push(format!(
            "these take AWSPREVIOUS, and no version is labelled so yet: ECS starts no task of them until the first rotation has \
             ended: {}",
            listed(&early)
        ));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ServiceName;
    use crate::config::Settings;
    use crate::dependents::sample::{at, running};
    use crate::secret::Sensitive;

    fn holders(of: &[Progress]) -> Vec<Holder> {
        let holder = |(number, progress): (usize, &Progress)| Holder {
            name: ServiceName::known("prod", &format!("s{number}")),
            found: running(None),
            progress: progress.clone(),
            reads: Vec::new(),
            stays: false,
        };
        of.iter().enumerate().map(holder).collect()
    }

    fn keys() -> Keys {
        let settings = Settings::read([("keyroll:kind", "jwt-keyring")]);
        let bare = Sensitive::new("a bare secret becomes a ring".to_owned());
        Keys::read(KeyKind::KeyRing, bare, &settings).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_last_service_decides() {
        let not = |reason: &str| Progress::Older(reason.to_owned());
        let judged = |found: &[Holder]| settled(&keys(), found, &[]);
        assert_eq!(judged(&holders(&[])), Ok(None));
        assert_eq!(judged(&holders(&[Progress::Settled(None)])), Ok(None));
        let all = [Progress::Settled(at(7)), Progress::Settled(None), Progress::Settled(at(3))];
        assert_eq!(judged(&holders(&all)), Ok(at(7)));
        let late = [Progress::Settled(at(7)), not("it is late"), Progress::Deploying("it goes on".to_owned())];
        let error = judged(&holders(&late)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FailedTooSoon);
        assert!(error.cause().contains("prod/s1: it is late; prod/s2: it goes on"), "{error}");
        // One that is pinned to a version cannot be waited for.
        let pinned = holders(&[not("it is late")]).into_iter().map(|holder| Holder { stays: true, ..holder });
        assert_eq!(judged(&pinned.collect::<Vec<_>>()), Ok(None));
        let unseen = Error::new(ErrorKind::RefusedPermission, "denied", "allow it");
        let error = settled(&keys(), &[], &[unseen]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefusedPermission);
    }

    #[test]
    fn a_key_goes_once_no_token_of_it_lives() {
        let (day, at) = (Duration::from_hours(24), Timestamp::from_millis);
        let hour = 3_600_000;
        for (since, now, allowed) in [(0, 24 * hour - 1, false), (0, 24 * hour, true), (hour, 24 * hour, false)] {
            let judged = too_early("the previous key \"k\"", at(since), day, at(now));
            assert_eq!(judged.is_ok(), allowed, "{since} {now}");
        }
        let error = too_early("the previous key \"k\"", at(0), Duration::from_mins(30), at(0)).unwrap_err();
        assert!(error.cause().contains("1970-01-01T00:30:00Z") && error.cause().contains("0.5 h"), "{error}");
    }
}
