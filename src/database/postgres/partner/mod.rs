//! The partner of an account: a second role with the same rights, brought in step with the first on every rotation.
//!
//! AWS's function makes a role and grants it the first one, and that is all: what the partner creates belongs to it and is
//! out of the first one's reach after the next rotation, policies on `current_user` hide its rows, and settings, limits and
//! attributes stay behind. Here the partner *acts as* the base (`ALTER ROLE partner SET role = base`), so that there is one
//! owner; and what a role cannot inherit is compared and copied.
//!
//! `seen` says what the server shows, `rules` whether to go on, `plan` what to change; nothing is decided anywhere else.

mod owned;
mod plan;
mod releases;
mod rules;
mod seen;
mod session;
mod statements;

use plan::plan;
use seen::Seen;

#[cfg(test)]
mod tests;
