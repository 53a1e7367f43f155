//! Settings of two accounts that take turns: those of the base, exactly, and no others.

use rehearsal::postgres::{PostgresOptions, identifier};
use support::pair::{
    ADMIN, PARTNER, assert_in_step, foretold, run_as, settings_of, sql, stage, stage_with, try_as, warnings_of,
};
use support::stage::{ACCOUNT, DATABASE};

/// What somebody keeps in a setting and nobody else is to read.
const CANARY: &str = "canary-in-a-setting-4711";

#[tokio::test]
async fn the_partner_has_every_setting_of_its_base_in_the_very_same_words() {
    let stage = stage().await;
    let set = |statement: &str| sql(&stage, &format!("ALTER ROLE {ACCOUNT} {statement}"));
    for statement in [
        "SET search_path = \"$user\", appsch, \"odd, \"\"schema\", public",
        "SET application_name = 'it''s'",
        "SET DateStyle = 'SQL, DMY'",
        "SET default_transaction_read_only = on",
        "SET default_text_search_config = 'pg_catalog.german'",
        "SET seed = 0.5",
        "SET exit_on_error = on",
        "IN DATABASE orders SET work_mem = '9MB'",
        "IN DATABASE orders SET search_path = ''",
        "IN DATABASE template1 SET temp_tablespaces = ''",
        "IN DATABASE template1 SET application_name = ''",
    ] {
        set(statement);
    }
    stage.rotate().await;
    assert_eq!(settings_of(&stage, PARTNER), settings_of(&stage, ACCOUNT));
    assert_eq!(settings_of(&stage, ACCOUNT).lines().count(), 11);
    assert_eq!(run_as(&stage, "AWSCURRENT", "SHOW work_mem; SHOW search_path"), "9MB\n\"\"");
    assert_in_step(&stage).await;

    // One changed, one gone, one new; and it is the base's turn.
    set("SET application_name = E'back\\\\slash \"and\" ünlaut'");
    set("RESET search_path");
    set("IN DATABASE orders SET statement_timeout = '7s'");
    sql(&stage, &format!("ALTER ROLE {PARTNER} SET lock_timeout = '3s'"));
    sql(&stage, &format!("ALTER ROLE {PARTNER} IN DATABASE orders SET application_name = 'of its own'"));
    stage.rotate().await;
    assert_eq!(settings_of(&stage, PARTNER), settings_of(&stage, ACCOUNT));
    assert_eq!(settings_of(&stage, ACCOUNT).lines().count(), 11);
    assert_in_step(&stage).await;
}

#[tokio::test]
async fn no_setting_disturbs_the_transaction_that_copies_it() {
    let stage = stage().await;
    for setting in [
        "statement_timeout = '1ms'",
        "lock_timeout = '1ms'",
        "idle_in_transaction_session_timeout = '1ms'",
        "client_encoding = LATIN1",
        "standard_conforming_strings = off",
        "default_transaction_read_only = on",
        "search_path = nowhere",
        "session_authorization = 'orders_app'",
        "row_security = off",
        "TimeZone = 'America/St_Johns'",
        "DateStyle = 'German'",
    ] {
        sql(&stage, &format!("ALTER ROLE {ACCOUNT} SET {setting}"));
    }
    // Settings of their own of whoever copies are no hindrance either.
    for setting in ["standard_conforming_strings = off", "search_path = nowhere", "client_encoding = LATIN1"] {
        sql(&stage, &format!("ALTER ROLE {ADMIN} SET {setting}"));
    }
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} VALID UNTIL '2999-12-31 23:59:59.123456+03'"));
    for _ in 0..3 {
        stage.rotate().await;
        assert_eq!(settings_of(&stage, PARTNER), settings_of(&stage, ACCOUNT));
    }
    assert_in_step(&stage).await;
}

#[tokio::test]
async fn what_only_a_superuser_may_set_is_told_and_stops_nothing() {
    let stage = stage().await;
    for setting in ["log_statement = 'all'", "log_duration = on", "work_mem = '9MB'"] {
        sql(&stage, &format!("ALTER ROLE {ACCOUNT} SET {setting}"));
    }
    let told = warnings_of(&stage.rotate().await);
    for name in ["log_statement", "log_duration", "42501"] {
        assert!(told.contains(name), "{name}: {told}");
    }
    assert_eq!(settings_of(&stage, PARTNER), "-: work_mem=9MB");
    assert!(stage.logs_in("AWSCURRENT"));

    // The statement that the warning names.
    for name in ["log_statement", "log_duration"] {
        let statement = format!("GRANT SET ON PARAMETER \"{name}\" TO \"{ADMIN}\"");
        assert!(told.contains(&statement.replace('"', "\\\"")), "{told}");
        sql(&stage, &statement);
    }
    let told = warnings_of(&stage.rotate().await);
    assert!(!told.contains("log_"), "{told}");
    assert_eq!(settings_of(&stage, PARTNER), settings_of(&stage, ACCOUNT));
    assert_in_step(&stage).await;
}

