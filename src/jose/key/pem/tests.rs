use super::*;
use crate::jose::key::Shape;
use crate::jose::key::tests::{error_of, fresh, rsa, short_rsa};

fn form(label: Label) -> PemForm {
    PemForm { label, ..PemForm::default() }
}

fn written_in(key: &Key, form: &PemForm) -> String {
    key.to_pem(form).unwrap_or_else(|error| panic!("{error}")).expose().to_owned()
}

fn read(text: &str) -> (Key, PemForm) {
    Key::from_pem(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Refuses a text, without telling any line of it.
fn refuses(text: &str, expected: &str) {
    let error = error_of(Key::from_pem(text)).to_string();
    assert!(error.contains(expected), "{error} does not say {expected}");
    assert!(text.lines().filter(|line| line.len() > 30).all(|line| !error.contains(line)), "{error}");
}

/// A block with any label and content.
fn block(label: &str, der: &[u8]) -> String {
    let mut text = String::new();
    written(&mut text, label, der, "\n");
    text
}

#[test]
fn every_key_is_written_as_it_was_read() {
    let short = short_rsa();
    let curves = [fresh(Shape::P256), fresh(Shape::P384)];
    let edwards = fresh(Shape::Ed25519);
    let mut cases =
        vec![(&edwards, PemForm { with_public: true, ..PemForm::default() }), (&edwards, PemForm::default())];
    for key in [rsa(), &short] {
        cases.extend([Label::Pkcs8, Label::Pkcs1].map(|label| (key, form(label))));
    }
    for key in &curves {
        cases.extend([Label::Pkcs8, Label::Sec1].map(|label| (key, form(label))));
        cases.push((key, PemForm { parameters: true, ..form(Label::Sec1) }));
    }
    for (key, form) in cases {
        for line_break in BREAKS {
            for end in ["", line_break, "\n", "\n\n"] {
                let form = PemForm { line_break, end: end.to_owned(), ..form.clone() };
                let text = written_in(key, &form);
                assert!(text.starts_with(if form.parameters {
                    "-----BEGIN EC PARAMETERS-----"
                } else {
                    "-----BEGIN "
                }));
                let (copy, found) = read(&text);
                assert!(copy.same(key));
                assert_eq!(found, form);
                assert_eq!(written_in(&copy, &found), text);
            }
        }
    }
}

#[test]
fn a_form_of_another_kind_of_key_is_refused() {
    for (key, label) in [
        (&fresh(Shape::Hmac(32)), Label::Pkcs8),
        (&fresh(Shape::Hmac(32)), Label::Spki),
        (&fresh(Shape::P256), Label::Pkcs1),
        (&fresh(Shape::Ed25519), Label::Sec1),
        (rsa(), Label::Sec1),
        (rsa(), Label::Spki),
    ] {
        error_of(key.to_pem(&form(label)));
    }
    error_of(rsa().public_pem(&form(Label::Pkcs8)));
    error_of(fresh(Shape::P256).public_pem(&form(Label::PublicPkcs1)));
    error_of(fresh(Shape::Hmac(32)).public_pem(&form(Label::Spki)));
}

#[test]
fn lines_are_as_wide_as_the_rfc_has_them() {
    let text = written_in(rsa(), &PemForm::default());
    let lines: Vec<_> = text.lines().collect();
    let [first, body @ .., short, last] = lines.as_slice() else { panic!("lines") };
    assert_eq!((*first, *last), ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"));
    assert!(body.iter().all(|line| line.len() == WIDTH) && (1..=WIDTH).contains(&short.len()));
    assert!(text.ends_with("-----\n") && !text.ends_with("\n\n"));
}

#[test]
fn the_public_half_is_recognised_and_written_alike() {
    let keys = [fresh(Shape::P256), fresh(Shape::P384), fresh(Shape::Ed25519)];
    for key in keys.iter().chain([rsa()]) {
        for line_break in BREAKS {
            let form = PemForm { line_break, end: String::new(), ..PemForm::default() }.beside();
            let text = key.public_pem(&form).unwrap_or_else(|error| panic!("{error}"));
            assert!(text.starts_with("-----BEGIN PUBLIC KEY-----"));
            assert_eq!(key.is_public_half(&text), Some(form));
            assert_eq!(fresh(key.shape()).is_public_half(&text), None);
        }
        assert_eq!(key.is_public_half(&written_in(key, &PemForm::default())), None);
    }
    let text = rsa().public_pem(&form(Label::PublicPkcs1)).unwrap_or_else(|error| panic!("{error}"));
    assert!(text.starts_with("-----BEGIN RSA PUBLIC KEY-----"));
    assert_eq!(rsa().is_public_half(&text).map(|form| form.label()), Some("RSA PUBLIC KEY"));
    for nothing in ["", "text", &format!("{text}text")] {
        assert_eq!(rsa().is_public_half(nothing), None);
    }
    refuses(&text, "a public key");
}

#[test]
fn what_is_not_a_plain_private_key_is_refused_by_name() {
    for (label, what, _) in OTHERS {
        refuses(&block(label, &[48, 0]), what);
    }
    refuses(&block("A MISPLACED SECRET", &[48, 0]), "something that keyroll does not know");
    let text = written_in(rsa(), &form(Label::Pkcs1));
    let headed = text.replacen("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1);
    refuses(&headed, "encrypted");
}

#[test]
fn what_is_not_one_whole_block_is_refused() {
    let text = written_in(&fresh(Shape::P256), &form(Label::Sec1));
    refuses("", "-----BEGIN");
    refuses(&format!("key: {text}"), "-----BEGIN");
    refuses(&format!("{text}{text}"), "behind the PEM block");
    refuses(&text.replace('\n', " "), "no line break");
    refuses(&text.replace("END EC", "END"), "no line with -----END");
    refuses(&text.replacen('\n', "\r\n", 1), "no line with -----END");
    refuses(&text.replacen("\nM", "\n!M", 1), "not base64");
    refuses(&text.replacen("\nM", "\nMIM", 1), "not");
    let other = PemForm { parameters: true, ..form(Label::Sec1) };
    let (first, _) = written_in(&fresh(Shape::P384), &other)
        .split_once("-----BEGIN EC PRIV")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    refuses(&format!("{first}{text}"), "EC PARAMETERS");
}

#[test]
fn a_label_that_the_content_belies_is_refused() {
    let key = fresh(Shape::P256);
    for (label, der) in [
        ("PRIVATE KEY", key.sec1(true)),
        ("EC PRIVATE KEY", key.to_pkcs8(false)),
        ("RSA PRIVATE KEY", rsa().to_pkcs8(false)),
    ] {
        refuses(&block(label, &der.unwrap_or_else(|error| panic!("{error}"))), "what stands in the PEM block is not");
    }
}
