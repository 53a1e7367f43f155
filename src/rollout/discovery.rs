//! Finding the services that depend on a secret: clusters, their services, and the task definitions that these run.
//!
//! The number of calls is the least that ECS's API allows: `ListClusters` and `ListServices` by 100, `DescribeServices` by
//! 10, and `DescribeTaskDefinition` once for every revision that this process has not seen. What has been found is used
//! even where not everything could be looked at: the rollout then stays open.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::describe::describe_services;
use super::lanes::side_by_side;

use crate::api::{ServiceName, batches, short};
use crate::aws::ecs::Listed;
use crate::context::{ANSWER, Clock, Context, Share};
use crate::dependents::{Estate, Found, Revisions, Sighting};
use crate::error::{Error, ErrorKind, Result};

/// Lambda's longest timeout, in seconds.
const LONGEST: usize = 900;

/// The estate, searched once in an invocation, in at most half of its time: the other half is for redeploying.
pub(crate) async fn search<'a>(context: &Context<'a>) -> &'a Estate {
    let search = Search { context, clock: context.scene.clock.half(ANSWER), named: false };
    context.scene.estate.get_or_init(|| search.estate()).await
}

/// Searches for a look that may take no longer than this, and gives what it takes from the estate. One that was searched before is
/// taken as it is. One with gaps is not kept, as a rollout has more time to search.
pub(super) async fn search_within<T>(context: &Context<'_>, clock: Clock, take: impl FnOnce(&Estate) -> T) -> T {
    if let Some(estate) = context.scene.estate.get() {
        return take(estate);
    }
    let estate = Search { context, clock, named: false }.estate().await;
    if !estate.unseen.is_empty() {
        return take(&estate);
    }
    take(context.scene.estate.get_or_init(async || estate).await)
}

/// The services of these names and the task definitions that are to stay.
pub(super) async fn look_at(context: &Context<'_>, clock: Clock, names: &[ServiceName]) -> Estate {
    let (search, mut estate) = (Search { context, clock, named: true }, Estate::default());
    estate.services = search.describe(names, &mut estate).await;
    estate.revisions = search.revisions(&estate.services, &mut estate.unread).await;
    estate
}

struct Search<'r, 'a> {
    context: &'r Context<'a>,
    clock: Clock,
    /// Whether somebody has named the services, so that there is nothing to search and no tag to read.
    named: bool,
}

impl Search<'_, '_> {
    async fn estate(&self) -> Estate {
        let mut estate = Estate::default();
        let names = self.services(&mut estate).await;
        estate.services = self.describe(&names, &mut estate).await;
        estate.revisions = self.revisions(&estate.services, &mut estate.unseen).await;
        estate
    }

