//! What an account may do, as `SHOW GRANTS` prints it, in a form that can be compared.

use std::collections::{BTreeMap, BTreeSet};

use crate::database::mariadb::definition::{Parameters, parameters};
use crate::database::mariadb::tokens::{Token, Tokens};

/// How the server prints all privileges of a kind of object at once.
pub(super) const ALL: &str = "ALL PRIVILEGES";

/// What a right is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Object {
    /// The server.
    Global,
    /// Databases whose names match a pattern, as it is written: `we\_ird`, `%`.
    Databases(String),
    /// A table or view.
    Table(String, String),
    /// A routine or package.
    Routine(Routine, String, String),
}

/// What kind of a routine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Routine {
    Procedure,
    Function,
    Package,
    PackageBody,
}

/// A privilege: its word, and the column if it is for one.
pub(super) type Privilege = (String, Option<String>);

/// The rights for one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) privileges: BTreeSet<Privilege>,
    pub(super) grant_option: bool,
}

/// The rights of one row of the table of accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Grants {
    pub(super) objects: BTreeMap<Object, Held>,
    /// Accounts, as user and host, that it may stand for; with whether it may hand that on.
    pub(super) proxies: BTreeMap<(String, String), bool>,
    /// Roles; with whether it may hand them on.
    pub(super) roles: BTreeMap<String, bool>,
    pub(super) default_role: Option<String>,
}

impl Routine {
    pub(super) const ALL: [(Self, &'static str); 4] = [
        (Self::Procedure, "PROCEDURE"),
        (Self::Function, "FUNCTION"),
        // Before the shorter one, which is the beginning of it.
        (Self::PackageBody, "PACKAGE BODY"),
        (Self::Package, "PACKAGE"),
    ];
}

impl Held {
    pub(super) fn has(&self, word: &str, column: Option<&str>) -> bool {
        self.privileges.contains(&(word.to_owned(), column.map(str::to_owned)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.privileges.is_empty() && !self.grant_option
    }
}

impl Grants {
    /// Reads the lines for that user and host; nothing where any has something that is not known here.
    pub(super) fn of<'a>(lines: impl IntoIterator<Item = &'a str>, user: &str, host: &str) -> Option<Self> {
        let mut grants = Self::default();
        for line in lines {
            grants.read(&mut Tokens::of(line)?, &Grantee { user, host })?;
        }
        grants.objects.retain(|_, held| !held.is_empty());
        Some(grants)
    }

    fn read(&mut self, tokens: &mut Tokens, grantee: &Grantee<'_>) -> Option<()> {
        if tokens.takes("SET DEFAULT ROLE") {
            let role = tokens.name()?;
            let whole = tokens.takes("FOR") && grantee.is_next(tokens)? && tokens.at_end();
            return (whole && self.default_role.replace(role).is_none()).then_some(());
        }
        if !tokens.takes("GRANT") {
            return None;
        }
        if tokens.takes("PROXY ON") {
            let whom = account(tokens)?;
            let ours = tokens.takes("TO") && grantee.is_next(tokens)?;
            let with_option = tokens.takes("WITH GRANT OPTION");
            self.proxies.insert(whom, with_option);
            return (ours && tokens.at_end()).then_some(());
        }
        if matches!(tokens.peek(), Some(Token::Name(_))) {
            let role = tokens.name()?;
            let ours = tokens.takes("TO") && grantee.is_next(tokens)?;
            let with_option = tokens.takes("WITH ADMIN OPTION");
            self.roles.insert(role, with_option);
            return (ours && tokens.at_end()).then_some(());
        }
        let privileges = privileges(tokens)?;
        let object = object(tokens)?;
        let ours = tokens.takes("TO") && grantee.is_next(tokens)?;
        // The line of the global rights tells how one logs in, too; SHOW CREATE USER has more of that.
        let Parameters { grant_option, .. } = parameters(tokens)?;
        let held = self.objects.entry(object).or_default();
        held.privileges.extend(privileges);
        held.grant_option |= grant_option;
        (ours && tokens.at_end()).then_some(())
    }
}

struct Grantee<'a> {
    user: &'a str,
    host: &'a str,
}

impl Grantee<'_> {
    fn is_next(&self, tokens: &mut Tokens) -> Option<bool> {
        let (user, host) = account(tokens)?;
        Some(user == self.user && host == self.host)
    }
}

