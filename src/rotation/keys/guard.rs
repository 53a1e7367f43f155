//! The guard: no key goes while a token lives that it signed, and none signs before every task knows it.
//!
//! What counts is not when AWSCURRENT moved but when the last task ended that held the value before: until then it signed with
//! the old key. From then on a token lives for `keyroll:token-lifetime` at most.

use crate::dependents::{Settled, utc};
use crate::error::{Error, ErrorKind, Result};
use crate::kind::{KeyKind, Keys};
use crate::report::listed;
use crate::rollout::holders::{self, Holders};
use crate::run::{Overview, Run};
use crate::stages::AWSPREVIOUS;

/// Refuses to begin too early. `last` is when the last rotation was, if there was one, and when the version under AWSCURRENT
/// was made, in milliseconds since 1970. Gives what to tell of services that do not take the value before.
pub(super) async fn refuse(
    run: &Run<'_>,
    seen: &Overview,
    keys: &Keys,
    (last, created): (Option<i64>, Option<i64>),
) -> Result<Vec<String>> {
    let (now, lifetime) = (run.clock.seconds().saturating_mul(1000), seen.settings.token_lifetime());
    let ending = ending(keys, seen).filter(|_| lifetime > 0);
    // Tokens by the key before were signed until the last rotation at least, whatever ECS shows.
    if let (Some(ending), Some(last)) = (&ending, last) {
        too_early(ending, last, lifetime, now)?;
    }
    if ending.is_none() && !keys.promotes() && !keys.kind.wants_previous() {
        return Ok(Vec::new());
    }
    let created = created.unwrap_or_default();
    let found = holders::find(run, &seen.arn, &seen.settings, (created, last.unwrap_or(created))).await;
    if ending.is_some() || keys.promotes() {
        let settled = settled(&found)?;
        if let (Some(ending), Some(since)) = (&ending, settled.max(last)) {
            too_early(ending, since, lifetime, now)?;
        }
    }
    let mut warnings = beside(seen, keys, &found);
    warnings.extend(found.unseen.iter().map(|error| {
        format!("which services take AWSPREVIOUS could not be seen: {}; {}", error.cause(), error.remedy())
    }));
    Ok(warnings)
}

/// The key that a rotation ends, by its name.
fn ending(keys: &Keys, seen: &Overview) -> Option<String> {
    match keys.kind {
        KeyKind::KeyRing => keys.ends().map(|kid| format!("the previous key {kid:?}")),
        KeyKind::Jwt | KeyKind::SigningKey => {
            seen.labels.holder(AWSPREVIOUS).map(|_| "the key in AWSPREVIOUS".to_owned())
        }
        // Nobody but its owner knows for how long a token of this kind lives; keyroll:min-age is for those.
        KeyKind::Token => None,
    }
}

/// Since when every task of every service has read AWSCURRENT, in milliseconds since 1970; none where there are no tasks.
fn settled(found: &Holders) -> Result<Option<i64>> {
    if let Some(error) = Error::join(found.unseen.clone()) {
        let cause = format!(
            "whether every task holds the value under AWSCURRENT could not be seen, so that this rotation has not begun: {}",
            error.cause()
        );
        return Err(Error::new(error.kind(), cause, error.remedy()));
    }
    let mut since = None;
    let mut not = Vec::new();
    for (service, settled) in &found.settled {
        match settled {
            Settled::Since(at) => since = since.max(*at),
            Settled::Not(reason) => not.push(format!("{service}: {reason}")),
        }
    }
    if not.is_empty() {
        return Ok(since);
    }
    Err(Error::new(
        ErrorKind::FailedTooSoon,
        format!(
            "this rotation is put off: a task that does not hold AWSCURRENT would refuse tokens of the next key: {}",
            listed(&not)
        ),
        "wait until the deployment is complete, or mend it; the action Redeploy replaces tasks that are older",
    ))
}

