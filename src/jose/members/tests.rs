use serde_json::json;

use super::*;
use crate::jose::key::Shape;
use crate::jose::{KeyKind, Keys};
use crate::timestamp::Timestamp;

/// 2026-11-22T15:30:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_795_361_400);

fn random(bytes: &mut [u8]) -> Result<()> {
    use rand::TryRng as _;
    rand::rngs::SysRng.try_fill_bytes(bytes).map_err(|_| refused("the system has no randomness"))
}

/// A key, its PEM and its public half.
fn key() -> (Key, String, String) {
    let key = Key::make(Shape::P256, &mut random).unwrap_or_else(|error| panic!("{error}"));
    let form = PemForm::default();
    let pem = key.to_pem(&form).unwrap_or_else(|error| panic!("{error}")).expose().to_owned();
    let public = key.public_pem(&form.beside()).unwrap_or_else(|error| panic!("{error}"));
    (key, pem, public)
}

fn read(document: &Value) -> Result<Keys> {
    let settings = crate::config::Settings::read([("keyroll:kind", "signing-key")]);
    Keys::read(KeyKind::SigningKey, Sensitive::new(document.to_string()), &settings)
}

/// The document after this one, which must be a good one, too.
fn renewed(document: &Value) -> Value {
    let before = read(document).unwrap_or_else(|error| panic!("{document}: {error}"));
    let new = before.renewed(NOW, &mut random).unwrap_or_else(|error| panic!("{error}"));
    let new: Value = serde_json::from_str(new.expose()).unwrap_or_else(|error| panic!("{error}"));
    let after = read(&new).unwrap_or_else(|error| panic!("{new}: {error}"));
    after.prove(NOW).unwrap_or_else(|error| panic!("{new}: {error}"));
    after.refuse_unrelated(&before.fingerprint()).unwrap_or_else(|error| panic!("{new}: {error}"));
    new
}

fn refusal(document: &Value) -> String {
    match read(document) {
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::RefusedValue);
            error.to_string()
        }
        Ok(_) => panic!("accepted {document}"),
    }
}

#[test]
fn a_name_is_renewed_under_every_spelling_and_published_so() {
    for member in ["kid", "keyId", "key_id", "key-id", "private_key_id", "Signing-Key-ID"] {
        let new = renewed(&json!({"private_key": key().1, member: "auth-2025", "issuer": "x"}));
        let name = new[member].as_str().unwrap_or_default();
        assert!(name.starts_with("auth-2") && name != "auth-2025" && new["issuer"] == "x", "{member}: {name}");
        let public = Keys::public(&[&read(&new).unwrap_or_else(|error| panic!("{error}"))]);
        assert!(public.contains(&format!("\"kid\":\"{name}\"")), "{public}");
    }
    let new = renewed(&json!({"private_key": key().1, "kid": "a-1", "key_id": "a-1"}));
    assert_eq!(new["kid"], new["key_id"]);
    let told = refusal(&json!({"private_key": key().1, "kid": "a", "key_id": "b"}));
    assert!(told.contains("name the key differently"), "{told}");
}

#[test]
fn what_holds_the_name_or_the_key_elsewhere_is_renewed_or_refused() {
    let new = renewed(&json!({"private_key": key().1, "key_id": "k1", "active_kid": "k1", "issuer": "k1"}));
    assert!(new["active_kid"] == new["key_id"] && new["issuer"] == "k1");
    let (_, pem, public) = key();
    let base64 = Base64::encode_string(pem.as_bytes());
    let der = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    for (member, value) in [
        ("private_key_pem", json!(pem)),
        ("private_key_base64", json!(base64)),
        ("verification_key", json!(der)),
        ("jwk", json!({"kty": "EC", "x": "a"})),
        ("jwks", json!({"keys": [{"kty": "EC"}]})),
        ("x5c", json!(["MIIB"])),
        ("verification_key", json!(format!("\n{public}"))),
    ] {
        let told = refusal(&json!({"private_key": pem, member: value}));
        assert!(told.contains(member), "{told}");
    }
    // A placeholder has no public half: what somebody else's services trust stays.
    let new = renewed(
        &json!({"private_key": "placeholder", "key_id": "a", "partner_public_key": public, "public_key": "placeholder"}),
    );
    assert_eq!(new["partner_public_key"], json!(public));
    assert!(new["public_key"].as_str().unwrap_or_default().contains("BEGIN PUBLIC KEY"));
}

