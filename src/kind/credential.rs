//! What a stored version opens, and everything the rotation steps ask of it.

use super::{Kind, Session, postgres};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::probe::Probe;
use crate::secret::{Document, Login, Policy, Sensitive, Tls};
use crate::settings::{Settings, Strategy};

/// A credential that a stored version holds, ready to log in with.
pub struct Credential {
    /// What it opens.
    pub kind: Kind,
    /// How to log in.
    pub login: Login,
}

impl Credential {
    /// Reads a stored value.
    pub fn read(document: &Document, settings: &Settings) -> Result<Self> {
        let login = Login::read(document)?;
        let kind = Kind::of(settings.kind.as_deref(), &login.engine)?;
        match kind {
            Kind::Postgres => postgres::check(&login)?,
        }
        Ok(Self { kind, login })
    }

    /// Refuses what this function could log in with, but not rotate.
    pub fn rotatable(&self, settings: &Settings, config: &Config) -> Result<()> {
        single_user_only(&self.login, settings, config)?;
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

    /// The first thing, besides the secret itself, in which another version's credential differs from this one.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        self.login.difference(&other.login)
    }

    /// The same credential, encrypted on its way as the other one is.
    #[must_use]
    pub fn encrypted_as(mut self, other: &Self) -> Self {
        self.login.tls = other.login.tls;
        self
    }

    /// Whether both versions hold the same secret.
    #[must_use]
    pub fn holds_the_same_as(&self, other: &Self) -> bool {
        self.login.password.same(&other.login.password)
    }

    /// Whether the credential before this one goes on working, so that a rotation too soon after this one would take it
    /// from somebody who still holds it.
    #[must_use]
    pub fn overlaps(&self) -> bool {
        match self.kind {
            // One account with one password.
            Kind::Postgres => false,
        }
    }

    /// A new value: the document of this credential with a new secret in it, drawn from `random`.
    pub fn renewed(
        &self,
        document: &Document,
        policy: &Policy,
        random: impl FnMut(&mut [u8]) -> Result<()>,
    ) -> Result<Sensitive> {
        match self.kind {
            Kind::Postgres => document.with(&[("password", &policy.generate(random)?)]),
        }
    }

    /// Logs in.
    pub async fn probe(&self, ca_bundle: &[u8], clock: Clock) -> Probe<Session> {
        match self.kind {
            Kind::Postgres => match postgres::connect(&self.login, ca_bundle, clock).await {
                Probe::Accepted(session) => Probe::Accepted(Session::Postgres(session)),
                Probe::Rejected => Probe::Rejected,
                Probe::Unreachable(error) => Probe::Unreachable(error),
            },
        }
    }

    /// Refuses a password policy whose passwords the server would not take.
    pub fn check_policy(&self, policy: &Policy) -> Result<()> {
        match self.kind {
            Kind::Postgres => policy.check(postgres::password_limits(&self.login)),
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
        match self.kind {
            Kind::Postgres => (self.login.host.to_ascii_lowercase(), self.login.port.unwrap_or(postgres::PORT)),
        }
    }
}

/// Single user is what is built. `masterarn` means alternating users, as in AWS's multi-user template, unless the tag or
/// the function's default says otherwise.
fn single_user_only(login: &Login, settings: &Settings, config: &Config) -> Result<()> {
    let default = if login.masterarn.is_some() { Strategy::AlternatingUsers } else { Strategy::SingleUser };
    match settings.strategy.or(config.strategy).unwrap_or(default) {
        Strategy::SingleUser => Ok(()),
        Strategy::AlternatingUsers => Err(Error::new(
            ErrorKind::RefusedNotBuilt,
            "the secret asks for alternating users (by masterarn, keyroll:strategy or KEYROLL_STRATEGY), which this version \
             of keyroll does not build yet",
            "tag the secret keyroll:strategy = single-user if one account is meant, or keep AWS's multi-user function for it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Env;
    use crate::kind::document;

    fn read(value: &serde_json::Value, tags: &[(&str, &str)], env: &[(&str, &str)]) -> Result<Credential> {
        let settings = Settings::read(tags.iter().copied());
        let credential = Credential::read(&document(Sensitive::new(value.to_string()), &settings)?, &settings)?;
        credential.rotatable(&settings, &Config::from_env(&Env::of(env))?).map(|()| credential)
    }

    fn login(engine: &str) -> serde_json::Value {
        json!({"engine": engine, "host": "DB.example", "username": "app", "password": "p"})
    }

    #[test]
    fn both_engines_of_aws_are_postgres() {
        for engine in ["postgres", "aurora-postgresql"] {
            let credential = read(&login(engine), &[], &[]).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(credential.kind, Kind::Postgres);
            assert_eq!(credential.address(), ("db.example".to_owned(), 5432));
        }
    }

    #[test]
    fn other_engines_are_refused_by_name() {
        for (engine, kind) in [
            ("mariadb", ErrorKind::RefusedNotBuilt),
            ("mysql", ErrorKind::RefusedNotBuilt),
            ("oracle", ErrorKind::RefusedValue),
        ] {
            let Err(error) = read(&login(engine), &[], &[]) else { panic!("accepted {engine}") };
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().contains(engine), "{error}");
        }
        assert!(read(&login("something"), &[("keyroll:kind", "postgres")], &[]).is_ok());
    }

    #[test]
    fn a_bare_value_of_a_kind_not_built_is_refused_by_its_kind() {
        let bare = Sensitive::new("not a JSON object".to_owned());
        let Err(error) = document(bare, &Settings::read([("keyroll:kind", "jwt")])) else { panic!("accepted") };
        assert_eq!(error.kind(), ErrorKind::RefusedNotBuilt);
    }

    #[test]
    fn masterarn_means_alternating_users_unless_somebody_says_otherwise() {
        let mut multi = login("postgres");
        multi["masterarn"] = json!("arn:aws:secretsmanager:eu-west-1:000000000000:secret:admin-AbCdEf");
        let refused = |tags: &[(&str, &str)], env: &[(&str, &str)]| read(&multi, tags, env).is_err();
        assert!(refused(&[], &[]));
        assert!(!refused(&[("keyroll:strategy", "single-user")], &[]));
        assert!(!refused(&[], &[("KEYROLL_STRATEGY", "single-user")]));
        assert!(refused(&[("keyroll:strategy", "alternating-users")], &[("KEYROLL_STRATEGY", "single-user")]));
    }
}
