//! How far a service is with the value under AWSCURRENT: the one place that holds the dates of deployments against those of
//! the secret.
//!
//! Tasks read a secret as they start. Secrets Manager does not show when AWSCURRENT moved: it was after the `CreatedDate` of the
//! version, and never after the secret's `LastChangedDate`. A deployment younger than that has the new value for sure, and one older
//! than the version has the old one. For a deployment between these two dates, nothing tells until the rollout has ended.

use std::time::Duration;

use super::{Controller, Deployment, DeploymentState, Found};
use crate::timestamp::Timestamp;

/// When AWSCURRENT moved to its version, as far as dates show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Move {
    /// When the value was stored: `CreatedDate` of the version. AWSCURRENT moved to it later: most often by seconds, after a
    /// rotation that broke off by up to days.
    pub created: Option<Timestamp>,
    /// `LastChangedDate` of the secret, as long as nothing else can have moved it since. Other labels and tags move it, too.
    pub changed: Option<Timestamp>,
    /// When Secrets Manager saw the end of the rotation that made the version current. A rotation whose end it never saw has none,
    /// nor has a version made by hand or by Revoke.
    pub rotated: Option<Timestamp>,
    /// Whether the rollout after the move has ended: each dependent then had a deployment younger than the move, whenever that was.
    pub rolled: bool,
}

/// How a deployment's date lies to a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Made before the move: its tasks have an older value.
    Older,
    /// Made after the move: its tasks have the current value.
    Younger,
    /// Dates do not tell.
    Unknown,
}

/// How long after its value was stored a version is surely current: nobody retries a rotation for longer.
const BROKEN_OFF: Duration = Duration::from_hours(24);

impl Move {
    /// The move by a version's `CreatedDate` and the secret's `LastRotatedDate`, after a rollout that has ended.
    #[must_use]
    pub fn rolled(created: Timestamp, last_rotated: Option<Timestamp>) -> Self {
        let rotated = last_rotated.filter(|rotated| *rotated >= created);
        Self { created: Some(created), changed: None, rotated, rolled: true }
    }

    /// A move whose rollout is open, in a secret that last changed at this time.
    #[must_use]
    pub fn open(changed: Option<Timestamp>) -> Self {
        Self { changed, ..Self::default() }
    }

    /// How this date of a deployment lies to the move.
    #[must_use]
    pub fn age_of(&self, deployed: Option<Timestamp>) -> Age {
        let Some(deployed) = deployed else { return Age::Unknown };
        if self.changed.is_some_and(|changed| deployed > changed) {
            return Age::Younger;
        }
        match self.created {
            // Not every ECS shows fractions of a second.
            Some(created) if deployed.seconds() < created.seconds() => Age::Older,
            Some(_) if self.rolled => Age::Younger,
            _ => Age::Unknown,
        }
    }

    /// Whether a deployment of this date was made after the latest date of the move that is known.
    #[must_use]
    pub fn is_before(&self, deployed: Option<Timestamp>) -> bool {
        let latest = self.changed.or(self.created);
        matches!((latest, deployed), (Some(latest), Some(deployed)) if deployed > latest)
    }

    /// A time from which on every new task reads the version, if one is known.
    fn surely_by(&self) -> Option<Timestamp> {
        self.rotated.or_else(|| self.created.map(|created| created.after(BROKEN_OFF)))
    }

    /// The move as it is for a service whose deployments ECS does not make: one between the storing of the value and the move was
    /// not replaced by any of ours.
    fn without_ours(self) -> Self {
        Self { created: self.rotated.or(self.created), ..self }
    }
}

/// How far a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// No task with an older value is left, since this time at the latest; none where there never were tasks. It may have been
    /// long before: each later deployment shows as the last one.
    Settled(Option<Timestamp>),
    /// All its deployments are younger than the move, and one is going on, for this reason. An earlier one may have replaced the
    /// tasks of before.
    Deploying(String),
    /// Its PRIMARY deployment is younger than the move and is still replacing tasks of one that is older.
    Replacing(String),
    /// Tasks with an older value run, and nothing is replacing them.
    Older(String),
    /// Its deployment was given up: tasks with an older value may run on.
    Failed(String),
    /// Dates do not tell.
    Unknown(String),
}

