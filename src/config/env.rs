//! The environment, read once at start into a typed [`Config`]. A value that cannot be read stops the function, naming
//! the variable: a setting that is silently ignored is worse than a function that does not start.

use std::collections::BTreeMap;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use webpki::anchor_from_trusted_cert;

use super::Strategy;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Policy;

/// Amazon's CAs for RDS and Aurora, see `data/rds-roots.md`.
const RDS_ROOTS: &[u8] = include_bytes!("../../data/rds-roots.pem");

/// Environment variables, real or made up.
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The process's own environment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn real() -> Self {
        Self(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect())
    }

    /// The variables given.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    /// A variable that is set and not empty. Empty means unset: templates often pass on an absent value so.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// The function's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Clusters to look for dependents in; none means all of the Region.
    pub clusters: Vec<String>,
    /// CAs to trust for databases, as PEM.
    pub ca_bundle: Vec<u8>,
    /// The strategy of secrets that name none.
    pub strategy: Option<Strategy>,
    /// Minutes between two rotations of secrets whose strategy has an overlap.
    pub min_age: u32,
    /// What generated passwords look like.
    pub policy: Policy,
    /// The endpoint that AWS's templates take from `SECRETS_MANAGER_ENDPOINT`.
    pub secrets_manager_endpoint: Option<String>,
}

impl Config {
    /// Reads the environment.
    pub fn from_env(env: &Env) -> Result<Self> {
        Ok(Self {
            clusters: env.get("KEYROLL_CLUSTERS").map(clusters).transpose()?.unwrap_or_default(),
            ca_bundle: env.get("KEYROLL_CA_BUNDLE").map_or_else(|| Ok(RDS_ROOTS.to_vec()), ca_bundle)?,
            strategy: env
                .get("KEYROLL_STRATEGY")
                .map(|value| {
                    Strategy::parse(value).ok_or_else(|| unreadable("KEYROLL_STRATEGY", value, Strategy::VALUES))
                })
                .transpose()?,
            min_age: number(env, "KEYROLL_MIN_AGE", 10)?,
            policy: policy(env)?,
            secrets_manager_endpoint: env.get("SECRETS_MANAGER_ENDPOINT").map(endpoint).transpose()?,
        })
    }
}

fn clusters(value: &str) -> Result<Vec<String>> {
    let fits = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_:/".contains(c));
    let names: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
    match names.iter().find(|name| !fits(name)) {
        Some(name) => Err(unreadable("KEYROLL_CLUSTERS", name, "cluster names or ARNs, space separated")),
        None => Ok(names),
    }
}

fn ca_bundle(path: &str) -> Result<Vec<u8>> {
    let unusable = |cause: String| {
        Error::new(
            ErrorKind::RefusedSetting,
            format!("KEYROLL_CA_BUNDLE names {path:?}, {cause}"),
            "name a PEM file with one or more certificates that the function can read, or unset the variable",
        )
    };
    let pem = std::fs::read(path).map_err(|error| unusable(format!("which cannot be read: {error}")))?;
    let certificates: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(found) if found.iter().any(|certificate| anchor_from_trusted_cert(certificate).is_err()) => {
            Err(unusable("in which a certificate cannot be read".to_owned()))
        }
        Ok(found) if !found.is_empty() => Ok(pem),
        Ok(_) => Err(unusable("which holds no certificate".to_owned())),
        Err(_) => Err(unusable("which is no PEM file".to_owned())),
    }
}

fn policy(env: &Env) -> Result<Policy> {
    let excluded: Vec<&str> = Policy::switches()
        .filter_map(|name| switch(env, name, false).map(|on| on.then_some(name)).transpose())
        .collect::<Result<_>>()?;
    // Characters are taken as they stand: a space is one of them.
    let characters = env.0.get("EXCLUDE_CHARACTERS").map_or("", String::as_str);
    let length = number(env, "PASSWORD_LENGTH", 32)?;
    Policy::new(length as usize, &excluded, characters, switch(env, "REQUIRE_EACH_INCLUDED_TYPE", true)?)
}

/// AWS's templates take true, 1, y and yes in any case, and everything else for false.
fn switch(env: &Env, name: &str, default: bool) -> Result<bool> {
    match env.get(name).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(default),
        Some("true" | "1" | "y" | "yes") => Ok(true),
        Some("false" | "0" | "n" | "no") => Ok(false),
        Some(other) => Err(unreadable(name, other, "true or false")),
    }
}

fn number(env: &Env, name: &str, default: u32) -> Result<u32> {
    env.get(name).map_or(Ok(default), |value| value.parse().map_err(|_| unreadable(name, value, "a whole number")))
}

fn endpoint(value: &str) -> Result<String> {
    if value.starts_with("https://") || value.starts_with("http://") {
        Ok(value.to_owned())
    } else {
        Err(unreadable("SECRETS_MANAGER_ENDPOINT", value, "a URL beginning with https://"))
    }
}

fn unreadable(name: &str, value: &str, expected: &str) -> Error {
    Error::new(
        ErrorKind::RefusedSetting,
        format!("{name} is {value:?}"),
        format!("set {name} to {expected}, or unset it"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_environment_gives_the_documented_defaults() {
        let config = Config::from_env(&Env::of(&[("KEYROLL_STRATEGY", ""), ("PATH", "/bin")])).unwrap();
        assert_eq!((config.min_age, config.strategy, config.clusters.len()), (10, None, 0));
        assert_eq!(config.policy, Policy::default());
        assert!(config.ca_bundle.starts_with(b"#"));
    }

    #[test]
    fn every_variable_is_read() {
        let config = Config::from_env(&Env::of(&[
            ("KEYROLL_CLUSTERS", "prod arn:aws:ecs:eu-west-1:000000000000:cluster/stage"),
            ("KEYROLL_STRATEGY", "single-user"),
            ("KEYROLL_MIN_AGE", "0"),
            ("PASSWORD_LENGTH", "20"),
            ("EXCLUDE_PUNCTUATION", "Yes"),
            ("EXCLUDE_CHARACTERS", "0O1l"),
            ("SECRETS_MANAGER_ENDPOINT", "https://secretsmanager.eu-west-1.amazonaws.com"),
        ]))
        .unwrap();
        assert_eq!(config.clusters.len(), 2);
        assert_eq!((config.strategy, config.min_age), (Some(Strategy::SingleUser), 0));
        assert_eq!(config.policy, Policy::new(20, &["EXCLUDE_PUNCTUATION"], "0O1l", true).unwrap());
        assert!(config.secrets_manager_endpoint.is_some());
    }

    #[test]
    fn what_cannot_be_read_stops_the_function_by_name() {
        for (name, value) in [
            ("KEYROLL_CLUSTERS", "prod,stage"),
            ("KEYROLL_CA_BUNDLE", "/nowhere/ca.pem"),
            ("KEYROLL_CA_BUNDLE", "Cargo.toml"),
            ("KEYROLL_STRATEGY", "both"),
            ("KEYROLL_MIN_AGE", "soon"),
            ("KEYROLL_MIN_AGE", "-1"),
            ("PASSWORD_LENGTH", "long"),
            ("EXCLUDE_NUMBERS", "perhaps"),
            ("REQUIRE_EACH_INCLUDED_TYPE", "2"),
            ("SECRETS_MANAGER_ENDPOINT", "secretsmanager.eu-west-1.amazonaws.com"),
        ] {
            let error = Config::from_env(&Env::of(&[(name, value)])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RefusedSetting);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
