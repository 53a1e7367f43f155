//! One owner, whoever of the two creates: what AWS's recipe for the second account gets wrong, beside what is done here.

use rehearsal::driver::RotationOutcome;
use support::pair::{PARTNER, account, create_role, run_as, sql, stage, try_as};
use support::stage::{ACCOUNT, DATABASE, Stage};

/// A pair by AWS's recipe on the same server.
const TWIN: &str = "twin";
const TWIN_PARTNER: &str = "twin_clone";

struct Twin<'a> {
    stage: &'a Stage,
    passwords: [String; 2],
}

/// A pair as AWS's function makes it, with nothing but a login and a membership.
fn twin<'a>(stage: &'a Stage, attributes: &str) -> Twin<'a> {
    let base = create_role(stage, TWIN, attributes);
    sql(stage, &format!("GRANT CREATE ON DATABASE {DATABASE} TO {TWIN}"));
    let partner = create_role(stage, TWIN_PARTNER, "");
    sql(stage, &format!("GRANT {TWIN} TO {TWIN_PARTNER}"));
    Twin { stage, passwords: [base, partner] }
}

impl Twin<'_> {
    fn base(&self, statement: &str) -> Result<String, String> {
        self.run(TWIN, &self.passwords[0], statement)
    }

    fn partner(&self, statement: &str) -> Result<String, String> {
        self.run(TWIN_PARTNER, &self.passwords[1], statement)
    }

    fn run(&self, name: &str, password: &str, statement: &str) -> Result<String, String> {
        self.stage.postgres().sql_as(name, password, DATABASE, statement).map_err(|error| error.to_string())
    }
}

/// A stage whose partner is current, with something for a policy to show.
async fn rotated() -> (Stage, RotationOutcome) {
    let stage = stage().await;
    let rotation = stage.rotate().await;
    assert_eq!(account(&stage, "AWSCURRENT"), PARTNER);
    (stage, rotation)
}

#[tokio::test]
async fn what_the_partner_makes_the_base_can_use_and_change_and_drop() {
    let (stage, _) = rotated().await;
    let twin = twin(&stage, "");
    let make =
        "CREATE SCHEMA %; CREATE TABLE %.t (n int); CREATE FUNCTION %.f() RETURNS int LANGUAGE sql AS 'SELECT 1'";
    run_as(&stage, "AWSCURRENT", &make.replace('%', "shop"));
    twin.partner(&make.replace('%', "twin_shop")).unwrap();
    let change = "INSERT INTO %.t VALUES (1); ALTER TABLE %.t ADD m int; DROP FUNCTION %.f(); DROP TABLE %.t";
    assert!(twin.base(&change.replace('%', "twin_shop")).unwrap_err().contains("permission denied"));
    stage.rotate().await;
    assert_eq!(account(&stage, "AWSCURRENT"), ACCOUNT);
    run_as(&stage, "AWSCURRENT", &change.replace('%', "shop"));
    run_as(&stage, "AWSCURRENT", "CREATE TABLE shop.by_base (n int)");
    stage.rotate().await;
    run_as(&stage, "AWSCURRENT", "ALTER TABLE shop.by_base ADD m int; DROP SCHEMA shop CASCADE");
}

#[tokio::test]
async fn policies_on_current_user_show_the_partner_the_rows_of_its_base() {
    let (stage, _) = rotated().await;
    let twin = twin(&stage, "");
    let table = "CREATE SCHEMA %; CREATE TABLE %.t (owner name DEFAULT current_user); INSERT INTO %.t DEFAULT VALUES; \
        ALTER TABLE %.t ENABLE ROW LEVEL SECURITY; ALTER TABLE %.t FORCE ROW LEVEL SECURITY; \
        CREATE POLICY p ON %.t USING (owner = current_user)";
    run_as(&stage, "AWSPREVIOUS", &table.replace('%', "shop"));
    twin.base(&table.replace('%', "twin_shop")).unwrap();
    let count = |schema: &str| format!("SELECT count(*) FROM {schema}.t");
    assert_eq!(twin.base(&count("twin_shop")).unwrap(), "1");
    assert_eq!(twin.partner(&count("twin_shop")).unwrap(), "0");
    assert_eq!(run_as(&stage, "AWSCURRENT", &count("shop")), "1");
    assert_eq!(run_as(&stage, "AWSPREVIOUS", &count("shop")), "1");
}

