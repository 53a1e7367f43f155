//! The partner of an account: a second one with the same rights, kept in step with the first on every rotation.
//!
//! Nothing belongs to an account in MariaDB, so being in step is having the same rows: for every host of the base a row of
//! the partner, with the same rights, roles, limits and requirements, and with none of its own.
//!
//! Nothing here is in a transaction: every statement counts at once. So whatever part of a plan was carried out must do no
//! harm, and planning again gives the rest. A row is made locked and is opened by the password, which comes last.
//!
//! `seen` says what the server shows, `rules` whether to go on, `plan` what to change; nothing is decided anywhere else.

mod grants;
mod hosts;
mod others;
mod plan;
mod power;
mod rules;
mod seen;
mod session;
mod statements;

use plan::plan;
use seen::{Account, Seen};

pub(super) use statements::is_unopened;

#[cfg(test)]
mod tests;
