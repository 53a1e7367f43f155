//! A service of three tasks that sign tokens and verify each other's, in three languages: a task keeps what ECS injected when
//! it started. And the time that a token lives, which is the model's: nobody waits for an hour.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use rehearsal::aws::{Content, Secret, WeakAws};
use rehearsal::readers::{Language, Maker, Reader};
use serde_json::{Value, json};

use crate::stage::Stage;
use crate::verifiers::Verifiers;

/// How many tokens of one task's language and one version are kept: the first, the last and one in between.
const KEPT: usize = 3;

/// How far a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Until AWSCURRENT moves.
    Rotating,
    /// From then on until the last task has been replaced.
    Deploying,
    /// Until the next rotation.
    Settled,
}

/// What came of presenting tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub accepted: usize,
    pub refused: usize,
    /// How long after the last publication one was refused.
    pub longest: Duration,
    why: String,
}

/// What came of presenting tokens: by the phase, and by how many rotations the token's version is ahead of the version of
/// whom it was presented to.
pub type Seen = BTreeMap<(Phase, i64), Tally>;

/// The service.
pub struct Fleet {
    aws: WeakAws,
    arn: String,
    /// Whether the task definition takes AWSPREVIOUS beside AWSCURRENT.
    beside: bool,
    lifetime: Duration,
    pub clock: Duration,
    pub phase: Phase,
    tasks: [Task; 3],
    /// Which task ends next by itself.
    next: usize,
    /// What was ever current, in order.
    versions: Vec<String>,
    tokens: Vec<Token>,
    maker: Maker,
    /// Others, who hold no secret.
    pub verifiers: Option<Verifiers>,
    pub seen: Seen,
}

struct Task {
    reader: Reader,
    version: usize,
    current: String,
    previous: Option<String>,
}

struct Token {
    text: String,
    claims: Value,
    version: usize,
    language: Language,
    issued: Duration,
}

impl Fleet {
    /// Starts the tasks, with AWSPREVIOUS beside AWSCURRENT or without.
    pub fn start(stage: &Stage, beside: bool, lifetime: Duration) -> Self {
        let task =
            |language| Task { reader: Reader::start(language), version: 0, current: String::new(), previous: None };
        let mut fleet = Self {
            aws: stage.aws.downgrade(),
            arn: stage.arn.clone(),
            beside,
            lifetime,
            clock: Duration::ZERO,
            phase: Phase::Settled,
            tasks: Language::ALL.map(task),
            next: 0,
            versions: Vec::new(),
            tokens: Vec::new(),
            maker: Maker::start(),
            verifiers: None,
            seen: Seen::new(),
        };
        for number in 0..3 {
            fleet.replace(number);
        }
        fleet
    }

    /// A task ends and another one takes its place, with the values of this moment. It signs at once.
    pub fn replace(&mut self, number: usize) {
        let secret = self.secret();
        let current = secret.holder("AWSCURRENT").unwrap().to_owned();
        let version = self.versions.iter().position(|version| *version == current).unwrap_or_else(|| {
            self.versions.push(current.clone());
            self.versions.len() - 1
        });
        let previous = self.beside.then(|| {
            let previous = secret.holder("AWSPREVIOUS");
            // Without such a version ECS starts no task.
            text(&secret, previous.unwrap())
        });
        let task = &mut self.tasks[number];
        (task.version, task.current, task.previous) = (version, text(&secret, &current), previous);
        self.issue(number);
    }

    /// Something happens: every task signs a token and is shown all that are valid. Before AWSCURRENT moves, one of them
    /// starts anew.
    pub fn happen(&mut self) {
        if self.phase == Phase::Rotating {
            self.replace_next();
        }
        self.present();
    }

    /// AWSCURRENT has moved, and a task starts right then.
    pub fn moved(&mut self) {
        self.phase = Phase::Deploying;
        self.replace_next();
        self.present();
    }