#[test]
fn a_thumbprint_is_that_of_the_new_key() {
    let (old, pem, _) = key();
    let new = renewed(&json!({"private_key": pem, "kid": thumbprint(&old), "print": thumbprint(&old)}));
    let (made, _) = Key::from_pem(new["private_key"].as_str().unwrap_or_default()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        (new["kid"].as_str(), new["print"].as_str()),
        (Some(&thumbprint(&made)[..]), Some(&thumbprint(&made)[..]))
    );
}

#[test]
fn a_public_half_is_renewed_by_what_it_is() {
    for member in ["public_key", "publicKey", "public-key", "public_key_pem", "CURRENT_VERIFIER"] {
        let (_, pem, public) = key();
        let new = renewed(&json!({"private_key": pem, member: public}));
        let (made, _) =
            Key::from_pem(new["private_key"].as_str().unwrap_or_default()).unwrap_or_else(|e| panic!("{e}"));
        assert!(made.is_public_half(new[member].as_str().unwrap_or_default()).is_some(), "{member}");
    }
    let told = refusal(&json!({"private_key": key().1, "publicKey": key().2}));
    assert!(told.contains("does not belong"), "{told}");
    // A key of somebody else's that the service trusts.
    let other = key().2;
    assert_eq!(renewed(&json!({"private_key": key().1, "trusted": other}))["trusted"], json!(other));
}

#[test]
fn dates_move_on_under_every_spelling() {
    for (from, until) in [
        ("valid_from", "valid_until"),
        ("not_before", "not_after"),
        ("validFrom", "validUntil"),
        ("created_at", "expires_at"),
        ("iat", "exp"),
    ] {
        let new = renewed(&json!({"private_key": key().1, from: "2025-11-22", until: "2026-11-22"}));
        assert_eq!((&new[from], &new[until]), (&json!("2026-11-22"), &json!("2027-11-22")), "{from}");
    }
    let new = renewed(&json!({"private_key": key().1, "created_at": 1_700_000_000}));
    assert_eq!(new["created_at"], json!(NOW.seconds()));
    for (member, value, word) in [
        ("not_after", json!("2026-12-01"), "only one of"),
        ("rotate_on", json!("2026-12-01"), "is a date"),
        ("rotate_on", json!(1_795_361_400), "is a date"),
    ] {
        let told = refusal(&json!({"private_key": key().1, member: value}));
        assert!(told.contains(word) && told.contains(member), "{told}");
    }
    assert_eq!(renewed(&json!({"private_key": key().1, "ttl": 86_400}))["ttl"], 86_400);
}

#[test]
fn what_belongs_to_the_key_and_cannot_be_renewed_is_refused_by_name() {
    for (member, value, word) in [
        ("certificate", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "certificate"),
        ("chain", "x\n-----BEGIN CERTIFICATE-----\nx", "certificate"),
        ("fingerprint", "ab:cd", "fingerprint"),
        ("x5t#S256", "abc", "fingerprint"),
        ("passphrase", "hunter2", "passphrase"),
    ] {
        let told = refusal(&json!({"private_key": key().1, member: value}));
        assert!(told.contains(member) && told.contains(word) && !told.contains("hunter2"), "{told}");
    }
    let told = refusal(&json!({"private_key": key().1, "alg": "RS256"}));
    assert!(told.contains("RS256"), "{told}");
    assert_eq!(renewed(&json!({"private_key": key().1, "alg": "ES256"}))["alg"], "ES256");
    let made = renewed(&json!({"private_key": "placeholder", "alg": "ES256"}));
    assert!(made["private_key"].as_str().unwrap_or_default().len() < 400, "an EC key is short");
}

#[test]
fn documents_of_other_issuers_are_refused_by_whose_they_are() {
    for (members, issuer) in [
        (json!({"type": "service_account", "client_email": "x@p.example", "private_key_id": "a"}), "Google"),
        (json!({"key_id": "A1", "issuer_id": "b"}), "Apple"),
        (json!({"app_id": "1"}), "GitHub"),
        (json!({"key_pair_id": "K1"}), "CloudFront"),
        (json!({"account": "a", "user": "u"}), "Snowflake"),
    ] {
        let mut document = members;
        document["private_key"] = json!(key().1);
        assert!(refusal(&document).contains(issuer), "{issuer}");
    }
}
