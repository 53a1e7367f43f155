//! What an account asks of a login, and how much it lets it do.

use super::Planner;
use crate::database::mariadb::definition::{Definition, Expiry, Limits, Require};
use crate::database::mariadb::partner::statements::{self, Alteration};

impl Planner<'_> {
    /// Requirements, limits and expiry.
    pub(super) fn definition(&mut self, base: &Definition, partner: &Definition) {
        let mut wanted = Alteration::default();
        if base.require != partner.require {
            if self.in_use && !asks_less(&base.require, &partner.require) {
                self.later.push(statements::require(&base.require).trim().to_owned());
            } else {
                wanted.require = Some(&base.require);
            }
        }
        let limits = if self.in_use { widened(&base.limits, &partner.limits) } else { base.limits.clone() };
        if limits != base.limits {
            self.later.push(format!("limits{}", statements::limits(&base.limits)));
        }
        if limits != partner.limits {
            wanted.limits = Some(&limits);
        }
        if base.expiry != partner.expiry {
            if self.in_use && base.expiry != Expiry::Never {
                self.later.push(statements::expiry(base.expiry).trim().to_owned());
            } else {
                wanted.expiry = Some(base.expiry);
            }
        }
        if wanted == Alteration::default() {
            return;
        }
        let statement = statements::alter(self.partner, &base.host, wanted);
        let what = statement.trim_start_matches("ALTER USER ").to_owned();
        self.change(what, statement);
    }
}

/// Whether every login that the second lets in is let in by the first.
fn asks_less(one: &Require, other: &Require) -> bool {
    match (one, other) {
        (Require::None, _) | (Require::X509, Require::These { .. }) => true,
        (Require::Ssl, other) => *other != Require::None,
        (one, other) => one == other,
    }
}

/// The limits of the base where they are wider, and the partner's own where not.
fn widened(base: &Limits, partner: &Limits) -> Limits {
    fn wider<T: PartialOrd + Copy>(base: T, partner: T, none: T) -> T {
        if base == none || (partner != none && base > partner) { base } else { partner }
    }
    let seconds = |limits: &Limits| limits.statement_time.parse::<f64>().unwrap_or_default();
    let longer = wider(seconds(base), seconds(partner), 0.0).total_cmp(&seconds(base)).is_eq();
    Limits {
        queries_per_hour: wider(base.queries_per_hour, partner.queries_per_hour, 0),
        updates_per_hour: wider(base.updates_per_hour, partner.updates_per_hour, 0),
        connections_per_hour: wider(base.connections_per_hour, partner.connections_per_hour, 0),
        user_connections: wider(base.user_connections, partner.user_connections, 0),
        statement_time: if longer { base.statement_time.clone() } else { partner.statement_time.clone() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_widened_one_by_one() {
        let limits = |queries_per_hour, user_connections, time: &str| Limits {
            queries_per_hour,
            user_connections,
            statement_time: time.to_owned(),
            ..Limits::default()
        };
        for (base, partner, expected) in [
            (limits(0, 5, "1.500000"), limits(7, 3, "0.000000"), limits(0, 5, "0.000000")),
            (limits(7, 3, "0.000000"), limits(0, 5, "1.500000"), limits(0, 5, "0.000000")),
            (limits(9, 3, "2.500000"), limits(9, -1, "1.500000"), limits(9, 3, "2.500000")),
        ] {
            assert_eq!(widened(&base, &partner), expected);
        }
    }

    #[test]
    fn less_is_asked_where_everybody_still_gets_in() {
        let these = |cipher: &str| Require::These { issuer: None, subject: None, cipher: Some(cipher.to_owned()) };
        for (one, other, expected) in [
            (Require::None, Require::X509, true),
            (Require::Ssl, these("a"), true),
            (Require::Ssl, Require::None, false),
            (Require::X509, these("a"), true),
            (Require::X509, Require::Ssl, false),
            (these("a"), these("b"), false),
            (these("a"), Require::X509, false),
        ] {
            assert_eq!(asks_less(&one, &other), expected, "{one:?} {other:?}");
        }
    }
}
