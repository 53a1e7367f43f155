//! Lets a test use the reader in Rust: a question per line of standard input, an answer per line of standard output.
//! The package in `examples/key-ring/rust` builds it.

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};

use jsonwebtoken::errors::Result;
use key_ring::{KeyRing, verify_only};
use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let mut rings: HashMap<String, Result<KeyRing>> = HashMap::new();
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let text = |member: &str| question[member].as_str().unwrap_or_default();
        // As a service does: once, when it starts.
        let ring = rings.entry(text("ring").to_owned()).or_insert_with_key(|ring| KeyRing::load(ring));
        let answer = match (question["op"].as_str(), ring) {
            (Some("verify_only"), _) => verify_only(text("set"), text("token")),
            (Some("verify"), Ok(ring)) => ring.verify(text("token")).map(|claims: Value| json!({ "claims": claims })),
            (Some("sign"), Ok(ring)) => ring.sign(&question["claims"]).map(|token| json!({ "token": token })),
            // What is wrong with a ring, and not with a token, no test may take for a refusal.
            (_, ring) => Ok(json!({ "broken": format!("{:?}", ring.as_ref().err()) })),
        };
        let reply = answer.unwrap_or_else(|error| json!({ "refused": format!("{:?}: {error}", error.kind()) }));
        writeln!(output, "{reply}")?;
        output.flush()?;
    }
    Ok(())
}

fn verify_only(set: &str, token: &str) -> Result<Value> {
    let claims: Option<Value> = verify_only::verify(&serde_json::from_str(set)?, token)?;
    Ok(claims
        .map_or_else(|| json!({ "refused": "the set has no key of its kid" }), |claims| json!({ "claims": claims })))
}
