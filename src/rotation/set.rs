//! setSecret: make the database accept the pending password, or publish the pending keys.

use super::login::beside::Strangers;
use super::overview::settings;
use super::target::Target;
use super::{keys, login};
use crate::api::Report;
use crate::api::event::Rotation;
use crate::context::Run;
use crate::error::Result;

pub(super) async fn run(run: &Run<'_>, event: &Rotation) -> Result<Report> {
    let settings = settings(run, event).await?;
    match Target::of(&settings) {
        Target::Keys(kind) => keys::set::run(run, event, kind, settings).await,
        Target::Login => login::set::run(run, event, settings, Strangers::Refuse).await,
    }
}
