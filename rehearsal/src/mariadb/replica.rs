//! A second server that follows a first.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::MariaDb;
use super::configuration::{self, MariaDbOptions};
use super::quoting::literal;
use crate::aws::random;

/// The account by which replicas read; no login of it is counted.
pub(super) const REPLICA_USER: &str = "keyroll_replica";

impl MariaDb {
    /// Starts a replica of `primary`: it has the same accounts and lets ordinary users only read.
    ///
    /// It begins where its primary began, with the same fresh data directory, and repeats what the binary log tells;
    /// its own logs show that, the stage's statements included.
    pub fn start_replica_of(primary: &Self) -> Result<Self> {
        let settings =
            [("server_id", "2"), ("read_only", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let options = MariaDbOptions { tls: primary.tls, settings: settings.to_vec(), ..MariaDbOptions::default() };
        let replica = Self::start_with(&options)?;
        // Long and of every sort of character, should the primary check that.
        let password = literal(&format!("Replica-{}", random::uuid()));
        primary.sql(&format!(
            "SET SESSION sql_log_bin = 0; \
             CREATE OR REPLACE USER {REPLICA_USER}@'%' IDENTIFIED BY {password}; \
             GRANT REPLICATION SLAVE ON *.* TO {REPLICA_USER}@'%'"
        ))?;
        replica.sql(&format!(
            "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {}, MASTER_USER = '{REPLICA_USER}', \
             MASTER_PASSWORD = {password}, MASTER_LOG_FILE = '{}.000001', MASTER_LOG_POS = 4, \
             MASTER_SSL_VERIFY_SERVER_CERT = 0; START SLAVE",
            primary.port,
            configuration::BINLOG,
        ))?;
        replica.catch_up_with(primary)?;
        Ok(replica)
    }

    /// Waits until this replica has done all that its primary has done by now.
    pub fn catch_up_with(&self, primary: &Self) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let position = primary.sql("SELECT @@global.gtid_binlog_pos")?;
        let waited = format!("SELECT MASTER_GTID_WAIT({}, {})", literal(&position), PATIENCE.as_secs());
        let status = self.sql(&waited)?;
        ensure!(status == "0", "the replica did not catch up: {}", self.sql("SHOW SLAVE STATUS")?);
        Ok(())
    }
}
