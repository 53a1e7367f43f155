//! All services that a search found, whatever secret they depend on; and those of them that depend on one.

use std::collections::HashMap;
use std::sync::Arc;

use super::{
    Apart, Dependence, Dependent, Found, Move, Progress, Reads, Revision, Sighting, apart, hazards, progress, reads,
};
use crate::api::ServiceName;
use crate::error::Error;

pub(crate) type Revisions = HashMap<String, Arc<Revision>>;

/// All that was found, whatever secret it depends on.
#[derive(Default)]
pub(crate) struct Estate {
    pub(crate) clusters: usize,
    pub(crate) services: Vec<(ServiceName, Found)>,
    pub(crate) revisions: Revisions,
    /// What could not be looked at.
    pub(crate) unseen: Vec<Error>,
    /// What is not known of services that somebody has named: what they take from the secret.
    pub(crate) unread: Vec<Error>,
    pub(crate) warnings: Vec<String>,
}

/// What a look at everything that may depend on a secret came to.
#[derive(Default)]
pub(crate) struct Survey {
    pub(crate) dependents: Vec<Dependent>,
    /// What could not be looked at.
    pub(crate) unseen: Vec<Error>,
    pub(crate) warnings: Vec<String>,
}

/// A service that depends on a secret.
pub(crate) struct Holder {
    /// Which.
    pub(crate) name: ServiceName,
    /// What ECS shows of it.
    pub(crate) found: Found,
    /// How far it is with AWSCURRENT.
    pub(crate) progress: Progress,
    /// Its containers that take the secret into their environment.
    pub(crate) reads: Vec<Reads>,
    /// Whether it takes a version that no rotation moves, and so never another key.
    pub(crate) stays: bool,
}

impl Estate {
    /// The services that depend on the secret of this ARN.
    pub(crate) fn dependents(&self, arn: &str, redeployed: impl Fn(&ServiceName) -> bool) -> Survey {
        let known = |revision: &str| self.revisions.get(revision).map(AsRef::as_ref);
        let mut seen = Survey { unseen: self.unseen.clone(), warnings: self.warnings.clone(), ..Survey::default() };
        for (name, found) in &self.services {
            if let Some(how) = found.dependence(arn, known) {
                let (staying, _) = found.revisions();
                let revision = staying.into_iter().find_map(known).cloned().unwrap_or_default();
                let sighting = Sighting::Found(found.clone());
                seen.dependents.push(dependent(name.clone(), how, sighting, arn, &revision, redeployed(name)));
            }
        }
        if seen.dependents.is_empty() && seen.unseen.is_empty() {
            seen.warnings.push(format!(
                "{} services of {} clusters were looked at, and none depends on {arn}; the tag keyroll:services=none says that \
                 none should",
                self.services.len(),
                self.clusters
            ));
        }
        seen
    }

    /// The services that depend on the secret of this ARN, or all of those that somebody has named.
    pub(crate) fn holders(&self, arn: &str, named: bool, moved: &Move) -> Vec<Holder> {
        let known = |revision: &str| self.revisions.get(revision).map(AsRef::as_ref);
        let mut holders = Vec::new();
        for (name, found) in &self.services {
            let how = found.dependence(arn, known);
            let stays = matches!(how, Some(Dependence::Pinned(_) | Dependence::OtherLabel(_)));
            if named || how.is_some() {
                holders.push(Holder {
                    name: name.clone(),
                    found: found.clone(),
                    progress: progress(found, moved),
                    reads: reads(name, found, arn, known),
                    stays,
                });
            }
        }
        holders
    }

    /// The containers that take the password of the secret of this ARN apart from its user name.
    pub(crate) fn apart(&self, arn: &str) -> Vec<Apart> {
        let known = |revision: &str| self.revisions.get(revision).map(AsRef::as_ref);
        self.services.iter().flat_map(|(name, found)| apart(name, found, arn, known)).collect()
    }
}

/// A dependent as it was seen, with what a deployment of it may do.
pub(crate) fn dependent(
    name: ServiceName,
    how: Dependence,
    sighting: Sighting,
    arn: &str,
    revision: &Revision,
    redeployed: bool,
) -> Dependent {
    let hazards = match &sighting {
        Sighting::Found(found) => hazards(&name, &how, found, arn, revision),
        _ => Vec::new(),
    };
    Dependent { name, how, sighting, hazards, redeployed }
}
