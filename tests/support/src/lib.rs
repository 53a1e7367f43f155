//! What several test programs share. Each test drives the built `bootstrap` on a stage of its own: a faithful Secrets Manager
//! and ECS, and a database server where one is needed.
//!
//! [`rig`] is what all stages have in common; [`stage`], [`pair`] and [`maria`] put a database server beside it, [`scene`] puts
//! many services there. [`theatre`], [`statements`], [`sequences`] and [`revokes`] are for sweeps of crashes, while
//! [`witness`] looks on. [`clients`] log in as services do, and a [`relay`] reads along and breaks in.
#![expect(clippy::disallowed_methods, reason = "tests have a clock and an environment")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test, what must not happen ends the test")]
#![expect(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "whoever calls is a test")]
#![expect(missing_docs, reason = "where a name says it, nothing repeats it")]

pub mod blow;
pub mod clients;
pub mod costs;
pub mod dice;
pub mod dry_run;
pub mod estate;
pub mod leaks;
pub mod maria;
pub mod messages;
pub mod packets;
pub mod pair;
pub mod refusals;
pub mod relay;
pub mod revokes;
pub mod rig;
pub mod scene;
pub mod sequences;
pub mod server;
pub mod stage;
pub mod statements;
pub mod theatre;
pub mod told;
pub mod witness;
