//! Changes that bring an account in step with the account that it alternates with.

/// One change of an account other than its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The account.
    pub account: String,
    /// What it will have afterwards.
    pub what: String,
    /// The statement that does it, without any value of a secret.
    pub statement: String,
    /// Whether a rotation goes on without it.
    pub optional: bool,
}

impl Change {
    /// The warning where it had to be left out.
    #[must_use]
    pub fn left_out(&self, why: &str) -> String {
        format!("{:?} could not be given this, as its base has it: {}: {why}", self.account, self.what)
    }
}

/// What it takes to have an account do what the one that it takes turns with can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alignment {
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// What an operator should know.
    pub warnings: Vec<String>,
}