fn account(tokens: &mut Tokens) -> Option<(String, String)> {
    let user = tokens.name()?;
    let host = if tokens.takes_mark('@') { tokens.name()? } else { return None };
    Some((user, host))
}

/// Privileges up to the ON that follows them.
fn privileges(tokens: &mut Tokens) -> Option<BTreeSet<Privilege>> {
    let mut privileges = BTreeSet::new();
    loop {
        let mut words = vec![tokens.word()?];
        let mut columns = Vec::new();
        let last = loop {
            if tokens.takes("ON") {
                break true;
            } else if tokens.takes_mark(',') {
                break false;
            } else if tokens.takes_mark('(') && columns.is_empty() {
                columns.push(tokens.name()?);
                while tokens.takes_mark(',') {
                    columns.push(tokens.name()?);
                }
                if !tokens.takes_mark(')') {
                    return None;
                }
            } else if columns.is_empty() {
                words.push(tokens.word()?);
            } else {
                return None;
            }
        };
        let word = words.join(" ");
        if columns.is_empty() && word != "USAGE" {
            privileges.insert((word, None));
        } else {
            privileges.extend(columns.into_iter().map(|column| (word.clone(), Some(column))));
        }
        if last {
            return Some(privileges);
        }
    }
}

fn object(tokens: &mut Tokens) -> Option<Object> {
    let within = |tokens: &mut Tokens| {
        let database = tokens.name()?;
        tokens.takes_mark('.').then_some(database)
    };
    for (routine, word) in Routine::ALL {
        if tokens.takes(word) {
            return Some(Object::Routine(routine, within(tokens)?, tokens.name()?));
        }
    }
    if tokens.takes_mark('*') {
        return (tokens.takes_mark('.') && tokens.takes_mark('*')).then_some(Object::Global);
    }
    let database = within(tokens)?;
    if tokens.takes_mark('*') {
        return Some(Object::Databases(database));
    }
    Some(Object::Table(database, tokens.name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: [&str; 16] = [
        "GRANT `r ``'\"\\x` TO `g1`@`%`",
        "GRANT `r` TO `g1`@`%` WITH ADMIN OPTION",
        "GRANT SELECT ON *.* TO `g1`@`%` IDENTIFIED VIA mysql_native_password USING \
         '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19' OR mysql_native_password USING \
         '*1470C0C06DEE42FD1618BB99005ADCA2EC9D1E19' REQUIRE SSL WITH GRANT OPTION MAX_QUERIES_PER_HOUR 3",
        "GRANT ALL PRIVILEGES ON `we\\_ird`.* TO `g1`@`%` WITH GRANT OPTION",
        "GRANT CREATE TEMPORARY TABLES, LOCK TABLES ON `d`.* TO `g1`@`%`",
        "GRANT SELECT ON `%`.* TO `g1`@`%`",
        "GRANT SELECT, INSERT (`a`), UPDATE (`a`, `c``\"'\\d`), SELECT (`b`) ON `d`.`t` TO `g1`@`%` WITH GRANT OPTION",
        "GRANT SELECT ON `d`.`t TO x` TO `g1`@`%`",
        "GRANT USAGE ON PROCEDURE `d`.`p` TO `g1`@`%` WITH GRANT OPTION",
        "GRANT EXECUTE, ALTER ROUTINE ON FUNCTION `d`.`f` TO `g1`@`%`",
        "GRANT EXECUTE ON PACKAGE `orap`.`pk` TO `g1`@`%`",
        "GRANT EXECUTE ON PACKAGE BODY `orap`.`pk` TO `g1`@`%`",
        "GRANT PROXY ON `u2`@`%` TO `g1`@`%` WITH GRANT OPTION",
        "GRANT PROXY ON ``@`%` TO `g1`@`%`",
        "GRANT USAGE ON `nothing`.* TO `g1`@`%`",
        "SET DEFAULT ROLE `r ``'\"\\x` FOR `g1`@`%`",
    ];

    fn held(privileges: &[(&str, Option<&str>)], grant_option: bool) -> Held {
        let owned = |(word, column): &(&str, Option<&str>)| ((*word).to_owned(), column.map(str::to_owned));
        Held { privileges: privileges.iter().map(owned).collect(), grant_option }
    }

    #[test]
    fn everything_that_the_server_showed_is_read() {
        let grants = Grants::of(SHOWN, "g1", "%").unwrap();
        let table = |name: &str| Object::Table("d".to_owned(), name.to_owned());
        let routine =
            |kind, (database, name): (&str, &str)| Object::Routine(kind, database.to_owned(), name.to_owned());
        let databases = |pattern: &str| Object::Databases(pattern.to_owned());
        let expected = [
            (Object::Global, held(&[("SELECT", None)], true)),
            (databases("we\\_ird"), held(&[(ALL, None)], true)),
            (databases("d"), held(&[("CREATE TEMPORARY TABLES", None), ("LOCK TABLES", None)], false)),
            (databases("%"), held(&[("SELECT", None)], false)),
            (
                table("t"),
                held(
                    &[
                        ("SELECT", None),
                        ("INSERT", Some("a")),
                        ("UPDATE", Some("a")),
                        ("UPDATE", Some("c`\"'\\d")),
                        ("SELECT", Some("b")),
                    ],
                    true,
                ),
            ),
            (table("t TO x"), held(&[("SELECT", None)], false)),
            (routine(Routine::Procedure, ("d", "p")), held(&[], true)),
            (routine(Routine::Function, ("d", "f")), held(&[("EXECUTE", None), ("ALTER ROUTINE", None)], false)),
            (routine(Routine::Package, ("orap", "pk")), held(&[("EXECUTE", None)], false)),
            (routine(Routine::PackageBody, ("orap", "pk")), held(&[("EXECUTE", None)], false)),
        ];
        assert_eq!(grants.objects, BTreeMap::from(expected));
        let whom = |user: &str| (user.to_owned(), "%".to_owned());
        assert_eq!(grants.proxies, BTreeMap::from([(whom("u2"), true), (whom(""), false)]));
        let role = "r `'\"\\x".to_owned();
        assert_eq!(grants.roles, BTreeMap::from([(role.clone(), false), ("r".to_owned(), true)]));
        assert_eq!(grants.default_role, Some(role));
    }

    #[test]
    fn what_is_not_known_or_is_somebody_elses_is_not_dropped() {
        for line in [
            "",
            "REVOKE SELECT ON *.* FROM `g1`@`%`",
            "GRANT SELECT ON *.* TO `g2`@`%`",
            "GRANT SELECT ON *.* TO `g1`@`10.%`",
            "GRANT SELECT ON *.* TO `g1`",
            "GRANT SELECT ON *.* TO `g1`@`%` AS `x`",
            "GRANT SELECT ON SEQUENCE `d`.`s` TO `g1`@`%`",
            "GRANT SELECT ON `d` TO `g1`@`%`",
            "GRANT SELECT (`a` ON `d`.`t` TO `g1`@`%`",
            "GRANT SELECT (`a`) (`b`) ON `d`.`t` TO `g1`@`%`",
            "GRANT `r` TO `g1`@`%` WITH GRANT OPTION",
            "SET DEFAULT ROLE `r` FOR `g2`@`%`",
        ] {
            assert_eq!(Grants::of([line], "g1", "%"), None, "{line}");
        }
        let blank = Grants::of(["GRANT USAGE ON *.* TO `g1`@`%` REQUIRE SSL"], "g1", "%").unwrap();
        assert_eq!(blank, Grants::default());
    }
}
