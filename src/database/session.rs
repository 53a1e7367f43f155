//! An open session, and everything that the rotation steps ask of it.

use std::collections::BTreeSet;

use super::{
    Aligned, Alike, Alternation, Beside, Credential, Identity, Pair, Rehearsal, Spread, Wanted, mariadb, postgres,
};
use crate::context::Clock;
use crate::database::{Alignment, Change, Which};
use crate::error::Result;
use crate::secret::Sensitive;

/// An open session of an accepted login.
pub enum Session {
    /// On a PostgreSQL server.
    Postgres(postgres::Session),
    /// On a MariaDB server.
    MariaDb(mariadb::Session),
}

impl Session {
    /// Takes this session for the administrator's, also where that is the account itself.
    pub fn administer(&mut self) {
        match self {
            // A role that may change its own password may do so either way.
            Self::Postgres(_) => {}
            Self::MariaDb(session) => session.administer(),
        }
    }

    /// Refuses where this session could not set the password of `account`, or should not. `plaintext` allows a statement to
    /// carry the password itself.
    pub async fn check_writer(&mut self, account: &str, plaintext: bool) -> Result<()> {
        match self {
            Self::Postgres(session) => session.check_writer(account).await,
            Self::MariaDb(session) => session.check_writer(account, plaintext).await,
        }
    }

    /// Refuses a server that takes no changes by this session, or an account that has no password to change, as far as the
    /// server's own catalogue tells before the account is looked at.
    pub async fn check_server(&mut self, account: &str, plaintext: bool) -> Result<()> {
        match self {
            Self::Postgres(session) => session.check_server(account).await,
            Self::MariaDb(session) => session.check_server(plaintext).await,
        }
    }

    /// Whether the server replays what another one writes.
    pub async fn is_replica(&mut self) -> Result<bool> {
        match self {
            Self::Postgres(session) => session.is_replica().await,
            Self::MariaDb(session) => session.is_replica().await,
        }
    }

    /// Whether an account by the name of a partner may be one, rather than a first account that is called so; none where
    /// this session cannot see that.
    pub async fn is_partner(&mut self, pair: &Pair) -> Result<Option<bool>> {
        match self {
            Self::Postgres(session) => session.is_partner(pair).await.map(Some),
            Self::MariaDb(session) => session.knows(&pair.base).await,
        }
    }

    /// Whether the server shows enough to take two accounts for a pair, of which this one was let in: by the one, the other
    /// one may then be changed.
    pub async fn shows(&mut self, pair: &Pair, entered: &str) -> Result<bool> {
        match self {
            Self::Postgres(_) if entered == pair.base => Ok(true),
            Self::Postgres(session) => session.is_partner(pair).await,
            Self::MariaDb(session) => session.shows(pair, entered).await,
        }
    }

    /// What it would take to bring the partner in step with its base, without a lock.
    pub async fn foresee(&mut self, rotation: &Alternation<'_>, clock: Clock) -> Result<Alignment> {
        match self {
            Self::Postgres(session) => session.foresee(rotation, clock).await,
            Self::MariaDb(session) => session.compare(rotation).await,
        }
    }

    /// What it takes to bring the partner in step with its base, under the lock.
    pub async fn compare(&mut self, rotation: &Alternation<'_>) -> Result<Alignment> {
        match self {
            Self::Postgres(session) => session.compare(rotation).await,
            Self::MariaDb(session) => session.compare(rotation).await,
        }
    }

    /// Makes one change under the lock.
    ///
    /// Safe to repeat: a change that was made is not in the next comparison, and nobody logs in by it before the password is
    /// set, be it in the same transaction or, where there is none, the last of all.
    pub async fn align(&mut self, change: &Change, clock: Clock) -> Result<Aligned> {
        match self {
            Self::Postgres(session) => session.align(change, clock).await,
            Self::MariaDb(session) => session.align(change).await,
        }
    }

    /// Proves that the session is what the credential says: the same account, the same rights, the same database.
    pub async fn prove(&mut self, credential: &Credential) -> Result<Identity> {
        match self {
            Self::Postgres(session) => session.prove(&credential.login, credential.may_be_partner()).await,
            Self::MariaDb(session) => session.prove(&credential.login),
        }
    }

