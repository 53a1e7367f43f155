//! Places outside Secrets Manager that hold something of a secret, and what is written to them.

pub(crate) mod publish;

use crate::config::tags::NamedPlace;
use crate::config::{Place, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::jose::{KeyKind, Keys};

use self::publish::Publish;

/// The copies that a secret's tags ask for: those that are written, and those that are not.
#[derive(Debug)]
pub(crate) struct Planned {
    /// The places that get the public halves of the secret's keys.
    pub(crate) publishes: Vec<Publish>,
    /// The refusal of the other places, if there are any.
    pub(crate) refusal: Option<Error>,
}

impl Planned {
    /// Refuses where a place is not written.
    pub(crate) fn refuse(self) -> Result<()> {
        self.refusal.map_or(Ok(()), Err)
    }
}

/// Plans the copies as far as the tags tell: by the tag `keyroll:kind`, key rings and signing keys have public halves.
pub(crate) fn planned(settings: &Settings) -> Planned {
    let public = matches!(KeyKind::of(settings), Some(KeyKind::KeyRing | KeyKind::SigningKey));
    plan(settings, public)
}

/// Plans the copies of these keys: those of HMAC have no public half.
pub(crate) fn planned_for(keys: &Keys, settings: &Settings) -> Planned {
    plan(settings, keys.publishes())
}

/// Plans the copies. Public halves go to objects of S3. Copies of the value itself are not written yet.
fn plan(settings: &Settings, public: bool) -> Planned {
    let mut planned = Planned { publishes: Vec::new(), refusal: None };
    let mut refused = Vec::new();
    for NamedPlace { place, tag } in &settings.copies {
        match place {
            Place::Object { bucket, key } if public => {
                planned.publishes.push(Publish { bucket: bucket.clone(), key: key.clone() });
            }
            Place::Object { .. } | Place::Parameter(_) => refused.push(format!("{place} ({tag})")),
        }
    }
    if !refused.is_empty() {
        planned.refusal = Some(not_built(&refused));
    }
    planned
}

fn not_built(places: &[String]) -> Error {
    Error::new(
        ErrorKind::RefusedNotBuilt,
        format!(
            "the secret's tags ask for copies that this version of keyroll does not write: {}; copies of the value are not \
             written yet, only the public half of signing keys goes to s3://bucket/key",
            places.join(", ")
        ),
        "take these places out of the tags and update such copies yourself after each rotation; HMAC keys have no public half",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_written_is_refused_and_by_its_tag() {
        let tags = [("keyroll:copies", "s3://bucket/a"), ("keyroll:copies-2", "ssm:/orders/db")];
        let ring = Settings::read([("keyroll:kind", "jwt-keyring")].into_iter().chain(tags));
        let places: Vec<String> = planned(&ring).publishes.iter().map(Publish::place).collect();
        assert_eq!(places, ["s3://bucket/a"]);
        let error = planned(&ring).refuse().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefusedNotBuilt);
        assert!(error.cause().contains("ssm:/orders/db (keyroll:copies-2);"), "{error}");
        assert!(!error.cause().contains("s3://bucket/a"), "{error}");
    }

    #[test]
    fn a_login_is_copied_nowhere_yet() {
        let login = planned(&Settings::read([("keyroll:copies", "s3://bucket/a ssm:/orders/db")]));
        assert_eq!(login.publishes, []);
        assert!(login.refuse().unwrap_err().cause().contains("s3://bucket/a (keyroll:copies), ssm:/orders/db"));
        assert_eq!(planned(&Settings::read([])).refuse(), Ok(()));
    }
}
