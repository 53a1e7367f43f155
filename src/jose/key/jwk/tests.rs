use super::*;
use crate::jose::key::tests::{each, error_of, fresh, jwk_text, rsa, short_rsa};
use crate::jose::key::{Algorithm, Shape};

/// A private JWK as a map, to be spoilt.
fn map(key: &Key) -> Map<String, Value> {
    serde_json::from_str(&jwk_text(key)).unwrap()
}

fn with(key: &Key, name: &str, value: impl Into<Value>) -> Map<String, Value> {
    let mut map = map(key);
    map.insert(name.to_owned(), value.into());
    map
}

/// Refuses a JWK, without telling any of its values.
fn refuses(map: &Map<String, Value>, expected: &str) {
    let error = error_of(Key::from_jwk(map)).to_string();
    assert!(error.contains(expected), "{error} does not say {expected}");
    for value in map.values().filter_map(Value::as_str).filter(|value| value.len() > 12) {
        assert!(!error.contains(value), "{error}");
    }
}

/// The member in other bytes.
fn changed(key: &Key, name: &str, change: impl Fn(&mut Vec<u8>)) -> Map<String, Value> {
    let mut bytes = read(&map(key), name).unwrap_or_else(|error| panic!("{error}")).to_vec();
    change(&mut bytes);
    with(key, name, Base64UrlUnpadded::encode_string(&bytes))
}

fn flip(bytes: &mut [u8]) {
    if let Some(last) = bytes.last_mut() {
        *last ^= 2;
    }
}

#[test]
fn every_key_is_read_as_it_was_written() {
    let mut check = |key: &Key| {
        let copy = Key::parse_jwk(&jwk_text(key)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(jwk_text(&copy), jwk_text(key));
    };
    each(&mut check);
    check(&short_rsa());
}

#[test]
fn a_public_jwk_has_the_public_members_and_no_other() {
    for (key, members) in [
        (&fresh(Shape::P256), vec!["crv", "kty", "x", "y"]),
        (&fresh(Shape::P384), vec!["crv", "kty", "x", "y"]),
        (&fresh(Shape::Ed25519), vec!["crv", "kty", "x"]),
        (rsa(), vec!["e", "kty", "n"]),
    ] {
        let public = key.to_public_jwk().unwrap();
        assert_eq!(public.keys().collect::<Vec<_>>(), members);
        let private = map(key);
        assert!(public.iter().all(|(name, value)| private.get(name) == Some(value)));
        refuses(&public, "a public one");
    }
    assert!(fresh(Shape::Hmac(32)).to_public_jwk().is_none());
}

#[test]
fn a_missing_member_is_named() {
    each(|key| {
        for name in map(key).keys() {
            let mut map = map(key);
            map.remove(name);
            let error = error_of(Key::from_jwk(&map)).to_string();
            assert!(error.contains(&format!("no member {name}")) || error.contains("lacks some"), "{error}");
        }
    });
}

#[test]
fn a_member_that_stands_twice_is_refused() {
    let text = jwk_text(&fresh(Shape::Ed25519));
    let twice = text.replacen('{', "{\"d\":\"AAAA\",", 1);
    assert!(error_of(Key::parse_jwk(&twice)).to_string().contains("\"d\" stands in the JWK twice"));
    for broken in ["", "[]", "{", "{}x", "\"text\""] {
        assert!(error_of(Key::parse_jwk(broken)).to_string().contains("not a JSON object"));
    }
}

#[test]
fn how_a_key_is_used_is_not_asked() {
    let key = fresh(Shape::P256);
    let mut map = with(&key, "kid", "a");
    map.insert("key_ops".to_owned(), Value::from(vec!["sign"]));
    assert!(Key::from_jwk(&map).unwrap_or_else(|error| panic!("{error}")).same(&key));
}

#[test]
fn halves_that_do_not_fit_are_refused() {
    for shape in [Shape::P256, Shape::P384, Shape::Ed25519] {
        let key = fresh(shape);
        for name in ["d", "x"] {
            refuses(&changed(&key, name, |bytes| flip(bytes)), "does not fit");
        }
    }
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        refuses(&changed(rsa(), name, |bytes| flip(bytes)), "do not belong together");
        refuses(&changed(rsa(), name, |bytes| bytes.insert(0, 0)), "has a zero in front");
        refuses(&changed(rsa(), name, Vec::clear), "is empty");
        for small in [1, 2, 3] {
            error_of(Key::from_jwk(&changed(rsa(), name, |bytes| *bytes = vec![small])));
        }
        error_of(Key::from_jwk(&changed(rsa(), name, |bytes| bytes.resize(600, 7))));
    }
    let other = fresh(Shape::P256);
    let y = map(&other).remove("y").unwrap();
    refuses(&with(&fresh(Shape::P256), "y", y), "does not fit");
}

