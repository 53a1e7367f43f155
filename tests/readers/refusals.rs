//! What no reader may take.

use rehearsal::readers::{Maker, Reader};
use serde_json::{Value, json};

use crate::support::{claims, header, in_seconds, readers, ring, rings};

fn refused(reader: &Reader, ring: &str, token: &str, what: &str) {
    let verdict = reader.verify(ring, token);
    assert!(verdict.is_err(), "{what} by {:?}: {verdict:?}", reader.language());
}

#[test]
fn a_token_of_a_key_outside_the_ring_is_refused_whatever_it_is_called() {
    let (maker, readers) = (Maker::start(), readers());
    for (alg, keys) in rings(&maker) {
        let stranger = maker.key(alg);
        let ring = ring(&keys);
        for reader in &readers {
            let unknown = maker.token(&header(&stranger), &claims("unknown"), &stranger);
            refused(reader, &ring, &unknown, alg);
            let borrowed = maker.token(&header(&keys[0]), &claims("by a borrowed name"), &stranger);
            refused(reader, &ring, &borrowed, alg);
            let other = maker.token(&header(&keys[0]), &claims("by another one's name"), &keys[1]);
            refused(reader, &ring, &other, alg);
            let brought = json!({ "alg": alg, "jwk": stranger });
            let brought = maker.token(&brought, &claims("by a key that it brings itself"), &stranger);
            refused(reader, &ring, &brought, alg);
        }
    }
}

#[test]
fn the_token_does_not_choose_its_algorithm() {
    let (maker, readers) = (Maker::start(), readers());
    for (alg, keys) in rings(&maker) {
        let ring = ring(&keys);
        for reader in &readers {
            for other in ["none", "HS256", "HS512"].into_iter().filter(|other| *other != alg) {
                // With an asymmetric key, by HMAC with the public key as its secret.
                let mut header = header(&keys[0]);
                header["alg"] = json!(other);
                let token = maker.token(&header, &claims("by another algorithm"), &keys[0]);
                refused(reader, &ring, &token, &format!("{other} for {alg}"));
                header.as_object_mut().unwrap().remove("kid");
                let token = maker.token(&header, &claims("by another algorithm"), &keys[0]);
                refused(reader, &ring, &token, &format!("{other} for {alg}, without a kid"));
            }
        }
    }
}

#[test]
fn a_token_without_a_kid_is_tried_against_keys_of_hmac_only() {
    let (maker, readers) = (Maker::start(), readers());
    for (alg, keys) in rings(&maker) {
        let claims = claims("of nobody");
        let token = maker.token(&json!({ "alg": alg }), &claims, &keys[2]);
        for reader in &readers {
            let verdict = reader.verify(&ring(&keys), &token);
            let expected = alg.starts_with("HS").then_some(claims.clone());
            assert_eq!(verdict.clone().ok(), expected, "{alg} by {:?}: {verdict:?}", reader.language());
        }
    }
}

#[test]
fn a_token_that_has_ended_or_never_ends_or_was_changed_is_refused() {
    let (maker, readers) = (Maker::start(), readers());
    for (alg, keys) in rings(&maker) {
        let ring = ring(&keys);
        let sign = |claims: Value| maker.token(&header(&keys[0]), &claims, &keys[0]);
        let good = sign(claims("one"));
        let parts: Vec<&str> = good.split('.').collect();
        let changed = sign(claims("two"));
        let changed = [parts[0], changed.split('.').nth(1).unwrap(), parts[2]].join(".");
        for reader in &readers {
            refused(reader, &ring, &sign(json!({ "exp": in_seconds(-3600) })), &format!("{alg}, ended"));
            refused(reader, &ring, &sign(json!({ "sub": "one" })), &format!("{alg}, never ends"));
            let later = json!({ "exp": in_seconds(7200), "nbf": in_seconds(3600) });
            refused(reader, &ring, &sign(later), &format!("{alg}, not yet"));
            refused(reader, &ring, &changed, &format!("{alg}, changed"));
            refused(reader, &ring, &format!("{}.{}.", parts[0], parts[1]), &format!("{alg}, unsigned"));
            refused(reader, &ring, "no token", alg);
        }
    }
}

#[test]
fn a_refusal_tells_no_key() {
    let (maker, readers) = (Maker::start(), readers());
    for (alg, keys) in rings(&maker) {
        let token = maker.token(&header(&keys[0]), &claims("somebody"), &keys[1]);
        for reader in &readers {
            let text = reader.verify(&ring(&keys), &token).unwrap_err();
            for key in &keys {
                for private in ["d", "k"].iter().filter_map(|member| key[member].as_str()) {
                    assert!(!text.contains(&private[..16]), "{alg} by {:?}", reader.language());
                }
            }
        }
    }
}
