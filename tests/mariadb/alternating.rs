//! MariaDB, two accounts that take turns.

use std::sync::Arc;

use rehearsal::driver::RotationOutcome;
use rehearsal::mariadb::{identifier, literal};
use rehearsal::postgres::Login;
use serde_json::Value;
use support::clients::Clients;
use support::clients::seen::{CLIENTS, ENOUGH, assert_the_old_value_was_used_to_the_end};
use support::maria::{self, PARTNER};
use support::pair::{self, account};
use support::rig::random_password;
use support::stage::{ACCOUNT, DATABASE, Stage};

/// What the server shows of an account for a host but its name, what it logs in by and its lock.
pub fn shown(stage: &Stage, user: &str, host: &str) -> Vec<String> {
    let who = format!("{}@{}", identifier(user), identifier(host));
    let of = |statement: &str| sql(stage, &format!("{statement} {who}"));
    let both = [of("SHOW CREATE USER"), of("SHOW GRANTS FOR")].join("\n").replace(&who, &format!("account@{host}"));
    let mut lines: Vec<String> = both.lines().map(anonymous).collect();
    lines.sort();
    lines
}

/// A line without passwords.
fn anonymous(line: &str) -> String {
    let mut text = line.to_owned();
    if let Some(from) = text.find(" IDENTIFIED ") {
        let ends = [" REQUIRE ", " WITH ", " ACCOUNT ", " PASSWORD EXPIRE"].into_iter();
        let to = ends.filter_map(|word| text[from..].find(word)).min();
        text.replace_range(from..to.map_or(text.len(), |to| from + to), "");
    }
    text
}

/// The same of all hosts.
pub fn shown_all(stage: &Stage, user: &str) -> Vec<String> {
    hosts(stage, user).iter().flat_map(|host| shown(stage, user, host)).collect()
}

/// The hosts of an account.
pub fn hosts(stage: &Stage, user: &str) -> Vec<String> {
    let rows = sql(stage, &format!("SELECT Host FROM mysql.user WHERE User = {} ORDER BY Host", literal(user)));
    rows.lines().map(str::to_owned).collect()
}

/// Asserts that the two are the same for the server.
pub fn assert_alike(stage: &Stage) {
    assert_eq!(shown_all(stage, PARTNER), shown_all(stage, ACCOUNT));
}

/// Runs statements as the superuser.
pub fn sql(stage: &Stage, statements: &str) -> String {
    stage.mariadb().sql(statements).unwrap_or_else(|error| panic!("{statements}: {error}"))
}

/// Makes somebody's account, with a password that must not show up anywhere.
pub fn make(stage: &Stage, name: &str) -> String {
    let password = random_password();
    stage.secret_text(&password);
    maria::make_account(stage.mariadb(), name, &password);
    password
}

/// Whether an account gets in, whatever it may do there.
pub fn enters(stage: &Stage, user: &str, password: &str) -> bool {
    stage.server.try_login(user, password, "") == Login::Accepted
}

/// Runs the rest of a rotation whose value is stored.
pub async fn goes_on(stage: &Stage, token: &str) {
    stage.goes_on(token).await;
    assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
}

/// What a rotation's setSecret says.
pub fn set_of(rotation: &RotationOutcome) -> &Value {
    rotation.last("setSecret").unwrap().answer().unwrap()
}

#[tokio::test]
async fn two_accounts_take_turns_and_are_alike() {
    let stage = maria::alternating().await;
    for current in [PARTNER, ACCOUNT, PARTNER] {
        let rotation = stage.rotated().await;
        assert_eq!(account(&stage, "AWSCURRENT"), current);
        assert_alike(&stage);
        let finish = rotation.last("finishSecret").unwrap().answer().unwrap();
        assert!(finish["previousCredentialValidUntil"].is_string(), "{finish:#}");
        let set = set_of(&rotation);
        assert!(set.get("warnings").is_none(), "{set:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_turned_away_while_rights_come_and_go() {
    let stage = Arc::new(maria::alternating().await);
    let mut changes = [
        format!("GRANT SELECT ON mysql.help_topic TO {ACCOUNT}; REVOKE TRIGGER ON {DATABASE}.* FROM {ACCOUNT}"),
        format!("GRANT TRIGGER ON {DATABASE}.* TO {ACCOUNT}; REVOKE SELECT ON mysql.help_topic FROM {ACCOUNT}"),
    ]
    .into_iter();
    let after = |rotation: &RotationOutcome| {
        stage.assert_finished(&rotation.token);
        assert_alike(&stage);
        if let Some(change) = changes.next() {
            sql(&stage, &change);
        }
    };
    let seen = Clients::through(&stage, 3, after).await;
    seen.tell();
    assert!(seen.failures().is_empty(), "{:#?}", seen.failures());
    for client in CLIENTS {
        assert!(seen.logins(client) > ENOUGH, "{client:?} was hardly there");
    }
    assert_the_old_value_was_used_to_the_end(&seen);
    pair::assert_in_step(&stage).await;
}
