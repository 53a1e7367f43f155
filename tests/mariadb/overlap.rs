//! MariaDB, one account and an administrator: both passwords are valid, the new one and the one before.

use rehearsal::mariadb::native_hash;
use serde_json::json;
use support::maria;
use support::stage::{ACCOUNT, Stage};

/// The rules of the account's row for a host, as the server shows them, with the secret's passwords by their labels.
pub fn rules(stage: &Stage, host: &str) -> String {
    let shown = stage.mariadb().sql(&format!("SHOW CREATE USER `{ACCOUNT}`@`{host}`")).unwrap();
    let mut text = shown.split_once(" IDENTIFIED ").map_or(String::new(), |(_, rules)| rules.trim().to_owned());
    for label in ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"] {
        if stage.aws.holder(&stage.arn, label).is_some() {
            text = text.replace(&native_hash(stage.value(label)["password"].as_str().unwrap()), label);
        }
    }
    text
}

/// What two rules look like, the new one first.
pub const BOTH: &str = "VIA mysql_native_password USING 'AWSCURRENT' OR mysql_native_password USING 'AWSPREVIOUS'";

#[tokio::test]
async fn a_rotation_leaves_the_password_before_valid_until_the_next() {
    let stage = maria::overlapping().await;
    let mut replaced = Vec::new();
    for _ in 0..3 {
        replaced.push(stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned());
        let rotation = stage.rotated().await;
        assert_eq!(rules(&stage, "%"), BOTH);
        let accepted: Vec<bool> = replaced.iter().map(|password| stage.accepts(ACCOUNT, password)).collect();
        assert_eq!(accepted.iter().filter(|accepted| **accepted).count(), 1, "{accepted:?}");
        assert_eq!(accepted.last(), Some(&true));
        let set = rotation.last("setSecret").unwrap().answer().unwrap();
        let line =
            format!("set the password of {ACCOUNT:?} as \"orders_admin\", with the one before still valid beside it");
        assert_eq!(set["done"], json!([line]));
        let finish = rotation.last("finishSecret").unwrap().answer().unwrap();
        assert!(finish["previousCredentialValidUntil"].is_string(), "{finish:#}");
    }
}
