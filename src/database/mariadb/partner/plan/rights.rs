//! What an account may do once it is in.

use std::collections::BTreeSet;

use super::Planner;
use crate::database::mariadb::partner::grants::{ALL, Grants, Held, Object, Privilege};
use crate::database::mariadb::partner::statements;

/// What ALL PRIVILEGES is for a database, in MariaDB 10.4 and later; a newer server may know more.
const OF_DATABASES: [&str; 19] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "CREATE VIEW",
    "SHOW VIEW",
    "TRIGGER",
    "DELETE HISTORY",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "EXECUTE",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "EVENT",
];
/// How many of the first of these are for tables as well.
const OF_TABLES: usize = 13;

impl Planner<'_> {
    /// Rights, roles and the rest of one row.
    pub(super) fn rights(&mut self, base: &Grants, partner: &Grants, host: &str) {
        let objects: BTreeSet<&Object> = base.objects.keys().chain(partner.objects.keys()).collect();
        let none = Held::default();
        for object in objects {
            let of = |grants: &'_ Grants| grants.objects.get(object).cloned().unwrap_or_else(|| none.clone());
            self.object(object, &of(base), &of(partner), host);
        }
        self.proxies(base, partner, host);
        self.roles(base, partner, host);
    }

    fn object(&mut self, object: &Object, base: &Held, partner: &Held, host: &str) {
        let to = (self.partner, host);
        let (wanted, has) = (&base.privileges, &partner.privileges);
        let included = |privilege: &Privilege, by: &Held| privilege.1.is_none() && by.has(ALL, None);
        let missing: BTreeSet<Privilege> =
            wanted.iter().filter(|right| !has.contains(*right) && !included(right, partner)).cloned().collect();
        let option = base.grant_option && !partner.grant_option;
        if option || !missing.is_empty() {
            let statement = statements::grant(object, &missing, to, option);
            self.give(statement);
        }
        let mut extra: BTreeSet<Privilege> =
            has.iter().filter(|right| !wanted.contains(*right) && !included(right, base)).cloned().collect();
        if extra.remove(&(ALL.to_owned(), None)) {
            if *object == Object::Global {
                // At the partner's turn this has been refused: what all of them are differs from server to server.
                self.later.push(format!("no more {ALL} ON *.*"));
            }
            extra.extend(
                all_of(object).iter().map(|word| ((*word).to_owned(), None)).filter(|right| !wanted.contains(right)),
            );
        }
        if !extra.is_empty() {
            // A privilege for a table takes those for its columns along.
            let lost: BTreeSet<Privilege> = wanted
                .iter()
                .filter(|(word, column)| column.is_some() && extra.contains(&(word.clone(), None)))
                .cloned()
                .collect();
            let statement = statements::revoke(object, &extra, to);
            if self.in_use && !lost.is_empty() {
                self.later.push(statement);
            } else {
                self.take_away(statement);
                if !lost.is_empty() {
                    self.give_back(statements::grant(object, &lost, to, false));
                }
            }
        }
        if partner.grant_option && !base.grant_option {
            let statement = statements::revoke_option(object, to);
            self.take_away(statement);
        }
    }

    fn proxies(&mut self, base: &Grants, partner: &Grants, host: &str) {
        let to = (self.partner, host);
        for (whom, option) in &base.proxies {
            // Only all of it can be taken away, and what remains be given again.
            if partner.proxies.get(whom).is_some_and(|has| *has && !option) {
                let statement = statements::revoke_proxy(whom, to);
                if self.in_use {
                    self.later.push(statement);
                    continue;
                }
                self.take_away(statement);
                self.give_back(statements::grant_proxy(whom, to, false));
            } else if partner.proxies.get(whom) != Some(option) {
                let statement = statements::grant_proxy(whom, to, *option);
                self.give(statement);
            }
        }
        for whom in partner.proxies.keys().filter(|whom| !base.proxies.contains_key(*whom)) {
            let statement = statements::revoke_proxy(whom, to);
            self.take_away(statement);
        }
    }

    fn roles(&mut self, base: &Grants, partner: &Grants, host: &str) {
        let to = (self.partner, host);
        for (role, admin) in &base.roles {
            let has = partner.roles.get(role);
            if has.is_none() || (*admin && has == Some(&false)) {
                let statement = statements::grant_role(role, to, *admin);
                self.give(statement);
            } else if !admin && has == Some(&true) {
                let statement = statements::revoke_admin(role, to);
                self.take_away(statement);
            }
        }
        if base.default_role != partner.default_role {
            match &base.default_role {
                None => {
                    let statement = statements::default_role(None, to);
                    self.take_away(statement);
                }
                // The server goes on to show a default role that has been taken away, and that is none.
                Some(role) if !base.roles.contains_key(role) => self.warnings.push(format!(
                    "the default role {role:?} of the base at {host:?} is not among its roles, so that it has none; the \
                     partner is not given it"
                )),
                role @ Some(_) => {
                    let statement = statements::default_role(role.as_deref(), to);
                    self.give(statement);
                }
            }
        }
        for role in partner.roles.keys().filter(|role| !base.roles.contains_key(*role)) {
            let statement = statements::revoke_role(role, to);
            self.take_away(statement);
        }
    }
}

fn all_of(object: &Object) -> &'static [&'static str] {
    match object {
        Object::Table(..) => &OF_DATABASES[..OF_TABLES],
        Object::Databases(_) => &OF_DATABASES,
        Object::Routine(..) => &["EXECUTE", "ALTER ROUTINE"],
        // Refused at the partner's turn: it is a list that every server has its own of.
        Object::Global => &[],
    }
}
