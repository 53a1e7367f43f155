//! What a stored version opens, and everything the rotation steps ask of it.

use super::pair::{self, Pair};
use super::{Kind, Scheme, mariadb, postgres};
use crate::config::{Settings, Strategy};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Login, LoginForm, Policy, SecretId, Sensitive, Tls, is_placeholder};

/// A credential that a stored version holds, ready to log in with.
#[derive(Clone)]
pub struct Credential {
    /// What it opens.
    pub kind: Kind,
    /// How to log in.
    pub login: Login,
    /// Which way it rotates.
    pub scheme: Scheme,
    /// Whether a statement may carry the password itself, where the server insists on seeing it.
    pub plaintext: bool,
}

impl Credential {
    /// Reads a stored value. `default` is the function's strategy, if it has one.
    ///
    /// `masterarn` means alternating users, as in AWS's multi-user template, unless the tag or the function's default says
    /// otherwise.
    pub fn read(text: Sensitive, settings: &Settings, default: Option<Strategy>) -> Result<(LoginForm, Self)> {
        // A kind that is not built is refused by name, before its value is read.
        Kind::check_tag(settings)?;
        let (form, login) = LoginForm::read(text, settings.kind.is_some())?;
        let kind = Kind::of(settings.kind.as_ref(), &login.engine)?;
        match kind {
            Kind::Postgres => postgres::check(&login)?,
            Kind::MariaDb => mariadb::check(&login)?,
        }
        let offered = if login.masterarn.is_some() { Strategy::AlternatingUsers } else { Strategy::SingleUser };
        let strategy = settings.strategy.or(default).unwrap_or(offered);
        let administered = settings.admin_secret.is_some() || offered_administrator(&login, settings).is_some();
        let scheme = Scheme::of(kind, strategy, administered);
        Ok((form, Self { kind, scheme, plaintext: settings.plaintext_statements, login }))
    }

    /// The credential of an account on the same server with a password that nobody is to know.
    #[must_use]
    pub fn thrown_away(&self, account: &str, password: Sensitive) -> Self {
        let mut other = self.clone();
        account.clone_into(&mut other.login.username);
        other.login.password = password;
        other
    }

    /// Refuses what this function could log in with, but not rotate.
    pub fn rotatable(&self, settings: &Settings) -> Result<()> {
        if self.alternates() {
            self.administrator(settings)?;
        }
        if let Some(field) = settings.field.as_deref().filter(|field| *field != "password") {
            return Err(Error::new(
                ErrorKind::RefusedSetting,
                format!(
                    "the tag keyroll:field names {field:?}, but a database secret keeps its password in \"password\""
                ),
                "remove the tag keyroll:field",
            ));
        }
        Ok(())
    }

