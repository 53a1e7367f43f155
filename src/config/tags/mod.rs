//! What a secret's tags ask for. An unknown `keyroll:` tag is refused: a mistyped one would silently do nothing.

mod copies;
mod hold;
mod kind;
mod strategy;
mod unreadable;

use std::str::FromStr;

use self::unreadable::unreadable;
use crate::api::ServiceName;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::SecretId;
use crate::timestamp::Timestamp;
use std::time::Duration;

pub use copies::NamedPlace;
pub use hold::Hold;
pub use kind::KindTag;
pub use strategy::Strategy;

/// How every tag of ours begins.
const PREFIX: &str = "keyroll:";
/// Milliseconds.
const HOUR: u64 = 3_600_000;
/// The default of `keyroll:token-lifetime`.
const DAY: Duration = Duration::from_hours(24);

/// Which services depend on a secret, as far as its tags say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dependents {
    /// No tag: to be found from task definitions.
    Discovered,
    /// These; `none` gives an empty list.
    Named(Vec<ServiceName>),
    /// There are tags, but they cannot be read.
    Unreadable(Error),
}

/// The tags of a secret, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `keyroll:kind`, where set.
    pub kind: Option<KindTag>,
    /// `keyroll:strategy`, where set.
    pub strategy: Option<Strategy>,
    /// `keyroll:admin-secret`, where set.
    pub admin_secret: Option<SecretId>,
    /// `keyroll:field`, where set.
    pub field: Option<String>,
    /// `keyroll:services` and its continuations.
    pub dependents: Dependents,
    /// `keyroll:copies` and its continuations: places, each once.
    pub copies: Vec<NamedPlace>,
    /// `keyroll:hold`, where set.
    pub hold: Option<Hold>,
    /// `keyroll:min-age` in minutes, where set.
    pub min_age: Option<u32>,
    /// `keyroll:token-lifetime`, where set.
    pub token_lifetime: Option<Duration>,
    /// `keyroll:plaintext-statements`: whether a statement may carry a password, where the server insists on seeing it.
    pub plaintext_statements: bool,
    problems: Vec<Error>,
}

impl Settings {
    /// Reads a secret's tags. Tags of others are not looked at.
    ///
    /// What cannot be read is kept for [`Settings::sound`]: it stops a rotation before it begins, but somebody's mistyped
    /// tag must not stand between a changed password and the label.
    #[must_use]
    pub fn read<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut settings = Self {
            kind: None,
            strategy: None,
            admin_secret: None,
            field: None,
            dependents: Dependents::Discovered,
            copies: Vec::new(),
            hold: None,
            min_age: None,
            token_lifetime: None,
            plaintext_statements: false,
            problems: Vec::new(),
        };
        let mut services: Vec<(&str, &str)> = Vec::new();
        let mut copies: Vec<(&str, &str)> = Vec::new();
        for (tag, value) in tags.into_iter().filter(|(tag, _)| is_ours(tag)) {
            let value = value.trim();
            if !tag.starts_with(PREFIX) {
                settings.problems.push(misspelt(tag));
            } else if numbered(tag, "keyroll:services") {
                services.push((tag, value));
            } else if numbered(tag, "keyroll:copies") {
                copies.push((tag, value));
            } else if let Err(problem) = settings.take(tag, value) {
                settings.problems.push(problem);
            }
        }
        copies.sort_unstable();
        for (tag, value) in copies {
            copies::take(&mut settings.copies, &mut settings.problems, tag, value);
        }
        if !services.is_empty() {
            services.sort_unstable();
            match named(&services) {
                Ok(names) => settings.dependents = Dependents::Named(names),
                Err(problem) => settings.dependents = Dependents::Unreadable(problem),
            }
        }
        settings
    }

    /// Refuses settings of which any could not be read.
    pub fn sound(&self) -> Result<()> {
        let mut problems = self.problems.clone();
        if let Dependents::Unreadable(problem) = &self.dependents {
            problems.push(problem.clone());
        }
        Error::join(problems).map_or(Ok(()), Err)
    }

    /// What could not be read and has nothing to do with services.
    pub fn oddities(&self) -> impl Iterator<Item = String> {
        self.problems.iter().map(|problem| problem.cause().into_owned())
    }

    fn take(&mut self, tag: &str, value: &str) -> Result<()> {
        match tag {
            "keyroll:kind" => self.kind = Some(KindTag::parse(value)),
            "keyroll:strategy" => {
                let strategy = Strategy::parse(value).ok_or_else(|| unreadable(tag, value, Strategy::VALUES))?;
                self.strategy = Some(strategy);
            }
            "keyroll:admin-secret" => {
                let secret = SecretId::parse(value).ok_or_else(|| unreadable(tag, value, "a secret's name or ARN"))?;
                self.admin_secret = Some(secret);
            }
            "keyroll:field" => self.field = Some(value.to_owned()),
            "keyroll:hold" => self.hold = Some(Hold::parse(value)),
            "keyroll:min-age" => {
                let minutes = value.parse().map_err(|_| unreadable(tag, value, "a whole number of minutes"))?;
                self.min_age = Some(minutes);
            }
            "keyroll:token-lifetime" => {
                let millis =
                    hours(value).ok_or_else(|| unreadable(tag, value, "a number of hours, such as 24 or 0.5"))?;
                self.token_lifetime = Some(millis);
            }
            "keyroll:plaintext-statements" => {
                self.plaintext_statements = value.parse().map_err(|_| unreadable(tag, value, "true or false"))?;
            }
            // What happens without the tag: the next rotation ends what still works.
            "keyroll:retire" if value == "next-rotation" => {}
            "keyroll:retire" => {
                let remedy =
                    "remove the tag, or set it to next-rotation; the action Retire ends a previous login at once";
                return Err(not_built(tag, value, remedy));
            }
            "keyroll:overlap-limit" => {
                let remedy = "remove the tag: no rotation waits for tasks that hold the credential before yet";
                return Err(not_built(tag, value, remedy));
            }
            "keyroll:rds-master" => {
                let remedy =
                    "remove the tag; to set a master's password in RDS, use aws rds modify-db-instance, then store it";
                return Err(not_built(tag, value, remedy));
            }
            "keyroll:watch" => {
                let remedy =
                    "remove the tag; the action Redeploy replaces the tasks of a secret that somebody has changed";
                return Err(not_built(tag, value, remedy));
            }
            _ => {
                return Err(Error::new(
                    ErrorKind::RefusedSetting,
                    format!("the secret has the unknown tag {tag}"),
                    "correct its name or remove it; docs/settings.md lists the tags",
                ));
            }
        }
        Ok(())
    }

    /// Refuses while the secret is on hold.
    pub fn refuse_on_hold(&self, now: Timestamp) -> Result<()> {
        match self.held(now) {
            None => Ok(()),
            Some(reason) => Err(Error::new(
                ErrorKind::RefusedHold,
                format!("the secret is on hold: {reason}"),
                "remove the tag keyroll:hold from the secret, or wait until its time, and rotate again",
            )),
        }
    }

    /// Refuses a rotation that comes so soon after the last one that it would end the overlap of that one, before
    /// every task has the newer credential.
    pub fn refuse_too_soon(&self, default: u32, last: Option<Timestamp>, now: Timestamp) -> Result<()> {
        let minutes = self.min_age.unwrap_or(default);
        let passed = last.map(|last| now.seconds_since(last));
        // A clock that is behind Secrets Manager's shows a rotation of the future, which 0 does not put off either.
        match passed.filter(|passed| minutes > 0 && *passed < i64::from(minutes) * 60) {
            None => Ok(()),
            Some(passed) => Err(Error::new(
                ErrorKind::FailedTooSoon,
                format!("the value has been current for {} minutes, and keyroll:min-age is {minutes}", passed / 60),
                "wait: Secrets Manager tries again by itself; keyroll:min-age=0 rotates at once, and cuts off every reader \
                 that still holds the credential before the last one",
            )),
        }
    }

    /// How long a token may live that one of the secret's keys has signed.
    #[must_use]
    pub fn token_lifetime(&self) -> Duration {
        self.token_lifetime.unwrap_or(DAY)
    }

    /// Why the secret is on hold now, if it is.
    #[must_use]
    pub fn held(&self, now: Timestamp) -> Option<String> {
        self.hold.as_ref()?.reason(now)
    }
}

