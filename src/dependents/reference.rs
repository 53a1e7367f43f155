//! Where a task definition names a secret, and which version of it the task will get.
//!
//! The forms are those of the ECS developer guide, "Pass Secrets Manager secrets through Amazon ECS environment
//! variables": the secret's ARN, or the same and `:json-key:version-stage:version-id`, of which any part may be empty.
//! Without a key it is the whole value.

use crate::arn::Arn;

/// Secrets Manager ends every ARN with a hyphen and six characters of its own.
const SUFFIX: usize = 7;
/// Parameter Store answers for secrets under this name.
const BY_PARAMETER_STORE: &str = "/aws/reference/secretsmanager/";

/// A place in a task definition that names a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    secret: Named,
    /// How much of it.
    pub key: Key,
    /// Which version the task gets.
    pub version: WantedVersion,
}

/// How much of a secret somebody reads. Of keys only those of a login are told apart: the rest needs no remembering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The whole value.
    Whole,
    /// `username`.
    Username,
    /// `password`.
    Password,
    /// Any other.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    /// By an ARN, with or without its suffix.
    Arn(String),
    /// By an ARN that surely has no suffix.
    Partial(String),
    /// By the friendly name, of the task's own account and Region.
    Name(String),
}

/// Which version of a secret somebody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedVersion {
    /// Whichever holds this label.
    Label(String),
    /// This one for ever.
    Version(String),
}

impl Reference {
    /// A `valueFrom` of a container or of a log driver. One that is no secret (a parameter of Parameter Store) is none.
    #[must_use]
    pub fn value_from(text: &str) -> Option<Self> {
        if let Some((place, name)) = text.split_once(BY_PARAMETER_STORE) {
            let (name, label) = name.split_once(':').unwrap_or((name, ""));
            // Of the account and Region that the parameter's own ARN names, if it has one.
            let secret = match Arn::parse(place).filter(|arn| arn.service == "ssm") {
                Some(Arn { partition, region, account, .. }) => {
                    Named::Partial(format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}"))
                }
                None => Named::Name(name.to_owned()),
            };
            // Parameter Store knows no keys of a secret.
            return Some(Self { secret, key: Key::Whole, version: WantedVersion::label(label) });
        }
        let mut parts = secret_in(text)?.split(':');
        let mut part = || parts.next().unwrap_or_default();
        let (name, key, label, id) = (part(), part(), part(), part());
        let version = if id.is_empty() { WantedVersion::label(label) } else { WantedVersion::Version(id.to_owned()) };
        // The parts stand where the resource of the ARN ends, and a name has no colons.
        let arn = text.split_inclusive(':').take(6).chain([name]).collect();
        Some(Self { secret: Named::Arn(arn), key: Key::named(key), version })
    }

    /// A `credentialsParameter`, of a private registry or of a file system: the ARN of a secret, or, for a registry, its
    /// name (API reference, `RepositoryCredentials`).
    #[must_use]
    pub fn credentials(text: &str) -> Option<Self> {
        Self::value_from(text).or_else(|| {
            let name = !text.is_empty() && !text.starts_with("arn:");
            let secret = Named::Name(text.to_owned());
            name.then(|| Self { secret, key: Key::Whole, version: WantedVersion::label("") })
        })
    }

    /// The value of an ECS tag `keyroll:secret`: names or ARNs of secrets, space separated.
    pub fn tag(value: &str) -> impl Iterator<Item = Self> + '_ {
        value.split_whitespace().filter_map(Self::credentials)
    }

    /// Whether this is the secret of that full ARN. Names that begin alike are other secrets.
    #[must_use]
    pub fn is_of(&self, arn: &str) -> bool {
        let partial = arn.get(..arn.len().saturating_sub(SUFFIX)).unwrap_or_default();
        match &self.secret {
            Named::Arn(named) => named == arn || named == partial,
            Named::Partial(named) => named == partial,
            Named::Name(name) => secret_in(partial) == Some(name),
        }
    }
}

/// What follows `secret:` in the ARN of a secret.
fn secret_in(text: &str) -> Option<&str> {
    Arn::parse(text)?.resource_of("secretsmanager", "secret")
}

impl Key {
    /// JSON's keys are case-sensitive, and so is ECS.
    fn named(key: &str) -> Self {
        match key {
            "" => Self::Whole,
            "username" => Self::Username,
            "password" => Self::Password,
            _ => Self::Other,
        }
    }
}

