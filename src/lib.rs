//! keyroll: rotate a secret, roll every service that uses it, fail no login on the way.
//!
//! A Lambda function that AWS Secrets Manager calls to rotate a secret. Each step is a function of what was seen: it
//! *observes* (reads), *plans* (pure functions to printable data) and *applies* (writes). What a step does with a version
//! of a secret is one table, in [`stages`]; what a failed login permits is another, in [`probe`]; which services need a
//! new deployment is a third, in [`dependents`]. None of the three does any I/O.
//!
//! | place | owns |
//! |---|---|
//! | [`handler`], [`report`], [`log`] | an event in, a report or an error out, a line in the log |
//! | [`event`], [`settings`], [`copies`], [`config`] | what comes from outside, parsed once into types |
//! | [`stages`] | staging labels and what they say: the state machine |
//! | `rotation` | the four steps, and the order of the writes; ending a credential before its time |
//! | `operator` | what may be asked for outside of a rotation: Status, DryRun, Redeploy, Reconcile, Retire, Revoke |
//! | `overlap` | until when the credential before the current one goes on working |
//! | `run`, `memory` | what work on one secret needs; what the process remembers |
//! | [`plan`], `apply` | what a step will do, as data; doing it |
//! | [`secret`] | what a secret's value looks like, and the password policy |
//! | [`kind`], `admin` | one place per kind of secret: its rules and its I/O; the administrator who may change it |
//! | [`kind::keys`] | what no server holds: signing secrets, key rings, signing keys and tokens |
//! | `topology` | which addresses belong to one database system, by what RDS shows |
//! | [`dependents`] | ECS services: which depend on a secret, which need a deployment, verdicts |
//! | `rollout` | finding them, and the round in which they are redeployed |
//! | `aws`, [`clock`] | the only place that names SDK types; the only one that reads the time |
//! | [`error`] | `Refused…` and `Failed…`, each with cause and remedy |

mod admin;
mod apply;
mod aws;
pub mod clock;
pub mod config;
pub mod copies;
pub mod dependents;
pub mod error;
pub mod event;
pub mod handler;
pub mod kind;
pub mod log;
mod memory;
mod operator;
mod overlap;
pub mod plan;
pub mod probe;
pub mod report;
mod rollout;
mod rotation;
mod run;
pub mod secret;
pub mod settings;
pub mod stages;
mod topology;

pub use aws::Clients;
pub use config::{Config, Env};
pub use handler::{Answer, App};
