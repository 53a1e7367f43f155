//! The vendored root certificates of Amazon RDS: each is what it should be, and says in good time when it nears its end.
//!
//! `scripts/refresh-rds-roots` writes both files that are read here. The certificates themselves are read by the
//! `openssl` command, version 3, so that no X.509 parser is needed for tests alone; without it these tests fail.

use std::collections::HashMap;
use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

const ROOTS: &str = include_str!("../data/rds-roots.pem");
const ROOTS_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/rds-roots.pem");
const RECORD: &str = include_str!("../data/rds-roots.md");

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// How long before its end a certificate is complained about.
const NOTICE_DAYS: u32 = 90;

/// One block of the file and the comment before it.
struct Root {
    comment: &'static str,
    pem: &'static str,
}

/// Every certificate of the file, or the first piece of text that is not `# comment` and one PEM block.
fn roots() -> Result<Vec<Root>, &'static str> {
    ROOTS
        .split_inclusive(END)
        .filter(|piece| !piece.trim().is_empty())
        .map(|piece| {
            let (comment, body) =
                piece.trim_start().strip_prefix("# ").and_then(|it| it.split_once('\n')).ok_or(piece)?;
            let whole = body.starts_with(BEGIN) && body.ends_with(END) && body.matches(BEGIN).count() == 1;
            if whole { Ok(Root { comment, pem: body }) } else { Err(piece) }
        })
        .collect()
}

/// What `openssl` makes of a certificate.
fn openssl(arguments: &[&str], pem: &str) -> io::Result<Output> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("these tests need the openssl command: {error}")))?;
    // Taken out of the child so that it is closed, and openssl sees the end, before the wait.
    if let Some(mut stdin) = child.stdin.take() {
        writeln!(stdin, "{pem}")?;
    }
    child.wait_with_output()
}

/// The fields `openssl x509` prints of a certificate, as one text.
fn printed(root: &Root) -> io::Result<String> {
    let output = openssl(
        &[
            "x509",
            "-noout",
            "-subject",
            "-issuer",
            "-enddate",
            "-dateopt",
            "iso_8601",
            "-nameopt",
            "RFC2253",
            "-ext",
            "basicConstraints",
        ],
        root.pem,
    )?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(io::Error::other(format!("{}: {}", root.comment, String::from_utf8_lossy(&output.stderr))))
    }
}

/// The value of the line `name=value`.
fn field<'a>(printed: &'a str, name: &str) -> Option<&'a str> {
    printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

#[test]
fn every_certificate_is_an_authority_that_its_comment_names() {
    for root in roots().expect("only commented certificates") {
        let printed = printed(&root).expect("a certificate");
        assert!(printed.contains("CA:TRUE"), "{} is no certificate authority:\n{printed}", root.comment);

        let subject = field(&printed, "subject").expect("a subject");
        assert_eq!(Some(subject), field(&printed, "issuer"), "{} is no root", root.comment);

        let (name, until) = root.comment.rsplit_once(" until ").expect("`# name until date`");
        assert!(subject.split(',').any(|part| part.strip_prefix("CN=") == Some(name)), "{name} is {subject}");
        let end = field(&printed, "notAfter").expect("an end");
        assert!(end.starts_with(until), "{name} ends {end}, its comment says {until}");
    }
}

#[test]
fn every_certificate_is_valid_today_and_signed_by_itself() {
    for root in roots().expect("only commented certificates") {
        let output = openssl(&["verify", "-check_ss_sig", "-trusted", ROOTS_PATH], root.pem).expect("openssl");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}\nRun scripts/refresh-rds-roots.", root.comment);
    }
}

#[test]
fn no_certificate_is_near_its_end() {
    let notice = (NOTICE_DAYS * 24 * 60 * 60).to_string();
    let ending: Vec<&str> = roots()
        .expect("only commented certificates")
        .into_iter()
        .filter(|root| !openssl(&["x509", "-noout", "-checkend", &notice], root.pem).expect("openssl").status.success())
        .map(|root| root.comment)
        .collect();
    assert!(
        ending.is_empty(),
        "These roots of Amazon RDS end within {NOTICE_DAYS} days:\n  {}\n\
         Run scripts/refresh-rds-roots. Whoever has a database under one of them must move it to another authority.",
        ending.join("\n  "),
    );
}

#[test]
fn no_certificate_is_there_twice() {
    let mut seen = HashMap::new();
    for root in roots().expect("only commented certificates") {
        let body: String = root.pem.split_whitespace().collect();
        if let Some(other) = seen.insert(body, root.comment) {
            panic!("the same certificate stands under {other} and under {}", root.comment);
        }
    }
}

#[test]
fn the_record_counts_the_certificates() {
    let recorded = RECORD.lines().find_map(|line| line.strip_prefix("- Certificates: ")).expect("a count");
    let found = roots().expect("only commented certificates").len();
    assert_eq!(recorded, found.to_string(), "data/rds-roots.md is of another run of scripts/refresh-rds-roots");
    assert_ne!(found, 0);
}
