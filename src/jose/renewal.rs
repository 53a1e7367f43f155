//! What a rotation makes of a value, and what it draws from.

use crate::error::Result;
use crate::secret::give_up_command;

/// A source of randomness.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<()>;

/// The remedy while AWSCURRENT is what it was.
pub(super) const GIVE_UP: &str = concat!("give this version up with `", give_up_command!(), "`, then rotate again");

/// What a renewal does, without any value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewal {
    /// For the plan and the report.
    pub what: String,
    /// What an operator should know.
    pub warnings: Vec<String>,
}
