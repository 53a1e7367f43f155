//! What operators set: environment variables of the function, tags on a secret. Each is parsed once, into types.

mod env;
mod place;
pub mod tags;

pub use env::{Config, Env};
pub use place::Place;
pub use tags::{Dependents, KindTag, Settings, Strategy};
