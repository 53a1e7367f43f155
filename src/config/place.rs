//! Places outside Secrets Manager that hold a copy, as the tag `keyroll:copies` writes them.

use std::fmt;
use std::str::FromStr;

/// A place that holds a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `ssm:/path/name`: a parameter of Parameter Store, by its full name.
    Parameter(String),
    /// `s3://bucket/key`: an object.
    Object {
        /// The bucket's name.
        bucket: String,
        /// The object's key.
        key: String,
    },
}

impl Place {
    /// How places are written, for the remedy of one that cannot be read.
    pub const FORMS: &'static str = "places, space separated, each written ssm:/path/name or s3://bucket/key";
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(name) = text.strip_prefix("ssm:") {
            return if is_parameter(name) { Ok(Self::Parameter(name.to_owned())) } else { Err(()) };
        }
        let (bucket, key) = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).ok_or(())?;
        if !is_bucket(bucket) || !is_key(key) {
            return Err(());
        }
        Ok(Self::Object { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(name) => write!(f, "ssm:{name}"),
            Self::Object { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

/// Parameter Store: a hierarchy of at most fifteen levels, each of letters, digits, dots, hyphens and underscores. Names
/// that begin with `aws` or `ssm` are AWS's own.
fn is_parameter(name: &str) -> bool {
    let Some(levels) = name.strip_prefix('/') else { return false };
    let fits =
        |level: &str| !level.is_empty() && level.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let lower = levels.to_ascii_lowercase();
    let of_aws = lower.starts_with("aws") || lower.starts_with("ssm");
    levels.split('/').count() <= 15 && levels.split('/').all(fits) && !of_aws
}

/// S3, "General purpose bucket naming rules", as far as they concern single characters. ARNs and aliases of access points are
/// no buckets' names: the function's role names buckets.
fn is_bucket(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = [name.bytes().next(), name.bytes().last()];
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| inside(b) || b == b'.' || b == b'-')
        && ends.iter().all(|end| end.is_some_and(inside))
        && !name.contains("..")
}

/// S3 takes nearly anything of up to 1024 bytes. A folder without a name in it is a slip of the pen, and `.` or `..` leads
/// a client that fetches the object by a URL to another one.
fn is_key(key: &str) -> bool {
    key.len() <= 1024 && !key.split('/').any(|part| matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written_alike() {
        let object = |bucket: &str, key: &str| Place::Object { bucket: bucket.to_owned(), key: key.to_owned() };
        for (text, place) in [
            ("ssm:/orders/db_url", Place::Parameter("/orders/db_url".to_owned())),
            ("ssm:/one", Place::Parameter("/one".to_owned())),
            ("s3://keys.example.com/.well-known/jwks.json", object("keys.example.com", ".well-known/jwks.json")),
            ("s3://abc/a=b@c+d:e", object("abc", "a=b@c+d:e")),
            ("s3://0-9/schlüssel", object("0-9", "schlüssel")),
        ] {
            assert_eq!(text.parse(), Ok(place), "{text}");
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_mistyped_place_is_none() {
        let long = |n: usize| "a".repeat(n);
        for text in [
            "",
            "ssm:",
            "ssm:/",
            "ssm:orders/db",
            "ssm://orders/db",
            "ssm:/orders/",
            "ssm:/orders:3",
            "ssm:/aws/service",
            &format!("ssm:{}", "/a".repeat(16)),
            "s3:",
            "s3://",
            "s3:///key",
            "s3:/bucket/key",
            "s3://bucket",
            "s3://bucket/",
            "s3://bucket//key",
            "s3://bucket/folder/",
            "s3://bucket/../key",
            "s3://ab/key",
            "s3://Bucket/key",
            "s3://bu_cket/key",
            "s3://-bucket/key",
            "s3://bucket./key",
            "s3://buc..ket/key",
            "S3://bucket/key",
            "https://bucket.s3.amazonaws.com/key",
            "bucket/key",
            &format!("s3://{}/key", long(64)),
            &format!("s3://bucket/{}", long(1025)),
        ] {
            assert_eq!(text.parse::<Place>(), Err(()), "{text}");
        }
        assert!(format!("s3://{}/{}", long(63), long(1024)).parse::<Place>().is_ok());
    }
}
