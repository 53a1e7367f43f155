//! What to change so that a partner can do what its base can, and no more. A pure function of what the server shows.

use super::rules::{check_base, check_turn, quoted, refused};
use super::seen::{Dependency, Options, Role, Seen};
use super::statements;
use crate::error::Result;
use crate::kind::pair::Pair;
use crate::plan::{Alignment, Change};

/// The whole plan. `pending` is the one of the two whose turn it is; `insisted` says that somebody asks for alternating
/// users by name, which is what it takes for an account that may make or alter others.
pub(in crate::kind::postgres) fn plan(seen: &Seen, pair: &Pair, pending: &str, insisted: bool) -> Result<Alignment> {
    let base = seen.base.as_ref().ok_or_else(|| {
        refused(format!("the server has no role {:?}", pair.base), "create it, or correct username in the secret")
    })?;
    check_base(base, insisted)?;
    check_turn(seen, base, pair, pending)?;
    let mut plan = Planner { seen, pair, base, alignment: Alignment::default() };
    plan.membership()?;
    let acts_as = plan.acts_as();
    plan.attributes(acts_as.is_some());
    plan.groups();
    plan.settings();
    if let Some(owner) = acts_as.filter(|owner| seen.partner_acts_as.as_deref() != Some(owner)) {
        plan.change(&format!("acting as {owner:?}"), statements::act_as(&pair.partner, &owner));
    }
    Ok(plan.alignment)
}

struct Planner<'a> {
    seen: &'a Seen,
    pair: &'a Pair,
    base: &'a Role,
    alignment: Alignment,
}

impl Planner<'_> {
    fn change(&mut self, what: &str, statement: String) {
        self.alignment.changes.push(Change { account: self.pair.partner.clone(), what: what.to_owned(), statement });
    }

    fn warn(&mut self, warning: String) {
        self.alignment.warnings.push(warning);
    }

    /// The role itself, and its membership of the base: without SET it could not act as the base, without INHERIT it would
    /// have nothing of the base's where it does not.
    fn membership(&mut self) -> Result<()> {
        let (base, partner) = (&self.pair.base, &self.pair.partner);
        if self.seen.partner.is_none() {
            self.change("its role, made now", statements::create(partner));
        }
        let known = self.seen.options(partner, base);
        if known.is_some_and(|options| options.inherit && options.set) {
            return Ok(());
        }
        if self.seen.options(base, partner).is_some() {
            return Err(refused(
                format!("{base:?} is a member of {partner:?}, so that the reverse cannot be granted (SQLSTATE 0LP01)"),
                format!("REVOKE {} FROM {}", quoted(partner), quoted(base)),
            ));
        }
        if !self.seen.may_grant(self.base) {
            let writer = &self.seen.writer.name;
            return Err(refused(
                format!("the administrator {writer:?} may not make {partner:?} a member of {base:?} (SQLSTATE 42501)"),
                format!(
                    "GRANT {0} TO {1} WITH ADMIN OPTION, as whoever holds that option (PostgreSQL 16 and later), or \
                     GRANT {0} TO {2} yourself",
                    quoted(base),
                    quoted(writer),
                    quoted(partner)
                ),
            ));
        }
        let options = Options { admin: false, inherit: true, set: true };
        let statement = statements::grant(base, partner, options, self.seen.grants_have_options());
        self.change(&format!("membership of {base:?}"), statement);
        Ok(())
    }

    /// Whom the partner is to act as; none where it has to stay itself.
    ///
    /// A base that itself acts as another role gives that one: the setting of the role that logs in is the only one that
    /// counts. A partner with objects or rights of its own would lose them by acting as another: then it stays itself, as
    /// AWS made it, until somebody has moved them. Once it acts as another it goes on to: what it has of its own since then
    /// was never in use.
    fn acts_as(&mut self) -> Option<String> {
        let owner = Seen::acting(self.seen.base_acts_as.as_ref()).unwrap_or(&self.pair.base).clone();
        let already = Seen::acting(self.seen.partner_acts_as.as_ref()).is_some();
        if self.seen.dependencies.is_empty() {
            return Some(owner);
        }
        let (partner, own) = (&self.pair.partner, listed(&self.seen.dependencies));
        let moves = moves(&self.seen.dependencies, &self.pair.partner, &owner);
        self.warn(if already {
            format!("{partner:?} acts as {owner:?}, and yet something is its own: {own}; to clear that up: {moves}")
        } else {
            format!(
                "{partner:?} has things of its own ({own}), which it could not use if it acted as {owner:?}; so it does not, \
                 and what either of the two creates stays out of the other's reach, as with AWS's function. To have one \
                 owner from the next rotation on: {moves}"
            )
        });
        already.then_some(owner)
    }

    fn attributes(&mut self, acts: bool) {
        let base = self.base;
        let fresh = Role { name: self.pair.partner.clone(), login: true, ..blank() };
        let partner = self.seen.partner.as_ref().unwrap_or(&fresh);
        let mut wanted: Vec<(String, String)> = Vec::new();
        let mut flag = |word: &str, has: bool, should: bool| {
            if has != should {
                let word = if should { word.to_owned() } else { format!("NO{word}") };
                wanted.push((word.clone(), word));
            }
        };
        flag("LOGIN", partner.login, true);
        // Where it does not act as the base, it has the base's rights by inheritance or not at all. And it is not yet acting
        // when the server asks for the right to connect. From PostgreSQL 16 on its membership says so by itself.
        let connects = self.seen.public_connects || self.seen.grants_have_options();
        flag("INHERIT", partner.inherit, base.inherit || !acts || !connects);
        flag("CREATEROLE", partner.create_role, base.create_role);
        // From PostgreSQL 16 on only who has it may give it or take it.
        let may_create_db =
            self.seen.writer.superuser || self.seen.writer.create_db || !self.seen.grants_have_options();
        if may_create_db {
            flag("CREATEDB", partner.create_db, base.create_db);
        }
        if partner.connection_limit != base.connection_limit {
            let limit = format!("CONNECTION LIMIT {}", base.connection_limit);
            wanted.push((limit.clone(), limit));
        }
        let until = |role: &Role| role.valid_until.clone().filter(|until| until != "infinity");
        if until(partner) != until(base) {
            let told = base.valid_until.as_deref().unwrap_or("infinity");
            wanted.push((format!("VALID UNTIL {told}"), statements::valid_until(base.valid_until.as_deref())));
        }
        // A partner that acts as the base creates databases with the base's right.
        if !may_create_db && (partner.create_db && !base.create_db || base.create_db && !partner.create_db && !acts) {
            let (who, writer) = (quoted(&partner.name), quoted(&self.seen.writer.name));
            let word = if base.create_db { "CREATEDB" } else { "NOCREATEDB" };
            self.warn(format!(
                "{:?} should be {word} as its base is; the administrator could see to it after ALTER ROLE {writer} \
                 CREATEDB, or somebody else by ALTER ROLE {who} {word}",
                partner.name
            ));
        }
        if let Some(until) = until(base) {
            self.warn(format!("{:?} expires at {until}, and its partner with it", base.name));
        }
        if !wanted.is_empty() {
            let (told, attributes): (Vec<String>, Vec<String>) = wanted.into_iter().unzip();
            self.change(&told.join(", "), statements::alter(&self.pair.partner, &attributes));
        }
    }

    /// Memberships of other roles, with their options: those of the base, and no others.
    fn groups(&mut self) {
        let (seen, base, partner) = (self.seen, self.pair.base.as_str(), self.pair.partner.as_str());
        let mut groups = seen.groups(base);
        groups.extend(seen.groups(partner));
        for group in groups.into_iter().filter(|group| *group != base && *group != partner) {
            let (wanted, has) = (seen.options(base, group), seen.options(partner, group));
            if wanted == has {
                continue;
            }
            let too_much = has.is_some_and(|has| has.exceed(wanted.unwrap_or_default()) || wanted.is_none());
            if too_much {
                self.take_away(group);
            }
            if let Some(wanted) = wanted {
                let statement = statements::grant(group, partner, wanted, seen.grants_have_options());
                let grantable = seen.rows(base, Some(group)).any(|row| row.grantable);
                if grantable {
                    let what = format!("membership of {group:?}");
                    self.change(&what, statements::attempt(&statement, &what));
                } else {
                    self.warn(format!("{partner:?} is no direct member of {group:?} as {base:?} is; somebody would have to: {statement}"));
                }
            }
        }
    }

    fn take_away(&mut self, group: &str) {
        let (seen, partner) = (self.seen, self.pair.partner.as_str());
        let rows: Vec<_> = seen.rows(partner, Some(group)).collect();
        // Before PostgreSQL 16 there is one row, and who granted it does not matter.
        for row in rows {
            let statement = statements::revoke(row, seen.grants_have_options());
            if row.revocable {
                let what = format!("no more membership of {group:?}");
                self.change(&what, statements::attempt(&statement, &what));
            } else {
                self.warn(format!(
                    "{partner:?} has more of {group:?} than its base; somebody would have to: {statement}"
                ));
            }
        }
    }

    fn settings(&mut self) {
        for setting in self.seen.settings.iter().filter(|setting| !setting.same) {
            let place = setting.database.as_ref().map(|name| format!(" in database {name:?}")).unwrap_or_default();
            let word = if setting.in_base { "the setting" } else { "no more setting" };
            let what = format!("{word} {}{place}", setting.name);
            let remedy = (self.seen.version >= 150_000)
                .then(|| statements::grant_setting(&setting.name, &self.seen.writer.name));
            let statement = statements::copy(&self.pair.base, &self.pair.partner, setting, remedy.as_deref());
            self.change(&what, statement);
        }
    }
}

