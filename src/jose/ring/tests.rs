use std::collections::BTreeMap;

use rand::TryRng as _;

use super::*;
use crate::jose::key::Shape;

fn random(bytes: &mut [u8]) -> Result<()> {
    rand::rngs::SysRng
        .try_fill_bytes(bytes)
        .map_err(|_| Error::new(ErrorKind::FailedDefect, "no randomness", "try again"))
}

fn fresh(alg: Algorithm) -> Ring {
    Ring::fresh(Some(alg), None, "20261122", &mut random).unwrap_or_else(|error| panic!("{error}"))
}

fn renewed(ring: &Ring) -> Ring {
    ring.renewed("20261222", &mut random).unwrap_or_else(|error| panic!("{error}"))
}

fn json_of(ring: &Ring) -> Value {
    serde_json::from_str(ring.text().expose()).unwrap()
}

fn read(value: &Value) -> Result<Ring> {
    match parse(&Sensitive::new(value.to_string()))? {
        Parsed::Ring(ring) => Ok(*ring),
        Parsed::Empty(_) => panic!("the ring is empty"),
    }
}

fn error(value: &Value) -> String {
    match parse(&Sensitive::new(value.to_string())) {
        Ok(_) => panic!("accepted {value}"),
        Err(error) => error.to_string(),
    }
}

/// Every algorithm but RSA, whose keys take long to make in a test.
const QUICK: [Algorithm; 6] =
    [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];

#[test]
fn a_rotation_moves_each_key_on_and_publishes_a_fresh_one() {
    for alg in QUICK {
        let first = fresh(alg);
        let second = renewed(&first);
        let third = renewed(&second);
        let kids = |ring: &Ring| {
            let value = json_of(ring);
            ["previous", "current", "next"].map(|member| value[member].as_str().map(str::to_owned))
        };
        let ([none, a, b], [a2, b2, c], [b3, c3, d]) = (kids(&first), kids(&second), kids(&third));
        assert_eq!((none, &a2, &b2, &b3, &c3), (None, &a, &b, &b, &c));
        assert!(d.is_some() && d != c && d != b && d != a);
        assert_eq!(json_of(&third)["keys"].as_array().unwrap().len(), 3);
        for ring in [&first, &second, &third] {
            assert!(ring.prove().is_ok(), "{alg}");
            // What is written is read again as it was.
            let again = read(&json_of(ring)).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(json_of(&again), json_of(ring));
            for key in json_of(ring)["keys"].as_array().unwrap() {
                assert_eq!((key["alg"].as_str(), key["use"].as_str()), (Some(alg.name()), Some("sig")));
            }
        }
        // Old tasks know what new ones sign with, and new tasks what old ones did.
        for (old, new) in [(&first, &second), (&second, &third)] {
            let (old, new) = (old.fingerprint(), new.fingerprint());
            let [old_key, new_key] = [&old, &new].map(|it| it.signs.clone().unwrap());
            assert!(old.accepts.contains(&new_key) && new.accepts.contains(&old_key));
        }
        assert!(!third.fingerprint().accepts.contains(&first.fingerprint().signs.unwrap()));
    }
}

#[test]
fn an_rsa_ring_keeps_its_size() {
    let ring = fresh(Algorithm::Rs256);
    let larger = RingKey {
        key: Key::make(Shape::Rsa(3072), &mut random).unwrap_or_else(|error| panic!("{error}")),
        ..ring.current.clone()
    };
    let ring = Ring { current: larger, next: None, ..ring };
    assert_eq!(renewed(&ring).next.unwrap().key.shape(), Shape::Rsa(3072));
}

#[test]
fn the_public_halves_hold_no_private_member() {
    for alg in [&QUICK[..], &[Algorithm::Rs256]].concat() {
        let public = renewed(&fresh(alg)).public();
        assert_eq!(public.len(), if alg.is_asymmetric() { 3 } else { 0 }, "{alg}");
        for key in public {
            let members: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
            let own: &[&str] = match key["kty"].as_str().unwrap() {
                "RSA" => &["alg", "e", "kid", "kty", "n", "use"],
                "EC" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
                _ => &["alg", "crv", "kid", "kty", "use", "x"],
            };
            assert_eq!(members, own, "{alg}");
        }
    }
}

#[test]
fn without_a_next_key_the_current_one_goes_on_signing() {
    let ring = fresh(Algorithm::Es256);
    let alone = Ring { next: None, ..ring };
    let (kid, after) = (alone.current.kid.clone(), renewed(&alone));
    assert_eq!((&after.current.kid, after.previous.is_none()), (&kid, true));
    assert!(after.next.is_some() && !alone.promotes() && after.promotes());
    assert_eq!(alone.renewal().warnings.len(), 1);
}

