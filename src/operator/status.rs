//! `Status`: a secret as it stands: versions, schedule, dependents, which of them run with the current value, and what is
//! left to do. Reads only, and no value.

use std::collections::BTreeMap;

use super::current::unfinished;
use super::schedule::configured;
use crate::api::{ActionName, ServiceReport, ServiceStatus, Status, Verdict, VersionStatus};
use crate::config::{KindTag, Settings, Strategy};
use crate::context::{Context, Overview};
use crate::copies;
use crate::database::Kind;
use crate::dependents::{Dependence, Dependent, Judgement, Move, Progress, Sighting, Since, Survey, judge, progress};
use crate::error::Result;
use crate::rollout::{self, Rollout};
use crate::rotation::overlap::Until;
use crate::secret::{AWSCURRENT, AWSPREVIOUS, Labels, ROLLOUT, Standing, VersionId, stages};
use crate::timestamp::Timestamp;

pub(super) async fn status(context: &Context<'_>, function: &str) -> Result<Status> {
    let mut described = context.describe().await?;
    let rotation = configured(&mut described, function);
    let mut warnings = Vec::new();
    let created = context.clients.secrets.versions(context.secret).await.unwrap_or_else(|error| {
        warnings.push(format!("when versions were created is not known: {}; {}", error.cause(), error.remedy()));
        BTreeMap::new()
    });
    let secret = Overview::from(described);
    let current = secret.labels.holder(AWSCURRENT);
    let seen = rollout::observe(context, &secret.arn, &secret.settings).await;
    let marked = current.as_ref().is_some_and(|version| secret.labels.has(version, ROLLOUT));
    let moved = Move {
        changed: secret.last_changed,
        created: current.as_ref().and_then(|version| created.get(version.as_str()).copied()),
        rotated: None,
        rolled: !marked,
    };
    let services = seen.dependents.iter().map(|dependent| service(dependent, &moved)).collect();
    let held = secret.settings.held(context.clock.now());
    let left = left(&secret, &seen, current.as_ref(), marked, held);
    warnings.extend(seen.warnings);
    warnings.extend(unsound(&secret.settings));
    Ok(Status {
        version_id: current.as_ref().map(|version| version.as_str().to_owned()),
        action: ActionName::Status,
        standing: if current.is_some() { Standing::Current } else { Standing::Unstaged },
        done: Vec::new(),
        versions: versions(&secret.labels, &created),
        rotation,
        last_changed: secret.last_changed.map(|at| at.to_string()),
        previous_credential_valid_until: overlap(context, &secret),
        services,
        left,
        warnings,
        secret_arn: secret.arn,
    })
}

/// The tags that would stop a rotation, as warnings.
fn unsound(settings: &Settings) -> Vec<String> {
    let checked = [settings.sound(), Kind::check_tag(settings), copies::planned(settings).refuse()];
    checked.into_iter().filter_map(|checked| Some(checked.err()?.to_string())).collect()
}

/// Until when the previous credential goes on working, where tag or environment say that it does: two accounts take turns, or
/// one of MariaDB has an administrator. Of keys only their values tell.
fn overlap(context: &Context<'_>, secret: &Overview) -> Option<String> {
    let strategy = secret.settings.strategy.or(context.config.strategy);
    let administered = secret.settings.admin_secret.is_some() && secret.settings.kind == Some(KindTag::MariaDb);
    let overlaps =
        (strategy == Some(Strategy::AlternatingUsers) || administered) && secret.labels.holder(AWSPREVIOUS).is_some();
    overlaps.then(|| Until::by_date(secret.next_rotation, context.clock.now()).text())
}

fn versions(labels: &Labels, created: &BTreeMap<String, Timestamp>) -> Vec<VersionStatus> {
    let version = |(id, labels_of): (&str, &[String])| VersionStatus {
        id: id.to_owned(),
        labels: labels_of.to_vec(),
        standing: Some(stages::standing(labels, &VersionId::known(id), stages::ValueSeen::NotRead))
            .filter(|standing| *standing != Standing::Reserved),
        created: created.get(id).copied().map(|at| at.to_string()),
    };
    labels.iter().map(version).collect()
}

/// A dependent as Reconcile would judge it, or, where no rollout is open, as its dates show it.
fn service(dependent: &Dependent, moved: &Move) -> ServiceStatus {
    // What is pinned, or takes another label, runs with that, however young its tasks are.
    let takes_current = matches!(dependent.how, Dependence::Named | Dependence::Tagged | Dependence::Reads);
    let progress = match &dependent.sighting {
        Sighting::Found(found) if takes_current && found.active && found.desired > 0 => Some(progress(found, moved)),
        _ => None,
    };
    let since = Since::Changed(if moved.rolled { None } else { moved.changed });
    let (verdict, reason) = match (judge(dependent, since), &progress) {
        (Judgement::Leave(verdict, reason), _) => (verdict, reason),
        (Judgement::Redeploy(reason), _) if !moved.rolled => {
            (Verdict::Skipped, format!("Status changes nothing; Reconcile would redeploy it: {reason}"))
        }
        (_, Some(Progress::Settled(_))) => (
            Verdict::AlreadyCurrent,
            "its PRIMARY deployment is younger than this version, and no rollout is open".to_owned(),
        ),
        (_, Some(Progress::Deploying(_) | Progress::Replacing(_))) => (
            Verdict::AlreadyCurrent,
            "its PRIMARY deployment is younger than this version, and is still replacing older tasks".to_owned(),
        ),
        (_, Some(Progress::Older(_))) => (
            Verdict::Skipped,
            "its PRIMARY deployment is older than this version; the action Redeploy replaces its tasks".to_owned(),
        ),
        (_, Some(Progress::Failed(_) | Progress::Unknown(_)) | None) => {
            (Verdict::Skipped, "dates do not tell what its tasks run with".to_owned())
        }
    };
    let runs_current = match progress {
        Some(Progress::Settled(_)) => Some(true),
        Some(Progress::Older(_)) => Some(false),
        _ => None,
    };
    ServiceStatus { report: ServiceReport::new(&dependent.name, verdict, reason), runs_current }
}

