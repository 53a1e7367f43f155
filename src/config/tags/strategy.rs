//! The tag `keyroll:strategy`, and the variable `KEYROLL_STRATEGY`.

/// How old and new credentials relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// One account, whose password changes.
    SingleUser,
    /// Two accounts that take turns.
    AlternatingUsers,
}

impl Strategy {
    /// The values of the tag and the variable.
    pub const VALUES: &str = "single-user or alternating-users";

    /// The strategy of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "single-user" => Some(Self::SingleUser),
            "alternating-users" => Some(Self::AlternatingUsers),
            _ => None,
        }
    }
}
