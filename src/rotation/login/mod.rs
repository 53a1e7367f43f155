//! A login to a database: what setSecret does to its server, who may do it, whose turn it is, and how a password ends.

pub(super) mod administrator;
pub(super) mod apply;
pub(super) mod beside;
pub(super) mod change;
pub(super) mod ending;
pub(super) mod logins;
pub(super) mod prove;
pub(super) mod set_secret;
pub(super) mod turn;
pub(super) mod writer;
