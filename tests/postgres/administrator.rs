//! Rotating through an administrator, where `keyroll:admin-secret` names one.

use rehearsal::aws::{ACCOUNT as AWS_ACCOUNT, DbCluster, DbInstance, REGION};
use rehearsal::postgres::{Postgres, PostgresOptions};
use serde_json::{Value, json};
use support::dry_run::finds;
use support::pair::{ADMIN, make_administrator};
use support::refusals::{Row, Wrong};
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

/// A stage whose secret names an administrator with these attributes.
pub async fn stage(attributes: &str) -> (Stage, Value) {
    let stage = Stage::start().await;
    let admin = appoint(&stage, attributes);
    (stage, admin)
}

/// Makes an administrator with these attributes and names it in the tag of the account's secret. Gives the value of its own.
pub fn appoint(stage: &Stage, attributes: &str) -> Value {
    let admin = make_administrator(stage, ACCOUNT, attributes);
    stage.aws.set_tag(&stage.arn, "keyroll:admin-secret", "orders/admin").unwrap();
    admin
}

#[tokio::test]
async fn the_administrator_sets_the_password_after_the_account_itself_has_logged_in() {
    let (stage, _) = stage("CREATEROLE").await;
    let mark = stage.postgres().mark();
    let rotation = stage.rotated().await;
    let logins = stage.postgres().logins_since(mark);
    assert_eq!(logins.accepted[..4], [ACCOUNT, ADMIN, ACCOUNT, ACCOUNT]);
    let report = rotation.last("setSecret").unwrap().answer().unwrap();
    assert!(report["done"].to_string().contains(ADMIN), "{report}");
    // Advisory locks are per database: all who change this account meet in its own.
    let log = stage.postgres().log_since(mark);
    assert!(log.contains(&format!("connection authorized: user={ADMIN} database=orders")), "{log}");
}

#[tokio::test]
async fn the_administrator_helps_an_account_that_may_not_change_its_own_password() {
    let (stage, _) = stage("CREATEROLE").await;
    stage.postgres().sql("CREATE ROLE rds_password").unwrap();
    stage.postgres().sql(&format!("GRANT rds_password TO {ADMIN}")).unwrap();
    stage.postgres().sql("ALTER DATABASE orders SET rds.restrict_password_commands = 'on'").unwrap();
    stage.rotated().await;
    stage.aws.remove_tag(&stage.arn, "keyroll:admin-secret").unwrap();
    let token = stage.created().await;
    stage.refused("setSecret", &token, "RefusedAccount", &["rds_password", "keyroll:admin-secret"]).await;
}

#[tokio::test]
async fn the_administrators_login_goes_only_to_its_own_host() {
    let (stage, mut admin) = stage("CREATEROLE").await;
    // A server of somebody who may write the secret: the administrator's password must never reach it.
    let foreign = Postgres::start_with(&PostgresOptions::default()).unwrap();
    admin["port"] = json!(foreign.port());
    stage.aws.put_value("orders/admin", &admin.to_string(), &["AWSCURRENT"]).unwrap();
    let token = stage.created().await;
    let marks = (stage.postgres().mark(), foreign.mark());
    stage.refused("setSecret", &token, "RefusedSetting", &["orders/admin"]).await;
    let tried =
        |logins: rehearsal::postgres::Logins| logins.accepted.iter().chain(&logins.failed).any(|name| name == ADMIN);
    assert!(!tried(stage.postgres().logins_since(marks.0)) && !tried(foreign.logins_since(marks.1)));
}

#[tokio::test]
async fn an_account_whose_own_login_fails_gets_no_help_from_the_administrator() {
    let (stage, _) = stage("CREATEROLE").await;
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD '{}'", random_password())).unwrap();
    let token = stage.created().await;
    let mark = stage.postgres().mark();
    stage.error("setSecret", &token, "RefusedLogin").await;
    assert!(!stage.postgres().logins_since(mark).accepted.iter().any(|name| name == ADMIN));
}

