//! Rows of one account that belong to somebody else, as far as can be told: another password, and more rights.

use super::rules::exceeding;
use super::seen::Account;
use crate::database::mariadb::rows::{Row, Rows};
use crate::database::mariadb::session::Session;
use crate::database::mariadb::statements;
use crate::error::Result;
use crate::secret::Sensitive;

impl Session {
    /// The rows with a password that is none of `known`, and with a right that no row has which one of them opens: a person who can
    /// write the secret would get at it by having the administrator set their password.
    pub(in crate::database::mariadb) async fn others_rights(
        &mut self,
        rows: &Rows,
        known: &[Sensitive],
    ) -> Result<Vec<String>> {
        let accounts = self.accounts(&rows.account).await?;
        let alien: Vec<&str> = rows.alien(known).map(|row| row.host.as_str()).collect();
        let with_ours = |row: &Row| !row.definition.locked && known.iter().any(|verifier| row.accepts(verifier));
        let ours: Vec<&str> = rows.rows.iter().filter(|row| with_ours(row)).map(|row| row.host.as_str()).collect();
        let at = |hosts: &[&str]| -> Vec<&Account> {
            accounts.iter().filter(|account| hosts.contains(&account.host())).collect()
        };
        let (others, own) = (at(&alien), at(&ours));
        let told = |account: &&Account| {
            let right = exceeding(account, &own)?;
            Some(format!(
                "{} has another password than this secret, and a right that the rows with the secret's have not: {right}",
                statements::account(&rows.account, account.host())
            ))
        };
        Ok(others.iter().filter_map(told).collect())
    }
}