    /// The account, for statements and messages.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.login.username
    }

    /// The first thing, besides the secret itself, in which another version's credential differs from this one. Of two that
    /// take turns, the account may differ.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        let differs = self.login.difference(&other.login);
        let same_account = self.login.username == other.login.username || self.pair(other).is_some();
        differs.or((!same_account).then_some("username"))
    }

    /// The administrator's secret, where one is needed: for alternating users, or to end a second password.
    pub fn administrator(&self, settings: &Settings) -> Result<SecretId> {
        let named = || if self.alternates() { SecretId::parse(self.login.masterarn.as_deref()?) } else { None };
        let named = settings.admin_secret.clone().or_else(named).or_else(|| self.offered_administrator(settings));
        named.ok_or_else(|| {
            let what = if self.alternates() {
                "the secret asks for alternating users (by keyroll:strategy or KEYROLL_STRATEGY)"
            } else {
                "only an administrator can end a second password of an account: the secret needs one"
            };
            Error::new(
                ErrorKind::RefusedSetting,
                format!("{what} and names no administrator"),
                "put the ARN of the administrator's secret into the JSON key masterarn, or its name into the tag \
                 keyroll:admin-secret",
            )
        })
    }

    /// The administrator's secret that the value offers to a single user, where the tag says that there is one: without the
    /// tag, `masterarn` means alternating users, or nothing to a function whose default is single user.
    #[must_use]
    pub fn offered_administrator(&self, settings: &Settings) -> Option<SecretId> {
        offered_administrator(&self.login, settings)
    }

    /// The administrator's login, as it is to work on this account: so that every writer of the account meets under the same
    /// lock, and nobody is sent to a database that is not theirs.
    #[must_use]
    pub fn administered_by(&self, mut administrator: Self) -> Self {
        administrator.login.dbname = match self.kind {
            // Advisory locks are per database.
            Kind::Postgres => self.login.dbname.clone(),
            // Locks are the server's, and an administrator may have no right on the account's database.
            Kind::MariaDb => None,
        };
        administrator
    }

    /// Whether two accounts take turns.
    #[must_use]
    pub fn alternates(&self) -> bool {
        self.scheme.alternates()
    }

    /// Whether the account may be a partner, as its name says. One that acts as its base has the base's sessions (PostgreSQL);
    /// one whose rows were made locked is opened by its password (MariaDB).
    #[must_use]
    pub fn may_be_partner(&self) -> bool {
        self.alternates() && !pair::is_first(self.account())
    }

    /// The pair that this credential's account makes with another one's, if the two take turns.
    #[must_use]
    pub fn pair(&self, other: &Self) -> Option<Pair> {
        if self.alternates() { Pair::of(self.account(), other.account()) } else { None }
    }

    /// The name of the lock that every rotation of this account takes, and of those that may take turns with it.
    #[must_use]
    pub fn lock(&self) -> &str {
        pair::family(self.account())
    }

    /// Whether somebody asks for alternating users by name, not just by an administrator's secret in the value. That is
    /// what it takes to double an account that may make others.
    #[must_use]
    pub fn insists(settings: &Settings) -> bool {
        settings.strategy == Some(Strategy::AlternatingUsers)
    }

    /// Refuses a partner's name that the server would cut off, so that another account would be meant.
    pub fn check_partner(&self, name: &str) -> Result<()> {
        let (length, most, limit) = match self.kind {
            Kind::Postgres => (name.len(), postgres::LONGEST_NAME, "bytes; PostgreSQL names have at most"),
            Kind::MariaDb => (name.chars().count(), mariadb::LONGEST_NAME, "characters; MariaDB takes at most"),
        };
        if length <= most {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::RefusedAccount,
            format!("the partner of {:?} would have a name of {length} {limit} {most}", self.account()),
            "use an account with a shorter name, or tag the secret keyroll:strategy = single-user",
        ))
    }

    /// This credential, with the TLS setting of the other one.
    #[must_use]
    pub fn encrypted_as(mut self, other: &Self) -> Self {
        self.login.tls = other.login.tls;
        self
    }

    /// What to do where the server rejects the login in AWSCURRENT. A placeholder must never become the account's password:
    /// anybody could guess it.
    #[must_use]
    pub fn remedy_of_rejection(&self) -> String {
        if is_placeholder(self.login.password.expose()) {
            return "AWSCURRENT holds a placeholder, and no password: store the account's real login as AWSCURRENT \
                    (put-secret-value), and never set the account's password to the placeholder"
                .to_owned();
        }
        format!(
            "{}; else set its password by hand to the one in AWSCURRENT, and let Secrets Manager try again",
            self.kind.rejected_also_where()
        )
    }

    /// Whether both versions hold the same secret.
    #[must_use]
    pub fn holds_the_same_as(&self, other: &Self) -> bool {
        self.login.password.same(&other.login.password)
    }

    /// What the server stores of the password, where it is the same whenever it is stored: by it a password is known again.
    #[must_use]
    pub fn verifier(&self) -> Option<Sensitive> {
        match self.kind {
            // Salted.
            Kind::Postgres => None,
            Kind::MariaDb => Some(mariadb::verifier(&self.login.password)),
        }
    }

    /// A new value in the form of this one: with a new password drawn from `random`, and another account where it is that
    /// account's turn.
    pub fn renewed(
        &self,
        form: &LoginForm,
        account: Option<&str>,
        policy: &Policy,
        random: impl FnMut(&mut [u8]) -> Result<()>,
    ) -> Result<Sensitive> {
        let password = policy.generate(random)?;
        form.write(account, &password)
    }

    /// Refuses a password policy whose passwords the server would not take.
    pub fn check_policy(&self, policy: &Policy) -> Result<()> {
        match self.kind {
            Kind::Postgres => policy.check(postgres::password_limits(&self.login)),
            Kind::MariaDb => policy.check(mariadb::password_limits()),
        }
    }

    /// What an operator should know although nothing is refused.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        match self.login.tls {
            Tls::Verified => Vec::new(),
            Tls::Off => vec![
                "the secret says \"ssl\": false: this login travels unencrypted, for anybody on the way to read"
                    .to_owned(),
            ],
        }
    }

    /// Where this credential's server listens.
    #[must_use]
    pub fn address(&self) -> (String, u16) {
        let port = match self.kind {
            Kind::Postgres => postgres::PORT,
            Kind::MariaDb => mariadb::PORT,
        };
        (self.login.host.to_ascii_lowercase(), self.login.port.unwrap_or(port))
    }
}

fn offered_administrator(login: &Login, settings: &Settings) -> Option<SecretId> {
    settings.strategy?;
    SecretId::parse(login.masterarn.as_deref()?)
}

#[cfg(test)]
mod tests;
