//! The relay to MariaDB between a server and clients that are not the function: sqlx, which leaves out the ends of columns, and
//! the client `mariadb`, which does not.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rehearsal::driver;
use rehearsal::mariadb::{MariaDb, MariaDbOptions};
use rehearsal::tls::Tls;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use support::maria;
use support::relay::{At, Relay, Strike, When};

/// What a session says, so that every sort of answer comes: a table, rows, no rows, several answers, an error among them,
/// and one that is prepared.
const TALK: [&str; 7] = [
    "CREATE TABLE shop.t (n INT, s LONGTEXT)",
    "INSERT INTO shop.t VALUES (1, 'one'), (2, NULL), (3, REPEAT('x', 70000))",
    "SELECT n, s, 'a value' FROM shop.t ORDER BY n",
    "SELECT n FROM shop.t WHERE n > 7",
    "SELECT 1; INSERT INTO shop.t VALUES (4, ''); SELECT 2, 3; DO 1",
    "SELECT 1; SELECT nothing; INSERT INTO shop.t VALUES (5, '')",
    "SELECT n FROM shop.t WHERE n = ?",
];
/// The rows that it gives, if all goes well.
const ROWS: [usize; 7] = [0, 0, 3, 0, 2, 0, 1];

fn server(tls: Tls) -> MariaDb {
    let mariadb = MariaDb::start_with(&MariaDbOptions { tls, ..MariaDbOptions::default() }).unwrap();
    maria::make_account(&mariadb, "app", "its password");
    mariadb.sql("CREATE DATABASE shop; GRANT ALL ON shop.* TO app@'%'").unwrap();
    mariadb
}

async fn connect(relay: &Relay, password: &str, mode: MySqlSslMode) -> sqlx::Result<MySqlConnection> {
    let options = MySqlConnectOptions::new().host("localhost").port(relay.port()).username("app").password(password);
    options.ssl_mode(mode).disable_statement_logging().connect().await
}

/// Says one of all that, and gives how many rows came.
async fn say(session: &mut MySqlConnection, statement: &'static str) -> sqlx::Result<usize> {
    if statement.contains('?') {
        return Ok(sqlx::query(statement).bind(3).persistent(false).fetch_all(session).await?.len());
    }
    Ok(sqlx::raw_sql(statement).fetch_all(session).await?.len())
}

/// Says everything, until the connection ends; gives how many rows came each time, if no error did.
async fn talk(relay: &Relay) -> sqlx::Result<Vec<Option<usize>>> {
    let mut session = connect(relay, "its password", MySqlSslMode::Disabled).await?;
    let mut heard = Vec::new();
    for statement in TALK {
        heard.push(match say(&mut session, statement).await {
            Err(error) if error.as_database_error().is_none() => return Err(error),
            answer => answer.ok(),
        });
    }
    session.close().await?;
    Ok(heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sort_of_answer_of_mariadb_passes_the_relay() {
    let mariadb = server(Tls::Off);
    let relay = Relay::to_mariadb(mariadb.port());
    let expected = ROWS.map(Some).into_iter().enumerate();
    let expected: Vec<_> = expected.map(|(number, rows)| rows.filter(|_| number != 5)).collect();
    assert_eq!(talk(&relay).await.unwrap(), expected);
    let said = relay.said();
    assert_eq!(said[0], "a login of app");
    assert!(said[1].starts_with("SET sql_mode=(SELECT CONCAT(@@sql_mode, ''"), "{said:#?}");
    assert_eq!(said[3], "INSERT INTO shop.t VALUES (1, ''), (2, NULL), (3, REPEAT('', 70000))");
    assert_eq!(said[8..], [TALK[6], "what was prepared"]);

    relay.clear();
    let refused = connect(&relay, "another password", MySqlSslMode::Disabled).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("28000"));
    assert_eq!(relay.said(), ["a login of app"]);
    // Whoever is asked once more has said one thing all the same.
    relay.clear();
    maria::let_in_by_either(&mariadb, "app", ["a new password", "its password"]);
    let mut session = connect(&relay, "its password", MySqlSslMode::Disabled).await.unwrap();
    assert_eq!(say(&mut session, "SELECT 1").await.unwrap(), 1);
    assert_eq!(relay.said()[2..], ["SELECT 1"]);
    assert_eq!(relay.said()[0], "a login of app");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_to_mariadb_strikes_before_or_after_everything() {
    let mariadb = server(Tls::Off);
    let relay = Relay::to_mariadb(mariadb.port());
    talk(&relay).await.unwrap();
    let said = relay.said();
    for (number, expected) in said.iter().enumerate() {
        for when in [When::Before, When::After] {
            mariadb.sql("DROP TABLE IF EXISTS shop.t").unwrap();
            let mark = mariadb.mark();
            let struck = Arc::new(AtomicBool::new(false));
            let noted = Arc::clone(&struck);
            let hook = Box::new(move || noted.store(true, Ordering::SeqCst));
            relay.arm(Strike { at: At::Number(number), when, hook });
            let error = talk(&relay).await.unwrap_err();
            assert!(struck.load(Ordering::SeqCst) && !relay.is_armed(), "{when:?} {number}: {error}");
            assert_eq!(relay.said()[number..], [expected.as_str()], "{when:?}");
            // The server has heard it, or nothing. Its log has a text of several statements as one, and what was prepared only
            // once that has been answered.
            let expected = if matches!(when, When::Before) { number } else { number + 1 };
            let heard = || {
                let log = mariadb.general_log_since(mark);
                ["Connect\tapp@", "Query\t", "Prepare\t", "Execute\t"]
                    .map(|said| log.matches(said).count())
                    .iter()
                    .sum::<usize>()
            };
            let as_expected = driver::eventually(Duration::from_secs(5), || expected == heard()).await;
            assert!(as_expected, "{when:?} {number}: {}", mariadb.general_log_since(mark));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_to_mariadb_by_tls_counts_once() {
    let mariadb = server(Tls::Trusted);
    let relay = Relay::to_mariadb(mariadb.port());
    let mut session = connect(&relay, "its password", MySqlSslMode::Required).await.unwrap();
    let cipher = sqlx::raw_sql("SHOW STATUS LIKE 'Ssl_cipher'").fetch_one(&mut session).await.unwrap();
    assert_ne!(cipher.get::<String, _>(1), "");
    assert_eq!(relay.said(), ["a handshake"]);
}

#[test]
fn the_clients_of_mariadb_come_through_the_relay() {
    let mariadb = server(Tls::Off);
    let relay = Relay::to_mariadb(mariadb.port());
    let client = |password: &str, statements: &str| {
        let mut client = Command::new("mariadb");
        client.args([
            "--no-defaults",
            "--batch",
            "--skip-column-names",
            "--skip-ssl",
            "--host=127.0.0.1",
            "--user=app",
        ]);
        client.arg(format!("--port={}", relay.port())).arg(format!("--execute={statements}"));
        let output = client.env("MYSQL_PWD", password).output().unwrap();
        let [answer, error] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (answer, error)
    };
    let (answer, error) = client("its password", "SELECT 1 UNION SELECT 'two'; SELECT nothing");
    assert_eq!(answer, "1\ntwo\n");
    assert!(error.contains("ERROR 1054"), "{error}");
    assert_eq!(relay.said(), ["a login of app", "SELECT 1 UNION SELECT ''", "SELECT nothing"]);
    assert!(client("another password", "SELECT 1").1.contains("ERROR 1045"));
}
