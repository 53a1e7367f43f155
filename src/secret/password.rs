//! The password policy: AWS's variables over an alphabet that needs no escaping anywhere.
//!
//! Letters, digits and `- _ .` are the unreserved characters of RFC 3986 (without `~`, which shells expand): such a
//! password stands unescaped in a URL, a shell line, a JSON string and an env file, and fits RDS, which forbids
//! `/ " @` and space. 32 of the 65 characters are 192 bits.

use super::Sensitive;
use crate::error::{Error, ErrorKind, Result};

const CLASSES: [(&str, &str); 4] = [
    ("EXCLUDE_UPPERCASE", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("EXCLUDE_LOWERCASE", "abcdefghijklmnopqrstuvwxyz"),
    ("EXCLUDE_NUMBERS", "0123456789"),
    ("EXCLUDE_PUNCTUATION", "-_."),
];

/// How many whole passwords are drawn to find one with every class in it. With the strictest policy that RDS takes (8
/// characters, 4 classes) one in five fits, so running out means that the randomness is broken.
const DRAWS: usize = 1000;

/// What a generated password looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    length: usize,
    classes: Vec<Vec<u8>>,
    require_each: bool,
}

/// How long a password may be, by what will hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The least number of characters.
    pub least: usize,
    /// The greatest number of characters.
    pub most: usize,
    /// Whose rule it is, for the error.
    pub rule: &'static str,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            length: 32,
            classes: CLASSES.iter().map(|(_, class)| class.as_bytes().to_vec()).collect(),
            require_each: true,
        }
    }
}

impl Policy {
    /// The names of the variables that switch a class of characters off.
    pub fn switches() -> impl Iterator<Item = &'static str> {
        CLASSES.iter().map(|(variable, _)| *variable)
    }

    /// A policy: `excluded` are the variables that are switched on, `characters` what `EXCLUDE_CHARACTERS` takes away.
    pub fn new(length: usize, excluded: &[&str], characters: &str, require_each: bool) -> Result<Self> {
        let classes: Vec<Vec<u8>> = CLASSES
            .iter()
            .filter(|(variable, _)| !excluded.contains(variable))
            .map(|(_, class)| class.bytes().filter(|c| !characters.as_bytes().contains(c)).collect::<Vec<u8>>())
            .filter(|class| !class.is_empty())
            .collect();
        if classes.iter().map(Vec::len).sum::<usize>() < 2 {
            return Err(Error::new(
                ErrorKind::RefusedSetting,
                "EXCLUDE_CHARACTERS and the other EXCLUDE_ variables leave no characters to make a password of",
                "exclude fewer characters",
            ));
        }
        if require_each && length < classes.len() {
            return Err(Error::new(
                ErrorKind::RefusedSetting,
                format!("PASSWORD_LENGTH is {length}, too short for one character of each of {} types", classes.len()),
                "set PASSWORD_LENGTH higher, or REQUIRE_EACH_INCLUDED_TYPE to false",
            ));
        }
        Ok(Self { length, classes, require_each })
    }

    /// Refuses a policy whose passwords the server would not take.
    pub fn check(&self, limits: Limits) -> Result<()> {
        if (limits.least..=limits.most).contains(&self.length) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::RefusedSetting,
            format!(
                "PASSWORD_LENGTH is {}, but {} takes {} to {} characters",
                self.length, limits.rule, limits.least, limits.most
            ),
            format!("set PASSWORD_LENGTH to {} to {}, or remove it (32 is the default)", limits.least, limits.most),
        ))
    }

    /// Makes a password of random bytes. Every password that fits the policy is equally likely: one that does not fit is
    /// thrown away whole, never mended.
    pub fn generate(&self, mut fill: impl FnMut(&mut [u8]) -> Result<()>) -> Result<Sensitive> {
        let all: Vec<u8> = self.classes.concat();
        let letters: Vec<u8> = all.iter().copied().filter(u8::is_ascii_alphabetic).collect();
        for _ in 0..DRAWS {
            let mut password = String::with_capacity(self.length);
            for index in 0..self.length {
                let from = if index == 0 && !letters.is_empty() { &letters } else { &all };
                password.push(char::from(pick(from, &mut fill)?));
            }
            let password = Sensitive::new(password);
            if !self.require_each
                || self.classes.iter().all(|class| password.expose().bytes().any(|c| class.contains(&c)))
            {
                return Ok(password);
            }
        }
        Err(Error::new(
            ErrorKind::FailedDefect,
            "the operating system's randomness gave no password that fits the policy",
            "run the step again; if it fails again, the execution environment is broken",
        ))
    }
}

