//! Services that read a key ring: the readers in `examples/key-ring`, each in a process that stays, with the library
//! that services use; and somebody who makes keys and tokens by other means, to have them tried.
//!
//! Rings, tokens and keys go by standard input: arguments are there for everybody to read.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// What a service is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// With `PyJWT` and cryptography.
    Python,
    /// With jose, in Node.js.
    TypeScript,
    /// With jsonwebtoken.
    Rust,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Python, Self::TypeScript, Self::Rust];
}

/// A service that runs. It ends when this is dropped, and when whoever holds it is gone.
#[derive(Debug)]
pub struct Reader {
    language: Language,
    process: Process,
}

impl Reader {
    /// Starts one. It keeps every ring that it was shown as it was when it first saw it, as a task does.
    #[must_use]
    pub fn start(language: Language) -> Self {
        let command = match language {
            Language::Python => {
                let mut command = Command::new(tools().join("drivers/bin/python"));
                command.arg(driver("driver.py"));
                command
            }
            Language::TypeScript => {
                let mut command = node("driver.ts");
                command.arg(tools().join("drivers-node"));
                command
            }
            Language::Rust => Command::new(built()),
        };
        Self { language, process: Process::start(command) }
    }

    /// What it is written in.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Signs with the ring's current key. `ring` is the secret's value, in either form.
    #[must_use]
    pub fn sign(&self, ring: &str, claims: &Value) -> String {
        let answer = self.process.ask(&json!({ "op": "sign", "ring": ring, "claims": claims }));
        self.text(&answer, "token")
    }

    /// The claims of a token, or why it was refused: the library's own words.
    pub fn verify(&self, ring: &str, token: &str) -> Result<Value, String> {
        self.verdict(&json!({ "op": "verify", "ring": ring, "token": token }))
    }

    /// The same by the public JWK Set alone. It is at `url`; `set` is its text, for the library that fetches nothing.
    pub fn verify_only(&self, url: &str, set: &str, token: &str) -> Result<Value, String> {
        self.verdict(&json!({ "op": "verify_only", "url": url, "set": set, "token": token }))
    }

    fn verdict(&self, question: &Value) -> Result<Value, String> {
        let mut answer = self.process.ask(question);
        if answer.get("claims").is_some() {
            return Ok(answer["claims"].take());
        }
        // Anything else is no refusal, and a test that waits for one must not take it for that.
        Err(self.text(&answer, "refused"))
    }

    #[expect(clippy::panic, reason = "only tests ask, and a reader that is broken ends them")]
    fn text(&self, answer: &Value, member: &str) -> String {
        let text = answer[member].as_str().map(str::to_owned);
        text.unwrap_or_else(|| panic!("the reader in {:?} says no {member}: {answer}", self.language))
    }
}

/// Somebody who knows the RFCs and none of the readers' libraries.
#[derive(Debug)]
pub struct Maker(Process);

impl Maker {
    /// Starts one.
    #[must_use]
    pub fn start() -> Self {
        Self(Process::start(node("maker.mjs")))
    }

    /// A private JWK that nobody has seen before, with a kid.
    #[must_use]
    pub fn key(&self, alg: &str) -> Value {
        self.0.ask(&json!({ "op": "key", "alg": alg }))
    }

    /// A private key in PEM that nobody has seen before.
    #[must_use]
    pub fn pem(&self, alg: &str) -> String {
        let pem = self.0.ask(&json!({ "op": "pem", "alg": alg }));
        pem.as_str().unwrap_or_default().to_owned()
    }

    /// A token with whatever header, by its `alg` and `key`, a JWK or PEM: by `none` without, and by HMAC with the public PEM
    /// of a key that is no secret.
    #[must_use]
    pub fn token(&self, header: &Value, claims: &Value, key: &Value) -> String {
        let token = self.0.ask(&json!({ "op": "token", "header": header, "claims": claims, "key": key }));
        token.as_str().unwrap_or_default().to_owned()
    }
}

/// Answers each line by a line.
#[derive(Debug)]
struct Process {
    child: Child,
    pipes: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
}

impl Process {
    #[expect(clippy::panic, reason = "only tests start it, and without it they end")]
    fn start(mut command: Command) -> Self {
        let program = command.get_program().to_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("{} cannot be started, run scripts/prepare test and make readers: {error}", program.display())
        });
        let pipes = child.stdin.take().zip(child.stdout.take());
        Self { child, pipes: Mutex::new(pipes.map(|(stdin, stdout)| (stdin, BufReader::new(stdout)))) }
    }

    #[expect(clippy::panic, reason = "only tests ask, and an answer that does not come ends them")]
    fn ask(&self, question: &Value) -> Value {
        self.try_ask(question).unwrap_or_else(|error| panic!("no answer to {}: {error:#}", question["op"]))
    }

    fn try_ask(&self, question: &Value) -> Result<Value> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (stdin, stdout) = pipes.as_mut().context("the pipes are closed")?;
        writeln!(stdin, "{question}")?;
        let mut answer = String::new();
        stdout.read_line(&mut answer)?;
        serde_json::from_str(&answer).context("it ended, or says what is no JSON")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its input ends, and so does it.
        *self.pipes.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let _ = self.child.wait();
    }
}

fn node(script: &str) -> Command {
    // Where there was no recent one, a private one came with the libraries.
    let own = tools().join("drivers/bin/node");
    let mut command = Command::new(if own.exists() { own } else { "node".into() });
    command.arg(driver(script));
    command
}

fn driver(name: &str) -> PathBuf {
    root().join("tests/readers").join(name)
}

/// `KEYROLL_READER`, or else what cargo makes now of the reader in Rust. It has a package of its own, which nobody builds
/// with the tests, and an older one must not be asked.
fn built() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let given = std::env::var_os("KEYROLL_READER").map(PathBuf::from);
    BUILT.get_or_init(|| given.unwrap_or_else(build)).clone()
}

fn build() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(root().join("examples/key-ring/rust/Cargo.toml"));
    let status = cargo.arg("--target-dir").arg(&target).status();
    assert!(status.is_ok_and(|status| status.success()), "the reader in Rust cannot be built: make readers");
    target.join("debug/key-ring-reader")
}

fn tools() -> PathBuf {
    root().join(".tools")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}
