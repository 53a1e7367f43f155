//! Plans carried out on a real server: whatever an account has, its partner ends with the same, and planning again gives
//! nothing.

use rehearsal::mariadb::{MariaDb, MariaDbOptions};

use crate::database::mariadb::definition::Definition;
use crate::database::mariadb::partner::grants::Grants;
use crate::database::mariadb::partner::seen::{Account, Seen};
use crate::database::mariadb::partner::{plan, statements};
use crate::database::pair::{Pair, partner};
use crate::database::{Alignment, Alternation};

/// What the tests grant on.
const STAGE: &str = r#"
    CREATE DATABASE d; CREATE DATABASE `we_ird`; CREATE DATABASE `x"'\``y`;
    CREATE TABLE d.t (a int, b int, `c``"'\d` int); CREATE TABLE d.`t TO x` (a int); CREATE TABLE `x"'\``y`.`'` (a int);
    CREATE PROCEDURE d.p() SELECT 1; CREATE FUNCTION d.f() RETURNS int DETERMINISTIC RETURN 1;
    CREATE ROLE r; CREATE ROLE `r ``'"\x`; CREATE USER other;
    SET SESSION sql_mode = 'ORACLE';
    EXECUTE IMMEDIATE 'CREATE PACKAGE d.pk AS PROCEDURE p1; END';
    EXECUTE IMMEDIATE 'CREATE PACKAGE BODY d.pk AS PROCEDURE p1 AS BEGIN SELECT 1; END; END';
"#;