/// How far a service is, by what `DescribeServices` shows of it.
#[must_use]
pub fn progress(found: &Found, moved: &Move) -> Progress {
    let last_change = || found.deployments.iter().filter_map(|one| one.updated.or(one.created)).max();
    if !found.active || found.desired == 0 {
        return match found.running {
            0 => Progress::Settled(last_change()),
            tasks => Progress::Deploying(format!("{tasks} of its tasks are still being stopped")),
        };
    }
    let ours = found.controller == Controller::Ecs;
    let moved = if ours { *moved } else { moved.without_ours() };
    let Some(primary) = found.primary() else {
        return Progress::Unknown("ECS shows no PRIMARY deployment of it".to_owned());
    };
    let with_date = |one: &Deployment| one.created.map_or_else(|| one.id.clone(), |at| format!("{}, of {at},", one.id));
    match moved.age_of(primary.created) {
        _ if primary.state == DeploymentState::Failed => {
            Progress::Failed(format!("its deployment {} failed", primary.id))
        }
        Age::Older => {
            Progress::Older(format!("the tasks of its deployment {} are older than AWSCURRENT", with_date(primary)))
        }
        Age::Unknown => Progress::Unknown(format!(
            "dates do not tell whether the tasks of its deployment {} are older than AWSCURRENT",
            with_date(primary)
        )),
        Age::Younger => match found.deployments.iter().find(|one| moved.age_of(one.created) != Age::Younger) {
            Some(old) => {
                Progress::Replacing(format!("the tasks of its deployment {} are older than AWSCURRENT", with_date(old)))
            }
            None if primary.state == DeploymentState::InProgress => {
                Progress::Deploying(format!("its deployment {} is still replacing tasks", primary.id))
            }
            None if ours && found.deployments.len() > 1 => {
                Progress::Deploying("older deployments of it still have tasks".to_owned())
            }
            None => Progress::Settled(last_change()),
        },
    }
}

/// The newest deployment, where it was given up. Under a rollback the deployment of before is PRIMARY again, with a new date.
#[must_use]
pub fn given_up(found: &Found) -> Option<&Deployment> {
    let newest = found.deployments.iter().max_by_key(|one| one.created)?;
    (newest.state == DeploymentState::Failed).then_some(newest)
}

/// A service deployment, as ECS remembers it for ninety days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// When it was made.
    pub created: Timestamp,
    /// When it was over.
    pub finished: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a service deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every task was replaced.
    Successful,
    /// It was stopped or rolled back: tasks of before run on.
    Undone,
    /// It has not.
    Going,
}

/// How far a service is, by its history since the version was made.
///
/// The first deployment after the move that ended well has replaced every task of before; what `DescribeServices` shows is
/// only the last one, and changes whenever the service is scaled. Where none ended well and one was undone, tasks run on that
/// were never stopped, whatever the date of the deployment that they went back to.
#[must_use]
pub fn by_history(history: &[Past], found: &Found, moved: &Move, seen: Progress) -> Progress {
    // keyroll's own deployment comes before the end of the rotation is noted: it counts as long as it is the last one.
    let newest = history.iter().map(|past| past.created).max();
    let is_complete = found.primary().is_some_and(|primary| primary.state == DeploymentState::Completed);
    let is_primary = |past: &Past| is_complete && newest == Some(past.created);
    let is_after = |past: &Past| moved.surely_by().is_some_and(|by| past.created >= by);
    let counts = |past: &&Past| past.outcome == Outcome::Successful && (is_after(past) || is_primary(past));
    let first = history.iter().filter(counts).filter_map(|past| past.finished).min();
    match (first, seen) {
        (Some(first), Progress::Settled(Some(at))) => Progress::Settled(Some(first.min(at))),
        (Some(first), Progress::Settled(None) | Progress::Deploying(_)) => Progress::Settled(Some(first)),
        (None, Progress::Settled(_) | Progress::Deploying(_))
            if history.iter().any(|past| past.outcome == Outcome::Undone) =>
        {
            Progress::Older("its last deployment was stopped or rolled back, and its tasks of before run on".to_owned())
        }
        (_, seen) => seen,
    }
}

#[cfg(test)]
mod tests;
