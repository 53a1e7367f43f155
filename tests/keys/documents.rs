//! Signing keys as teams write them: `{"private_key": PEM, "key_id", "valid_from", "valid_until"}`. The keys come from the
//! `openssl` command, and what keyroll makes of them is read by it again.

use std::io::Write as _;
use std::process::{Command, Stdio};

use rehearsal::aws::random::uuid;
use serde_json::{Value, json};

use crate::stage::Stage;
use crate::values::{dry_run, warnings};

/// Runs `openssl`; a key goes in and comes out by a pipe only.
pub fn openssl(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("the openssl command: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn rsa(bits: u32) -> String {
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &format!("rsa_keygen_bits:{bits}")], "")
}

pub fn ec(curve: &str) -> String {
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", &format!("ec_paramgen_curve:{curve}")], "")
}

/// What openssl finds in a private key that it also checks: `Private-Key: (2048 bit, 2 primes)` and the curve.
fn described(pem: &str) -> String {
    let text = openssl(&["pkey", "-check", "-noout", "-text"], pem);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| ["Private-Key", "ASN1 OID", "ED25519", "Key is valid"].iter().any(|word| line.contains(word)))
        .collect();
    lines.join("; ")
}

pub fn public_half(pem: &str) -> String {
    openssl(&["pkey", "-pubout"], pem)
}

fn label(pem: &str) -> &str {
    pem.trim().lines().next().unwrap()
}

pub fn document(pem: &str) -> Value {
    json!({
        "private_key": pem, "key_id": "signing-2025",
        "valid_from": "2025-01-01T00:00:00Z", "valid_until": "2025-07-01T00:00:00Z",
        "issuer": "https://auth.example",
    })
}

fn text<'a>(document: &'a Value, key: &str) -> &'a str {
    document[key].as_str().unwrap_or_else(|| panic!("no {key}"))
}

#[tokio::test]
async fn a_key_keeps_its_type_its_size_and_its_label() {
    let traditional = |pem: &str| openssl(&["pkey", "-traditional"], pem);
    let (rsa_2048, p256, p384) = (rsa(2048), ec("P-256"), ec("P-384"));
    for pem in [
        traditional(&rsa_2048),
        rsa_2048,
        rsa(3072),
        traditional(&p256),
        p256,
        traditional(&p384),
        p384,
        openssl(&["genpkey", "-algorithm", "ED25519"], ""),
    ] {
        let stage = Stage::start("signing-key", &document(&pem).to_string()).await;
        stage.tag("keyroll:copies", "s3://auth-keys/jwks.json");
        stage.aws.create_bucket("auth-keys");
        let mut before = pem.clone();
        for _ in 0..2 {
            stage.rotated().await;
            let after = stage.json("AWSCURRENT");
            let new = text(&after, "private_key").to_owned();
            assert_eq!((label(&new), described(&new)), (label(&pem), described(&pem)));
            assert!(public_half(&new) != public_half(&before), "the same key again");
            assert_eq!(new.ends_with('\n'), pem.ends_with('\n'));
            assert_eq!(after["issuer"], "https://auth.example");
            let public = stage.aws.object("auth-keys", "jwks.json").unwrap().body;
            let public: Value = serde_json::from_str(&public).unwrap();
            for key in public["keys"].as_array().unwrap() {
                let private = ["d", "p", "q", "dp", "dq", "qi", "k", "oth"];
                assert!(private.iter().all(|member| key.get(member).is_none()), "{}", key["kid"]);
            }
            assert_eq!(public["keys"].as_array().unwrap().len(), 2);
            before = new;
        }
    }
}

#[tokio::test]
async fn an_rsa_key_that_rfc_7518_finds_too_short_gets_2048_bits_and_the_answer_says_so() {
    let stage = Stage::start("signing-key", &document(&rsa(1024)).to_string()).await;
    let answer = stage.answer("createSecret", &stage.stage()).await;
    assert!(warnings(&answer).contains("RFC 7518, section 3.3"), "{answer:#}");
    assert!(described(text(&stage.json("AWSPENDING"), "private_key")).contains("2048 bit"));
}

#[tokio::test]
async fn a_pem_written_in_one_line_stays_so() {
    let pem = ec("P-256");
    let escaped = pem.replace('\n', "\\n");
    let stage = Stage::start("signing-key", &document(&escaped).to_string()).await;
    for _ in 0..2 {
        stage.rotate().await;
        let after = stage.json("AWSCURRENT");
        let new = text(&after, "private_key");
        assert!(!new.contains('\n') && new.contains("\\n"), "real line ends, or none");
        assert_eq!(described(&new.replace("\\n", "\n")), described(&pem));
    }
}

