//! Staging labels and what they say about one version: the state machine of a rotation.
//!
//! State is never stored by us. It is derived, every time, from the labels that Secrets Manager shows, by one pure
//! function; and what a step does with it is one table:
//!
//! | standing of the event's version | createSecret | setSecret | testSecret | finishSecret |
//! |---|---|---|---|---|
//! | [`Standing::Unstaged`]: not among the labelled versions | refuse | refuse | refuse | refuse |
//! | [`Standing::Superseded`]: neither AWSPENDING nor AWSCURRENT | refuse | refuse | refuse | refuse |
//! | [`Standing::Reserved`]: AWSPENDING, no value | write the value | refuse | preflight only | refuse |
//! | [`Standing::Pending`]: AWSPENDING, a value | nothing | set what is needed | prove it | prove, move AWSCURRENT, roll |
//! | [`Standing::Current`]: AWSCURRENT | nothing | nothing | nothing | roll what the open mark says is left |
//!
//! There is no early success: a version that is already current may still have services to roll, which is why
//! `Current` in finishSecret is a cell with work in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::VersionId;
use crate::error::{Error, ErrorKind, Result};

/// The version that clients read when they name none.
pub const AWSCURRENT: &str = "AWSCURRENT";
/// The version of a rotation under way. keyroll never removes it (AWS, "Rotation by Lambda function": removing it by a
/// call of its own can make Secrets Manager take the rotation for failed).
pub const AWSPENDING: &str = "AWSPENDING";
/// The version that was current before.
pub const AWSPREVIOUS: &str = "AWSPREVIOUS";
/// Our mark. On the current version it means: promoted, and copies and services are not all done yet.
pub const ROLLOUT: &str = "KEYROLL_ROLLOUT";

/// A step of a rotation, by AWS's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// createSecret: store a new value.
    #[serde(rename = "createSecret")]
    Create,
    /// setSecret: make the database accept it.
    #[serde(rename = "setSecret")]
    Set,
    /// testSecret: prove it.
    #[serde(rename = "testSecret")]
    Test,
    /// finishSecret: make it current, and roll what depends on it.
    #[serde(rename = "finishSecret")]
    Finish,
}

impl Step {
    /// AWS's name of the step.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }
}

/// The command by which an operator gives up the version under AWSPENDING: with placeholders, or with the literals that stand
/// for the secret and the version.
macro_rules! give_up_command {
    () => {
        give_up_command!("SECRET", "VERSION")
    };
    ($secret:literal, $version:literal) => {
        concat!(
            "aws secretsmanager update-secret-version-stage --secret-id ",
            $secret,
            " --version-stage AWSPENDING --remove-from-version-id ",
            $version
        )
    };
}

pub(crate) use give_up_command;

/// The command by which an operator gives up this version of this secret.
pub(crate) fn give_up(secret: &str, version: &VersionId) -> String {
    format!(give_up_command!("{}", "{}"), secret, version.as_str())
}

/// The staging labels of a secret by version, as `DescribeSecret` shows them. Versions without labels are not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(BTreeMap<String, Vec<String>>);

impl Labels {
    /// Labels by version id.
    #[must_use]
    pub fn new(by_version: BTreeMap<String, Vec<String>>) -> Self {
        Self(by_version)
    }

    /// The version that holds a label. A label is on one version at most.
    #[must_use]
    pub fn holder(&self, label: &str) -> Option<VersionId> {
        let (version, _) = self.0.iter().find(|(_, labels)| labels.iter().any(|l| l == label))?;
        Some(VersionId::known(version))
    }

    /// Whether this version holds this label.
    #[must_use]
    pub fn has(&self, version: &VersionId, label: &str) -> bool {
        self.0.get(version.as_str()).is_some_and(|labels| labels.iter().any(|l| l == label))
    }

    /// Each version that is shown, with its labels.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(version, labels)| (version.as_str(), labels.as_slice()))
    }

    fn shows(&self, version: &VersionId) -> bool {
        self.0.contains_key(version.as_str())
    }
}

/// What is known about a version's value: the labels alone do not tell, since Secrets Manager stages AWSPENDING before
/// there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueSeen {
    /// The value was read.
    Present,
    /// Secrets Manager answered that there is none.
    Absent,
    /// Nobody looked.
    NotRead,
}

/// Where the event's version stands in its rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Secrets Manager shows no labels for it: not a version of this secret's rotation, or one long over.
    Unstaged,
    /// It has labels, but not those of a rotation under way: a later rotation has overtaken it.
    Superseded,
    /// Staged as AWSPENDING and still without a value.
    Reserved,
    /// Staged as AWSPENDING, with a value.
    Pending,
    /// It is what clients read.
    Current,
}

/// Derives a version's standing.
///
/// Our mark is stored by the call that stores the value, so a marked AWSPENDING version has one, read or not. An
/// unmarked one that nobody read counts as reserved: storing is then tried, and an existing value cannot be overwritten.
#[must_use]
pub fn standing(labels: &Labels, version: &VersionId, value: ValueSeen) -> Standing {
    if !labels.shows(version) {
        Standing::Unstaged
    } else if labels.has(version, AWSCURRENT) {
        Standing::Current
    } else if !labels.has(version, AWSPENDING) {
        Standing::Superseded
    } else {
        match value {
            ValueSeen::Present => Standing::Pending,
            ValueSeen::NotRead if labels.has(version, ROLLOUT) => Standing::Pending,
            ValueSeen::Absent | ValueSeen::NotRead => Standing::Reserved,
        }
    }
}

