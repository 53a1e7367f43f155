//! Forms of a login to a database. Built so far: AWS's JSON.

use crate::error::Result;
use crate::secret::{Document, Login, Sensitive};

/// Where in a value the user name and the password stand.
pub struct LoginForm(Document);

impl LoginForm {
    /// Reads a value: AWS's JSON with `engine`, `host`, `username`, `password` and others.
    pub fn read(text: Sensitive) -> Result<(Self, Login)> {
        let document = Document::parse(text)?;
        let login = Login::read(&document)?;
        Ok((Self(document), login))
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
            LoginForm::read(Sensitive::new(text.replace("5.0e3", "5432"))).unwrap_or_else(|e| panic!("{e}"));
        let again = form.write(Some(&login.username), &login.password).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again.expose(), text.replace("5.0e3", "5432"));
        let new = form.write(Some("app_clone"), &Sensitive::new("q".to_owned())).unwrap_or_else(|e| panic!("{e}"));
        assert!(new.expose().contains("\"username\":\"app_clone\",\"password\":\"q\", \"port\": 5432 }"));
    }
}
