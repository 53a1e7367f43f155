//! What clients met while a secret rotated.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::told::told;

/// Who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Reads AWSCURRENT and logs in at once.
    Fresh,
    /// Keeps what it read for 300 ms.
    Caching,
    /// Keeps what it began with until a deployment of its service has replaced it.
    Task,
}

/// All of them.
pub const CLIENTS: [Client; 3] = [Client::Fresh, Client::Caching, Client::Task];

/// More than anybody needs who only looks whether it works.
pub const ENOUGH: usize = 30;

/// One login. Times are since 1970.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub client: Client,
    /// The version whose value it was made with, which was AWSCURRENT when it was read.
    pub version: String,
    pub read: Duration,
    pub begun: Duration,
    pub answered: Duration,
    /// Why the login failed.
    pub refused: Option<String>,
}

/// One rotation.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The version that was AWSCURRENT before, and the one that is.
    pub replaced: String,
    pub version: String,
    /// When setSecret was called and answered.
    pub set: (Duration, Duration),
    /// When AWSCURRENT moved.
    pub moved: Duration,
}

/// Where in a rotation a login was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    BeforeSetSecret,
    DuringSetSecret,
    BeforeTheMove,
    AfterTheMove,
}

/// The failed logins of a client in one rotation.
#[derive(Clone, Debug)]
pub struct Window {
    /// How many failed, by where in the rotation and by the label that their version had by then.
    pub failed: BTreeMap<(When, &'static str), usize>,
    /// From the first to the last, each when it was answered.
    pub lasted: Duration,
}

/// All logins and all rotations, in their order.
pub struct Seen {
    pub turns: Vec<Turn>,
    pub attempts: Vec<Attempt>,
}

impl Turn {
    /// Where in this rotation a login was answered.
    pub fn when(&self, attempt: &Attempt) -> When {
        match attempt.answered {
            at if at < self.set.0 => When::BeforeSetSecret,
            at if at < self.set.1 => When::DuringSetSecret,
            at if at < self.moved => When::BeforeTheMove,
            _ => When::AfterTheMove,
        }
    }

    /// The label of a login's version when it was answered.
    fn label(&self, attempt: &Attempt) -> &'static str {
        let moved = attempt.answered >= self.moved;
        match (attempt.version == self.version, attempt.version == self.replaced) {
            (true, _) => "AWSCURRENT",
            (_, true) if moved => "AWSPREVIOUS",
            (_, true) => "AWSCURRENT",
            _ => "without a label",
        }
    }
}

impl Seen {
    /// How many logins a client made.
    pub fn logins(&self, client: Client) -> usize {
        self.attempts.iter().filter(|attempt| attempt.client == client).count()
    }

    /// The logins that failed, whosever.
    pub fn failures(&self) -> Vec<&Attempt> {
        self.attempts.iter().filter(|attempt| attempt.refused.is_some()).collect()
    }

    /// The logins of a client that failed.
    pub fn failures_of(&self, client: Client) -> Vec<&Attempt> {
        self.failures().into_iter().filter(|attempt| attempt.client == client).collect()
    }

    /// The failed logins of a client by rotation; none where none failed. What fails before the first counts to it.
    pub fn windows(&self, client: Client) -> Vec<Option<Window>> {
        let failures = self.failures_of(client);
        let turn = |attempt: &Attempt| self.turns.iter().rposition(|turn| turn.set.0 <= attempt.answered).unwrap_or(0);
        let of = |number: usize| failures.iter().copied().filter(move |attempt| turn(attempt) == number);
        self.turns.iter().enumerate().map(|(number, it)| window(it, &of(number).collect::<Vec<_>>())).collect()
    }

    /// Shows what each client met.
    pub fn tell(&self) {
        for client in CLIENTS {
            let (logins, failed) = (self.logins(client), self.failures_of(client).len());
            told(&format!("{client:?}: {logins} logins, {failed} failed"));
            for (number, window) in self.windows(client).iter().enumerate() {
                if let Some(Window { failed, lasted }) = window {
                    let sum: usize = failed.values().sum();
                    told(&format!("  rotation {}: {sum} within {} ms: {failed:?}", number + 1, lasted.as_millis()));
                }
            }
        }
    }
}

fn window(turn: &Turn, failures: &[&Attempt]) -> Option<Window> {
    let first = failures.iter().map(|attempt| attempt.answered).min()?;
    let last = failures.iter().map(|attempt| attempt.answered).max()?;
    let mut failed = BTreeMap::new();
    for attempt in failures {
        *failed.entry((turn.when(attempt), turn.label(attempt))).or_insert(0) += 1;
    }
    Some(Window { failed, lasted: last.checked_sub(first)? })
}

/// That nobody failed shows nothing unless somebody tried: in each rotation, values were used after another had replaced
/// them, and logins were made while setSecret was at work.
pub fn assert_the_old_value_was_used_to_the_end(seen: &Seen) {
    for (number, turn) in seen.turns.iter().enumerate() {
        let late = |client: Client| {
            let of = seen.attempts.iter().filter(|it| it.client == client && it.version == turn.replaced);
            of.filter(|it| turn.when(it) == When::AfterTheMove).count()
        };
        let during = seen.attempts.iter().filter(|it| turn.when(it) == When::DuringSetSecret).count();
        let [caching, tasks] = [Client::Caching, Client::Task].map(late);
        told(&format!(
            "rotation {}: {during} logins during setSecret; with the value before, after the move: {caching} by the caching \
             reader, {tasks} by tasks",
            number + 1
        ));
        assert!(during > 0 && tasks > 0, "nobody was watched");
    }
}