#[tokio::test]
async fn a_value_kept_in_a_setting_reaches_no_log_and_no_report() {
    let stage = stage().await;
    stage.secret_text(CANARY);
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} SET app.tenant = '{CANARY}'"));
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} IN DATABASE orders SET \"App.Key\" = 'b-{CANARY}'"));
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} SET application_name = 'c-{CANARY}'"));
    // Not allowed, at first: told by name.
    let told = warnings_of(&stage.rotate().await);
    assert!(told.contains("app.tenant") && told.contains("GRANT SET ON PARAMETER"), "{told}");
    for name in ["\"app.tenant\"", "\"App.Key\""] {
        sql(&stage, &format!("GRANT SET ON PARAMETER {name} TO {ADMIN}"));
    }
    foretold(&stage).await;
    stage.rotate().await;
    assert_eq!(settings_of(&stage, PARTNER), settings_of(&stage, ACCOUNT));
    stage.rotate().await;
    assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT current_setting('app.tenant') = 'x'"), "f");
    assert_eq!(stage.leaks(), [""; 0]);
}

#[tokio::test]
async fn a_setting_that_means_something_in_another_database_only_is_copied_for_that_one() {
    let stage = stage().await;
    sql(&stage, "CREATE DATABASE \"Other 'db\"");
    let other = "Other 'db";
    stage
        .postgres()
        .sql_in(other, "CREATE SCHEMA s; CREATE TEXT SEARCH CONFIGURATION s.cfg (COPY = pg_catalog.simple)")
        .unwrap();
    let quoted = identifier(other);
    stage
        .postgres()
        .sql_in(other, &format!("ALTER ROLE {ACCOUNT} IN DATABASE {quoted} SET default_text_search_config = 's.cfg'"))
        .unwrap();
    let told = warnings_of(&stage.rotate().await);
    assert!(!told.contains("default_text"), "{told}");
    assert_eq!(settings_of(&stage, PARTNER), settings_of(&stage, ACCOUNT));
    assert_in_step(&stage).await;
}

#[tokio::test]
async fn a_base_that_acts_as_an_owner_has_a_partner_that_acts_as_the_same_owner() {
    let stage = stage().await;
    sql(&stage, &format!("CREATE ROLE shop_owner NOLOGIN; GRANT shop_owner TO {ACCOUNT}"));
    sql(&stage, &format!("GRANT shop_owner TO {ADMIN} WITH ADMIN OPTION"));
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} SET role = shop_owner"));
    stage.rotate().await;
    assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT session_user, current_user"), format!("{PARTNER}|shop_owner"));
    assert_in_step(&stage).await;
    // And one that is set to act as nobody else has a partner that acts as it.
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} SET role = none"));
    stage.rotate().await;
    stage.rotate().await;
    assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT session_user, current_user"), format!("{PARTNER}|{ACCOUNT}"));
    assert_in_step(&stage).await;
    // In one database only.
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} RESET role"));
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} IN DATABASE {DATABASE} SET role = shop_owner"));
    stage.rotate().await;
    assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT current_user"), "shop_owner");
    stage.rotate().await;
    assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT session_user, current_user"), format!("{PARTNER}|shop_owner"));
    assert_in_step(&stage).await;
}

#[tokio::test]
async fn a_base_without_inheritance_has_a_partner_that_reaches_the_database() {
    let stage = stage_with(&PostgresOptions::default(), ACCOUNT).await;
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} NOINHERIT"));
    sql(&stage, &format!("REVOKE CONNECT ON DATABASE {DATABASE} FROM PUBLIC"));
    sql(&stage, &format!("GRANT CONNECT ON DATABASE {DATABASE} TO {ADMIN}"));
    for _ in 0..3 {
        stage.rotate().await;
        assert!(stage.logs_in("AWSCURRENT"));
    }
    assert!(try_as(&stage, "AWSCURRENT", "CREATE TEMP TABLE t (n int)").is_ok());
    assert_in_step(&stage).await;
}