/// The attributes of a role that has just been made.
fn blank() -> Role {
    Role {
        name: String::new(),
        superuser: false,
        inherit: true,
        create_role: false,
        create_db: false,
        login: false,
        replication: false,
        bypass_rls: false,
        connection_limit: -1,
        valid_until: None,
        expired: false,
        rds_superuser: false,
        admin: false,
    }
}

/// What belongs to the partner, for a message.
fn listed(dependencies: &[Dependency]) -> String {
    let told: Vec<String> = dependencies
        .iter()
        .map(|it| {
            let place = it
                .database
                .as_ref()
                .map_or_else(|| "shared by all databases".to_owned(), |name| format!("in {name:?}"));
            format!("{place} {} owned and {} granted", it.owned, it.granted)
        })
        .collect();
    told.join(", ")
}

/// The statements that give everything to the owner, by database. `DROP OWNED` takes back what was granted to the partner
/// by name, so that the owner must have been granted the same before.
fn moves(dependencies: &[Dependency], partner: &str, owner: &str) -> String {
    let (partner, owner) = (quoted(partner), quoted(owner));
    let granted: i64 = dependencies.iter().map(|it| it.granted).sum();
    let mut databases: Vec<String> =
        dependencies.iter().filter_map(|it| it.database.as_ref()).map(|name| quoted(name)).collect();
    if databases.is_empty() {
        databases.push("any".to_owned());
    }
    let first =
        if granted > 0 { format!("grant {owner} what {partner} was granted by name; then ") } else { String::new() };
    format!(
        "{first}run, as a member of both and in each of these databases, REASSIGN OWNED BY {partner} TO {owner}; DROP OWNED BY \
         {partner}: {}",
        databases.join(", ")
    )
}