/// What is left: the plan of Reconcile, and what it cannot see to.
fn left(
    secret: &Overview,
    seen: &Survey,
    current: Option<&VersionId>,
    marked: bool,
    held: Option<String>,
) -> Vec<String> {
    let mut left = Vec::new();
    left.extend(held.map(|reason| format!("nothing is rotated or rolled while the secret is on hold: {reason}")));
    if marked && let Some(version) = current {
        let rollout = Rollout { arn: &secret.arn, version, settings: &secret.settings, marked };
        let plan = rollout::plan(seen, &rollout, Since::Changed(secret.last_changed));
        left.extend(plan.services.iter().filter(|it| it.verdict == Verdict::Failed).map(ToString::to_string));
        left.extend(plan.actions.iter().map(ToString::to_string));
    }
    left.extend(seen.unseen.iter().map(ToString::to_string));
    left.extend(unfinished(secret));
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ServiceName;
    use crate::dependents::sample::{at, running};

    fn dependent(how: Dependence, created: i64) -> Dependent {
        let found = running(Some(created));
        let name = ServiceName::known("prod", "api");
        Dependent { name, how, sighting: Sighting::Found(found), hazards: Vec::new(), redeployed: false }
    }

    #[test]
    fn a_service_is_shown_with_what_dates_prove() {
        for (created, open, runs, verdict, word) in [
            (1500, false, Some(true), Verdict::AlreadyCurrent, "no rollout is open"),
            (500, false, Some(false), Verdict::Skipped, "the action Redeploy"),
            (1500, true, None, Verdict::Skipped, "Reconcile would redeploy it"),
            (2500, true, Some(true), Verdict::AlreadyCurrent, "after the secret last changed"),
        ] {
            let moved = Move { changed: at(2000), created: at(1000), rotated: None, rolled: !open };
            let shown = service(&dependent(Dependence::Reads, created), &moved);
            assert_eq!((shown.runs_current, shown.report.verdict), (runs, verdict), "{created} {open}");
            assert!(shown.report.reason.contains(word), "{}", shown.report.reason);
        }
        let unknown = Move { changed: at(2000), created: None, rotated: None, rolled: true };
        assert_eq!(service(&dependent(Dependence::Reads, 1500), &unknown).runs_current, None);
        let moved = Move { changed: at(1000), created: at(500), rotated: None, rolled: true };
        let pinned = service(&dependent(Dependence::Pinned("v1".to_owned()), 1500), &moved);
        assert_eq!(pinned.runs_current, None);
        assert!(pinned.report.reason.contains("pinned to version v1"), "{}", pinned.report.reason);
    }

    #[test]
    fn versions_are_shown_with_labels_and_standing() {
        let labels = |of: &[(&str, &str)]| {
            Labels::new(of.iter().map(|(id, label)| ((*id).to_owned(), vec![(*label).to_owned()])).collect())
        };
        let labels = labels(&[("a", "AWSPREVIOUS"), ("b", AWSCURRENT), ("c", "AWSPENDING")]);
        let shown = versions(&labels, &[("b".to_owned(), Timestamp::from_seconds(0))].into());
        let standings: Vec<Option<Standing>> = shown.iter().map(|version| version.standing).collect();
        assert_eq!(standings, [Some(Standing::Superseded), Some(Standing::Current), None]);
        assert_eq!(shown[1].created.as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(
            (shown[0].created.as_ref(), shown[0].labels.as_slice()),
            (None, ["AWSPREVIOUS".to_owned()].as_slice())
        );
    }

    #[test]
    fn tags_that_would_stop_a_rotation_are_warnings() {
        for (tag, value, word) in [
            ("keyroll:kind", "oracle", "\"oracle\", which keyroll does not know"),
            ("keyroll:kind", "mysql", "does not rotate mysql secrets yet"),
            ("keyroll:retire", "24h", "keyroll:retire"),
            ("keyroll:copies", "ssm:/orders/db", "ssm:/orders/db"),
        ] {
            let warnings = unsound(&Settings::read([(tag, value)]));
            assert!(matches!(&warnings[..], [one] if one.contains(word)), "{tag} {value}: {warnings:?}");
        }
        for kind in ["postgres", "mariadb", "jwt", "jwt-keyring", "signing-key", "token"] {
            assert_eq!(unsound(&Settings::read([("keyroll:kind", kind)])), Vec::<String>::new());
        }
    }
}
