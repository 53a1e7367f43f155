//! A secret: its name, the staging labels of its versions, and its value: a typed core that keyroll works with, and the
//! rest, which it never touches.

mod carried;
mod document;
pub mod form;
mod id;
mod login;
mod password;
mod placeholder;
pub mod stages;

use zeroize::Zeroizing;

pub use document::Document;
pub use form::{KeyForm, LoginForm};
pub use id::{SecretId, VersionId};
pub use login::{Login, Tls};
pub(crate) use password::pick;
pub use password::{Limits, Policy};
pub(crate) use placeholder::is_placeholder;
pub use stages::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, Labels, ROLLOUT, Standing, Step};
pub(crate) use stages::{give_up, give_up_command};

/// Text that must not be seen: a password, a whole secret value, a rotation token.
///
/// It has no `Debug`, no `Display` and no `Serialize`, so that no log line, error or report can hold it by accident, and
/// is wiped from memory when dropped. [`Sensitive::expose`] is the one way to the text; each use of it is a place to look
/// at twice.
#[derive(Clone)]
pub struct Sensitive(Zeroizing<String>);

impl Sensitive {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both hold the same text.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
