//! Random values with a structure: it stays, or the value is refused before anything changes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::stage::Stage;
use crate::values::{encoded, hex, warnings};

/// Rotates a value once and gives the new one.
async fn rotated(kind: &str, value: &str) -> String {
    let stage = Stage::start(kind, value).await;
    let rotation = stage.rotate().await;
    stage.assert_finished(&rotation.token);
    let new = stage.value("AWSCURRENT");
    assert_ne!(new, value);
    new
}

/// Base64 of so many bytes in lines of 64 characters, as `openssl rand -base64` prints it.
fn in_lines(count: usize) -> String {
    let text = encoded(&BASE64_STANDARD, count);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join("\n") + "\n"
}

#[tokio::test]
async fn a_prefix_stays_and_what_is_behind_it_decodes_to_as_many_bytes() {
    for kind in ["token", "jwt"] {
        for prefix in ["base64:", "v1:"] {
            let new = rotated(kind, &format!("{prefix}{}", encoded(&BASE64_STANDARD, 32))).await;
            let decoded = BASE64_STANDARD.decode(new.strip_prefix(prefix).unwrap()).unwrap();
            assert_eq!(decoded.len(), 32, "{kind} {prefix}");
        }
        for prefix in ["0x", "hex:", "acme_live_"] {
            let new = rotated(kind, &format!("{prefix}{}", hex(64))).await;
            let digits = new.strip_prefix(prefix).unwrap();
            assert!(digits.len() == 64 && digits.bytes().all(|c| c.is_ascii_hexdigit()), "{kind} {prefix}");
        }
    }
}

#[tokio::test]
async fn lines_of_base64_keep_their_breaks() {
    for count in [64, 96, 128] {
        let value = in_lines(count);
        let new = rotated("token", &value).await;
        let shape = |text: &str| text.split('\n').map(str::len).collect::<Vec<_>>();
        assert_eq!(shape(&new), shape(&value));
        assert_eq!(BASE64_STANDARD.decode(new.replace('\n', "")).unwrap().len(), count);
    }
}

#[tokio::test]
async fn a_list_gets_a_new_entry_in_front() {
    let (first, second) = (encoded(&BASE64_STANDARD, 32), encoded(&BASE64_STANDARD, 32));
    let new = rotated("token-list", &format!("{first},{second}")).await;
    let entries: Vec<&str> = new.split(',').collect();
    assert_eq!((entries.len(), entries[1]), (2, first.as_str()));
    assert_eq!(BASE64_STANDARD.decode(entries[0]).unwrap().len(), 32);
    let one = rotated("token-list", &first).await;
    assert_eq!(BASE64_STANDARD.decode(one).unwrap().len(), 32);
}

#[tokio::test]
async fn what_a_random_value_would_break_is_refused_and_the_dry_run_says_so() {
    let key = encoded(&BASE64_STANDARD, 32);
    for (value, word) in [
        (format!("{key},{}", encoded(&BASE64_STANDARD, 32)), "token-list"),
        (format!("app/{key}"), "structure"),
        (format!("user:{}", hex(12)), "user:password"),
        (format!("A={}\nB={}", hex(16), hex(16)), "several lines"),
        ("${API_KEY}".to_owned(), "variable"),
        ("/run/secrets/api".to_owned(), "path of a file"),
    ] {
        let stage = Stage::start("token", &value).await;
        let before = stage.aws.snapshot();
        let foretold = stage.action("DryRun").await;
        assert_eq!(foretold["verdict"], "wouldFail");
        assert!(foretold.to_string().contains(word), "{word}");
        assert_eq!(stage.aws.snapshot(), before);
        let error = stage.error("createSecret", &stage.stage(), "RefusedValue").await;
        assert!(error.contains(word), "{error}");
    }
}

#[tokio::test]
async fn the_dry_run_of_a_token_says_what_will_be_lost() {
    let told = |stage: Stage| async move { warnings(&stage.action("DryRun").await) };
    assert!(told(Stage::start("token", &hex(64)).await).await.contains("can then no longer be read"));
    let list = format!("{},{}", hex(64), hex(64));
    assert!(told(Stage::start("token-list", &list).await).await.contains("oldest entry"));
    let answer = Stage::start("token", &hex(64)).await.action("DryRun").await.to_string();
    assert!(!answer.contains("sign") && !answer.contains("verif"), "{answer}");
}
