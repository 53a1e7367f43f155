//! Randomness: the operating system's, and no other.

use rand::TryRng;
use rand::rngs::SysRng;

use crate::error::{Error, ErrorKind, Result};

/// The operating system's randomness, and no other.
pub(crate) fn random(bytes: &mut [u8]) -> Result<()> {
    SysRng.try_fill_bytes(bytes).map_err(|_| {
        Error::new(
            ErrorKind::FailedDefect,
            "the operating system gave no randomness",
            "run the step again; if it fails again, the execution environment is broken",
        )
    })
}