/// Refuses while a token may live that the key signed which is to end. `since` is when it last signed.
fn too_early(ending: &str, since: i64, lifetime: i64, now: i64) -> Result<()> {
    let until = since.saturating_add(lifetime);
    if now >= until {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::FailedTooSoon,
        format!(
            "this rotation is put off: it would end {ending}, which tasks signed with until {}; tokens of it may live until {} \
             (keyroll:token-lifetime, {} h)",
            utc(since),
            utc(until),
            hours(lifetime)
        ),
        "wait: Secrets Manager tries again by itself; where tokens live shorter, say so in keyroll:token-lifetime; if the key has \
         leaked, invoke the action Revoke",
    ))
}

#[expect(clippy::cast_precision_loss, reason = "a time in a message")]
fn hours(millis: i64) -> f64 {
    millis as f64 / 3_600_000.0
}

/// What to tell of containers that take AWSCURRENT alone, or AWSPREVIOUS before there is one.
pub(super) fn beside(seen: &Overview, keys: &Keys, found: &Holders) -> Vec<String> {
    if !keys.kind.wants_previous() {
        return Vec::new();
    }
    let exists = seen.labels.holder(AWSPREVIOUS).is_some();
    let mut told = Vec::new();
    let field = seen.settings.field.as_deref().and_then(|fields| fields.split_whitespace().next()).unwrap_or_default();
    let alone: Vec<String> =
        found.reads.iter().filter(|one| one.current && !one.previous).map(ToString::to_string).collect();
    if !alone.is_empty() {
        let when = if exists { "add" } else { "once this rotation has ended, and not before, add" };
        told.push(format!(
            "these take AWSCURRENT without AWSPREVIOUS, so that once replaced they refuse what was signed or issued with the value \
             before: {}; to a service that can verify with two, {when} \"valueFrom\": \"{}:{field}:AWSPREVIOUS:\"",
            listed(&alone),
            seen.arn
        ));
    }
    let early: Vec<String> = found.reads.iter().filter(|one| one.previous).map(ToString::to_string).collect();
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
    use crate::dependents::ServiceName;

    fn holders(settled: &[Settled]) -> Holders {
        let named =
            |(number, settled): (usize, &Settled)| (ServiceName::known("prod", &format!("s{number}")), settled.clone());
        Holders { settled: settled.iter().enumerate().map(named).collect(), ..Holders::default() }
    }

    #[test]
    fn the_last_service_decides() {
        let not = |reason: &str| Settled::Not(reason.to_owned());
        assert_eq!(settled(&holders(&[])), Ok(None));
        assert_eq!(settled(&holders(&[Settled::Since(None)])), Ok(None));
        assert_eq!(
            settled(&holders(&[Settled::Since(Some(7)), Settled::Since(None), Settled::Since(Some(3))])),
            Ok(Some(7))
        );
        let error = settled(&holders(&[Settled::Since(Some(7)), not("it is late"), not("it failed")])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FailedTooSoon);
        assert!(error.cause().contains("prod/s1: it is late; prod/s2: it failed"), "{error}");
        let unseen = Error::new(ErrorKind::RefusedPermission, "denied", "allow it");
        let error = settled(&Holders { unseen: vec![unseen], ..holders(&[]) }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefusedPermission);
    }

    #[test]
    fn a_key_goes_once_no_token_of_it_lives() {
        let hour = 3_600_000;
        for (since, now, allowed) in [(0, 24 * hour - 1, false), (0, 24 * hour, true), (hour, 24 * hour, false)] {
            let judged = too_early("the previous key \"k\"", since, 24 * hour, now);
            assert_eq!(judged.is_ok(), allowed, "{since} {now}");
        }
        let error = too_early("the previous key \"k\"", 0, hour / 2, 0).unwrap_err();
        assert!(error.cause().contains("1970-01-01T00:30:00Z") && error.cause().contains("0.5 h"), "{error}");
    }
}
