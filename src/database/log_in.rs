//! Logging in with a stored credential.

use super::{Credential, Kind, Probe, Session, mariadb, postgres};
use crate::context::Context;

impl Credential {
    /// Logs in.
    pub(crate) async fn log_in(&self, context: &Context<'_>) -> Probe<Session> {
        let (ca_bundle, clock) = (&context.config.ca_bundle, context.clock);
        match self.kind {
            Kind::Postgres => match postgres::connect(&self.login, ca_bundle, clock).await {
                Probe::Accepted(session) => Probe::Accepted(Session::Postgres(session)),
                Probe::Rejected => Probe::Rejected,
                Probe::Unreachable(error) => Probe::Unreachable(error),
            },
            Kind::MariaDb => match mariadb::connect(&self.login, ca_bundle, clock).await {
                Probe::Accepted(session) => Probe::Accepted(Session::MariaDb(session)),
                Probe::Rejected => Probe::Rejected,
                Probe::Unreachable(error) => Probe::Unreachable(error),
            },
        }
    }
}
