//! Lets a test use the reader in Rust: a question per line of standard input, an answer per line of standard output.
//! The package in `examples/key-ring/rust` builds it.

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};

use jsonwebtoken::errors::{ErrorKind, Result};
use key_ring::{KeyRing, verify_only};
use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let mut rings = HashMap::new();
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let reply = match answer(&mut rings, &question) {
            Ok(reply) => reply,
            Err(error) => {
                // What is wrong with a key, and not with a token, no test takes for a refusal.
                let broken = matches!(
                    error.kind(),
                    ErrorKind::InvalidKeyFormat
                        | ErrorKind::InvalidRsaKey(_)
                        | ErrorKind::InvalidEcdsaKey
                        | ErrorKind::InvalidEddsaKey
                );
                json!({ (if broken { "broken" } else { "refused" }): format!("{:?}: {error}", error.kind()) })
            }
        };
        writeln!(output, "{reply}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(rings: &mut HashMap<String, KeyRing>, question: &Value) -> Result<Value> {
    let text = |member: &str| question[member].as_str().unwrap_or_default();
    if question["op"] == "verify_only" {
        let set = serde_json::from_str(text("set"))?;
        let claims = verify_only::verify::<Value>(&set, text("token"))?;
        return claims
            .map_or_else(|| Ok(json!({ "refused": "unknown kid" })), |claims| Ok(json!({ "claims": claims })));
    }
    // As a service does: once, when it starts.
    if !rings.contains_key(text("ring")) {
        rings.insert(text("ring").to_owned(), KeyRing::load(text("ring"))?);
    }
    let ring = &rings[text("ring")];
    match question["op"].as_str() {
        Some("sign") => Ok(json!({ "token": ring.sign(&question["claims"])? })),
        _ => Ok(json!({ "claims": ring.verify::<Value>(text("token"))? })),
    }
}
