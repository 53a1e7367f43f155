//! The partner of an account.

use crate::error::{Error, ErrorKind, Result};
use crate::kind::mariadb::session::Session;
use crate::kind::{Aligned, Alternation, Pair};
use crate::plan::{Alignment, Change};

impl Session {
    pub(in crate::kind) async fn shows(&mut self, _: &Pair, _: &str) -> Result<bool> {
        Err(not_built())
    }

    pub(in crate::kind) async fn compare(&mut self, _: &Alternation<'_>) -> Result<Alignment> {
        Err(not_built())
    }

    pub(in crate::kind) async fn align(&mut self, _: &Change) -> Result<Aligned> {
        Err(not_built())
    }
}

fn not_built() -> Error {
    Error::new(
        ErrorKind::RefusedNotBuilt,
        "this version of keyroll has no alternating users for MariaDB yet",
        "tag the secret keyroll:strategy = single-user",
    )
}
