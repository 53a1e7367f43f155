//! The stage: everything keyroll meets in production, on loopback and in temporary directories.

pub mod aws;
pub mod driver;
mod guard;
pub mod lambda;
pub mod mariadb;
pub mod ministack;
mod mutex;
pub mod postgres;
pub mod readers;
pub mod signed;
pub mod soak;
pub mod tls;
