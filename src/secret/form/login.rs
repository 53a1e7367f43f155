//! Forms of a login to a database. Built so far: AWS's JSON.

use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Document, Login, Sensitive};

/// Where in a value the user name and the password stand.
pub struct LoginForm(Document);

impl LoginForm {
    /// Reads a value: AWS's JSON with `engine`, `host`, `username`, `password` and others. Where `is_told`, a tag says what the server
    /// is, and the value need not.
    pub fn read(text: Sensitive, is_told: bool) -> Result<(Self, Login)> {
        let document = Document::parse(text)?;
        let login = Login::read(&document, is_told)?;
        Ok((Self(document), login))
    }

    /// Refuses a value in which another string carries the password, too: it would be left behind.
    pub fn refuse_copies(&self, login: &Login) -> Result<()> {
        let read = ["engine", "host", "port", "username", "password", "dbname"];
        match self.0.carrier(&login.password, &read) {
            None => Ok(()),
            Some(key) => Err(Error::new(
                ErrorKind::RefusedValue,
                format!(
                    "the JSON key {key:?} carries the password, too: this version of keyroll would leave it as it is, and \
                         services that read it would be locked out"
                ),
                "take it out, and let the services that read it compose it from the other keys as they start (docs/recipes.md); \
                 nothing was changed",
            )),
        }
    }

    /// Writes a value with another password, and another user name where one is given.
    pub fn write(&self, username: Option<&str>, password: &Sensitive) -> Result<Sensitive> {
        match username.map(|name| Sensitive::new(name.to_owned())) {
            Some(name) => self.0.with(&[("username", &name), ("password", password)]),
            None => self.0.with(&[("password", password)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_and_written_again_is_byte_for_byte_what_it_was() {
        let text =
            "{ \"engine\":\"postgres\",\n \"host\":\"h\", \"username\":\"app\",\"password\":\"p\", \"port\": 5.0e3 }";
        let (form, login) =
            LoginForm::read(Sensitive::new(text.replace("5.0e3", "5432")), false).unwrap_or_else(|e| panic!("{e}"));
        let again = form.write(Some(&login.username), &login.password).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again.expose(), text.replace("5.0e3", "5432"));
        let new = form.write(Some("app_clone"), &Sensitive::new("q".to_owned())).unwrap_or_else(|e| panic!("{e}"));
        assert!(new.expose().contains("\"username\":\"app_clone\",\"password\":\"q\", \"port\": 5432 }"));
    }
}
