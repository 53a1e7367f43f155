//! A partner that AWS's function made, and that has things of its own: it goes on as it is, somebody is told what to run,
//! and once that is done it acts as its base.

use rehearsal::postgres::identifier;
use support::pair::{ADMIN, PARTNER, account, assert_in_step, create_role, run_as, sql, stage, warnings_of};
use support::stage::{ACCOUNT, DATABASE, Stage};

/// A stage with a partner by AWS's recipe.
async fn made_by_aws() -> Stage {
    let stage = stage().await;
    create_role(&stage, PARTNER, "");
    sql(&stage, &format!("GRANT {ACCOUNT} TO {PARTNER}; GRANT {PARTNER} TO {ADMIN} WITH ADMIN OPTION"));
    stage
}

fn sql_in(stage: &Stage, database: &str, statements: &str) -> String {
    stage.postgres().sql_in(database, statements).unwrap_or_else(|error| panic!("{statements}: {error}"))
}

/// Rotates until it is the partner that is current, and gives what was told at last.
async fn told(stage: &Stage) -> String {
    loop {
        let told = warnings_of(&stage.rotate().await).replace("\\\"", "\"");
        assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
        if account(stage, "AWSCURRENT") == PARTNER {
            return told;
        }
    }
}

/// Runs what the warning says, in each of the databases that it names.
fn clear_up(stage: &Stage, told: &str, databases: &[&str]) {
    let moves = format!("REASSIGN OWNED BY {0} TO {1}; DROP OWNED BY {0}: ", identifier(PARTNER), identifier(ACCOUNT));
    let (_, listed) = told.split_once(&moves).unwrap_or_else(|| panic!("{moves}: {told}"));
    let names: Vec<String> = databases.iter().map(|name| identifier(name)).collect();
    assert!(listed.starts_with(&format!("{}\"", names.join(", "))) || listed.starts_with(&names.join(", ")), "{told}");
    for database in databases {
        sql_in(stage, database, moves.trim_end_matches(": "));
    }
}

fn acts(stage: &Stage) -> bool {
    run_as(stage, "AWSCURRENT", "SELECT current_user") == ACCOUNT
}

#[tokio::test]
async fn a_partner_made_by_aws_without_things_of_its_own_acts_as_its_base_from_now_on() {
    let stage = made_by_aws().await;
    let told = told(&stage).await;
    assert!(!told.contains("of its own") && acts(&stage), "{told}");
    assert_in_step(&stage).await;
}

#[tokio::test]
async fn a_partner_with_objects_anywhere_stays_itself_until_they_are_moved() {
    let stage = made_by_aws().await;
    sql(&stage, "CREATE DATABASE \"other \"\"db\"");
    let other = "other \"db";
    sql(&stage, &format!("CREATE DATABASE owned OWNER {PARTNER}"));
    for database in [DATABASE, other] {
        let table = format!(
            "CREATE SCHEMA s; CREATE TABLE s.t (n int); ALTER TABLE s.t OWNER TO {PARTNER}; ALTER SCHEMA s OWNER TO {PARTNER}"
        );
        sql_in(&stage, database, &table);
    }
    for _ in 0..2 {
        let told = told(&stage).await;
        for word in ["2 owned and 0 granted", "shared by all databases 1 owned", "one owner"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert!(!acts(&stage));
        assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT count(*) FROM s.t").as_str(), "0", "{told}");
        assert_in_step(&stage).await;
    }
    let last = told(&stage).await;
    clear_up(&stage, &last, &[DATABASE, other]);
    let last = told(&stage).await;
    assert!(!last.contains("of its own") && acts(&stage), "{last}");
    run_as(&stage, "AWSCURRENT", "ALTER TABLE s.t ADD m int");
    assert_eq!(sql(&stage, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'owned'"), ACCOUNT);
    assert_in_step(&stage).await;
}

#[tokio::test]
async fn each_thing_that_a_partner_would_lose_keeps_it_as_it_is() {
    let stage = made_by_aws().await;
    sql_in(&stage, DATABASE, "CREATE TABLE public.t (n int); CREATE ROLE reader");
    for (give, kind) in [
        (format!("GRANT SELECT ON public.t TO {PARTNER}"), "0 owned and 1 granted"),
        (format!("ALTER DEFAULT PRIVILEGES FOR ROLE {PARTNER} GRANT SELECT ON TABLES TO reader"), "1 owned"),
        (format!("CREATE POLICY p ON public.t TO {PARTNER} USING (true)"), "0 owned and 1 granted"),
        (format!("GRANT CONNECT ON DATABASE {DATABASE} TO {PARTNER}"), "shared by all databases 0 owned and 1 granted"),
        (
            format!(
                "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION public.f() OWNER TO {PARTNER}"
            ),
            "1 owned",
        ),
        (format!("GRANT SET ON PARAMETER log_statement TO {PARTNER}"), "shared by all databases 0 owned and 1 granted"),
    ] {
        sql_in(&stage, DATABASE, &give);
        let last = told(&stage).await;
        assert!(last.contains(kind) && !acts(&stage), "{give}: {last}");
        if kind.contains("1 granted") {
            assert!(last.contains(&format!("grant \"{ACCOUNT}\" what \"{PARTNER}\" was granted by name")), "{last}");
        }
        let place = if kind.starts_with("shared") { "any" } else { DATABASE };
        let moves = last.split("REASSIGN OWNED").nth(1).unwrap();
        assert!(moves.contains(place), "{last}");
        sql_in(&stage, DATABASE, &format!("REASSIGN OWNED BY {PARTNER} TO {ACCOUNT}; DROP OWNED BY {PARTNER}"));
        let last = told(&stage).await;
        assert!(acts(&stage), "{give}: {last}");
        // Back to AWS's way for the next.
        sql(&stage, &format!("ALTER ROLE {PARTNER} RESET role"));
    }
}

#[tokio::test]
async fn a_partner_that_acts_already_goes_on_to_and_strays_are_told() {
    let stage = made_by_aws().await;
    told(&stage).await;
    sql_in(
        &stage,
        DATABASE,
        &format!("CREATE TABLE public.stray (n int); ALTER TABLE public.stray OWNER TO {PARTNER}"),
    );
    let last = told(&stage).await;
    assert!(acts(&stage) && last.contains("and yet something is its own"), "{last}");
    assert_in_step(&stage).await;
    clear_up(&stage, &last, &[DATABASE]);
    let last = told(&stage).await;
    assert!(acts(&stage) && !last.contains("its own"), "{last}");
}