fn run(server: &MariaDb, sql: &str) -> String {
    server
        .sql(&format!("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'; {sql}"))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn accounts(server: &MariaDb, user: &str) -> Vec<Account> {
    let read = |host: &str| {
        let definition = run(server, &statements::definition(user, host));
        let grants = run(server, &statements::show_grants(user, host));
        Account {
            definition: Definition::of(definition.lines()).unwrap_or_else(|| panic!("{definition}")),
            grants: Grants::of(grants.lines(), user, host).unwrap_or_else(|| panic!("{grants}")),
        }
    };
    run(server, &statements::hosts(user)).lines().map(read).collect()
}

fn planned(server: &MariaDb, base: &str, base_turn: bool) -> Alignment {
    let pair = Pair { base: base.to_owned(), partner: partner(base) };
    let seen = Seen { base: accounts(server, &pair.base), partner: accounts(server, &pair.partner), roles: Vec::new() };
    let account = if base_turn { &pair.base } else { &pair.partner };
    let rotation = Alternation { pair: &pair, account, entered: account, both: true, insisted: true };
    plan(&seen, &rotation).unwrap()
}

fn carry_out(server: &MariaDb, alignment: &Alignment) {
    for change in &alignment.changes {
        let mode =
            if statements::is_oracles(&change.statement) { format!("{};", statements::ORACLE) } else { String::new() };
        run(server, &format!("{mode} {}", change.statement));
    }
}

/// What the server shows of an account, but for its name, hashes and lock.
fn shown(server: &MariaDb, user: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for host in run(server, &statements::hosts(user)).lines() {
        let (definition, grants) = (statements::definition(user, host), statements::show_grants(user, host));
        for line in [run(server, &definition), run(server, &grants)].join("\n").lines() {
            let line = line.replace(&statements::account(user, host), &format!("whoever@{host}"));
            let hash = line.find(" IDENTIFIED ").map(|from| {
                let rest = &line[from..];
                let to = [" REQUIRE", " WITH", " ACCOUNT", " PASSWORD EXPIRE"]
                    .iter()
                    .filter_map(|word| rest.find(word))
                    .min();
                from..to.map_or(line.len(), |to| from + to)
            });
            let line = hash.map_or(line.clone(), |hash| format!("{}{}", &line[..hash.start], &line[hash.end..]));
            lines.push(line.replace(" ACCOUNT LOCK", ""));
        }
    }
    lines.sort();
    lines
}

fn comes_in_step(server: &MariaDb, base: &str) {
    let alignment = planned(server, base, false);
    carry_out(server, &alignment);
    assert_eq!(shown(server, &partner(base)), shown(server, base));
    for base_turn in [false, true] {
        assert_eq!(planned(server, base, base_turn).changes, []);
    }
}

#[test]
fn whatever_an_account_has_its_partner_ends_with() {
    let mode = ("sql_mode".to_owned(), "ANSI_QUOTES,NO_BACKSLASH_ESCAPES".to_owned());
    let server = MariaDb::start_with(&MariaDbOptions { settings: vec![mode], ..MariaDbOptions::default() }).unwrap();
    run(&server, STAGE);
    let (plain, odd) = ("`app`@`%`", r#"`a``'"\ TO b`@`10.%`"#);
    let base = "app";
    run(
        &server,
        &format!(
            r#"CREATE USER {plain} IDENTIFIED VIA mysql_native_password USING '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'
                OR mysql_native_password USING '*1470C0C06DEE42FD1618BB99005ADCA2EC9D1E19' REQUIRE SSL;
            CREATE USER `app`@`10.0.%` REQUIRE X509 PASSWORD EXPIRE NEVER; CREATE USER `app`@`localhost` PASSWORD EXPIRE INTERVAL 9 DAY;
            CREATE USER {odd} REQUIRE ISSUER '/C=a''b\c"d' SUBJECT '/CN=x' CIPHER 'AES' WITH MAX_QUERIES_PER_HOUR 1
                MAX_UPDATES_PER_HOUR 2 MAX_CONNECTIONS_PER_HOUR 3 MAX_USER_CONNECTIONS 4 MAX_STATEMENT_TIME 1.5
                PASSWORD EXPIRE INTERVAL 5 DAY;"#
        ),
    );
    for who in [plain, odd] {
        run(
            &server,
            &format!(
                r#"GRANT SELECT, INSERT ON *.* TO {who} WITH GRANT OPTION;
                GRANT SELECT, SELECT (b), INSERT (a), UPDATE (a, `c``"'\d`) ON d.t TO {who} WITH GRANT OPTION;
                GRANT SELECT ON d.`t TO x` TO {who}; GRANT ALL ON `x"'\``y`.`'` TO {who};
                GRANT ALL ON `we\_ird`.* TO {who} WITH GRANT OPTION; GRANT SELECT ON `%`.* TO {who};
                GRANT USAGE ON d.* TO {who} WITH GRANT OPTION; GRANT ALL ON PROCEDURE d.p TO {who};
                GRANT EXECUTE ON FUNCTION d.f TO {who} WITH GRANT OPTION; GRANT r TO {who} WITH ADMIN OPTION;
                GRANT `r ``'"\x` TO {who}; SET DEFAULT ROLE `r ``'"\x` FOR {who};
                GRANT PROXY ON other TO {who} WITH GRANT OPTION; GRANT PROXY ON ''@'' TO {who};
                SET SESSION sql_mode = 'ORACLE'; GRANT EXECUTE ON PACKAGE d.pk TO {who};
                GRANT EXECUTE ON PACKAGE BODY d.pk TO {who} WITH GRANT OPTION"#
            ),
        );
    }
    let started = carry_on(&server, base);
    carry_on(&server, r#"a`'"\ TO b"#);
    assert!(started > 10);
    // What is more than the base has, and what is less, at the same places.
    run(
        &server,
        r"GRANT DELETE ON *.* TO app_clone; REVOKE INSERT ON *.* FROM app_clone; REVOKE GRANT OPTION ON *.* FROM app_clone;
        GRANT ALL ON d.* TO app_clone; GRANT SELECT ON we_ird.* TO app_clone; GRANT ALL ON d.`t TO x` TO app_clone WITH GRANT OPTION;
        REVOKE SELECT ON d.t FROM app; GRANT SELECT (b) ON d.t TO app; GRANT INSERT ON d.t TO app_clone;
        GRANT ALTER ROUTINE ON FUNCTION d.f TO app_clone; REVOKE EXECUTE ON PROCEDURE d.p FROM app_clone;
        REVOKE ADMIN OPTION FOR r FROM app; REVOKE `r ``'\x` FROM app_clone; SET DEFAULT ROLE r FOR app_clone;
        REVOKE PROXY ON other FROM app; GRANT PROXY ON other TO app; GRANT PROXY ON ''@'' TO app_clone WITH GRANT OPTION;
        GRANT PROXY ON nobody@nowhere TO app_clone; ALTER USER app_clone REQUIRE NONE WITH MAX_USER_CONNECTIONS 3;
        ALTER USER app WITH MAX_STATEMENT_TIME 0.000001 PASSWORD EXPIRE NEVER; CREATE USER app@`10.1.%`; GRANT r TO app@`10.1.%`"
            .replace(r"`r ``'\x`", r#"`r ``'"\x`"#)
            .as_str(),
    );
    comes_in_step(&server, base);
    // All but the rights to take part.
    run(
        &server,
        "REVOKE ALL PRIVILEGES, GRANT OPTION FROM app; SET DEFAULT ROLE NONE FOR app; ALTER USER app REQUIRE NONE",
    );
    comes_in_step(&server, base);
}

/// Comes in step, however often it is broken off.
fn carry_on(server: &MariaDb, base: &str) -> usize {
    let all = planned(server, base, false).changes.len();
    for broken_off in 1..=3 {
        let mut alignment = planned(server, base, false);
        alignment.changes.truncate(broken_off * 2);
        carry_out(server, &alignment);
    }
    comes_in_step(server, base);
    all
}

#[test]
fn a_server_that_checks_passwords_lets_the_rows_be_made() {
    let plugins = vec!["simple_password_check".to_owned(), "password_reuse_check".to_owned()];
    let server = MariaDb::start_with(&MariaDbOptions { plugins, ..MariaDbOptions::default() }).unwrap();
    run(&server, "CREATE USER app IDENTIFIED BY 'aA1#aA1#aA1#' REQUIRE SSL; GRANT SELECT ON *.* TO app");
    comes_in_step(&server, "app");
}
