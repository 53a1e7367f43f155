//! Who may make two accounts of one: which bases are refused, and what an administrator needs. Every remedy that a message
//! names is run here as it stands, and the same rotation then goes on.

use rehearsal::driver::STEPS;
use rehearsal::postgres::{identifier, literal};
use support::pair::{ADMIN, PARTNER, account, assert_in_step, create_role, run_as, sql, stage};
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

/// Runs the rest of a rotation that was refused before.
async fn goes_on(stage: &Stage, token: &str, current: &str) {
    for step in STEPS {
        stage.answer(step, token).await;
    }
    assert_eq!(account(stage, "AWSCURRENT"), current);
    assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
}

#[tokio::test]
async fn no_second_account_is_made_of_one_with_superuser_replication_or_bypassrls() {
    let stage = stage().await;
    let token = stage.created().await;
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "alternating-users").unwrap();
    for attribute in ["SUPERUSER", "REPLICATION", "BYPASSRLS"] {
        sql(&stage, &format!("ALTER ROLE {ACCOUNT} {attribute}"));
        let remedy = format!("ALTER ROLE {} NO{attribute}", identifier(ACCOUNT));
        stage.refused("setSecret", &token, "RefusedAccount", &[attribute, &remedy, "single-user"]).await;
        sql(&stage, &remedy);
    }
    goes_on(&stage, &token, PARTNER).await;
    // Nor is a partner taken that has what its base has not.
    let token = stage.created().await;
    sql(&stage, &format!("ALTER ROLE {PARTNER} BYPASSRLS"));
    stage.refused("setSecret", &token, "RefusedAccount", &[PARTNER, "NOBYPASSRLS"]).await;
    sql(&stage, &format!("ALTER ROLE {PARTNER} NOSUPERUSER NOREPLICATION NOBYPASSRLS"));
    goes_on(&stage, &token, ACCOUNT).await;
}

#[tokio::test]
async fn an_account_that_may_make_others_is_doubled_only_where_the_tag_says_so() {
    for (power, words) in [("CREATEROLE", "CREATEROLE"), ("IN ROLE", "rds_superuser")] {
        let stage = stage().await;
        if power == "CREATEROLE" {
            sql(&stage, &format!("ALTER ROLE {ACCOUNT} CREATEROLE"));
        } else {
            sql(&stage, "CREATE ROLE rds_superuser; CREATE ROLE dba; GRANT rds_superuser TO dba");
            sql(&stage, &format!("GRANT dba TO {ADMIN} WITH ADMIN OPTION; GRANT dba TO {ACCOUNT}"));
        }
        let token = stage.created().await;
        stage
            .refused(
                "setSecret",
                &token,
                "RefusedAccount",
                &[words, "keyroll:strategy = alternating-users", "single-user"],
            )
            .await;
        stage.aws.set_tag(&stage.arn, "keyroll:strategy", "alternating-users").unwrap();
        goes_on(&stage, &token, PARTNER).await;
        let has = "SELECT rolcreaterole OR pg_has_role(oid, 'dba', 'MEMBER') FROM pg_roles WHERE rolname =";
        let has = if power == "CREATEROLE" {
            has.replace(" OR pg_has_role(oid, 'dba', 'MEMBER')", "")
        } else {
            has.to_owned()
        };
        assert_eq!(sql(&stage, &format!("{has} '{PARTNER}'")), "t");
        assert_in_step(&stage).await;
    }
}

#[tokio::test]
async fn an_administrator_without_createrole_is_told_the_statement_that_mends_it() {
    let stage = stage().await;
    sql(&stage, &format!("ALTER ROLE {ADMIN} NOCREATEROLE"));
    let token = stage.created().await;
    let remedy = format!("ALTER ROLE {} CREATEROLE", identifier(ADMIN));
    stage.refused("setSecret", &token, "RefusedAccount", &["may not create the role", PARTNER, &remedy, "42501"]).await;
    // With a partner made by hand it still could not set its password.
    create_role(&stage, PARTNER, "");
    sql(&stage, &format!("GRANT {ACCOUNT} TO {PARTNER}; GRANT {ACCOUNT}, {PARTNER} TO {ADMIN} WITH ADMIN OPTION"));
    stage.refused("setSecret", &token, "RefusedAccount", &["may not change the role", PARTNER, &remedy]).await;
    sql(&stage, &remedy);
    goes_on(&stage, &token, PARTNER).await;
    // On the base's turn it is the base's password.
    sql(&stage, &format!("ALTER ROLE {ADMIN} NOCREATEROLE"));
    let token = stage.created().await;
    stage.refused("setSecret", &token, "RefusedAccount", &["may not change", &remedy]).await;
    sql(&stage, &remedy);
    goes_on(&stage, &token, ACCOUNT).await;
}

