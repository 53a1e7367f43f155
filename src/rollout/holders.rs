//! Before a rotation of keys: do all tasks hold AWSCURRENT, since when, and who takes the value before beside it?

use std::time::Duration;

use super::apart::within;
use super::discovery::{Estate, look_at, search_within};
use super::in_time;
use crate::dependents::{Moved, Reads, ServiceName, Settled};
use crate::error::Error;
use crate::run::Run;
use crate::settings::{Dependents, Settings};

/// A service that depends on a secret.
pub(crate) struct Holder {
    /// Which.
    pub(crate) name: ServiceName,
    /// Since when all its tasks have read AWSCURRENT.
    pub(crate) settled: Settled,
    /// Its containers that take the secret into their environment.
    pub(crate) reads: Vec<Reads>,
    /// Whether it takes a version that no rotation moves, and so never another key.
    pub(crate) stays: bool,
}

/// What a look at every dependent came to.
#[derive(Default)]
pub(crate) struct Holders {
    /// Each of them.
    pub(crate) all: Vec<Holder>,
    /// What could not be looked at, so that there may be more of them.
    pub(crate) unseen: Vec<Error>,
    /// What could not be read of them, so that nobody knows what they take.
    pub(crate) unread: Vec<Error>,
}

/// Looks at every dependent.
pub(crate) async fn find(run: &Run<'_>, arn: &str, settings: &Settings, moved: Moved) -> Holders {
    let clock = within(run);
    match &settings.dependents {
        Dependents::Named(names) if names.is_empty() => Holders::default(),
        Dependents::Named(names) => {
            let estate = look_at(run, clock, names).await;
            Holders { all: estate.holders(arn, true, moved), unseen: estate.unseen, unread: estate.unread }
        }
        Dependents::Discovered => {
            let take = |estate: &Estate| Holders {
                all: estate.holders(arn, false, moved),
                unseen: estate.unseen.clone(),
                unread: Vec::new(),
            };
            search_within(run, clock, take).await
        }
        Dependents::Unreadable(error) => Holders { unseen: vec![error.clone()], ..Holders::default() },
    }
}

/// Asks ECS for the first deployment of after the move that ended well: it replaced every task of before. What
/// `DescribeServices` shows is only the last one, so that a service which is deployed every hour would never be settled.
/// `too_late` says which ends are of no use. Where ECS cannot be asked, what was seen stands, with the reason.
pub(crate) async fn ask_history(run: &Run<'_>, holders: &mut [Holder], moved: Moved, too_late: impl Fn(i64) -> bool) {
    let wanted = |holder: &&mut Holder| match &holder.settled {
        Settled::Since(Some(at)) => too_late(*at),
        Settled::Going(_) => true,
        Settled::Since(None) | Settled::Not(_) => false,
    };
    for holder in holders.iter_mut().filter(wanted) {
        let call = run.clients.ecs.first_deployed(&holder.name, moved.surely_by());
        let asked = in_time(run, within(run), (1, Duration::ZERO), "ecs:ListServiceDeployments", call).await;
        match (asked, &mut holder.settled) {
            (Ok(Some(first)), Settled::Since(Some(at))) => *at = first.min(*at),
            (Ok(Some(first)), settled) => *settled = Settled::Since(Some(first)),
            (Err(error), Settled::Going(reason)) => {
                *reason =
                    format!("{reason} (and earlier ones could not be seen: {}; {})", error.cause(), error.remedy());
            }
            _ => {}
        }
    }
}
