use rand::TryRng as _;

use super::*;

/// 2026-11-22T15:30:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_795_361_400);

fn random(bytes: &mut [u8]) -> Result<()> {
    rand::rngs::SysRng
        .try_fill_bytes(bytes)
        .map_err(|_| Error::new(ErrorKind::FailedDefect, "no randomness", "try again"))
}

fn read(kind: &str, text: &str, field: Option<&str>) -> Result<Keys> {
    let mut tags = vec![("keyroll:kind", kind)];
    tags.extend(field.map(|field| ("keyroll:field", field)));
    let settings = Settings::read(tags);
    Keys::read(KeyKind::of(&settings).unwrap(), Sensitive::new(text.to_owned()), &settings)
}

fn keys(kind: &str, text: &str, field: Option<&str>) -> Keys {
    read(kind, text, field).unwrap_or_else(|error| panic!("{error}"))
}

fn renewed(kind: &str, text: &str, field: Option<&str>) -> String {
    let before = keys(kind, text, field);
    let new = before.renewed(NOW, &mut random).unwrap_or_else(|error| panic!("{error}")).expose().to_owned();
    let after = keys(kind, &new, field);
    assert!(after.prove(NOW).is_ok());
    assert_eq!(after.refuse_unrelated(&before.fingerprint()), Ok(()));
    new
}

fn error(kind: &str, text: &str, field: Option<&str>) -> String {
    read(kind, text, field).err().map_or_else(|| panic!("accepted {text}"), |error| error.to_string())
}

#[test]
fn a_json_field_rotates_and_the_rest_stays_byte_for_byte() {
    let text = "{ \"issuer\":\"x\",\n \"key\" : \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", \"n\": 1.0 }";
    for kind in ["jwt", "token"] {
        let new = renewed(kind, text, Some("key"));
        let (old, new) = (text.split('"').collect::<Vec<_>>(), new.split('"').map(str::to_owned).collect::<Vec<_>>());
        let differing: Vec<usize> = (0..old.len()).filter(|part| old[*part] != new[*part]).collect();
        assert_eq!((old.len(), differing), (new.len(), vec![7]));
        assert_eq!(new[7].len(), 64);
    }
}

#[test]
fn keys_of_one_value_stay_one_and_others_stay_apart() {
    let text = r#"{"a":"sixteen-chars-at-least","b":"sixteen-chars-at-least","c":"another-secret-value-here"}"#;
    let new: serde_json::Value = serde_json::from_str(&renewed("token", text, Some("a b c"))).unwrap();
    assert_eq!(new["a"], new["b"]);
    assert_ne!(new["a"], new["c"]);
}

#[test]
fn an_opaque_token_keeps_its_length_and_a_jwt_secret_is_made_strong_enough() {
    assert_eq!(renewed("token", "0123456789abcdef0123456789abcdef", None).len(), 32);
    assert_eq!(renewed("jwt", "0123456789abcdef0123456789abcdef", None).len(), 64);
    let (weak, guessable) = (keys("jwt", "s3cret", None).renewal(), keys("token", "s3cret", None).renewal());
    assert!(weak.warnings.iter().any(|line| line.contains("RFC 7518, section 3.2")), "{weak:?}");
    assert!(guessable.warnings.iter().any(|line| line.contains("can be guessed")), "{guessable:?}");
    assert_eq!(renewed("jwt", "ChangeMe", None).len(), 64);
}

#[test]
fn the_same_secret_again_is_refused() {
    let one = keys("jwt", "Abcdefgh0Abcdefgh0Abcdefgh0Abcdefgh0", None);
    assert_eq!(one.refuse_unrelated(&one.fingerprint()).unwrap_err().kind(), ErrorKind::RefusedChanged);
    // A placeholder is nobody's secret.
    let placeholder = keys("jwt", "placeholder", None);
    assert_eq!(one.refuse_unrelated(&placeholder.fingerprint()), Ok(()));
}