impl WantedVersion {
    fn label(label: &str) -> Self {
        Self::Label(if label.is_empty() { "AWSCURRENT" } else { label }.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf";

    fn label(label: &str) -> WantedVersion {
        WantedVersion::Label(label.to_owned())
    }

    #[test]
    fn every_form_of_value_from_is_read() {
        let partial = ARN.strip_suffix("-AbCdEf").unwrap();
        for (text, expected) in [
            (ARN.to_owned(), label("AWSCURRENT")),
            (partial.to_owned(), label("AWSCURRENT")),
            (format!("{ARN}:password::"), label("AWSCURRENT")),
            (format!("{ARN}:password"), label("AWSCURRENT")),
            (format!("{ARN}::AWSPREVIOUS:"), label("AWSPREVIOUS")),
            (format!("{partial}:password:AWSCURRENT:"), label("AWSCURRENT")),
            (format!("{ARN}:::v1"), WantedVersion::Version("v1".to_owned())),
            (format!("{partial}:password::v1"), WantedVersion::Version("v1".to_owned())),
            ("/aws/reference/secretsmanager/orders/db".to_owned(), label("AWSCURRENT")),
            (
                "arn:aws:ssm:eu-west-1:000000000000:parameter/aws/reference/secretsmanager/orders/db".to_owned(),
                label("AWSCURRENT"),
            ),
        ] {
            let reference = Reference::value_from(&text).unwrap();
            assert!(reference.is_of(ARN), "{text}");
            assert_eq!(reference.version, expected, "{text}");
        }
    }

    #[test]
    fn the_json_key_is_the_second_part_and_none_is_the_whole_value() {
        for (suffix, expected) in [
            ("", Key::Whole),
            (":", Key::Whole),
            (":::", Key::Whole),
            ("::AWSPREVIOUS:", Key::Whole),
            (":::v1", Key::Whole),
            (":password", Key::Password),
            (":password::", Key::Password),
            (":password:AWSPENDING:", Key::Password),
            (":password::v1", Key::Password),
            (":username::", Key::Username),
            (":username:AWSPREVIOUS:", Key::Username),
            (":host::", Key::Other),
            (":Password::", Key::Other),
            (":passwords::", Key::Other),
            (":user::", Key::Other),
        ] {
            for arn in [ARN, ARN.strip_suffix("-AbCdEf").unwrap()] {
                assert_eq!(Reference::value_from(&format!("{arn}{suffix}")).unwrap().key, expected, "{arn}{suffix}");
            }
        }
        let parameter = "/aws/reference/secretsmanager/orders/db";
        for text in [parameter.to_owned(), format!("{parameter}:AWSPREVIOUS"), format!("{parameter}:password")] {
            assert_eq!(Reference::value_from(&text).unwrap().key, Key::Whole, "{text}");
        }
        assert_eq!(Reference::credentials("orders/db").unwrap().key, Key::Whole);
    }

    #[test]
    fn secrets_whose_names_begin_alike_are_others() {
        let root = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:";
        for text in [
            format!("{root}orders/db2-AbCdEf"),
            format!("{root}orders/db2"),
            format!("{root}orders/d"),
            format!("{root}orders/db-replica-AbCdEf"),
            format!("{root}orders/db-replica"),
            format!("{root}orders/db-XyZ123"),
            format!("{root}orders/db-AbCdEf-XyZ123"),
            format!("{root}orders"),
            ARN.replace("eu-west-1", "eu-west-2"),
            ARN.replace("000000000000", "000000000001"),
            "/aws/reference/secretsmanager/orders/db2".to_owned(),
            "arn:aws:ssm:eu-west-1:000000000000:parameter/aws/reference/secretsmanager/orders/db2".to_owned(),
            "arn:aws:ssm:eu-west-2:000000000000:parameter/aws/reference/secretsmanager/orders/db".to_owned(),
        ] {
            assert!(!Reference::value_from(&text).unwrap().is_of(ARN), "{text}");
        }
    }

    #[test]
    fn parameters_and_other_texts_are_no_references() {
        for text in [
            "orders/db",
            "/orders/db",
            "",
            "arn:aws:ssm:eu-west-1:000000000000:parameter/orders/db-AbCdEf",
            "arn:aws:secretsmanager:eu-west-1:000000000000:other:orders/db-AbCdEf",
        ] {
            assert_eq!(Reference::value_from(text), None, "{text:?}");
        }
    }

    #[test]
    fn credentials_and_tags_may_use_the_name() {
        assert!(Reference::credentials("orders/db").unwrap().is_of(ARN));
        assert!(Reference::credentials(ARN).unwrap().is_of(ARN));
        for text in ["orders/db2", "orders/d", "db", "secret:orders/db"] {
            assert!(!Reference::credentials(text).unwrap().is_of(ARN), "{text}");
        }
        assert_eq!(Reference::credentials("arn:aws:ssm:eu-west-1:000000000000:parameter/orders/db"), None);
        let tagged: Vec<bool> = Reference::tag("other  orders/db").map(|reference| reference.is_of(ARN)).collect();
        assert_eq!(tagged, [false, true]);
    }
}
