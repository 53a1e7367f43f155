//! What the server shows of a pair of roles, as one JSON document (see [`super::statements::look`]). Values of settings are
//! compared by the server and never come here: people keep secrets in them.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::database::pair::Pair;

/// Everything that decides what to do for a pair.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::database::postgres) struct Seen {
    /// `server_version_num`.
    pub(super) version: u32,
    /// Whether everybody may connect to the database of the secret.
    pub(super) public_connects: bool,
    /// The role that is logged in.
    pub(super) writer: Role,
    pub(super) base: Option<Role>,
    pub(super) partner: Option<Role>,
    /// How many sessions the partner has.
    pub(super) sessions: i64,
    /// Direct memberships of the two, one for each grantor.
    pub(super) memberships: Vec<Membership>,
    /// Settings of either, but for `role` in all databases.
    pub(super) settings: Vec<Setting>,
    /// The setting `role` that counts for the base: its own, or that of all roles in this database or in every one.
    pub(super) base_acts_as: Option<String>,
    /// The partner's own.
    pub(super) partner_acts_as: Option<String>,
    /// What the partner owns or was granted by its own name.
    pub(super) dependencies: Vec<Dependency>,
}

/// A role, with attributes by the names of `pg_roles`.
#[derive(Clone, Debug, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "one field per attribute, as the catalogue has them")]
#[expect(clippy::struct_field_names, reason = "CREATEROLE is PostgreSQL's word")]
pub(super) struct Role {
    #[serde(rename = "rolname")]
    pub(super) name: String,
    #[serde(rename = "rolsuper")]
    pub(super) superuser: bool,
    #[serde(rename = "rolinherit")]
    pub(super) inherit: bool,
    #[serde(rename = "rolcreaterole")]
    pub(super) create_role: bool,
    #[serde(rename = "rolcreatedb")]
    pub(super) create_db: bool,
    #[serde(rename = "rolcanlogin")]
    pub(super) login: bool,
    #[serde(rename = "rolreplication")]
    pub(super) replication: bool,
    #[serde(rename = "rolbypassrls")]
    pub(super) bypass_rls: bool,
    #[serde(rename = "rolconnlimit")]
    pub(super) connection_limit: i32,
    #[serde(rename = "rolvaliduntil")]
    pub(super) valid_until: Option<String>,
    pub(super) expired: bool,
    /// Whether it expires within a day.
    pub(super) expires_soon: bool,
    /// A role that it is a member of, and that has more power than an application needs.
    pub(super) mighty: Option<String>,
    /// Whether the writer can use ADMIN OPTION on it.
    pub(super) admin: bool,
}

/// A membership of one of the two in another role.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Membership {
    pub(super) member: String,
    pub(super) group: String,
    pub(super) admin: bool,
    /// Absent before PostgreSQL 16, where every membership lets its member act as the role.
    pub(super) inherit: Option<bool>,
    pub(super) set: Option<bool>,
    pub(super) grantor: Option<String>,
    /// Whether the writer may revoke what this grantor granted.
    pub(super) revocable: bool,
    /// Whether the writer may grant the role.
    pub(super) grantable: bool,
}

/// A setting of a role, in one database or in all.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Setting {
    pub(super) database: Option<String>,
    pub(super) name: String,
    pub(super) in_base: bool,
    /// Whether the partner has the very same.
    pub(super) same: bool,
    /// Whether it is copied from a session, where its value is in no statement's text.
    pub(super) in_session: bool,
}

/// What stands in the way of the partner's acting as the base.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Dependency {
    /// Absent for what belongs to no database.
    pub(super) database: Option<String>,
    pub(super) owned: i64,
    pub(super) granted: i64,
}

/// The options of a membership, taken together over all grantors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) admin: bool,
    pub(super) inherit: bool,
    pub(super) set: bool,
}

impl Options {
    /// Whether these give something that the others do not.
    pub(super) fn exceed(self, others: Self) -> bool {
        (self.admin && !others.admin) || (self.inherit && !others.inherit) || (self.set && !others.set)
    }
}

impl Seen {
    /// Since PostgreSQL 16, who may grant a role is written beside each membership, and memberships have more options.
    pub(super) fn grants_have_options(&self) -> bool {
        self.version >= 160_000
    }

    /// The roles that one of the two is a member of.
    pub(super) fn groups<'a>(&'a self, member: &'a str) -> BTreeSet<&'a str> {
        self.rows(member, None).map(|row| row.group.as_str()).collect()
    }

    /// The options of a membership; none where there is no such membership.
    pub(super) fn options(&self, member: &str, group: &str) -> Option<Options> {
        self.rows(member, Some(group)).fold(None, |known, row| {
            let known: Options = known.unwrap_or_default();
            Some(Options {
                admin: known.admin || row.admin,
                inherit: known.inherit || row.inherit.unwrap_or(true),
                set: known.set || row.set.unwrap_or(true),
            })
        })
    }

    /// Whether the partner is shown to be one: a member of the base that has some of its rights.
    pub(super) fn is_pair(&self, pair: &Pair) -> bool {
        self.options(&pair.partner, &pair.base).is_some_and(|options| options.inherit || options.set)
    }

    /// Whether the partner has no rights yet that somebody could miss or be after.
    pub(super) fn is_blank(&self, pair: &Pair) -> bool {
        let members = self.rows(&pair.partner, None).count();
        members == 0 && self.partner_acts_as.is_none() && self.dependencies.is_empty()
    }

    /// The memberships as they are written down.
    pub(super) fn rows<'a>(
        &'a self,
        member: &'a str,
        group: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Membership> + 'a {
        let of = move |row: &&Membership| row.member == member && group.is_none_or(|group| row.group == group);
        self.memberships.iter().filter(of)
    }

    /// The role that a role acts as by its settings, if not as itself. `none` is how the setting says that nobody was set.
    pub(super) fn acting(setting: Option<&String>) -> Option<&String> {
        setting.filter(|role| *role != "none")
    }

    /// Whether the writer may change that role's password and attributes.
    pub(super) fn may_alter(&self, role: &Role) -> bool {
        let writer = &self.writer;
        let beyond = role.superuser || (role.replication && !self.grants_have_options());
        writer.superuser || (writer.create_role && !beyond && (role.admin || !self.grants_have_options()))
    }

    /// Whether the writer may make other roles members of that one.
    pub(super) fn may_grant(&self, role: &Role) -> bool {
        let by_attribute = self.writer.create_role && !role.superuser && !self.grants_have_options();
        self.writer.superuser || role.admin || by_attribute
    }
}