/// What a step has to do: a cell of the table that is not a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The step is done already.
    Nothing,
    /// createSecret: store a new value, labelled AWSPENDING and with our mark.
    Write,
    /// setSecret: make the database accept the pending value.
    Set,
    /// testSecret without a value: look whether a rotation would succeed.
    Preflight,
    /// testSecret: log in with the pending value.
    Prove,
    /// finishSecret: prove, move AWSCURRENT, then roll.
    Promote,
    /// finishSecret of a version that is current: roll what the open mark says is left.
    Roll,
}

/// The cell of the table for a step and a standing.
pub fn task(step: Step, standing: Standing) -> Result<Work> {
    match (step, standing) {
        (_, Standing::Unstaged) => Err(Error::new(
            ErrorKind::RefusedVersion,
            "Secrets Manager shows no staging label on this version, so no rotation of this secret is at it",
            "start a rotation with rotate-secret; if this is a late repeat of an old rotation, nothing needs doing",
        )),
        (_, Standing::Superseded) => Err(Error::new(
            ErrorKind::RefusedVersion,
            "this version is labelled neither AWSPENDING nor AWSCURRENT: another version has overtaken it",
            "nothing needs doing for this version; start a new rotation with rotate-secret if one is wanted",
        )),
        (Step::Create, Standing::Reserved) => Ok(Work::Write),
        (Step::Test, Standing::Reserved) => Ok(Work::Preflight),
        (Step::Set | Step::Finish, Standing::Reserved) => Err(Error::new(
            ErrorKind::RefusedVersion,
            "this version is staged as AWSPENDING but holds no value: createSecret has not stored one",
            "run createSecret for this version first; Secrets Manager does so when it retries the rotation",
        )),
        (Step::Set, Standing::Pending) => Ok(Work::Set),
        (Step::Test, Standing::Pending) => Ok(Work::Prove),
        (Step::Finish, Standing::Pending) => Ok(Work::Promote),
        (Step::Finish, Standing::Current) => Ok(Work::Roll),
        (Step::Create, Standing::Pending) | (Step::Create | Step::Set | Step::Test, Standing::Current) => {
            Ok(Work::Nothing)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(of: &[(&str, &[&str])]) -> Labels {
        Labels::new(of.iter().map(|(v, l)| ((*v).to_owned(), l.iter().map(|l| (*l).to_owned()).collect())).collect())
    }

    #[test]
    fn the_table_cell_by_cell() {
        use Standing::{Current, Pending, Reserved, Superseded, Unstaged};
        let refused = None;
        let table = [
            (Unstaged, [refused, refused, refused, refused]),
            (Superseded, [refused, refused, refused, refused]),
            (Reserved, [Some(Work::Write), refused, Some(Work::Preflight), refused]),
            (Pending, [Some(Work::Nothing), Some(Work::Set), Some(Work::Prove), Some(Work::Promote)]),
            (Current, [Some(Work::Nothing), Some(Work::Nothing), Some(Work::Nothing), Some(Work::Roll)]),
        ];
        for (standing, row) in table {
            for (step, expected) in [Step::Create, Step::Set, Step::Test, Step::Finish].into_iter().zip(row) {
                let found = task(step, standing);
                if let Err(error) = &found {
                    assert_eq!(error.kind(), ErrorKind::RefusedVersion);
                }
                assert_eq!(found.ok(), expected, "{step:?} x {standing:?}");
            }
        }
    }

    #[test]
    fn labels_and_value_decide_the_standing() {
        let v = VersionId::known("new");
        let cases: [(&[&str], ValueSeen, Standing); 9] = [
            (&[AWSPENDING], ValueSeen::NotRead, Standing::Reserved),
            (&[AWSPENDING], ValueSeen::Absent, Standing::Reserved),
            (&[AWSPENDING], ValueSeen::Present, Standing::Pending),
            (&[AWSPENDING, ROLLOUT], ValueSeen::NotRead, Standing::Pending),
            (&[AWSCURRENT], ValueSeen::NotRead, Standing::Current),
            (&[AWSCURRENT, AWSPENDING], ValueSeen::Present, Standing::Current),
            (&[AWSCURRENT, AWSPENDING, ROLLOUT], ValueSeen::NotRead, Standing::Current),
            (&[AWSPREVIOUS], ValueSeen::Present, Standing::Superseded),
            (&[ROLLOUT], ValueSeen::NotRead, Standing::Superseded),
        ];
        for (on_new, value, expected) in cases {
            let labels = labels(&[("old", &[AWSCURRENT]), ("new", on_new)]);
            assert_eq!(standing(&labels, &v, value), expected, "{on_new:?} {value:?}");
        }
        assert_eq!(standing(&labels(&[("old", &[AWSCURRENT])]), &v, ValueSeen::NotRead), Standing::Unstaged);
    }

    #[test]
    fn a_label_is_found_on_its_one_holder() {
        let labels = labels(&[("a", &[AWSPREVIOUS]), ("b", &[AWSCURRENT, ROLLOUT])]);
        assert_eq!(labels.holder(ROLLOUT), Some(VersionId::known("b")));
        assert_eq!(labels.holder(AWSPENDING), None);
        assert!(labels.has(&VersionId::known("a"), AWSPREVIOUS));
        assert!(!labels.has(&VersionId::known("c"), AWSPREVIOUS));
    }

    #[test]
    fn giving_a_version_up_names_the_secret_as_it_is() {
        let command = give_up("prod/API_VERSION_KEY-SECRET", &VersionId::known("v-SECRET"));
        assert_eq!(
            command,
            "aws secretsmanager update-secret-version-stage --secret-id prod/API_VERSION_KEY-SECRET --version-stage AWSPENDING \
             --remove-from-version-id v-SECRET"
        );
        assert_eq!(give_up_command!(), give_up("SECRET", &VersionId::known("VERSION")));
    }
}