#[tokio::test]
async fn what_the_administrator_may_not_grant_is_told_with_the_grant_that_does() {
    let stage = stage().await;
    // An account that can become a superuser is doubled only by name.
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "alternating-users").unwrap();
    // Only a superuser may make somebody a member of a superuser's role.
    sql(&stage, &format!("CREATE ROLE mighty SUPERUSER; GRANT mighty TO {ACCOUNT}"));
    let rotation = stage.rotate().await;
    let told = support::pair::warnings_of(&rotation).replace("\\\"", "\"");
    let grant = format!("GRANT \"mighty\" TO \"{PARTNER}\"");
    assert!(told.contains(&grant), "{told}");
    sql(&stage, &grant);
    let told = support::pair::warnings_of(&stage.rotate().await);
    assert!(!told.contains("mighty"), "{told}");
    // The other way round.
    sql(&stage, &format!("REVOKE mighty FROM {ACCOUNT}"));
    let told = support::pair::warnings_of(&stage.rotate().await).replace("\\\"", "\"");
    let revoke = told.split("would have to: ").nth(1).and_then(|rest| rest.split("\",").next()).unwrap();
    let revoke = revoke.trim_end_matches(['"', ']']).to_owned() + "\"";
    assert!(revoke.starts_with(&format!("REVOKE \"mighty\" FROM \"{PARTNER}\"")), "{told}");
    sql(&stage, &revoke);
    assert_in_step(&stage).await;
}

#[tokio::test]
async fn a_base_that_is_a_member_of_its_partner_is_refused_with_the_revoke() {
    let stage = stage().await;
    create_role(&stage, PARTNER, "");
    sql(&stage, &format!("GRANT {PARTNER} TO {ADMIN} WITH ADMIN OPTION; GRANT {PARTNER} TO {ACCOUNT}"));
    let token = stage.created().await;
    let remedy = format!("REVOKE {} FROM {}", identifier(PARTNER), identifier(ACCOUNT));
    stage.refused("setSecret", &token, "RefusedAccount", &["0LP01", &remedy]).await;
    sql(&stage, &remedy);
    goes_on(&stage, &token, PARTNER).await;
    assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT current_user"), ACCOUNT);
}

#[tokio::test]
async fn the_base_of_a_pair_that_nothing_shows_is_left_alone() {
    let stage = stage().await;
    stage.rotate().await;
    let token = stage.created().await;
    let owner =
        sql(&stage, &format!("SELECT grantor::regrole FROM pg_auth_members WHERE member = '{PARTNER}'::regrole"));
    let revoke = format!("SET ROLE {owner}; REVOKE {ACCOUNT} FROM {PARTNER}");
    // Nor does AWSPREVIOUS open it.
    sql(&stage, &format!("{revoke}; RESET ROLE; ALTER ROLE {ACCOUNT} PASSWORD {}", literal(&random_password())));
    let remedy = format!("GRANT {} TO {}", identifier(ACCOUNT), identifier(PARTNER));
    stage.refused("setSecret", &token, "RefusedAccount", &["no member", &remedy]).await;
    sql(&stage, &remedy);
    goes_on(&stage, &token, ACCOUNT).await;
}

#[tokio::test]
async fn a_lost_membership_comes_back_at_the_bases_turn_where_the_secret_opens_both() {
    let stage = stage().await;
    stage.rotate().await;
    let owner =
        sql(&stage, &format!("SELECT grantor::regrole FROM pg_auth_members WHERE member = '{PARTNER}'::regrole"));
    sql(&stage, &format!("SET ROLE {owner}; REVOKE {ACCOUNT} FROM {PARTNER}"));
    let rotation = stage.rotate().await;
    let done = rotation.last("setSecret").unwrap().answer().unwrap()["done"].to_string();
    assert!(done.contains("membership of"), "{done}");
    assert_in_step(&stage).await;
}