    /// Whether the server has said that the password has expired, and lets the account do nothing but set a new one.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        match self {
            // Told as a rejection.
            Self::Postgres(_) => false,
            Self::MariaDb(session) => session.is_expired(),
        }
    }

    /// What the account accepts besides the password that this session is about to give it; `known` are the verifiers of
    /// stored passwords (see [`Credential::verifier`]).
    pub async fn beside(&mut self, account: &str, known: &[Sensitive], wanted: Wanted) -> Result<Beside> {
        match self {
            // One account has one password.
            Self::Postgres(_) => Ok(Beside::default()),
            Self::MariaDb(session) => session.beside(account, known, wanted).await,
        }
    }

    /// How far the password of a credential has come in its account; nothing to tell where an account is one thing.
    pub async fn spread(&mut self, credential: &Credential) -> Result<Spread> {
        match (self, credential.verifier()) {
            (Self::MariaDb(session), Some(verifier)) => session.spread(credential.account(), &verifier).await,
            _ => Ok(Spread::default()),
        }
    }

    /// Whether the account that is logged in accepts another password as well.
    pub async fn overlaps(&mut self) -> Result<bool> {
        match self {
            Self::Postgres(_) => Ok(false),
            Self::MariaDb(session) => session.overlaps().await,
        }
    }

    /// Takes the lock of that name on the server, until [`Session::set_password`] or the end of the session.
    pub async fn lock(&mut self, name: &str, clock: Clock) -> Result<()> {
        match self {
            Self::Postgres(session) => session.lock(name, clock).await,
            Self::MariaDb(session) => session.lock(name).await,
        }
    }

    /// Makes the server accept the password that `pending` holds and no other, or beside it one of `olds`, of which the first
    /// are better. `opens` says whether the account is to let clients in by it. Then releases the lock. Returns false where
    /// another change of the account was in the way: then nothing was changed, and everything from the lock on must be done
    /// again.
    ///
    /// Safe to repeat: the account ends with the same passwords.
    pub async fn set_password(
        &mut self,
        pending: &Credential,
        olds: &[&Credential],
        opens: bool,
        clock: Clock,
    ) -> Result<bool> {
        let (account, password) = (pending.account(), &pending.login.password);
        match self {
            Self::Postgres(session) => session.set_password(account, password, clock).await,
            Self::MariaDb(session) => {
                let olds: Vec<&Sensitive> = olds.iter().map(|old| &old.login.password).collect();
                let opens = opens && pending.may_be_partner();
                let set = session.set_password(account, password, &olds, opens).await;
                // The session may be wanted for something else, the lock is not.
                let released = session.release().await;
                set.and(released).map(|()| true)
            }
        }
    }

    /// Releases the lock with nothing changed.
    pub async fn release(&mut self) -> Result<()> {
        match self {
            Self::Postgres(session) => session.release().await,
            Self::MariaDb(session) => session.release().await,
        }
    }

    /// The number by which the server knows this session.
    pub async fn number(&mut self) -> Result<i64> {
        match self {
            Self::Postgres(session) => session.number().await,
            Self::MariaDb(session) => session.number().await,
        }
    }

    /// The open sessions of an account but these, those that look alike together.
    pub async fn sessions(&mut self, account: &str, but: &[i64]) -> Result<Vec<Alike>> {
        match self {
            Self::Postgres(session) => session.sessions(account, but).await,
            Self::MariaDb(session) => session.sessions(account, but).await,
        }
    }

    /// The account that may end sessions by hand, and the statement.
    #[must_use]
    pub fn by_hand(&self, account: &str) -> String {
        match self {
            Self::Postgres(_) => postgres::by_hand(account),
            Self::MariaDb(_) => mariadb::by_hand(account),
        }
    }

    /// Ends sessions of an account but these, and gives the numbers of those that were there; nothing where the server
    /// does not let this session do so.
    ///
    /// Safe to repeat: a session that has ended is not found again, and one that is new in its place is not meant to be
    /// there either.
    pub async fn end_sessions(&mut self, account: &str, which: Which, but: &[i64]) -> Result<Option<BTreeSet<i64>>> {
        match self {
            Self::Postgres(session) => session.end_sessions(account, which, but).await,
            Self::MariaDb(session) => session.end_sessions(account, which, but).await,
        }
    }

    /// Makes the changes and sets a password that is thrown away, as a rotation would, and takes all of it back: proves the
    /// right to.
    ///
    /// Safe to repeat: the transaction is rolled back, also by the server when the connection breaks. Where the server has
    /// none for accounts, nothing is tried.
    pub async fn rehearse(
        &mut self,
        lock: &str,
        changes: &[Change],
        throw_away: &Credential,
        clock: Clock,
    ) -> Result<Rehearsal> {
        match self {
            Self::Postgres(session) => session.rehearse(lock, changes, throw_away, clock).await,
            Self::MariaDb(_) => Ok(Rehearsal {
                not_tried: vec![
                    "whether the statements would be carried out: MariaDB commits each at once, so that none can be rehearsed"
                        .to_owned(),
                ],
                ..Rehearsal::default()
            }),
        }
    }

    /// Ends the session in good order. Failing at it changes nothing.
    pub async fn close(self) {
        match self {
            Self::Postgres(session) => session.close().await,
            Self::MariaDb(session) => session.close().await,
        }
    }
}