#[tokio::test]
async fn an_administrator_without_the_right_is_refused_before_anything_changes() {
    let (stage, mut admin) = stage("CREATEROLE").await;
    let token = stage.created().await;
    let alter = |role: &str, [wrong, right]: [&str; 2]| {
        [wrong, right].map(|attribute| format!("ALTER ROLE {role} {attribute}"))
    };
    let no_right = alter(ADMIN, ["NOCREATEROLE", "CREATEROLE"]);
    let mightier = alter(ACCOUNT, ["SUPERUSER", "NOSUPERUSER"]);
    let rows: [Row<'_>; 2] = [
        (Wrong::Server(&no_right[0], &no_right[1]), "RefusedAccount", &[ADMIN, "CREATEROLE"]),
        (Wrong::Server(&mightier[0], &mightier[1]), "RefusedAccount", &["superuser"]),
    ];
    stage.refuses(&["setSecret"], &token, &rows).await;
    let nobody = Wrong::Tag("keyroll:admin-secret", "orders/nobody");
    stage.finds(&[(nobody, "RefusedSetting", &["orders/nobody"])]).await;
    let right = admin.to_string();
    let wrong = random_password();
    stage.secret_text(&wrong);
    admin["password"] = json!(wrong);
    stage.aws.put_value("orders/admin", &admin.to_string(), &["AWSCURRENT"]).unwrap();
    let rejected = ["rejects the administrator", ADMIN];
    finds(&stage, "RefusedLogin", &rejected).await;
    stage.refused("setSecret", &token, "RefusedLogin", &rejected).await;
    assert!(stage.logs_in("AWSCURRENT"));
    stage.aws.put_value("orders/admin", &right, &["AWSCURRENT"]).unwrap();
    stage.finishes(&token).await;
}

#[tokio::test]
async fn an_administrator_whose_secret_rds_manages_is_sent_where_rds_says() {
    let (stage, admin) = stage("CREATEROLE").await;
    let managed = json!({"username": admin["username"], "password": admin["password"]});
    stage.aws.create_secret("rds!db-orders", &managed.to_string(), &[]).unwrap();
    // No tag can hold the name of such a secret: `!` is not among the characters of tag values.
    stage.aws.remove_tag(&stage.arn, "keyroll:admin-secret").unwrap();
    stage.edit_current(&json!({"masterarn": stage.aws.secret("rds!db-orders").unwrap().arn}));
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "single-user").unwrap();
    let at = |port| {
        stage.aws.put_db_instance(DbInstance::new("orders", "localhost", port));
        stage.aws.put_db_cluster(DbCluster::new("orders", "localhost", port, &[]));
    };
    at(stage.postgres().port());
    for (tag, kind) in [("aws:rds:primaryDBInstanceArn", "db"), ("aws:rds:primaryDBClusterArn", "cluster")] {
        let arn = format!("arn:aws:rds:{REGION}:{AWS_ACCOUNT}:{kind}:orders");
        let tags = [(tag.to_owned(), arn)].into();
        stage.aws.with_secret("rds!db-orders", |secret| secret.tags = tags).unwrap();
        let rotation = stage.rotated().await;
        let report = rotation.last("setSecret").unwrap().answer().unwrap();
        assert!(report["done"].to_string().contains(ADMIN), "{tag}: {report}");
    }

    // RDS names another server: the login is not sent to the one that the account's secret names.
    at(1);
    let mark = stage.postgres().mark();
    let rotation = stage.rotated().await;
    assert_eq!(stage.postgres().logins_since(mark).accepted[..3], [ACCOUNT; 3]);
    let report = rotation.last("setSecret").unwrap().answer().unwrap().clone();
    assert!(report["warnings"].to_string().contains("localhost:1,"), "{report}");

    // Single user as the function's default: masterarn means nothing, as to AWS's single-user function.
    stage.aws.remove_tag(&stage.arn, "keyroll:strategy").unwrap();
    stage.function.set_env("KEYROLL_STRATEGY", "single-user");
    stage.function.cold().await;
    let rotation = stage.rotate().await;
    assert_eq!(rotation.last("setSecret").unwrap().answer().unwrap().get("warnings"), None);
}

#[tokio::test]
async fn an_administrator_who_is_only_offered_never_stops_a_rotation() {
    let (stage, mut admin) = stage("NOCREATEROLE").await;
    stage.aws.remove_tag(&stage.arn, "keyroll:admin-secret").unwrap();
    stage.edit_current(&json!({"masterarn": stage.aws.secret("orders/admin").unwrap().arn}));
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "single-user").unwrap();
    let warned = async |expected: &str| {
        let rotation = stage.rotated().await;
        let report = rotation.last("setSecret").unwrap().answer().unwrap().clone();
        assert!(report["warnings"].to_string().contains(expected), "{report}");
        let tested = stage.driver.test_only(&stage.arn).await.unwrap();
        let report = tested.last("testSecret").unwrap().answer().unwrap().clone();
        assert!(report["warnings"].to_string().contains(expected), "{report}");
    };
    warned("may not change the password").await;
    admin["password"] = json!(random_password());
    stage.aws.put_value("orders/admin", &admin.to_string(), &["AWSCURRENT"]).unwrap();
    warned("rejects the administrator").await;
    stage.edit_current(&json!({"masterarn": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:gone-AbCdEf"}));
    warned("does not exist").await;
}