/// Whether a tag is meant for keyroll, however its prefix is written: `Keyroll:services` would else be ignored.
fn is_ours(tag: &str) -> bool {
    tag.get(..PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
}

fn misspelt(tag: &str) -> Error {
    Error::new(
        ErrorKind::RefusedSetting,
        format!("the secret has the tag {tag}, and tags are written in small letters"),
        format!("write it as {}, or remove it", tag.to_ascii_lowercase()),
    )
}

fn not_built(tag: &str, value: &str, remedy: &str) -> Error {
    let cause = format!("this version of keyroll cannot do this yet: the tag {tag} = {value:?}");
    Error::new(ErrorKind::RefusedNotBuilt, cause, remedy)
}

/// A time in hours: digits with at most three after a point.
fn hours(text: &str) -> Option<Duration> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if !(1..=3).contains(&part.len()) {
        return None;
    }
    let is_number = |digits: &str| digits.bytes().all(|c| c.is_ascii_digit());
    let number = |digits: &str| if is_number(digits) { digits.parse::<u64>().ok() } else { None };
    let thousandths = number(&format!("{part:0<3}"))?;
    number(whole)?.checked_mul(HOUR)?.checked_add(thousandths * HOUR / 1000).map(Duration::from_millis)
}

/// Whether a tag is `name` or one of its continuations `name-2` to `name-9`.
fn numbered(tag: &str, name: &str) -> bool {
    match tag.strip_prefix(name) {
        Some("") => true,
        Some(rest) => matches!(rest.as_bytes(), [b'-', b'2'..=b'9']),
        None => false,
    }
}

fn named(tags: &[(&str, &str)]) -> Result<Vec<ServiceName>> {
    let mut names = Vec::new();
    for (tag, value) in tags {
        for word in value.split_whitespace() {
            match ServiceName::from_str(word) {
                Ok(name) if names.contains(&name) => {}
                Ok(name) => names.push(name),
                Err(()) if word == "none" && tags.len() == 1 && value == &"none" => {}
                Err(()) => return Err(unreadable(tag, word, "cluster/service pairs, space separated, or to none")),
            }
        }
        if value.is_empty() {
            return Err(unreadable(tag, value, "cluster/service pairs, space separated, or to none"));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
