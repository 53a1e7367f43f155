//! The four steps of a rotation. Each observes, plans and applies; the order of the writes over all of them is the whole
//! safety argument and stands here, once:
//!
//! 1. store the new value as AWSPENDING (createSecret): from now on a crash anywhere loses nothing;
//! 2. change the database (setSecret): the stored version AWSPENDING logs in from that moment on; of signing keys, publish
//!    the public halves;
//! 3. prove it (testSecret, and again in finishSecret);
//! 4. move AWSCURRENT (finishSecret, round *promote*): nothing of ECS is read or written between 1 and this;
//! 5. redeploy the services, then take the mark off (finishSecret, round *roll*).
//!
//! At every moment one stored version logs in; every step may be repeated; and what is left after 4 is remembered by the
//! mark on the version itself. One window is Secrets Manager's own: storing a value has no precondition, so a createSecret
//! that is delayed between its last look and its one write could take AWSPENDING back from a rotation that began in
//! between. The look is therefore the last thing before the write.

mod apply;
mod create_secret;
mod findings;
mod finish_secret;
mod keys;
pub(crate) mod login;
mod old_tasks;
pub(crate) mod overlap;
mod overview;
mod preflight;
mod retire;
mod revoke;
mod services_forecast;
mod set_secret;
mod target;
mod test_secret;
mod versions;

use crate::api::Report;
use crate::api::event::Rotation;
use crate::context::Context;
use crate::error::Result;
use crate::secret::Step;

pub(crate) use self::findings::Findings;
pub(crate) use self::overview::{refuse_managed, refuse_not_enabled};
pub(crate) use self::preflight::examine;
pub(crate) use self::retire::retire;
pub(crate) use self::revoke::revoke;
pub(crate) use self::target::Target;

/// Does one step.
pub(crate) async fn step(context: &Context<'_>, event: &Rotation) -> Result<Report> {
    match event.step {
        Step::Create => create_secret::create_secret(context, event).await,
        Step::Set => set_secret::set_secret(context, event).await,
        Step::Test => test_secret::test_secret(context, event).await,
        Step::Finish => finish_secret::finish_secret(context, event).await,
    }
}
