//! Tasks that may still hold the previous credential when it ends.

use crate::api::listed;
use crate::context::Context;
use crate::dependents::{Dependence, Dependent, Move, Progress, Sighting, progress};
use crate::rollout;
use crate::rotation::login::logins::Account;
use crate::timestamp::Timestamp;

/// The warning about services whose tasks may hold the previous credential, as far as dates show. That the rollout is closed
/// says that each was redeployed, not that the last old task has stopped.
pub(super) async fn still_held(
    context: &Context<'_>,
    account: &Account,
    changed: Option<Timestamp>,
    created: Option<Timestamp>,
) -> Option<String> {
    let seen = rollout::observe(context, &account.arn, &account.settings).await;
    let moved = Move { changed, created, rotated: None, rolled: true };
    let holds = |dependent: &Dependent| match (&dependent.sighting, &dependent.how) {
        (Sighting::Unseen(_), _) => true,
        (Sighting::Found(found), Dependence::Named | Dependence::Tagged | Dependence::Reads) => {
            let progress = progress(found, &moved);
            let may_hold = matches!(progress, Progress::Older(_) | Progress::Replacing(_) | Progress::Deploying(_));
            found.active && found.desired > 0 && may_hold
        }
        _ => false,
    };
    let mut held: Vec<String> =
        seen.dependents.iter().filter(|one| holds(one)).map(|one| one.name.to_string()).collect();
    held.extend(seen.unseen.iter().map(|error| error.cause().into_owned()));
    (!held.is_empty()).then(|| {
        format!(
            "tasks that were started before this version may still hold the previous credential, and cannot log in with it \
             again: {}",
            listed(&held)
        )
    })
}
