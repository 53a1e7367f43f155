//! What the server's logs tell.

use super::replica::REPLICA_USER;
use super::{Logins, MariaDb};

/// A place in the logs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    logs: [usize; LOGS.len()],
    pub(super) binlog: usize,
}

/// The general log first: what it was told. Then what it complains of, and what took time, which is everything here.
const LOGS: [&str; 3] = ["general.log", "server.log", "slow.log"];

impl MariaDb {
    /// The end of the logs as they are now.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let binlog = self.binlogs().iter().map(Vec::len).sum();
        Mark { logs: LOGS.map(|name| self.bytes(name).len()), binlog }
    }

    /// Everything that the server wrote as text from `mark` on: general log, error log, slow log.
    #[must_use]
    pub fn log_since(&self, mark: Mark) -> String {
        LOGS.iter().zip(mark.logs).map(|(name, from)| self.text(name, from)).collect()
    }

    /// The general log from `mark` on: logins, and every statement as it was sent, in order.
    #[must_use]
    pub fn general_log_since(&self, mark: Mark) -> String {
        self.text(LOGS[0], mark.logs[0])
    }

    /// The whole error log.
    #[must_use]
    pub fn error_log(&self) -> String {
        self.text(LOGS[1], 0)
    }

    /// The logins since `mark`, those of [`MariaDb::try_login`] among them and those of the stage left out.
    ///
    /// A login that is refused for a reason other than the password, as by a locked account, counts as accepted.
    #[must_use]
    pub fn logins_since(&self, mark: Mark) -> Logins {
        logins(&self.general_log_since(mark))
    }

    fn text(&self, name: &str, from: usize) -> String {
        String::from_utf8_lossy(self.bytes(name).get(from..).unwrap_or_default()).into_owned()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.directory().join(name)).unwrap_or_default()
    }
}

fn logins(log: &str) -> Logins {
    // Each login with the connection's number. A refusal is a second record of the same connection.
    let mut all: Vec<(&str, &str, bool)> = Vec::new();
    for (connection, argument) in records(log).into_iter().filter_map(connect) {
        if argument.starts_with("Access denied for user '") {
            if let Some(login) = all.iter_mut().rev().find(|login| login.0 == connection) {
                login.2 = false;
            }
        } else if let Some(user) = user(argument) {
            all.push((connection, user, true));
        }
    }
    let mut found = Logins::default();
    for (_, user, accepted) in all {
        if accepted { &mut found.accepted } else { &mut found.failed }.push(user.to_owned());
    }
    found
}

/// The account's name in `name@host on database using transport`, unless the stage itself came.
fn user(argument: &str) -> Option<&str> {
    // A name may hold anything, ` on ` and `@` too: the last ones are the server's.
    let (rest, transport) = argument.rsplit_once(" using ")?;
    let user = rest.rsplit_once(" on ")?.0.rsplit_once('@')?.0;
    (transport.trim_end_matches('\n') != "Socket" && user != REPLICA_USER).then_some(user)
}

/// A record's connection and what it says, if it is one of a login.
fn connect(record: &str) -> Option<(&str, &str)> {
    let (connection, argument) = header(record)?;
    Some((connection, argument.strip_prefix("Connect\t")?))
}

/// Splits the log into records: each begins with a time or its lack, a connection and a command.
fn records(log: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = std::iter::once(0).chain(log.match_indices('\n').map(|(at, _)| at + 1)).collect();
    starts.retain(|at| header(&log[*at..]).is_some());
    starts.push(log.len());
    starts.windows(2).map(|pair| &log[pair[0]..pair[1]]).collect()
}

/// The connection of a record, and the rest from the command on.
fn header(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix('\t').or_else(|| {
        let time = line.get(..15)?;
        let is_time = time.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ' || byte == b':');
        is_time.then(|| &line[15..])
    })?;
    let rest = rest.strip_prefix('\t')?.trim_start_matches(' ');
    let (connection, rest) = rest.split_once(' ')?;
    (!connection.is_empty() && connection.bytes().all(|byte| byte.is_ascii_digit())).then_some((connection, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_counted_by_account_and_the_stages_own_are_left_out() {
        let log = "\
261122 10:08:46\t     5 Connect\troot@localhost on  using Socket\n\
\t\t     6 Connect\tapp@localhost on shop using SSL/TLS\n\
\t\t     7 Connect\ttwo\nlines@127.0.0.1 on  using TCP/IP\n\
261122  1:08:47\t     8 Connect\ta on b@c@localhost on  using TCP/IP\n\
\t\t     7 Connect\tAccess denied for user 'two\nlines'@'127.0.0.1' (using password: YES)\n\
\t\t     8 Quit\t\n\
\t\t     6 Query\tselect '\nConnect\tx@localhost on  using TCP/IP'\n\
\t\t    12 Connect\tapp@localhost on nope using TCP/IP\n\
\t\t    12 Init DB\tAccess denied for user 'app'@'%' to database 'nope'\n";
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let expected = Logins { accepted: named(&["app", "a on b@c", "app"]), failed: named(&["two\nlines"]) };
        assert_eq!(logins(log), expected);
        assert_eq!(logins(""), Logins::default());
    }
}
