//! Nobody gets the administrator to act for them: not by what they own in the database, not by what they write into the
//! secret, not by the name of an account. And nobody who is in use is locked out for it.

use serde_json::json;
use support::pair::{self, PARTNER, create_role, sql};
use support::refusals::{Row, Wrong};
use support::stage::{ACCOUNT, DATABASE, Stage};

use crate::administrator;

/// Puts operators of the account's own in front of the server's, for whoever comes to its database: they hand its owner the
/// rights of whoever calls them.
fn set_a_trap(stage: &Stage) {
    let trap = format!(
        "CREATE SCHEMA trap;
         CREATE FUNCTION trap.eq(name, name) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
           IF session_user <> '{ACCOUNT}' THEN EXECUTE 'ALTER ROLE {ACCOUNT} CREATEDB'; END IF;
           RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
         CREATE FUNCTION trap.eq(name, text) RETURNS bool LANGUAGE sql AS 'SELECT trap.eq($1, $2::name)';
         CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.eq);
         CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = text, FUNCTION = trap.eq);
         GRANT USAGE ON SCHEMA trap TO public;
         ALTER DATABASE {DATABASE} SET search_path = trap, pg_catalog"
    );
    pair::run_as(stage, "AWSCURRENT", &trap);
}

fn caught(stage: &Stage) -> bool {
    sql(stage, &format!("SELECT rolcreatedb FROM pg_roles WHERE rolname = '{ACCOUNT}'")) == "t"
}

#[tokio::test]
async fn operators_of_the_accounts_database_are_never_called_by_the_administrator() {
    let single = administrator::stage("CREATEROLE CREATEDB").await.0;
    for stage in [pair::stage().await, single] {
        set_a_trap(&stage);
        for _ in 0..2 {
            stage.rotate().await;
            assert!(!caught(&stage));
        }
        // It would catch whoever is careless.
        let careless = format!("SELECT count(*) FROM pg_roles WHERE rolname = '{ACCOUNT}'");
        stage.postgres().sql_in(DATABASE, &careless).unwrap();
        assert!(caught(&stage));
    }
}

#[tokio::test]
async fn one_account_rotates_whatever_has_become_of_the_role_that_it_is_set_to() {
    let stage = Stage::start().await;
    sql(&stage, &format!("CREATE ROLE gone; ALTER ROLE {ACCOUNT} SET role = 'gone'; DROP ROLE gone"));
    stage.rotated().await;
}

/// A stage on which somebody else's account has the name that a partner would have, with a right of its own.
async fn with_a_stranger() -> (Stage, String) {
    let stage = pair::stage().await;
    let password = create_role(&stage, PARTNER, "");
    stage
        .postgres()
        .sql_in(DATABASE, &format!("CREATE TABLE theirs (); ALTER TABLE theirs OWNER TO {PARTNER}"))
        .unwrap();
    (stage, password)
}

#[tokio::test]
async fn somebody_elses_account_is_not_adopted_for_its_name() {
    let (stage, password) = with_a_stranger().await;
    let token = stage.created().await;
    stage.refused("setSecret", &token, "RefusedAccount", &["nothing but their names", "GRANT"]).await;
    assert!(stage.accepts(PARTNER, &password));
    // Where it is meant, one statement says so.
    sql(&stage, &format!("GRANT {ACCOUNT} TO {PARTNER}"));
    stage.goes_on(&token).await;
    assert_eq!(pair::account(&stage, "AWSCURRENT"), PARTNER);
}

#[tokio::test]
async fn an_account_of_that_name_does_not_get_at_the_base_by_a_forged_previous_version() {
    let (stage, password) = with_a_stranger().await;
    sql(&stage, &format!("DROP OWNED BY {PARTNER}"));
    stage.postgres().sql_in(DATABASE, &format!("DROP OWNED BY {PARTNER}")).unwrap();
    let good = stage.value("AWSCURRENT");
    let mut forged = good.clone();
    (forged["username"], forged["password"]) = (json!(PARTNER), json!(password));
    stage.aws.put_value(&stage.arn, &forged.to_string(), &["AWSCURRENT"]).unwrap();
    let mut wrong = good.clone();
    wrong["password"] = json!("not the password of this account");
    stage.secret_text(good["password"].as_str().unwrap());
    stage.aws.put_value(&stage.arn, &wrong.to_string(), &["AWSCURRENT"]).unwrap();
    assert_eq!(pair::account(&stage, "AWSPREVIOUS"), PARTNER);
    let token = stage.created().await;
    stage.refused("setSecret", &token, "RefusedAccount", &["nothing but their names"]).await;
    assert_eq!(sql(&stage, &format!("SELECT pg_has_role('{PARTNER}', '{ACCOUNT}', 'MEMBER')")), "f");
}

#[tokio::test]
async fn a_base_that_is_parked_does_not_take_its_partner_along() {
    let stage = pair::stage().await;
    stage.rotate().await;
    let token = stage.created().await;
    let rows: [Row<'_>; 3] = [
        ("ALTER ROLE orders_app CONNECTION LIMIT 0", "ALTER ROLE orders_app CONNECTION LIMIT -1"),
        ("ALTER ROLE orders_app NOLOGIN", "ALTER ROLE orders_app LOGIN"),
        ("ALTER ROLE orders_app VALID UNTIL '2001-01-01'", "ALTER ROLE orders_app VALID UNTIL 'infinity'"),
    ]
    .map(|(parked, back)| (Wrong::Server(parked, back), "RefusedAccount", &[][..]));
    stage.refuses(&["setSecret"], &token, &rows).await;
    stage.goes_on(&token).await;
    assert_eq!(pair::account(&stage, "AWSCURRENT"), ACCOUNT);
}