#[tokio::test]
async fn a_public_half_beside_the_private_one_is_renewed_with_it() {
    for pem in [rsa(2048), ec("P-256")] {
        let mut value = document(&pem);
        value["public_key"] = json!(public_half(&pem));
        let stage = Stage::start("signing-key", &value.to_string()).await;
        for _ in 0..2 {
            stage.rotate().await;
            let after = stage.json("AWSCURRENT");
            assert_eq!(text(&after, "public_key"), public_half(text(&after, "private_key")));
            assert_eq!(label(text(&after, "public_key")), "-----BEGIN PUBLIC KEY-----");
        }
    }
}

#[tokio::test]
async fn the_window_moves_on_in_the_style_it_was_written_in() {
    let pem = ec("P-256");
    let styles = [
        (json!("2025-01-01"), json!("2025-07-01"), "9999-99-99"),
        (json!("2025-01-01T00:00:00Z"), json!("2025-07-01T00:00:00Z"), "9999-99-99T99:99:99Z"),
        (json!("2025-01-01 00:00:00+02:00"), json!("2025-07-01 00:00:00+02:00"), "9999-99-99 99:99:99+02:00"),
        (json!("2025-01-01T00:00:00.000Z"), json!("2025-07-01T00:00:00.000Z"), "9999-99-99T99:99:99.999Z"),
        (json!(1_735_689_600), json!(1_751_328_000), "9999999999"),
        (json!("1735689600000"), json!("1751328000000"), "9999999999999"),
    ];
    for (from, until, style) in styles {
        let mut value = document(&pem);
        (value["valid_from"], value["valid_until"]) = (from.clone(), until.clone());
        let stage = Stage::start("signing-key", &value.to_string()).await;
        stage.rotate().await;
        let after = stage.json("AWSCURRENT");
        for (key, before) in [("valid_from", &from), ("valid_until", &until)] {
            assert_eq!(after[key].is_number(), before.is_number(), "{style}");
            let written = after[key].as_str().map_or_else(|| after[key].to_string(), str::to_owned);
            // The offset at the end stands for itself.
            let (digits, zone) = if style.contains('+') { written.split_at(19) } else { (&written[..], "") };
            let shape: String = digits.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
            assert_eq!(shape + zone, style);
            assert_ne!(&after[key], before, "{style}");
        }
    }
}

#[tokio::test]
async fn a_key_id_keeps_its_stem_and_is_never_used_again() {
    let pem = ec("P-256");
    for (name, stem) in [("signing-2025", "signing"), ("prod/auth:key-7", "prod/auth:key"), ("auth-v2", "auth")] {
        let mut value = document(&pem);
        value["key_id"] = json!(name);
        let stage = Stage::start("signing-key", &value.to_string()).await;
        let mut seen = vec![name.to_owned()];
        for _ in 0..3 {
            stage.rotate().await;
            let id = text(&stage.json("AWSCURRENT"), "key_id").to_owned();
            let rest = id.strip_prefix(&format!("{stem}-")).unwrap_or_else(|| panic!("{id}"));
            let (day, random) = rest.split_once('-').unwrap();
            assert!(day.len() == 8 && day.starts_with("20") && random.len() == 8, "{id}");
            assert!(!seen.contains(&id), "{id}");
            seen.push(id);
        }
    }
    // A name that is all random has no stem.
    let mut value = document(&pem);
    value["key_id"] = json!(uuid());
    let stage = Stage::start("signing-key", &value.to_string()).await;
    stage.rotate().await;
    assert_eq!(text(&stage.json("AWSCURRENT"), "key_id").len(), 17);
}

#[tokio::test]
async fn the_rest_of_the_document_stays_byte_for_byte_and_the_field_may_have_another_name() {
    let pem = serde_json::to_string(&ec("P-256")).unwrap();
    let (head, tail) = ("{ \"n\" : 1.50,\r\n\t\"größe\": \"\\u00e9\", \"pem\" : ", " , \"x\":[ 1,2 ]}\n");
    let tags = [("keyroll:token-lifetime", "0"), ("keyroll:field", "pem")];
    let stage = Stage::with("signing-key", &format!("{head}{pem}{tail}"), &tags).await;
    stage.rotate().await;
    let value = stage.value("AWSCURRENT");
    let new = value.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail)).unwrap();
    let new: String = serde_json::from_str(new).unwrap();
    assert!(described(&new).contains("Key is valid"));
}

#[tokio::test]
async fn a_placeholder_becomes_a_key_of_2048_bits_that_openssl_reads() {
    let stage = Stage::start("signing-key", &document("placeholder").to_string()).await;
    let plan = dry_run(&stage).await["steps"][0]["plan"].to_string();
    assert!(plan.contains("2048"), "{plan}");
    stage.rotate().await;
    let after = stage.json("AWSCURRENT");
    assert!(described(text(&after, "private_key")).contains("2048 bit"), "{}", after["key_id"]);
}
