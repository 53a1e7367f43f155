//! What one invocation works with: configuration and clients, the clock, what the process remembers, what the invocation has
//! found and done so far, randomness, and the log.

pub(crate) mod answers;
mod app;
mod clock;
mod invocation;
pub mod log;
mod memory;
mod random;
mod scene;

pub use app::App;
pub use clock::{Clock, Share};
pub(crate) use invocation::{ANSWER, Context, Overview, in_time};
pub(crate) use memory::Memory;
pub(crate) use random::random;
pub(crate) use scene::Scene;
