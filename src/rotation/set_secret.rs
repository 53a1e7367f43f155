//! setSecret: make the database accept the pending password, or publish the pending keys.

use super::login::beside::Strangers;
use super::overview::settings;
use super::target::Target;
use super::{keys, login};
use crate::api::Report;
use crate::api::event::Rotation;
use crate::context::Context;
use crate::error::Result;

pub(super) async fn set_secret(context: &Context<'_>, event: &Rotation) -> Result<Report> {
    let settings = settings(context, event).await?;
    match Target::of(&settings) {
        Target::Keys(kind) => keys::set_secret::set_secret(context, event, kind, settings).await,
        Target::Login => login::set_secret::set_secret(context, event, settings, Strangers::Refuse).await,
    }
}