    /// The task that has ended by itself last.
    pub fn latest(&self) -> usize {
        (self.next + 2) % 3
    }

    fn replace_next(&mut self) {
        self.replace(self.next);
        self.next = (self.next + 1) % 3;
    }

    /// Shows every valid token to every task, and to those who only verify.
    pub fn present(&mut self) {
        for number in 0..3 {
            self.issue(number);
        }
        let (clock, lifetime) = (self.clock, self.lifetime);
        self.tokens.retain(|token| clock < token.issued + lifetime);
        for token in &self.tokens {
            for task in self.tasks.iter().filter(|task| !is_document(&task.current)) {
                let verdict = task.verify(&token.text);
                note(&mut self.seen, (self.phase, ahead(token.version, task.version)), token, verdict, Duration::ZERO);
            }
        }
        let Some(verifiers) = &mut self.verifiers else { return };
        for token in &self.tokens {
            for (version, since, verdict) in verifiers.verify(clock, &token.text) {
                note(&mut verifiers.seen, (self.phase, ahead(token.version, version)), token, verdict, since);
            }
        }
    }

    /// How many tokens are valid that a version signed which is so many behind the newest one.
    pub fn valid(&self, behind: usize) -> usize {
        let signed = |token: &&Token| token.version + 1 + behind == self.versions.len();
        self.tokens.iter().filter(|token| self.clock < token.issued + self.lifetime).filter(signed).count()
    }

    fn issue(&mut self, number: usize) {
        let task = &self.tasks[number];
        let (version, language) = (task.version, task.reader.language());
        let claims = json!({ "sub": self.versions[version], "exp": in_ten_minutes() });
        let text = if is_document(&task.current) {
            let document: Value = serde_json::from_str(&task.current).unwrap();
            let header = json!({ "alg": document["alg"], "kid": document["key_id"], "typ": "JWT" });
            self.maker.token(&header, &claims, &document["private_key"])
        } else {
            task.reader.sign(&task.current, &claims)
        };
        let alike = |(_, token): &(usize, &Token)| token.version == version && token.language == language;
        let kept: Vec<usize> = self.tokens.iter().enumerate().filter(alike).map(|(number, _)| number).collect();
        if kept.len() == KEPT {
            self.tokens.remove(kept[1]);
        }
        self.tokens.push(Token { text, claims, version, language, issued: self.clock });
    }

    fn secret(&self) -> Secret {
        self.aws.upgrade().unwrap().secret(&self.arn).unwrap()
    }
}

impl Task {
    /// By AWSCURRENT, and where there is one by AWSPREVIOUS.
    fn verify(&self, token: &str) -> Result<Value, String> {
        let verdict = self.reader.verify(&self.current, token);
        match &self.previous {
            Some(previous) => verdict.or_else(|_| self.reader.verify(previous, token)),
            None => verdict,
        }
    }
}

fn note(seen: &mut Seen, key: (Phase, i64), token: &Token, verdict: Result<Value, String>, since: Duration) {
    let tally = seen.entry(key).or_default();
    match verdict {
        Ok(claims) => {
            assert_eq!(claims, token.claims);
            tally.accepted += 1;
        }
        Err(why) => {
            tally.refused += 1;
            tally.longest = tally.longest.max(since);
            tally.why = why;
        }
    }
}

fn ahead(token: usize, holder: usize) -> i64 {
    i64::try_from(token).unwrap() - i64::try_from(holder).unwrap()
}

/// Whether a value is a signing-key document, which no reader of rings reads.
fn is_document(value: &str) -> bool {
    value.contains("\"private_key\"")
}

fn text(secret: &Secret, version: &str) -> String {
    match &secret.versions[version].content {
        Some(Content::Text(text)) => text.clone(),
        _ => panic!("{version} holds no text"),
    }
}

/// By the clock of the libraries, for which no time passes in a test.
fn in_ten_minutes() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 600
}
