//! What a ring is for: whoever signs, all verify, while keys move up.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use rehearsal::readers::Maker;
use serde_json::Value;

use crate::support::{claims, header, readers, ring, rings};

#[test]
fn what_any_reader_signs_all_verify_by_every_algorithm() {
    let (maker, readers) = (Maker::start(), readers());
    for (alg, keys) in rings(&maker) {
        let ring = ring(&keys);
        for signer in &readers {
            let claims = claims(&format!("by {:?}", signer.language()));
            let token = signer.sign(&ring, &claims);
            let first = token.split('.').next().unwrap();
            let named: Value = serde_json::from_slice(&BASE64URL.decode(first).unwrap()).unwrap();
            assert_eq!(named, header(&keys[0]), "{alg} by {:?}", signer.language());
            for verifier in &readers {
                let seen = verifier.verify(&ring, &token);
                assert_eq!(seen, Ok(claims.clone()), "{alg} of {:?} by {:?}", signer.language(), verifier.language());
            }
        }
    }
}

#[test]
fn a_token_by_any_key_of_the_ring_is_verified_whoever_made_it() {
    let (maker, readers) = (Maker::start(), readers());
    for (alg, keys) in rings(&maker) {
        for key in &keys {
            let claims = claims("somebody else's");
            let token = maker.token(&header(key), &claims, key);
            for reader in &readers {
                assert_eq!(reader.verify(&ring(&keys), &token), Ok(claims.clone()), "{alg} by {:?}", reader.language());
            }
        }
    }
}

#[test]
fn while_keys_move_up_tasks_with_either_ring_verify_each_others_tokens() {
    let (maker, readers) = (Maker::start(), readers());
    for (alg, keys) in rings(&maker) {
        let [a, b, c] = [0, 1, 2].map(|at| keys[at].clone());
        let before = ring(&[a.clone(), b.clone()]);
        let after = ring(&[b, c, a]);
        for (signer, verifier) in readers.iter().flat_map(|one| readers.iter().map(move |other| (one, other))) {
            let claims = claims("in between");
            let pair = format!("{alg} of {:?} by {:?}", signer.language(), verifier.language());
            assert_eq!(verifier.verify(&after, &signer.sign(&before, &claims)), Ok(claims.clone()), "{pair}");
            assert_eq!(verifier.verify(&before, &signer.sign(&after, &claims)), Ok(claims), "{pair}");
        }
    }
}

#[test]
fn a_ring_may_hold_keys_of_several_algorithms() {
    let (maker, readers) = (Maker::start(), readers());
    let keys = ["EdDSA", "ES256", "HS512"].map(|alg| maker.key(alg));
    let ring = ring(&keys);
    for reader in &readers {
        for key in &keys {
            let claims = claims("of any");
            assert_eq!(reader.verify(&ring, &maker.token(&header(key), &claims, key)), Ok(claims), "{}", key["alg"]);
        }
    }
}
