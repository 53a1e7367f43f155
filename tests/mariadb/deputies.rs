//! Whoever can write a secret must not get at more of MariaDB by it than they have: the administrator works for the owner of
//! the login that was let in, and for nobody else.

use rehearsal::mariadb::{MariaDbOptions, native_hash};
use serde_json::json;
use support::maria::{self, ADMIN};
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

/// Whoever it is about, with rights that an application has not.
const VICTIM: &str = "boss";

fn sql(stage: &Stage, statements: &str) -> String {
    stage.mariadb().sql(statements).unwrap()
}

#[tokio::test]
async fn a_login_as_an_anonymous_user_has_nobodys_password_changed() {
    let stage = maria::stage().await;
    let admin = maria::appoint_by_tag(&stage);
    // Nobody anonymous is in the administrator's way.
    let hash = native_hash(admin["password"].as_str().unwrap());
    sql(&stage, &format!("CREATE USER {ADMIN}@'localhost' IDENTIFIED VIA mysql_native_password USING '{hash}'"));
    sql(&stage, &format!("GRANT ALL ON *.* TO {ADMIN}@'localhost' WITH GRANT OPTION"));
    let (theirs, ours) = (random_password(), random_password());
    stage.secret_text(&theirs);
    stage.secret_text(&ours);
    sql(&stage, &format!("CREATE USER {VICTIM}@'%' IDENTIFIED BY '{theirs}'; GRANT ALL ON *.* TO {VICTIM}@'%'"));
    sql(
        &stage,
        &format!("CREATE USER ''@'localhost' IDENTIFIED BY '{ours}'; GRANT SELECT ON orders.* TO ''@'localhost'"),
    );
    stage.edit_current(&json!({"username": VICTIM, "password": ours}));
    assert!(stage.logs_in("AWSCURRENT"), "nothing is shown: the server does not let the anonymous user in");
    let token = stage.created().await;
    let before = stage.state();
    stage
        .refused("setSecret", &token, "RefusedAccount", &["takes the login of \"boss\" for that of \"@localhost\""])
        .await;
    assert_eq!(stage.state(), before);
    for action in ["Retire", "Revoke"] {
        stage.send(&json!({"Action": action, "SecretId": stage.arn})).await;
        assert_eq!(stage.state().1, before.1, "{action}");
    }
}

#[tokio::test]
async fn a_row_with_another_password_and_more_rights_is_somebody_elses() {
    let stage = maria::overlapping().await;
    let theirs = random_password();
    stage.secret_text(&theirs);
    sql(
        &stage,
        &format!("CREATE USER {ACCOUNT}@'10.%' IDENTIFIED BY '{theirs}'; GRANT ALL ON *.* TO {ACCOUNT}@'10.%'"),
    );
    let token = stage.created().await;
    let before = stage.state();
    let message =
        stage.refused("setSecret", &token, "RefusedAccount", &["`orders_app`@`10.%` has another password"]).await;
    assert!(message.contains("ALL PRIVILEGES ON *.*"), "{message}");
    assert_eq!(stage.state(), before);
    // With no more rights it is one of the account's rows that AWS's function has left behind.
    sql(&stage, &format!("REVOKE ALL ON *.* FROM {ACCOUNT}@'10.%'; GRANT SELECT ON orders.* TO {ACCOUNT}@'10.%'"));
    stage.finishes(&token).await;
    assert!(!sql(&stage, &format!("SHOW CREATE USER {ACCOUNT}@'10.%'")).contains(&native_hash(&theirs)));
}

#[tokio::test]
async fn whoever_holds_the_lock_is_named() {
    let stage = maria::overlapping().await;
    let lock = "SELECT GET_LOCK(CONCAT('keyroll:', UPPER(SHA1('orders_app'))), 0)";
    let mut held = stage.hold("AWSCURRENT");
    assert_eq!(held.ask(lock).unwrap(), "1");
    let token = stage.created().await;
    let message = stage.error("setSecret", &token, "FailedDatabase").await;
    let session = held.ask("SELECT CONNECTION_ID()").unwrap();
    assert!(message.contains(&format!("session {session} of \"orders_app\"")), "{message}");
    assert!(message.contains(&format!("KILL {session}")), "{message}");
}

#[tokio::test]
async fn an_administrator_that_is_the_account_itself_leaves_both_passwords_valid() {
    let stage = maria::stage().await;
    sql(&stage, &format!("GRANT CREATE USER ON *.* TO {ACCOUNT}@'%'; GRANT SELECT ON mysql.* TO {ACCOUNT}@'%'"));
    // An administrator's secret is another one: two secrets of one account are not to be, but a copy of it may be.
    stage.aws.create_secret("orders/self", &stage.value("AWSCURRENT").to_string(), &[]).unwrap();
    stage.aws.set_tag(&stage.arn, "keyroll:admin-secret", "orders/self").unwrap();
    let rotation = stage.rotate().await;
    let set = rotation.last("setSecret").unwrap().answer().unwrap();
    assert!(set["done"].to_string().contains("still valid beside it"), "{set:#}");
    assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
}

#[tokio::test]
async fn an_old_password_that_a_validator_would_not_take_is_replaced_by_revoke() {
    let options = MariaDbOptions { plugins: vec!["simple_password_check".to_owned()], ..MariaDbOptions::default() };
    let stage = maria::with(&options, ACCOUNT, &json!({})).await;
    maria::appoint_by_tag(&stage);
    stage.aws.set_tag(&stage.arn, "keyroll:plaintext-statements", "true").unwrap();
    let weak = "weakpassword".to_owned();
    let set = format!(
        "SET GLOBAL strict_password_validation = 0; ALTER USER {ACCOUNT}@'%' IDENTIFIED VIA \
                       mysql_native_password USING '{}'; SET GLOBAL strict_password_validation = 1",
        native_hash(&weak)
    );
    sql(&stage, &set);
    stage.edit_current(&json!({"password": weak}));
    stage.expect_leaks();
    let token = stage.created().await;
    stage.refused("setSecret", &token, "RefusedValue", &["the one before", "Revoke"]).await;
    assert!(stage.logs_in("AWSCURRENT"));
    let report = stage.action("Revoke").await;
    stage.assert_revoked(report["versionId"].as_str().unwrap());
    assert!(!stage.accepts(ACCOUNT, &weak));
}