#[test]
fn a_key_is_the_same_only_under_its_name_and_for_its_algorithm() {
    let text = renewed("jwt-keyring", r#"{"keys":[]}"#, None);
    let before = keys("jwt-keyring", &text, None).fingerprint();
    let ring: serde_json::Value = serde_json::from_str(&text).unwrap();
    let kid = ring["next"].as_str().unwrap();
    let after = keys("jwt-keyring", &renewed("jwt-keyring", &text, None).replace(kid, "another"), None);
    assert_eq!(after.refuse_unrelated(&before).unwrap_err().kind(), ErrorKind::RefusedChanged);
    let twice = text.replacen('{', r#"{"next":"x","#, 1);
    assert!(error("jwt-keyring", &twice, None).contains("twice"), "a member that stands in the ring twice");
    let twice = text.replacen(r#""use":"sig""#, r#""k":"AAAA","use":"sig""#, 1);
    assert!(error("jwt-keyring", &twice, None).contains("twice"), "a member that stands in a key twice");
}

#[test]
fn another_key_under_the_same_key_id_or_of_another_size_is_refused() {
    let rest = r#""key_id":"k""#;
    let [one, same_name] = [(); 2].map(|()| keys("signing-key", &document(key::Shape::P256, rest), None));
    let larger = keys("signing-key", &document(key::Shape::P384, r#""key_id":"other""#), None);
    for other in [same_name, larger] {
        assert_eq!(other.refuse_unrelated(&one.fingerprint()).unwrap_err().kind(), ErrorKind::RefusedChanged);
    }
}

#[test]
fn a_key_without_a_name_is_published_under_its_thumbprint_without_an_algorithm() {
    let text = document(key::Shape::P256, r#""algorithm":"EC""#);
    let public: serde_json::Value = serde_json::from_str(&Keys::public(&[&keys("signing-key", &text, None)])).unwrap();
    assert_eq!(public["keys"][0]["kid"].as_str().unwrap().len(), 43);
    assert!(public["keys"][0].get("alg").is_none());
    let text = document(key::Shape::P256, r#""alg":"ES256""#);
    let public: serde_json::Value = serde_json::from_str(&Keys::public(&[&keys("signing-key", &text, None)])).unwrap();
    assert_eq!(public["keys"][0]["alg"], "ES256");
    assert_eq!(Keys::public(&[&keys("jwt", "a bare secret has no public half", None)]), r#"{"keys":[]}"#);
}

#[test]
fn a_ring_of_somebody_else_is_refused() {
    let ring = |alg: &str| renewed("jwt-keyring", &format!(r#"{{"alg":"{alg}","keys":[]}}"#), None);
    let (one, other) = (keys("jwt-keyring", &ring("HS256"), None), keys("jwt-keyring", &ring("EdDSA"), None));
    assert_eq!(one.refuse_unrelated(&other.fingerprint()).unwrap_err().kind(), ErrorKind::RefusedChanged);
    assert_eq!(one.refuse_unrelated(&one.fingerprint()), Ok(()));
    let replaced = one.replaced(NOW, &mut random).unwrap_or_else(|error| panic!("{error}"));
    let replaced = keys("jwt-keyring", replaced.expose(), None).fingerprint();
    let before = one.fingerprint();
    assert!(replaced.accepts.iter().all(|digest| !before.accepts.contains(digest)));
}

#[test]
fn a_bare_secret_becomes_a_ring_and_says_what_services_need() {
    let bare = "Abcdefgh0Abcdefgh0Abcdefgh0Abcdefgh0";
    let ring: serde_json::Value = serde_json::from_str(&renewed("jwt-keyring", bare, None)).unwrap();
    assert_eq!(ring["keys"].as_array().unwrap().len(), 2);
    assert!(ring.get("previous").is_none());
    let warnings = keys("jwt-keyring", bare, None).renewal().warnings;
    assert!(warnings[0].contains("read both forms"), "{warnings:?}");
    assert!(keys("jwt-keyring", "short", None).renewal().warnings.len() > warnings.len());
    // In a JSON key the ring is a string.
    let field = renewed("jwt-keyring", r#"{"JWT_KEYS":"placeholder","other":1}"#, Some("JWT_KEYS"));
    let field: serde_json::Value = serde_json::from_str(&field).unwrap();
    let ring: serde_json::Value = serde_json::from_str(field["JWT_KEYS"].as_str().unwrap()).unwrap();
    assert!(ring["current"].is_string() && field["other"] == 1);
}

fn document(shape: key::Shape, rest: &str) -> String {
    let key = key::Key::make(shape, &mut random).unwrap_or_else(|error| panic!("{error}"));
    let pem = key.to_pem(&key::PemForm::default()).unwrap_or_else(|error| panic!("{error}"));
    format!("{{ \"private_key\": {}, {rest} }}", json!(pem.expose()))
}

#[test]
fn a_signing_key_document_keeps_its_shape_its_stem_and_the_length_of_its_window() {
    for (shape, kty) in [(key::Shape::Rsa(2048), "RSA"), (key::Shape::P256, "EC"), (key::Shape::P384, "EC")] {
        let rest = r#""key_id":"auth-2025", "valid_from":"2025-11-22","valid_until" : "2026-11-22", "iss": "é" "#;
        let text = document(shape, rest);
        let new = renewed("signing-key", &text, None);
        assert!(new.contains("\"iss\": \"é\"  }") && new.contains("\"valid_until\" : \"2027-11-22\""), "{shape}");
        let (old, new) = (keys("signing-key", &text, None), keys("signing-key", &new, None));
        let public: serde_json::Value = serde_json::from_str(&Keys::public(&[&new, &old])).unwrap();
        let kids: Vec<&str> =
            public["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
        assert!(kids[0].starts_with("auth-20261122-") && kids[1] == "auth-2025", "{kids:?}");
        assert!(public["keys"].as_array().unwrap().iter().all(|key| key["kty"] == kty && key.get("d").is_none()));
    }
}

#[test]
fn a_small_rsa_key_is_replaced_by_one_that_rfc_7518_allows() {
    let text = r#"{"private_key": "placeholder", "key_id": "v1"}"#;
    let new: serde_json::Value = serde_json::from_str(&renewed("signing-key", text, None)).unwrap();
    assert!(new["private_key"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert!(new["key_id"].as_str().unwrap().starts_with("20261122-"));
}

#[test]
fn a_public_half_beside_the_private_key_changes_with_it() {
    let key = key::Key::make(key::Shape::P256, &mut random).unwrap_or_else(|error| panic!("{error}"));
    let form = key::PemForm::default();
    let (private, public) = (key.to_pem(&form), key.public_pem(&form.beside()));
    let (private, public) = (private.unwrap_or_else(|e| panic!("{e}")), public.unwrap_or_else(|e| panic!("{e}")));
    let text = json!({ "private_key": private.expose(), "public_key": public }).to_string();
    let new: serde_json::Value = serde_json::from_str(&renewed("signing-key", &text, None)).unwrap();
    assert_ne!(new["public_key"], json!(public));
    let other = json!({ "private_key": new["private_key"], "public_key": public }).to_string();
    assert!(error("signing-key", &other, None).contains("does not belong"));
}

#[test]
fn what_is_no_signing_key_is_refused_by_what_is_missing() {
    let good = document(key::Shape::P256, r#""key_id": "k""#);
    for (text, field, word) in [
        (r#"{"key":"x"}"#, None, "no JSON key \"private_key\""),
        (r#"{"private_key":7}"#, None, "does not hold a string"),
        (good.as_str(), Some("pem"), "no JSON key \"pem\""),
        ("-----BEGIN PRIVATE KEY-----", None, "not a JSON object"),
        (r#"{"private_key":"placeholder","valid_from":"2026-01-01"}"#, None, "only one of"),
    ] {
        let told = error("signing-key", text, field);
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn a_mistaken_tag_destroys_nothing() {
    for (kind, text, word) in [
        ("jwt", r#"{"keys":[]}"#, "keyroll:field"),
        ("token", "postgres://u:hunter2@h/d", "URL"),
        ("jwt-keyring", "-----BEGIN EC PRIVATE KEY-----", "PEM"),
        ("jwt-keyring", r#"{"password":"hunter2"}"#, "no array"),
    ] {
        let told = error(kind, text, None);
        assert!(told.contains(word) && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_bare_secret_in_a_login_is_refused() {
    let login = r#"{"engine":"postgres","host":"db","username":"app","password":"hunter2-hunter2"}"#;
    for kind in ["token", "jwt", "token-list"] {
        let Err(error) = read(kind, login, Some("password")) else { panic!("{kind}") };
        assert!(error.kind() == ErrorKind::RefusedValue && error.cause().contains("a login"), "{error}");
    }
    assert!(read("token", r#"{"host":"db","api_key":"0a1b2c3d4e5f60718293a4b5c6d7e8f9"}"#, Some("api_key")).is_ok());
}

#[test]
fn a_list_gets_a_new_entry_in_front_and_loses_its_last_one() {
    let (first, second) = ("0a1b2c3d4e5f60718293a4b5c6d7e8f9", "9f8e7d6c5b4a39281706f5e4d3c2b1a0");
    let new = renewed("token-list", &format!("{first},{second}\n"), None);
    let entries: Vec<&str> = new.trim_end().split(',').collect();
    assert!(entries.len() == 2 && entries[0].len() == 32 && entries[1] == first && new.ends_with('\n'), "{new}");
    assert_eq!(renewed("token-list", first, None).len(), 32);
    // One that was made of another list.
    let (before, foreign) =
        (keys("token-list", &format!("{first},{second}"), None), "aaaa1b2c3d4e5f60718293a4b5c6d7e8");
    let stranger = keys("token-list", &format!("{foreign},{second}"), None);
    assert!(stranger.refuse_unrelated(&before.fingerprint()).is_err());
    let told = before.renewal().warnings.join(" ");
    assert!(told.contains("oldest entry"), "{told}");
    assert!(keys("token", first, None).renewal().warnings.join(" ").contains("can then no longer be read"));
    assert!(keys("jwt", first, None).renewal().warnings.iter().all(|line| !line.contains("no longer be read")));
}

#[test]
fn what_is_drawn_would_be_taken_again() {
    for value in [
        "aB3,x!Zq9@kLm2#vWt5$rYp8%dFg4HjK",
        r#"x4{;"kP)=:Zq,|u/8<Vb.~'3mT]}wR(2"#,
        "q83vEjRWeJCrze8SNFZ/kKvN7xI0VniQq83vEjRWeJA=",
    ] {
        for _ in 0..100 {
            renewed("token", value, None);
        }
    }
}

#[test]
fn a_placeholder_in_front_of_a_list_is_filled_and_the_rest_stays() {
    let second = "9f8e7d6c5b4a39281706f5e4d3c2b1a0";
    let new = renewed("token-list", &format!("changeme,{second}"), None);
    assert!(new.ends_with(&format!(",{second}")) && !new.contains("changeme"), "{new}");
    let unequal = r#"{"a":"0a1b2c3d4e5f60718293a4b5c6d7e8f9","b":"0a1b2c3d4e5f60718293a4b5c6d7e8f9,9f8e7d6c5b4a39281706f5e4d3c2b1a0"}"#;
    assert!(read("token-list", unequal, Some("a b")).is_err());
    let copy = r#"{"token":"0a1b2c3d4e5f60718293a4b5c6d7e8f9","hook":"https://h/?t=0a1b2c3d4e5f60718293a4b5c6d7e8f9"}"#;
    assert!(read("token", copy, Some("token")).is_err());
    assert!(read("token", r#"{"token":"changeme","other":"changeme"}"#, Some("token")).is_ok());
}
