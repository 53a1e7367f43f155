//! What one invocation has found and done, over all secrets that it is about.

use std::cell::RefCell;

use tokio::sync::OnceCell;

use super::Clock;
use crate::api::ServiceName;
use crate::dependents::Estate;

/// The scene of one invocation.
pub(crate) struct Scene {
    /// The whole invocation's, of which the secrets have parts.
    pub(crate) clock: Clock,
    /// The clusters and their services, looked at once.
    pub(crate) estate: OnceCell<Estate>,
    redeployed: RefCell<Vec<ServiceName>>,
}

impl Scene {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, estate: OnceCell::new(), redeployed: RefCell::default() }
    }

    /// Notes a redeploy: for every other secret the service is young enough from now on.
    pub(crate) fn redeployed(&self, service: &ServiceName) {
        self.redeployed.borrow_mut().push(service.clone());
    }

    pub(crate) fn has_redeployed(&self, service: &ServiceName) -> bool {
        self.redeployed.borrow().contains(service)
    }
}
