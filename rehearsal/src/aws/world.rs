//! What the stage is made of: the state of its services, what was called, what is to go wrong.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::clock::StageClock;
use super::ecs::Ecs;
use super::faults::Faults;
use super::identity::REGION;
use super::rds::Rds;
use super::record::Record;
use super::s3::S3;
use super::secrets::{RotationJob, Secrets};

/// Runs the rotations that `RotateSecret` starts; must return at once.
pub type Rotator = Arc<dyn Fn(RotationJob) + Send + Sync>;

/// All that handles to the stage and its server share.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) started: Instant,
    /// Host and port.
    pub(crate) upstream: Option<String>,
    pub(crate) model: Mutex<Model>,
    pub(crate) record: Mutex<Record>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) rotator: Mutex<Option<Rotator>>,
}

/// The state of the services.
pub(crate) struct Model {
    pub(crate) secrets: Secrets,
    pub(crate) ecs: Ecs,
    pub(crate) rds: Rds,
    pub(crate) s3: S3,
}

impl World {
    /// A world in which nothing is yet, of an account, as it is reached at this address.
    pub(crate) fn new(address: SocketAddr, upstream: Option<String>, account: &str) -> Self {
        Self {
            address,
            started: Instant::now(),
            upstream,
            model: Mutex::new(Model {
                secrets: Secrets::new(REGION, account),
                ecs: Ecs::new(REGION, account, StageClock::default()),
                rds: Rds::new(REGION, account),
                s3: S3::default(),
            }),
            record: Mutex::default(),
            faults: Mutex::default(),
            rotator: Mutex::default(),
        }
    }
}
