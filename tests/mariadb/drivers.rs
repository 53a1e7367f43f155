//! Logins by what services really use: the client `mariadb`, which is C, `PyMySQL` and Node's mysql2. Each has a way of its own
//! to take it when the server, after the first rule of an account, asks once more for the second.
//!
//! Passwords go by environment or standard input: arguments are there for everybody to read.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rehearsal::mariadb::{MariaDb, MariaDbOptions};
use rehearsal::tls::Tls;
use serde_json::{Value, json};
use support::maria;
use support::rig::random_password;
use support::stage::ACCOUNT;

/// What logs in.
#[derive(Clone, Copy, Debug)]
pub enum Driver {
    Cli,
    PyMySql,
    Mysql2,
}

/// All of them.
pub const DRIVERS: [Driver; 3] = [Driver::Cli, Driver::PyMySql, Driver::Mysql2];

/// Both read a secret's value, with the authority to trust under `ca`, and answer with the session's cipher or with the
/// number of the error.
const PYTHON: &str = r#"
import json, sys, pymysql
value = json.load(sys.stdin)
tls = {"ssl_ca": value["ca"], "ssl_verify_cert": True, "ssl_verify_identity": True}
try:
    session = pymysql.connect(
        host=value["host"], port=value["port"], user=value["username"], password=value["password"],
        database=value.get("dbname"), connect_timeout=10, **(tls if value["ca"] else {"ssl_disabled": True}))
except pymysql.MySQLError as error:
    sys.exit(str(error.args[0]))
with session, session.cursor() as cursor:
    cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    print(cursor.fetchone()[1])
"#;
const JAVASCRIPT: &str = r#"
const value = JSON.parse(require("fs").readFileSync(0));
const ssl = value.ca && { ca: require("fs").readFileSync(value.ca), rejectUnauthorized: true, verifyIdentity: true };
const session = require("mysql2").createConnection({
  host: value.host, port: value.port, user: value.username, password: value.password, database: value.dbname,
  connectTimeout: 10000, ...(ssl && { ssl })
});
session.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'", (error, rows) => {
  if (error) {
    console.error(error.errno || error.message);
    process.exit(1);
  }
  console.log(rows[0].Value);
  session.end();
});
"#;

/// Logs in with a secret's value, by TLS and with all checks where there is an authority to trust and in the clear where
/// there is none, and says why where that failed: the server's number, or whatever else was in the way.
pub fn log_in(driver: Driver, value: &Value, ca: Option<&Path>) -> Result<(), String> {
    let mut command = match driver {
        Driver::Cli => cli(value, ca),
        Driver::PyMySql => python(),
        Driver::Mysql2 => node(),
    };
    let mut input = value.clone();
    input["ca"] = json!(ca);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| missing(driver, &error.to_string()));
    // Whoever does not read it has it by environment.
    let _ = child.stdin.take().unwrap().write_all(input.to_string().as_bytes());
    let output = child.wait_with_output().unwrap();
    let [answer, error] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).trim().to_owned());
    if !output.status.success() {
        if ["No module named", "Cannot find module"].iter().any(|lack| error.contains(lack)) {
            missing(driver, &error);
        }
        return Err(number(&error).to_owned());
    }
    let by_tls = answer.split_whitespace().last().is_some_and(|cipher| cipher != "Ssl_cipher");
    assert_eq!(by_tls, ca.is_some(), "{driver:?} by TLS: {answer}");
    Ok(())
}

/// The number in the client's `ERROR 1045 (28000): ...`; the others tell nothing else.
fn number(error: &str) -> &str {
    let number = error.strip_prefix("ERROR ").and_then(|rest| rest.split_once(' '));
    number.map_or(error, |(number, _)| number)
}

fn missing(driver: Driver, error: &str) -> ! {
    panic!("{driver:?} is missing, run scripts/prepare test: {error}")
}

fn cli(value: &Value, ca: Option<&Path>) -> Command {
    let text = |key: &str| value[key].as_str().unwrap();
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "--batch", "--protocol=tcp", "--connect-timeout=10", "--skip-column-names"]);
    command.args([format!("--host={}", text("host")), format!("--port={}", value["port"])]);
    command.arg(format!("--user={}", text("username"))).env("MYSQL_PWD", text("password"));
    command.args(value["dbname"].as_str().map(|name| format!("--database={name}")));
    match ca {
        Some(ca) => command.arg(format!("--ssl-ca={}", ca.display())).arg("--ssl-verify-server-cert"),
        None => command.arg("--skip-ssl"),
    };
    command.arg("--execute=SHOW SESSION STATUS LIKE 'Ssl_cipher'");
    command
}

fn python() -> Command {
    let mut command = Command::new(tools().join("drivers/bin/python"));
    command.args(["-I", "-c", PYTHON]);
    command
}

fn node() -> Command {
    // Where there was no recent one, a private one came with the drivers.
    let own = tools().join("drivers/bin/node");
    let mut command = Command::new(if own.exists() { own } else { "node".into() });
    command.args(["-e", JAVASCRIPT]).env("NODE_PATH", tools().join("drivers-node/node_modules"));
    command
}

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools")
}

#[test]
fn every_driver_logs_in_by_either_rule_and_is_refused_without_one() {
    for tls in [Tls::Trusted, Tls::Off] {
        let mariadb = MariaDb::start_with(&MariaDbOptions { tls, ..MariaDbOptions::default() }).unwrap();
        let [new, old, wrong] = [(); 3].map(|()| random_password());
        maria::make_account(&mariadb, ACCOUNT, &old);
        maria::let_in_by_either(&mariadb, ACCOUNT, [&new, &old]);
        let authority = mariadb.ca_pem_path();
        let mut ways = vec![None];
        if tls == Tls::Trusted {
            ways.push(Some(authority.as_path()));
        }
        for (driver, ca) in DRIVERS.into_iter().flat_map(|driver| ways.iter().map(move |ca| (driver, *ca))) {
            let with = |password: &str| {
                let value = json!({
                    "host": "localhost", "port": mariadb.port(), "username": ACCOUNT, "password": password
                });
                log_in(driver, &value, ca)
            };
            let expected = [Ok(()), Ok(()), Err("1045".to_owned())];
            assert_eq!([with(&new), with(&old), with(&wrong)], expected, "{driver:?}, {tls:?}, {ca:?}");
        }
    }
}

#[test]
fn no_driver_takes_a_certificate_of_somebody_else() {
    for tls in [Tls::OtherHost, Tls::OtherAuthority] {
        let mariadb = MariaDb::start_with(&MariaDbOptions { tls, ..MariaDbOptions::default() }).unwrap();
        maria::make_account(&mariadb, ACCOUNT, "its password");
        let value = json!({
            "host": "localhost", "port": mariadb.port(), "username": ACCOUNT, "password": "its password"
        });
        for driver in DRIVERS {
            let refused = log_in(driver, &value, Some(&mariadb.ca_pem_path())).unwrap_err();
            assert_ne!(refused, "1045", "{driver:?}, {tls:?}");
        }
    }
}