#[test]
fn numbers_of_another_length_or_out_of_range_are_refused() {
    for (shape, order) in [(Shape::P256, 32), (Shape::P384, 48)] {
        let key = fresh(shape);
        refuses(&changed(&key, "d", |d| *d = vec![0; order]), "out of range");
        refuses(&changed(&key, "d", |d| *d = vec![255; order]), "out of range");
        refuses(&changed(&key, "d", |d| d.insert(0, 0)), &format!("{} bytes", order + 1));
        refuses(&changed(&key, "x", |x| x.truncate(order - 1)), &format!("{} bytes", order - 1));
    }
    refuses(&changed(&fresh(Shape::Ed25519), "d", |d| d.push(1)), "33 bytes");
    refuses(&changed(&fresh(Shape::Hmac(32)), "k", Vec::clear), "empty");
    refuses(&with(rsa(), "n", "A".repeat(684).replacen('A', "_", 1)), "4104 bits");
}

#[test]
fn anything_but_canonical_base64url_is_refused() {
    let key = fresh(Shape::Ed25519);
    let d = map(&key).remove("d").unwrap();
    let d = d.as_str().unwrap();
    // 32 bytes are 43 characters, of which the last has two spare bits: 'A' is zero, 'B' has a spare bit set.
    let spare = format!("{}B", d.get(..42).unwrap());
    for text in [format!("{d}="), format!(" {d}"), d.replacen(|_: char| true, "+", 1), spare, format!("{d}\n")] {
        refuses(&with(&key, "d", text), "d of the JWK is not base64url");
    }
    refuses(&with(&key, "d", 7), "d of the JWK is not a string");
}

#[test]
fn other_kinds_of_keys_are_refused_by_name() {
    refuses(&with(&fresh(Shape::P256), "crv", "P-521"), "P-521");
    refuses(&with(&fresh(Shape::P256), "crv", "secp256k1"), "secp256k1");
    refuses(&with(&fresh(Shape::Ed25519), "crv", "X25519"), "X25519");
    refuses(&with(&fresh(Shape::P256), "kty", "a misplaced secret"), "something else");
    refuses(&with(rsa(), "oth", Vec::<Value>::new()), "more than two primes");
    refuses(&with(&fresh(Shape::P256), "crv", "P-384"), "32 bytes, not 48");
}

#[test]
fn the_thumbprint_is_that_of_the_rfc() {
    // RFC 7638, section 3.1 and RFC 8037, appendix A.3: both of public keys.
    let rsa = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj\
               hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQv\
               RL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    for (jwk, thumbprint_in_rfc) in [
        (
            serde_json::json!({"kty": "RSA", "n": rsa, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        ),
        (
            serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        ),
    ] {
        let digest = thumbprint(jwk.as_object().unwrap()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(Base64UrlUnpadded::encode_string(&digest), thumbprint_in_rfc);
    }
    let escaped = with(&fresh(Shape::Ed25519), "x", "a\"b");
    assert!(thumbprint(&escaped).is_err());
}

#[test]
fn a_copy_verifies_what_the_key_has_signed() {
    for algorithm in [Algorithm::Hs256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let key = fresh(algorithm.shape_of_fresh());
        let copy = Key::from_jwk(&map(&key)).unwrap_or_else(|error| panic!("{error}"));
        let signature = key.sign(algorithm, b"message").unwrap_or_else(|error| panic!("{error}"));
        assert!(copy.verify(algorithm, b"message", &signature));
    }
}
