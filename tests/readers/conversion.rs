//! While a bare secret becomes a ring, some tasks have the one and some the other.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use rehearsal::readers::Maker;
use serde_json::{Value, json};

use crate::support::{ALGORITHMS, claims, header, readers, ring};

/// Bare secrets: what base64url and JSON might stumble over, and one that is shorter than its hash.
fn secrets(maker: &Maker) -> [String; 6] {
    let key = maker.key("HS256")["k"].as_str().unwrap().to_owned();
    [
        key.clone(),
        key[..11].to_owned(),
        format!(" {key}\n"),
        format!("\"{key}\""),
        json!({ "secret": key }).to_string(),
        format!("ö/+=€ {key}"),
    ]
}

/// The secret as the conversion keeps it: the bytes of its text, with a name.
fn kept(maker: &Maker, secret: &str) -> Value {
    let mut key = maker.key("HS256");
    key["k"] = json!(BASE64URL.encode(secret));
    key
}

#[test]
fn bare_and_converted_readers_verify_each_others_tokens() {
    let (maker, readers) = (Maker::start(), readers());
    for secret in secrets(&maker) {
        for alg in ALGORITHMS {
            let converted = ring(&[kept(&maker, &secret), maker.key(alg)]);
            for (signer, verifier) in readers.iter().flat_map(|one| readers.iter().map(move |other| (one, other))) {
                let claims = claims("in between");
                let pair = format!("{alg} of {:?} by {:?}", signer.language(), verifier.language());
                let [old, new] = [&secret, &converted].map(|text| signer.sign(text, &claims));
                let header = BASE64URL.decode(old.split('.').next().unwrap()).unwrap();
                let header: Value = serde_json::from_slice(&header).unwrap();
                assert_eq!(header, json!({ "alg": "HS256", "typ": "JWT" }), "{pair}");
                for (text, token) in [(&secret, &old), (&secret, &new), (&converted, &old), (&converted, &new)] {
                    assert_eq!(verifier.verify(text, token), Ok(claims.clone()), "{pair}");
                }
            }
        }
    }
}

#[test]
fn a_token_of_the_bare_secret_is_verified_until_its_key_has_left_the_ring() {
    let (maker, readers) = (Maker::start(), readers());
    let secret = maker.key("HS256")["k"].as_str().unwrap().to_owned();
    let old = kept(&maker, &secret);
    for alg in ALGORITHMS {
        let [a, b, c] = [(); 3].map(|()| maker.key(alg));
        let rotated = ring(&[a.clone(), b.clone(), old.clone()]);
        let twice = ring(&[b, c, a]);
        for reader in &readers {
            let claims = claims("from before");
            let token = reader.sign(&secret, &claims);
            assert_eq!(reader.verify(&rotated, &token), Ok(claims), "{alg} by {:?}", reader.language());
            assert!(reader.verify(&twice, &token).is_err(), "{alg} by {:?}", reader.language());
        }
    }
}

#[test]
fn a_bare_secret_verifies_nothing_by_any_other_key_or_algorithm() {
    let (maker, readers) = (Maker::start(), readers());
    let secret = maker.key("HS256")["k"].as_str().unwrap().to_owned();
    let own = kept(&maker, &secret);
    for reader in &readers {
        for alg in ALGORITHMS {
            let stranger = maker.key(alg);
            let token = maker.token(&header(&stranger), &claims("a stranger's"), &stranger);
            assert!(reader.verify(&secret, &token).is_err(), "{alg} by {:?}", reader.language());
        }
        for alg in ["none", "HS512"] {
            let token = maker.token(&json!({ "alg": alg }), &claims("by another algorithm"), &own);
            assert!(reader.verify(&secret, &token).is_err(), "{alg} by {:?}", reader.language());
        }
    }
}
