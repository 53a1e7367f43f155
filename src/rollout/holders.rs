//! Before a rotation of keys: do all tasks hold AWSCURRENT, since when, and who takes the value before beside it?

use std::time::Duration;

use super::apart::within;
use super::discovery::{look_at, search_within};
use crate::config::{Dependents, Settings};
use crate::context::{Context, Share, in_time};
use crate::dependents::{Controller, Estate, Holder, Move, Progress, by_history};
use crate::error::Error;

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
pub(crate) async fn find(context: &Context<'_>, arn: &str, settings: &Settings, moved: &Move) -> Holders {
    let clock = within(context);
    match &settings.dependents {
        Dependents::Named(names) if names.is_empty() => Holders::default(),
        Dependents::Named(names) => {
            let estate = look_at(context, clock, names).await;
            Holders { all: estate.holders(arn, true, moved), unseen: estate.unseen, unread: estate.unread }
        }
        Dependents::Discovered => {
            let take = |estate: &Estate| Holders {
                all: estate.holders(arn, false, moved),
                unseen: estate.unseen.clone(),
                unread: Vec::new(),
            };
            search_within(context, clock, take).await
        }
        Dependents::Unreadable(error) => Holders { unseen: vec![error.clone()], ..Holders::default() },
    }
}

/// Asks ECS for the history of each service: see [`by_history`]. Where it cannot be asked, what was seen stands; gives why.
pub(crate) async fn ask_history(context: &Context<'_>, holders: &mut [Holder], moved: &Move) -> Vec<String> {
    let clock = within(context);
    let Some(created) = moved.created else { return Vec::new() };
    let mut told = Vec::new();
    let wanted = |holder: &&mut Holder| {
        let may_change = matches!(holder.progress, Progress::Settled(Some(_)) | Progress::Deploying(_));
        may_change && !holder.stays && holder.found.controller == Controller::Ecs
    };
    for holder in holders.iter_mut().filter(wanted) {
        let call = context.clients.ecs.deployed(&holder.name, created);
        match in_time(context, clock, Share { calls: 1, reserve: Duration::ZERO }, "ecs:ListServiceDeployments", call)
            .await
        {
            Ok(history) => holder.progress = by_history(&history, &holder.found, moved, holder.progress.clone()),
            Err(error) => told.push(format!(
                "which deployments {} has had could not be seen, so that only the last one counts: {}; {}",
                holder.name,
                error.cause(),
                error.remedy()
            )),
        }
    }
    told
}
