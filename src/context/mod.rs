//! What one invocation works with: configuration and clients, the clock, what the process remembers, what the invocation has
//! found and done so far, randomness, and the log.

mod app;
mod clock;
pub mod log;
mod memory;
mod random;
mod run;
mod scene;

pub use app::App;
pub use clock::{Clock, Share};
pub(crate) use memory::Memory;
pub(crate) use random::random;
pub(crate) use run::{ANSWER, Overview, Run, in_time};
pub(crate) use scene::Scene;
