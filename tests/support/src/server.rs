//! The database server of a stage, of either kind, as far as both are alike.

use std::path::PathBuf;

use rehearsal::mariadb::{self, MariaDb};
use rehearsal::postgres::{self, Held, Login, Logins, Postgres};

/// One of the two.
pub enum Server {
    Postgres(Postgres),
    MariaDb(MariaDb),
}

/// A place in the logs of one of the two.
#[derive(Clone, Copy, Debug)]
pub enum Mark {
    Postgres(postgres::Mark),
    MariaDb(mariadb::Mark),
}

impl Server {
    /// What a secret calls it.
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgres",
            Self::MariaDb(_) => "mariadb",
        }
    }

    /// The port of loopback that it listens on.
    pub fn port(&self) -> u16 {
        match self {
            Self::Postgres(server) => server.port(),
            Self::MariaDb(server) => server.port(),
        }
    }

    /// The authority that its clients are to trust, in PEM.
    pub fn ca_pem_path(&self) -> PathBuf {
        match self {
            Self::Postgres(server) => server.ca_pem_path(),
            Self::MariaDb(server) => server.ca_pem_path(),
        }
    }

    /// The end of the logs as they are now.
    pub fn mark(&self) -> Mark {
        match self {
            Self::Postgres(server) => Mark::Postgres(server.mark()),
            Self::MariaDb(server) => Mark::MariaDb(server.mark()),
        }
    }

    /// Everything that it wrote down since: of MariaDB the general, the slow, the error and the binary log.
    pub fn log_since(&self, mark: Mark) -> String {
        match (self, mark) {
            (Self::Postgres(server), Mark::Postgres(mark)) => server.log_since(mark),
            (Self::MariaDb(server), Mark::MariaDb(mark)) => server.log_since(mark) + &server.binlog_since(mark),
            _ => panic!("this place is in another server's log"),
        }
    }

    /// The logins since, those of [`Server::try_login`] among them.
    pub fn logins_since(&self, mark: Mark) -> Logins {
        match (self, mark) {
            (Self::Postgres(server), Mark::Postgres(mark)) => server.logins_since(mark),
            (Self::MariaDb(server), Mark::MariaDb(mark)) => server.logins_since(mark),
            _ => panic!("this place is in another server's log"),
        }
    }

    /// Tries a login over TCP, by TLS where the server has it.
    pub fn try_login(&self, user: &str, password: &str, database: &str) -> Login {
        self.login(user, password, database).unwrap()
    }

    /// The same, which may have been left without an answer.
    pub fn login(&self, user: &str, password: &str, database: &str) -> Result<Login, String> {
        let answer = match self {
            Self::Postgres(server) => server.try_login(user, password, database),
            Self::MariaDb(server) => server.try_login(user, password, database),
        };
        answer.map_err(|error| error.to_string())
    }

    /// Opens a session that stays, by a login as [`Server::try_login`] does.
    pub fn hold(&self, user: &str, password: &str, database: &str) -> Held {
        let session = match self {
            Self::Postgres(server) => server.hold(user, password, database),
            Self::MariaDb(server) => server.hold(user, password, database),
        };
        session.unwrap()
    }

    /// Runs statements as whoever may do everything.
    pub fn sql(&self, statements: &str) {
        let answer = match self {
            Self::Postgres(server) => server.sql(statements).map_err(|error| error.to_string()),
            Self::MariaDb(server) => server.sql(statements).map_err(|error| error.to_string()),
        };
        answer.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// What the server holds of every account, with its rights: what a step that changes nothing leaves alone.
    pub fn accounts(&self) -> String {
        let all = match self {
            Self::Postgres(server) => {
                let tables = ["pg_authid", "pg_auth_members", "pg_db_role_setting"];
                server.sql(&tables.map(|table| format!("SELECT t::text FROM pg_catalog.{table} t")).join("; "))
            }
            Self::MariaDb(server) => {
                let rights = ["db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv", "roles_mapping"];
                server.sql(&format!(
                    "SELECT * FROM mysql.global_priv; SELECT * FROM mysql.{}",
                    rights.join("; SELECT * FROM mysql.")
                ))
            }
        };
        let all = all.unwrap();
        let mut rows: Vec<&str> = all.lines().collect();
        rows.sort_unstable();
        rows.join("\n")
    }
}
