//! What lives as long as the process.

use super::{Clock, Context, Memory, Scene};
use crate::api::Doing;
use crate::aws::Clients;
use crate::config::Config;
use crate::secret::SecretId;

/// What lives as long as the process.
pub struct App {
    pub(crate) config: Config,
    pub(crate) clients: Clients,
    pub(crate) memory: Memory,
}

impl App {
    /// An app of these settings and clients.
    #[must_use]
    pub fn new(config: Config, clients: Clients) -> Self {
        Self { config, clients, memory: Memory::default() }
    }

    /// What work on one secret needs.
    pub(crate) fn context<'a>(
        &'a self,
        secret: &'a SecretId,
        doing: Doing,
        clock: Clock,
        scene: &'a Scene,
    ) -> Context<'a> {
        Context { config: &self.config, clients: &self.clients, memory: &self.memory, clock, secret, doing, scene }
    }
}
