//! The form of a value: where in its bytes the login or the key stands. A form is read from a value once, and writes the value
//! of the next version: other content there, and every other byte where it was.

mod key;
mod login;

pub use key::KeyForm;
pub use login::LoginForm;
