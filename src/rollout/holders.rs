//! Before a rotation of keys: do all tasks hold AWSCURRENT, since when, and who takes the value before beside it?

use super::apart::within;
use super::discovery::{look_at, search_within};
use crate::dependents::{Reads, ServiceName, Settled};
use crate::error::Error;
use crate::run::Run;
use crate::settings::{Dependents, Settings};

/// What a look at everything that depends on a secret came to.
#[derive(Default)]
pub(crate) struct Holders {
    /// Every dependent, with the time since when all its tasks have read AWSCURRENT.
    pub(crate) settled: Vec<(ServiceName, Settled)>,
    /// The containers that take the secret into their environment.
    pub(crate) reads: Vec<Reads>,
    /// What could not be looked at.
    pub(crate) unseen: Vec<Error>,
}

/// Looks at every dependent. `dates` are when the version under AWSCURRENT was made, and a time by which it was current, in
/// milliseconds since 1970.
pub(crate) async fn find(run: &Run<'_>, arn: &str, settings: &Settings, dates: (i64, i64)) -> Holders {
    let clock = within(run);
    let (found, unseen) = match &settings.dependents {
        Dependents::Named(names) if names.is_empty() => return Holders::default(),
        Dependents::Named(names) => {
            let estate = look_at(run, clock, names).await;
            (estate.holders(arn, true, dates), estate.unseen)
        }
        Dependents::Discovered => {
            search_within(run, clock, |estate| (estate.holders(arn, false, dates), estate.unseen.clone())).await
        }
        Dependents::Unreadable(error) => (Vec::new(), vec![error.clone()]),
    };
    let mut holders = Holders { unseen, ..Holders::default() };
    for (name, settled, reads) in found {
        holders.settled.push((name, settled));
        holders.reads.extend(reads);
    }
    holders
}
