//! Clients that log in all the time while a secret rotates: one that reads the secret before every login, and one that
//! keeps what it read until it is replaced, as a task of ECS does.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rehearsal::aws::{CURRENT, LocalAws};
use rehearsal::driver::eventually;
use rehearsal::mariadb::MariaDb;
use rehearsal::postgres::Postgres;
use serde_json::Value;

/// Between two logins of a client.
const PAUSE: Duration = Duration::from_millis(5);
/// Logins of each client that make sure of it.
const ENOUGH: usize = 5;

/// The clients, until they are dropped.
pub(crate) struct Clients {
    shared: Arc<Shared>,
    running: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    /// Logins that worked, of each client, and what went wrong with the others.
    worked: [AtomicUsize; 2],
    failed: Mutex<Vec<String>>,
    /// What the second client holds.
    held: Mutex<String>,
}

/// Where they log in, and whose rights they must have there: those of the account itself, where no other is named.
pub(crate) struct Place {
    pub(crate) server: Server,
    pub(crate) secret: &'static str,
    pub(crate) database: &'static str,
    pub(crate) acts_as: Option<&'static str>,
}

/// A server.
pub(crate) enum Server {
    Postgres(Arc<Postgres>),
    MariaDb(Arc<MariaDb>),
}

impl Clients {
    pub(crate) fn start(aws: &LocalAws, place: Place) -> Self {
        let shared = Arc::new(Shared::default());
        let place = Arc::new(place);
        let spawn = |client: usize| {
            let (shared, place, aws) = (Arc::clone(&shared), Arc::clone(&place), aws.downgrade());
            std::thread::spawn(move || {
                while !shared.over.load(Ordering::Relaxed) {
                    let value = match client {
                        0 => aws.upgrade().and_then(|aws| aws.value_of(place.secret, CURRENT)).unwrap_or_default(),
                        _ => shared.held.lock().unwrap_or_else(PoisonError::into_inner).clone(),
                    };
                    match place.log_in(&value) {
                        Ok(()) => drop(shared.worked[client].fetch_add(1, Ordering::Relaxed)),
                        Err(error) => shared.fail(format!("{error:#}")),
                    }
                    std::thread::sleep(PAUSE);
                }
            })
        };
        shared.hold(aws, place.secret);
        let running = vec![spawn(0), spawn(1)];
        Self { shared, running }
    }

    /// The second client is replaced, as tasks are by a deployment: it reads the secret as it starts.
    pub(crate) fn replace(&self, aws: &LocalAws, secret: &str) {
        self.shared.hold(aws, secret);
    }

    /// Lets each of them log in some times more.
    pub(crate) async fn go_on(&self) -> Result<()> {
        let before = self.worked();
        let more = || self.worked().iter().zip(before).all(|(now, then)| *now >= then + ENOUGH);
        let went_on = eventually(Duration::from_secs(30), || more() || !self.failed().is_empty()).await;
        ensure!(went_on, "the clients stopped logging in");
        Ok(())
    }

    /// Logins that worked, of each.
    pub(crate) fn worked(&self) -> [usize; 2] {
        [0, 1].map(|client| self.shared.worked[client].load(Ordering::Relaxed))
    }

    /// What was said of those that failed.
    pub(crate) fn failed(&self) -> Vec<String> {
        self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        for client in self.running.drain(..) {
            let _ = client.join();
        }
    }
}

impl Shared {
    fn hold(&self, aws: &LocalAws, secret: &str) {
        let value = aws.value_of(secret, CURRENT).unwrap_or_default();
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }

    fn fail(&self, error: String) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(error);
    }
}

impl Place {
    fn log_in(&self, value: &str) -> Result<()> {
        let value: Value = serde_json::from_str(value).context("the secret has a value")?;
        let text = |key: &str| value[key].as_str().unwrap_or_default();
        let (user, password) = (text("username"), text("password"));
        let acts_as = self.server.acts_as(user, password, self.database)?;
        ensure!(acts_as == self.acts_as.unwrap_or(user), "{user} acts as {acts_as}");
        Ok(())
    }
}

impl Server {
    /// Logs in and asks whose rights that gives.
    fn acts_as(&self, user: &str, password: &str, database: &str) -> Result<String> {
        match self {
            Self::Postgres(server) => server.sql_as(user, password, database, "SELECT current_user"),
            Self::MariaDb(server) => {
                let account = server.sql_as(user, password, database, "SELECT CURRENT_USER()")?;
                // Without the host.
                Ok(account.rsplit_once('@').map_or(account.as_str(), |(name, _)| name).to_owned())
            }
        }
    }
}
