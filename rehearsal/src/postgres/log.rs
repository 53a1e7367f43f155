//! What the server's log tells.

use super::Postgres;

/// A place in the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark(usize);

/// Logins by password, in order, by the name of the role. The superuser's own, over the socket, are left out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Logins {
    /// Logins that the server let in.
    pub accepted: Vec<String>,
    /// Logins that it turned away.
    pub failed: Vec<String>,
}

impl Postgres {
    /// The whole log.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.directory().join("server.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The end of the log as it is now.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(self.log().len())
    }

    /// The log from `mark` on.
    #[must_use]
    pub fn log_since(&self, mark: Mark) -> String {
        self.log().get(mark.0..).unwrap_or_default().to_owned()
    }

    /// The logins since `mark`, those of [`Postgres::try_login`] among them.
    #[must_use]
    pub fn logins_since(&self, mark: Mark) -> Logins {
        logins(&self.log_since(mark))
    }
}

fn logins(log: &str) -> Logins {
    let mut found = Logins::default();
    for record in records(log) {
        if let Some(rest) = message(record, "LOG:  connection authorized: user=") {
            // A role may be called anything, ` database=` too: the last one is the server's.
            let user = rest.rsplit_once(" database=").map_or(rest, |(user, _)| user);
            if user != "postgres" {
                found.accepted.push(user.replace("\n\t", "\n"));
            }
        } else if let Some(rest) = message(record, "FATAL:  password authentication failed for user \"") {
            found.failed.push(rest.strip_suffix('"').unwrap_or(rest).replace("\n\t", "\n"));
        }
    }
    found
}

/// Splits the log into records: the lines of a record after its first begin with a tab.
fn records(log: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = std::iter::once(0).chain(log.match_indices('\n').map(|(at, _)| at + 1)).collect();
    starts.retain(|at| !log[*at..].starts_with('\t'));
    starts.push(log.len());
    starts.windows(2).map(|pair| &log[pair[0]..pair[1]]).collect()
}

fn message<'a>(record: &'a str, beginning: &str) -> Option<&'a str> {
    // After the prefix `time [pid] `, whose only bracket is that of the process id.
    record.split_once("] ")?.1.strip_prefix(beginning).map(|rest| rest.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_counted_by_role_and_the_superusers_are_left_out() {
        let log = "\
2026-01-01 00:00:00.000 UTC [7] LOG:  connection received: host=127.0.0.1 port=1\n\
2026-01-01 00:00:00.000 UTC [7] LOG:  connection authorized: user=app database=shop SSL enabled\n\
2026-01-01 00:00:00.000 UTC [8] LOG:  connection authorized: user=postgres database=postgres\n\
2026-01-01 00:00:00.000 UTC [9] FATAL:  password authentication failed for user \"two\n\
\tlines\"\n\
2026-01-01 00:00:00.000 UTC [9] DETAIL:  Connection matched pg_hba.conf line 5\n\
2026-01-01 00:00:00.000 UTC [9] LOG:  statement: select 'LOG:  connection authorized: user=x database=y'\n";
        let expected = Logins { accepted: vec!["app".to_owned()], failed: vec!["two\nlines".to_owned()] };
        assert_eq!(logins(log), expected);
        assert_eq!(logins(""), Logins::default());
    }
}
