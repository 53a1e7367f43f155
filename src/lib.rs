//! keyroll: rotate a secret, roll every service that uses it, fail no login on the way.
//!
//! A Lambda function that AWS Secrets Manager calls to rotate a secret. Each step *observes* (reads), *plans* (pure functions
//! to printable data) and *applies* (writes). What a step does with a version of a secret is one table, in
//! [`secret::stages`]; what a failed login permits is another, in [`database::probe`]; which services need a new deployment
//! is a third, in [`dependents`]. None of the three does any I/O.
//!
//! The rooms stand on floors, from the top down. A room imports only what is below it; `tests/package/floors.rs` holds the
//! code to that.
//!
//! | room | owns |
//! |---|---|
//! | [`handler`] | one invocation: an event in, a report or an error out |
//! | `operator` | what an operator or the schedule asks for outside of a rotation: one file per action |
//! | `rotation` | the four steps and the order of the writes; `login` and `keys`: what they do for each of the two |
//! | `rollout` | finding the services that use a secret, and redeploying them once AWSCURRENT has moved |
//! | [`database`] | PostgreSQL and MariaDB: protocol, statements, errors. It knows no rotation |
//! | `copies` | places outside Secrets Manager that hold something of a secret |
//! | [`context`] | what one invocation works with: configuration, clients, clock, memory, randomness, log |
//! | `aws` | the only room that names types of the AWS SDK |
//! | [`dependents`] | ECS services: which depend on a secret, and which need a deployment. Pure |
//! | [`jose`] | signing secrets, key rings, signing keys: PEM, JWK, key generation. Pure |
//! | [`plan`] | what a step will do, as data |
//! | [`config`] | what operators set: environment variables of the function, tags on a secret |
//! | [`api`] | what comes in and goes out: events, and what answers them |
//! | [`secret`] | a secret: its name, the labels of its versions, its value, the password policy |
//! | [`timestamp`] | a point in time, and how it is written |
//! | [`error`] | `Refused…` and `Failed…`, each with cause and remedy |
//!
//! `dependents` and `jose` stand below `aws` and `context` because they are pure: `aws` answers in their types, and
//! `context` remembers them.

pub mod api;
pub mod arn;
mod aws;
pub mod config;
pub mod context;
mod copies;
pub mod database;
pub mod dependents;
pub mod error;
pub mod handler;
pub mod jose;
mod operator;
pub mod plan;
mod rollout;
mod rotation;
pub mod secret;
pub mod timestamp;

pub use aws::Clients;
pub use config::{Config, Env};
pub use context::App;
