//! What the second of two accounts has besides settings: attributes, memberships and their options, on every rotation.

use serde_json::{Value, json};
use support::pair::{
    ADMIN, PARTNER, account, assert_in_step, attributes_of, create_role, run_as, sql, stage, warnings_of,
};
use support::stage::{ACCOUNT, Stage};

/// The memberships of a role: group and ADMIN OPTION.
fn groups(stage: &Stage, role: &str) -> String {
    sql(
        stage,
        &format!(
            "SELECT string_agg(DISTINCT g.rolname || CASE WHEN m.admin_option THEN '!' ELSE '' END, ' ') \
             FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = '{role}'::regrole"
        ),
    )
}

fn alter(stage: &Stage, role: &str, attributes: &str) {
    sql(stage, &format!("ALTER ROLE {role} {attributes}"));
}

#[tokio::test]
async fn attributes_follow_the_base_whosever_turn_it_is() {
    let stage = stage().await;
    alter(&stage, ACCOUNT, "CREATEDB NOINHERIT CONNECTION LIMIT 7 VALID UNTIL '2999-12-31 23:59:59.123456+03'");
    let told = warnings_of(&stage.rotate().await);
    assert!(told.contains("expires at 2999-12-31T20:59:59.123456"), "{told}");
    assert_eq!(attributes_of(&stage, PARTNER), attributes_of(&stage, ACCOUNT));
    assert_eq!(attributes_of(&stage, PARTNER)["rolconnlimit"], 7);
    assert_in_step(&stage).await;
    // By turns the base's and the partner's, who is in use at the base's: what narrows its login waits for its own.
    for change in [
        "NOCREATEDB INHERIT CONNECTION LIMIT -1 VALID UNTIL 'infinity'",
        "CREATEDB CONNECTION LIMIT 9 VALID UNTIL '11000-01-01 00:00:00.5+00'",
        "VALID UNTIL 'infinity' CONNECTION LIMIT 11",
        "VALID UNTIL '2998-01-01'",
        "VALID UNTIL 'infinity'",
        "NOCREATEDB CONNECTION LIMIT 8",
    ] {
        alter(&stage, ACCOUNT, change);
        stage.rotate().await;
        let same = |role: &str| {
            let mut attributes = attributes_of(&stage, role);
            if attributes["rolvaliduntil"] == "infinity" {
                attributes["rolvaliduntil"] = Value::Null;
            }
            attributes
        };
        assert_eq!(same(PARTNER), same(ACCOUNT), "{change}");
        assert_in_step(&stage).await;
    }
    // What somebody gave to the partner alone is taken away again, as is what somebody took.
    alter(&stage, PARTNER, "CREATEDB CREATEROLE NOINHERIT NOLOGIN CONNECTION LIMIT 0 VALID UNTIL '2001-01-01'");
    assert_eq!(account(&stage, "AWSCURRENT"), PARTNER);
    alter(&stage, PARTNER, "LOGIN VALID UNTIL 'infinity' CONNECTION LIMIT 5");
    stage.rotate().await;
    let mut expected = attributes_of(&stage, ACCOUNT);
    expected["rolvaliduntil"] = json!("infinity");
    assert_eq!(attributes_of(&stage, PARTNER), expected);
}

#[tokio::test]
async fn memberships_follow_the_base_with_their_options() {
    let stage = stage().await;
    sql(&stage, "CREATE ROLE readers; CREATE ROLE writers; CREATE ROLE \"Größe 'n\"; CREATE ROLE strangers");
    for group in ["readers", "writers", "\"Größe 'n\"", "strangers", "pg_monitor"] {
        sql(&stage, &format!("GRANT {group} TO {ADMIN} WITH ADMIN OPTION"));
    }
    sql(
        &stage,
        &format!("GRANT readers, \"Größe 'n\", pg_monitor TO {ACCOUNT}; GRANT writers TO {ACCOUNT} WITH ADMIN OPTION"),
    );
    stage.rotate().await;
    assert_eq!(groups(&stage, PARTNER), format!("Größe 'n {ACCOUNT} pg_monitor readers writers!"));
    assert_in_step(&stage).await;
    sql(&stage, &format!("REVOKE ADMIN OPTION FOR writers FROM {ACCOUNT}; REVOKE readers FROM {ACCOUNT}"));
    sql(&stage, &format!("GRANT \"Größe 'n\" TO {ACCOUNT} WITH ADMIN OPTION"));
    stage.rotate().await;
    assert_eq!(groups(&stage, PARTNER), format!("Größe 'n! {ACCOUNT} pg_monitor writers"));
    assert_in_step(&stage).await;
}

#[tokio::test]
async fn a_partner_made_before_is_used_and_brought_in_step() {
    let stage = stage().await;
    create_role(&stage, PARTNER, "NOINHERIT CONNECTION LIMIT 3");
    sql(&stage, &format!("GRANT {PARTNER} TO {ADMIN} WITH ADMIN OPTION"));
    sql(&stage, &format!("ALTER ROLE {PARTNER} SET work_mem = '1MB'"));
    stage.rotate().await;
    assert_eq!(attributes_of(&stage, PARTNER), attributes_of(&stage, ACCOUNT));
    assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT current_user; SHOW work_mem"), format!("{ACCOUNT}\n4MB"));
    assert_in_step(&stage).await;
}

#[tokio::test]
async fn an_expired_base_is_refused_and_nothing_changes() {
    let stage = stage().await;
    stage.rotate().await;
    // It is the partner that logs in, and its base has expired.
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} VALID UNTIL '2001-01-01'"));
    let token = stage.created().await;
    stage.refused("setSecret", &token, "RefusedAccount", &["expired", "VALID UNTIL"]).await;
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} VALID UNTIL 'infinity'"));
    stage.goes_on(&token).await;
    assert_eq!(account(&stage, "AWSCURRENT"), ACCOUNT);
}

#[tokio::test]
async fn a_membership_revoked_before_the_proof_fails_it_and_the_retry_heals() {
    let stage = stage().await;
    let token = stage.created().await;
    stage.answer("setSecret", &token).await;
    sql(&stage, &format!("REVOKE {ACCOUNT} FROM {PARTNER}{}", by_admin(&stage)));
    let message = stage.error("testSecret", &token, "FailedProof").await;
    for word in ["current_user", PARTNER, ACCOUNT, "member"] {
        assert!(message.contains(word), "{word}: {message}");
    }
    for step in ["createSecret", "setSecret", "testSecret"] {
        stage.answer(step, &token).await;
    }
    // And between the proof and the one right before the move.
    sql(&stage, &format!("REVOKE {ACCOUNT} FROM {PARTNER}{}", by_admin(&stage)));
    stage.error("finishSecret", &token, "FailedProof").await;
    assert_eq!(account(&stage, "AWSCURRENT"), ACCOUNT);
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        stage.answer(step, &token).await;
    }
    assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT current_user"), ACCOUNT);
}

/// Since PostgreSQL 16, what somebody granted is revoked in his name.
fn by_admin(stage: &Stage) -> String {
    let newer = sql(stage, "SELECT current_setting('server_version_num')::int >= 160000") == "t";
    if newer { format!(" GRANTED BY {ADMIN}") } else { String::new() }
}