/// One of at most 256 characters, each equally likely: bytes past the last whole multiple are drawn again.
pub(crate) fn pick(from: &[u8], mut fill: impl FnMut(&mut [u8]) -> Result<()>) -> Result<u8> {
    let fair = 256 - 256 % from.len();
    loop {
        let mut byte = [0];
        fill(&mut byte)?;
        let drawn = usize::from(byte[0]);
        if drawn < fair {
            return Ok(from[drawn % from.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small deterministic stream, so that a failure can be repeated.
    fn stream(mut state: u32) -> impl FnMut(&mut [u8]) -> Result<()> {
        move |bytes| {
            for byte in bytes {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = state.to_be_bytes()[0];
            }
            Ok(())
        }
    }

    fn policy(length: usize, excluded: &[&str], characters: &str, require_each: bool) -> Policy {
        Policy::new(length, excluded, characters, require_each).unwrap_or_else(|error| panic!("{error}"))
    }

    fn drawn(policy: &Policy, seed: u32) -> String {
        policy.generate(stream(seed)).unwrap_or_else(|error| panic!("{error}")).expose().to_owned()
    }

    #[test]
    fn default_passwords_start_with_a_letter_and_hold_every_class() {
        for seed in 0..200 {
            let password = drawn(&Policy::default(), seed);
            assert_eq!(password.len(), 32);
            assert!(password.starts_with(|c: char| c.is_ascii_alphabetic()), "{password}");
            assert!(password.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{password}");
            for (variable, class) in CLASSES {
                assert!(password.chars().any(|c| class.contains(c)), "{variable}: {password}");
            }
        }
        assert_ne!(drawn(&Policy::default(), 1), drawn(&Policy::default(), 2));
    }

    #[test]
    fn aws_variables_take_away_from_the_alphabet() {
        let digits = policy(12, &["EXCLUDE_UPPERCASE", "EXCLUDE_LOWERCASE", "EXCLUDE_PUNCTUATION"], "0", true);
        let short = policy(8, &[], "abcABC-_.", true);
        for seed in 0..100 {
            assert!(drawn(&digits, seed).chars().all(|c| ('1'..='9').contains(&c)));
            let password = drawn(&short, seed);
            assert!(!password.contains(['a', 'b', 'c', 'A', 'B', 'C', '-', '_', '.']), "{password}");
        }
    }

    #[test]
    fn every_character_of_the_alphabet_is_equally_likely() {
        let policy = policy(128, &[], "", false);
        let mut counts = std::collections::BTreeMap::new();
        let mut random = stream(7);
        for _ in 0..500 {
            for c in policy.generate(&mut random).unwrap_or_else(|e| panic!("{e}")).expose()[1..].chars() {
                *counts.entry(c).or_insert(0_u32) += 1;
            }
        }
        assert_eq!(counts.len(), 65);
        // 63,500 draws over 65 characters: 977 each, standard deviation 31; six of them either way.
        assert!(counts.values().all(|n| (790..1165).contains(n)), "{counts:?}");
    }

    #[test]
    fn impossible_policies_are_refused_by_variable() {
        let everything = CLASSES.iter().map(|(_, class)| *class).collect::<String>();
        for (length, characters, expected) in
            [(32, everything.as_str(), "EXCLUDE_CHARACTERS"), (3, "", "PASSWORD_LENGTH")]
        {
            let error = Policy::new(length, &[], characters, true).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        let cluster = Limits { least: 8, most: 41, rule: "an RDS cluster" };
        assert!(Policy::default().check(cluster).is_ok());
        assert!(policy(42, &[], "", true).check(cluster).is_err());
        assert!(policy(7, &[], "", true).check(cluster).is_err());
    }

    #[test]
    fn failing_randomness_fails_the_password() {
        let broken = |_: &mut [u8]| Err(Error::new(ErrorKind::FailedAws, "no randomness", "try again"));
        assert!(Policy::default().generate(broken).is_err());
    }
}