    /// The names of all services of the clusters to look in.
    async fn services(&self, estate: &mut Estate) -> Vec<ServiceName> {
        let configured = !self.context.config.clusters.is_empty();
        let clusters = match self.clusters().await {
            Ok(clusters) => clusters,
            Err(error) => {
                estate.unseen.push(narrowed(&error, 0));
                return Vec::new();
            }
        };
        let (mut names, mut errors, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        let listed = side_by_side(&clusters, async |cluster| {
            self.limited("ecs:ListServices", self.context.clients.ecs.services(cluster)).await
        });
        for (cluster, listed) in clusters.iter().zip(listed.await) {
            match listed {
                Ok(Listed::Services(arns)) => names.extend(arns.iter().map(|arn| ServiceName::known(cluster, arn))),
                Ok(Listed::NoCluster) if configured => missing.push(cluster.as_str()),
                // Deleted since it was listed.
                Ok(Listed::NoCluster) => {}
                Err(error) => errors.push(error),
            }
        }
        estate.unseen.extend(gap("clusters could not be searched", clusters.len(), &errors, Some(0)));
        estate.clusters = clusters.len() - missing.len();
        if !missing.is_empty() {
            let told = format!("KEYROLL_CLUSTERS names {}, and ECS has no such cluster", missing.join(", "));
            // One that was deleted is no reason to stop. Where there is none at all, nothing would ever be redeployed.
            if missing.len() < clusters.len() {
                estate.warnings.push(told);
            } else {
                estate.unseen.push(Error::new(ErrorKind::RefusedSetting, told, "correct KEYROLL_CLUSTERS"));
            }
        }
        names
    }

    async fn clusters(&self) -> Result<Vec<String>> {
        let clusters = match &self.context.config.clusters[..] {
            [] => self.limited("ecs:ListClusters", self.context.clients.ecs.clusters()).await?,
            configured => configured.to_vec(),
        };
        let mut known = BTreeSet::new();
        Ok(clusters.into_iter().filter(|cluster| known.insert(short(cluster).to_owned())).collect())
    }

    /// What ECS shows of these services.
    async fn describe(&self, names: &[ServiceName], estate: &mut Estate) -> Vec<(ServiceName, Found)> {
        let batches = batches(names);
        let looked = side_by_side(&batches, async |batch| {
            describe_services(self.context, self.clock, Share { calls: 1, reserve: Duration::ZERO }, batch, !self.named)
                .await
        });
        let (mut all, mut errors) = (Vec::new(), Vec::new());
        for (name, sighting) in batches.iter().flatten().zip(looked.await.into_iter().flatten()) {
            match sighting {
                Sighting::Found(found) => all.push((name.clone(), found)),
                Sighting::Unseen(error) => errors.push(error),
                // Deleted since it was listed.
                Sighting::NoService | Sighting::NoCluster => {}
            }
        }
        estate.unseen.extend(gap("services could not be looked at", names.len(), &errors, self.reads(names.len())));
        all
    }

    /// The revisions that these services run, from memory where this process has read them before.
    async fn revisions(&self, found: &[(ServiceName, Found)], unseen: &mut Vec<Error>) -> Revisions {
        let memory = self.context.memory;
        let named = found.iter().flat_map(|(_, found)| {
            let (staying, outgoing) = found.revisions();
            // How a service that is named depends on the secret is of no interest.
            let outgoing = if self.named { Vec::new() } else { outgoing };
            staying.into_iter().chain(outgoing)
        });
        let named: BTreeSet<&str> = named.filter(|arn| !arn.is_empty()).collect();
        let (mut known, mut unread) = (Revisions::new(), Vec::new());
        for arn in named {
            match memory.revision(arn) {
                Some(revision) => drop(known.insert(arn.to_owned(), revision)),
                None => unread.push(arn),
            }
        }
        // No policy can tell task definitions apart, so that one denial is as good as a thousand.
        let denied: RefCell<Option<Error>> = RefCell::default();
        let read = side_by_side(&unread, async |arn| {
            if let Some(error) = denied.borrow().clone() {
                return Err(error);
            }
            let answer = self.limited("ecs:DescribeTaskDefinition", self.context.clients.ecs.revision(arn)).await;
            if let Err(error) = &answer
                && error.kind() == ErrorKind::RefusedPermission
            {
                denied.replace(Some(error.clone()));
            }
            answer
        });
        let mut errors = Vec::new();
        for (arn, answer) in unread.iter().zip(read.await) {
            match answer.map(Arc::new) {
                Ok(revision) => {
                    memory.keep_revision(arn, Arc::clone(&revision));
                    known.insert((*arn).to_owned(), revision);
                }
                Err(error) => errors.push(error),
            }
        }
        unseen.extend(gap("task definitions could not be read", unread.len(), &errors, self.reads(unread.len())));
        known
    }

    /// How many task definitions a search has to read; see [`narrowed`].
    fn reads(&self, number: usize) -> Option<usize> {
        (!self.named).then_some(number)
    }

    /// A call within the time of the search.
    async fn limited<T>(&self, what: &str, call: impl Future<Output = Result<T>>) -> Result<T> {
        crate::context::in_time(self.context, self.clock, Share { calls: 1, reserve: Duration::ZERO }, what, call).await
    }
}

/// One error for all that went wrong with things of one sort. `reads` is how many task definitions there may be to read in
/// a search.
fn gap(what: &str, of: usize, errors: &[Error], reads: Option<usize>) -> Option<Error> {
    let (number, first) = (errors.len(), errors.first()?);
    let first = reads.map_or_else(|| first.clone(), |reads| narrowed(first, reads));
    Some(first.map_cause(|cause| format!("{number} of {of} {what}: {cause}")))
}

/// The error with what helps against it in a search: to search less, or longer.
fn narrowed(error: &Error, reads: usize) -> Error {
    let less = "name the clusters to search in KEYROLL_CLUSTERS, or the services in the tag keyroll:services";
    error.clone().map_remedy(|remedy| match error.kind() {
        // 20 a second in half of the function's time, and a little for services and clusters; a repeat goes on from there.
        ErrorKind::FailedDeadline => {
            let seconds = (60 + reads / 8).min(LONGEST);
            format!("set the function's timeout to {seconds} seconds or more, or {less}")
        }
        _ => format!("{remedy}; or {less}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_errors_of_one_sort_become_one() {
        let late = Error::new(ErrorKind::FailedDeadline, "no time was left", "run it again");
        let gap = gap("task definitions could not be read", 2000, &vec![late; 900], Some(2000)).unwrap();
        assert!(gap.cause().starts_with("900 of 2000 task definitions could not be read: no time"), "{gap}");
        assert!(gap.remedy().contains("310 seconds") && gap.remedy().contains("KEYROLL_CLUSTERS"), "{gap}");
        assert_eq!(super::gap("x", 1, &[], Some(1)), None);
    }
}
