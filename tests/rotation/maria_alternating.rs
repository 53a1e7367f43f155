//! MariaDB, two accounts that take turns.

use crate::maria::{self, PARTNER};
use crate::pair::account;
use crate::support::{ACCOUNT, Stage};

/// What the server shows of an account but its name and what it logs in by.
pub fn shown(stage: &Stage, user: &str, host: &str) -> Vec<String> {
    let of = |statement: &str| stage.mariadb().sql(&format!("{statement} `{user}`@`{host}`")).unwrap();
    let mut lines: Vec<String> = [of("SHOW CREATE USER"), of("SHOW GRANTS FOR")]
        .iter()
        .flat_map(|text| text.lines())
        .map(|line| anonymous(line, user))
        .collect();
    lines.sort();
    lines
}

/// A line without the account's name and its passwords.
fn anonymous(line: &str, user: &str) -> String {
    let mut text = line.replace(&format!("`{user}`@"), "`account`@");
    while let Some(start) = text.find(" IDENTIFIED ") {
        let rest = &text[start + 1..];
        let end = rest.rfind('\'').map_or(rest.len(), |quote| quote + 1);
        text.replace_range(start..=start + end, "");
    }
    text
}

#[tokio::test]
async fn two_accounts_take_turns_and_are_alike() {
    let stage = maria::alternating().await;
    for current in [PARTNER, ACCOUNT, PARTNER] {
        let rotation = stage.rotate().await;
        stage.assert_finished(&rotation.token);
        assert_eq!(account(&stage, "AWSCURRENT"), current);
        assert_eq!(shown(&stage, PARTNER, "%"), shown(&stage, ACCOUNT, "%"));
        let finish = rotation.last("finishSecret").unwrap().answer().unwrap();
        assert!(finish["previousCredentialValidUntil"].is_string(), "{finish:#}");
        let set = rotation.last("setSecret").unwrap().answer().unwrap();
        assert!(set.get("warnings").is_none(), "{set:#}");
    }
}