#[test]
fn the_algorithm_changes_a_rotation_ahead() {
    let mut ring = fresh(Algorithm::Hs256);
    ring.alg = Some(Algorithm::Es256);
    let second = renewed(&ring);
    let third = renewed(&second);
    let algs = |ring: &Ring| ring.keys().map(|key| key.alg).collect::<Vec<_>>();
    assert_eq!(algs(&second), [Algorithm::Hs256, Algorithm::Es256, Algorithm::Hs256]);
    assert_eq!(algs(&third), [Algorithm::Es256, Algorithm::Es256, Algorithm::Hs256]);
    assert_eq!(third.public().len(), 2);
}

#[test]
fn a_bare_secret_goes_on_signing_in_its_ring() {
    let secret = Sensitive::new("what the service has always signed with, 64 characters or so".to_owned());
    let ring = Ring::around(&secret, "20261122", &mut random).unwrap_or_else(|error| panic!("{error}"));
    let bare = Key::of_text(&secret).digest();
    assert_eq!(ring.fingerprint().signs.unwrap().digest, bare);
    assert_eq!(renewed(&ring).previous.unwrap().key.digest(), bare);
    let short = Ring::around(&Sensitive::new("short".to_owned()), "20261122", &mut random);
    assert!(short.unwrap_or_else(|error| panic!("{error}")).prove().is_ok(), "a weak secret signs until it goes");
}

#[test]
fn what_is_nothing_to_us_stays() {
    let mut value = json_of(&fresh(Algorithm::EdDsa));
    value["issuer"] = json!("https://auth.example");
    value["keys"][0]["x5t"] = json!("kept");
    let ring = read(&value).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(json_of(&ring), value);
    let after = json_of(&renewed(&ring));
    assert_eq!(after["issuer"], "https://auth.example");
    let previous: BTreeMap<_, _> = after["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (key["kid"].to_string(), key.get("x5t").is_some()))
        .collect();
    assert_eq!(previous.values().filter(|kept| **kept).count(), 1);
    assert!(ring.public().iter().all(|key| key.get("x5t").is_none()));
}

#[test]
fn a_ring_that_cannot_be_meant_is_refused_without_quoting_a_key() {
    let value = json_of(&fresh(Algorithm::Hs256));
    let secret = value["keys"][0]["k"].as_str().unwrap().to_owned();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value = value.clone();
        change(&mut value);
        error(&value)
    };
    for (told, word) in [
        (changed(&|it| it["keys"] = json!("none")), "no array"),
        (changed(&|it| drop(it.as_object_mut().unwrap().remove("current"))), "which of its keys signs"),
        (changed(&|it| it["current"] = json!("other")), "\"other\""),
        (changed(&|it| it["next"] = it["current"].clone()), "names twice"),
        (changed(&|it| it["previous"] = json!(7)), "holds no kid"),
        (changed(&|it| drop(it.as_object_mut().unwrap().remove("next"))), "neither \"current\" nor"),
        (changed(&|it| it["keys"][1]["kid"] = it["keys"][0]["kid"].clone()), "two keys"),
        (changed(&|it| it["keys"][0]["kid"] = json!("")), "no kid"),
        (changed(&|it| it["keys"][0]["alg"] = json!("none")), "no algorithm"),
        (changed(&|it| it["keys"][0]["alg"] = json!("ES256")), "no key for ES256"),
        (changed(&|it| it["keys"][0]["use"] = json!("enc")), "not for signatures"),
        (changed(&|it| it["keys"][0]["kty"] = json!("RSA")), "the ring's key"),
        (changed(&|it| it["keys"][0] = json!([])), "no JSON object"),
        (changed(&|it| it["alg"] = json!("HS1")), "the ring names no algorithm"),
        (changed(&|it| it["keys"][0] = json!("key")), "no JSON object"),
        (error(&json!([])), "not a JSON object"),
    ] {
        assert!(told.contains(word) && !told.contains(&secret), "{told}");
    }
}

#[test]
fn an_empty_ring_says_what_its_keys_are_to_be_made_for() {
    let empty = |text: &str| match parse(&Sensitive::new(text.to_owned())) {
        Ok(Parsed::Empty(alg)) => alg,
        _ => panic!("{text} is no empty ring"),
    };
    assert_eq!(empty(r#"{"keys":[]}"#), None);
    assert_eq!(empty(r#"{"alg":"ES256","keys":[]}"#), Some(Algorithm::Es256));
}
