//! The built `bootstrap`, driven as Lambda and Secrets Manager drive it: real events over the Runtime API, the real SDK
//! against a faithful Secrets Manager and ECS, a real PostgreSQL or MariaDB with TLS and every statement logged.
//!
//! Whatever a test is about, its stage fails it if a secret value shows up in the function's output, in an answer or in the
//! server's log.
#![expect(clippy::disallowed_methods, reason = "tests have a clock and an environment")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test, what must not happen ends the test")]
#![expect(unreachable_pub, reason = "modules of one test program")]

mod administrator;
mod alternating;
mod alternating_crashes;
mod alternating_statements;
mod budgets;
mod clusters;
mod crashes;
mod deputies;
mod discovery;
mod drivers;
mod dry_run;
mod dry_run_halfway;
mod dry_run_pair;
mod events;
mod foretold;
mod gaps;
mod good_path;
mod guards;
mod hazards;
mod lag;
mod leftovers;
mod lock_outs;
mod maria_alone;
mod maria_alternating;
mod maria_budgets;
mod maria_clients;
mod maria_crashes;
mod maria_deputies;
mod maria_ends;
mod maria_guessed;
mod maria_locked_out;
mod maria_locks;
mod maria_logs;
mod maria_names;
mod maria_overlap;
mod maria_overlap_foreign;
mod maria_overlap_heals;
mod maria_overlap_repeats;
mod maria_pair_aws;
mod maria_pair_budgets;
mod maria_pair_deputies;
mod maria_pair_ends;
mod maria_pair_hosts;
mod maria_pair_kept;
mod maria_pair_recipe;
mod maria_pair_rights;
mod maria_quoted;
mod maria_replicas;
mod maria_revoke_crashes;
mod maria_rows;
mod maria_sequences;
mod maria_statements;
mod maria_statements_pair;
mod maria_validators;
mod min_age;
mod mismatched;
mod operators;
mod overlaps;
mod parity;
mod partner_kept;
mod partner_names;
mod partner_owned;
mod partner_rights;
mod partner_roles;
mod partner_settings;
mod pooler;
mod preflight;
mod quoting;
mod recipe;
mod reconcile;
mod reconcile_many;
mod refusals;
mod repeats;
mod replicas;
mod retire;
mod revoke;
mod revoke_crashes;
mod revoke_races;
mod rollbacks;
mod search;
mod sequences;
mod services;
mod side_by_side;
mod statements;
mod status;
mod status_left;
mod unreachable;
