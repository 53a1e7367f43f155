//! An account as `SHOW CREATE USER` prints it.

use super::tokens::Tokens;
use crate::secret::Sensitive;

/// The plugin whose hashes a server prints as `IDENTIFIED BY PASSWORD`.
pub(super) const NATIVE: &str = "mysql_native_password";

/// One row of the table of accounts: a user as seen from some hosts.
#[derive(Clone)]
pub(super) struct Definition {
    pub(super) user: String,
    /// A pattern.
    pub(super) host: String,
    /// The ways to log in, in the order in which they are tried. None means [`NATIVE`] (or its predecessor) with no
    /// password at all.
    pub(super) rules: Vec<Rule>,
    pub(super) require: Require,
    pub(super) limits: Limits,
    pub(super) locked: bool,
    /// Whether the password has been declared expired; setting one ends that.
    pub(super) expired: bool,
    pub(super) expiry: Expiry,
}

/// A way to log in.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) plugin: String,
    /// What the plugin checks against: for a password, its hash.
    pub(super) text: Option<Sensitive>,
}

/// What TLS must have been like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Require {
    /// Anything, also none.
    #[default]
    None,
    /// TLS.
    Ssl,
    /// TLS with a client's certificate.
    X509,
    /// TLS with these.
    These {
        /// The issuer of the client's certificate.
        issuer: Option<String>,
        /// Whose certificate it is.
        subject: Option<String>,
        /// The cipher.
        cipher: Option<String>,
    },
}

/// Limits of an account; 0 is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) queries_per_hour: u64,
    pub(super) updates_per_hour: u64,
    pub(super) connections_per_hour: u64,
    /// -1: no connections at all, but for those with CONNECTION ADMIN.
    pub(super) user_connections: i64,
    /// Seconds, as the server prints them, with six decimals.
    pub(super) statement_time: String,
}

/// When a password expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// When the server's `default_password_lifetime` says.
    Default,
    /// Never.
    Never,
    /// So many days after it was set.
    Days(u32),
}

impl Default for Limits {
    fn default() -> Self {
        let statement_time = "0.000000".to_owned();
        Self { queries_per_hour: 0, updates_per_hour: 0, connections_per_hour: 0, user_connections: 0, statement_time }
    }
}

impl Definition {
    /// Reads the rows of `SHOW CREATE USER`: one, and another where a password has expired that has an expiry of its own.
    /// Nothing where they have anything that is not known here.
    pub(super) fn of<'a>(rows: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut rows = rows.into_iter();
        let mut definition = Self::parse(rows.next()?)?;
        if let Some(row) = rows.next() {
            let mut tokens = Tokens::of(row)?;
            let same = tokens.takes("ALTER USER")
                && tokens.name()? == definition.user
                && tokens.takes_mark('@')
                && tokens.name()? == definition.host;
            let (expired, expiry) = expiry(&mut tokens)?;
            if !same || expired || !definition.expired || !tokens.at_end() {
                return None;
            }
            definition.expiry = expiry;
        }
        rows.next().is_none().then_some(definition)
    }

    /// Reads a first row.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut tokens = Tokens::of(line)?;
        if !tokens.takes("CREATE USER") {
            return None;
        }
        let user = tokens.name()?;
        let host = if tokens.takes_mark('@') { tokens.name()? } else { return None };
        let Parameters { rules, require, limits, grant_option } = parameters(&mut tokens)?;
        let locked = tokens.takes("ACCOUNT LOCK");
        let (expired, expiry) = expiry(&mut tokens)?;
        let whole = tokens.at_end() && !grant_option;
        whole.then_some(Self { user, host, rules, require, limits, locked, expired, expiry })
    }
}

/// How one logs in, over which TLS and how often.
pub(super) struct Parameters {
    pub(super) rules: Vec<Rule>,
    pub(super) require: Require,
    pub(super) limits: Limits,
    /// `SHOW GRANTS` puts it before the limits.
    pub(super) grant_option: bool,
}

/// Reads what `SHOW CREATE USER` and `SHOW GRANTS` have in common.
pub(super) fn parameters(tokens: &mut Tokens) -> Option<Parameters> {
    let (rules, require) = (rules(tokens)?, require(tokens)?);
    let (limits, grant_option) = limits(tokens)?;
    Some(Parameters { rules, require, limits, grant_option })
}

fn rules(tokens: &mut Tokens) -> Option<Vec<Rule>> {
    if tokens.takes("IDENTIFIED BY PASSWORD") {
        let text = tokens.text()?;
        // The server does not say which of the two it is; the older one has sixteen digits.
        let old = text.expose().len() == 16;
        let plugin = if old { "mysql_old_password" } else { NATIVE };
        return Some(vec![Rule { plugin: plugin.to_owned(), text: Some(text) }]);
    }
    let mut rules = Vec::new();
    if tokens.takes("IDENTIFIED VIA") {
        loop {
            let plugin = tokens.name()?;
            let text = if tokens.takes("USING") { Some(tokens.text()?) } else { None };
            rules.push(Rule { plugin, text });
            if !tokens.takes("OR") {
                break;
            }
        }
    }
    Some(rules)
}

fn require(tokens: &mut Tokens) -> Option<Require> {
    if !tokens.takes("REQUIRE") {
        return Some(Require::None);
    }
    if tokens.takes("SSL") {
        return Some(Require::Ssl);
    }
    if tokens.takes("X509") {
        return Some(Require::X509);
    }
    let mut part = |word: &str| -> Option<Option<String>> {
        Some(if tokens.takes(word) { Some(tokens.text()?.expose().to_owned()) } else { None })
    };
    let (issuer, subject, cipher) = (part("ISSUER")?, part("SUBJECT")?, part("CIPHER")?);
    let some = issuer.is_some() || subject.is_some() || cipher.is_some();
    some.then_some(Require::These { issuer, subject, cipher })
}

fn limits(tokens: &mut Tokens) -> Option<(Limits, bool)> {
    let mut limits = Limits::default();
    if !tokens.takes("WITH") {
        return Some((limits, false));
    }
    let grant_option = tokens.takes("GRANT OPTION");
    let mut some = grant_option;
    loop {
        if tokens.takes("MAX_QUERIES_PER_HOUR") {
            limits.queries_per_hour = tokens.number()?;
        } else if tokens.takes("MAX_UPDATES_PER_HOUR") {
            limits.updates_per_hour = tokens.number()?;
        } else if tokens.takes("MAX_CONNECTIONS_PER_HOUR") {
            limits.connections_per_hour = tokens.number()?;
        } else if tokens.takes("MAX_USER_CONNECTIONS") {
            limits.user_connections = tokens.number()?;
        } else if tokens.takes("MAX_STATEMENT_TIME") {
            let time = tokens.word()?;
            time.parse::<f64>().ok()?;
            limits.statement_time = time;
        } else {
            return some.then_some((limits, grant_option));
        }
        some = true;
    }
}

/// Whether a password has expired, and the policy.
fn expiry(tokens: &mut Tokens) -> Option<(bool, Expiry)> {
    if !tokens.takes("PASSWORD EXPIRE") {
        return Some((false, Expiry::Default));
    }
    if tokens.takes("NEVER") {
        return Some((false, Expiry::Never));
    }
    if tokens.takes("INTERVAL") {
        let days = tokens.number()?;
        return tokens.takes("DAY").then_some((false, Expiry::Days(days)));
    }
    Some((true, Expiry::Default))
}

#[cfg(test)]
mod tests;