#[tokio::test]
async fn default_privileges_are_filed_under_the_base() {
    let (stage, _) = rotated().await;
    let twin = twin(&stage, "");
    sql(&stage, "CREATE ROLE reader");
    let default = "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader";
    run_as(&stage, "AWSCURRENT", default);
    twin.partner(default).unwrap();
    let filed = "SELECT string_agg(defaclrole::regrole::text, ' ' ORDER BY 1) FROM pg_default_acl";
    assert_eq!(stage.postgres().sql_in(DATABASE, filed).unwrap(), format!("{ACCOUNT} {TWIN_PARTNER}"));
    // The partner can go.
    assert!(stage.postgres().sql(&format!("DROP ROLE {TWIN_PARTNER}")).is_err());
    sql(&stage, &format!("BEGIN; DROP ROLE {PARTNER}; ROLLBACK"));
}

#[tokio::test]
async fn a_base_that_may_create_databases_has_a_partner_that_may() {
    let stage = stage().await;
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} CREATEDB"));
    stage.rotate().await;
    let twin = twin(&stage, "CREATEDB");
    assert!(twin.partner("CREATE DATABASE made_by_twin").unwrap_err().contains("permission denied"));
    run_as(&stage, "AWSCURRENT", "CREATE DATABASE made_by_partner");
    let owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'made_by_partner'";
    assert_eq!(sql(&stage, owner), ACCOUNT);
    stage.rotate().await;
    run_as(&stage, "AWSCURRENT", "DROP DATABASE made_by_partner");
}

#[tokio::test]
async fn every_reset_of_a_session_comes_back_to_the_base_and_set_role_none_is_the_way_out() {
    let (stage, _) = rotated().await;
    let who = "SELECT session_user, current_user";
    let acting = format!("{PARTNER}|{ACCOUNT}");
    for reset in ["RESET ROLE", "RESET ALL", "DISCARD ALL", "SET SESSION AUTHORIZATION DEFAULT"] {
        for before in ["", "SET ROLE NONE; ", "BEGIN; SET LOCAL ROLE NONE; COMMIT; "] {
            // PostgreSQL counts the role as nothing that RESET ALL is about.
            if (before, reset) == ("SET ROLE NONE; ", "RESET ALL") {
                continue;
            }
            assert_eq!(run_as(&stage, "AWSCURRENT", &format!("{before}{reset};\n{who}")), acting, "{before}{reset}");
        }
    }
    assert_eq!(run_as(&stage, "AWSCURRENT", &format!("SET ROLE NONE; {who}")), format!("{PARTNER}|{PARTNER}"));
    // By either name.
    run_as(&stage, "AWSCURRENT", "ALTER ROLE CURRENT_USER SET work_mem = '7MB'");
    let set = |role: &str| {
        let query = format!("SELECT array_to_string(rolconfig, ' ') FROM pg_roles WHERE rolname = '{role}'");
        sql(&stage, &query)
    };
    assert_eq!((set(ACCOUNT).as_str(), set(PARTNER).contains("work_mem")), ("work_mem=7MB", false));
    stage.rotate().await;
    assert!(set(PARTNER).contains("work_mem=7MB"));
}

#[tokio::test]
async fn the_server_shows_and_counts_logins_by_the_role_that_logs_in() {
    let stage = stage().await;
    sql(&stage, &format!("ALTER ROLE {ACCOUNT} CONNECTION LIMIT 1"));
    stage.rotate().await;
    let shown = "SELECT usename FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    assert_eq!(run_as(&stage, "AWSCURRENT", shown), PARTNER);
    assert_eq!(run_as(&stage, "AWSPREVIOUS", shown), ACCOUNT);
    // Each has one connection, and the other's does not count.
    let value = stage.value("AWSCURRENT");
    let password = value["password"].as_str().unwrap();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| stage.postgres().sql_as(PARTNER, password, DATABASE, "SELECT pg_sleep(2)"));
        let busy = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{PARTNER}'");
        while sql(&stage, &busy) != "1" {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert!(try_as(&stage, "AWSCURRENT", "SELECT").unwrap_err().contains("too many connections"));
        assert!(try_as(&stage, "AWSPREVIOUS", "SELECT").is_ok());
        held.join().unwrap().unwrap();
    });
}
