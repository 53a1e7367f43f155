//! What to change so that a partner can do what its base can, and no more. A pure function of what the server shows.

use super::owned::{listed, moves};
use super::releases::{Release, release, told};
use super::rules::{check_base, check_release, check_turn, quoted, refused};
use super::seen::{Options, Role, Seen};
use super::statements;
use crate::database::pair::Pair;
use crate::database::{Alignment, Alternation, Change};
use crate::error::Result;

/// The whole plan.
pub(super) fn plan(seen: &Seen, rotation: &Alternation<'_>) -> Result<Alignment> {
    let pair = rotation.pair;
    let base = seen.base.as_ref().ok_or_else(|| {
        refused(format!("the server has no role {:?}", pair.base), "create it, or correct username in the secret")
    })?;
    check_base(base, rotation.insisted)?;
    check_turn(seen, base, rotation)?;
    let in_use = seen.partner.is_some() && rotation.account == pair.base;
    let mut plan = Planner { seen, pair, base, in_use, later: Vec::new(), alignment: Alignment::default() };
    plan.membership()?;
    let acts_as = plan.acts_as();
    if acts_as.is_some() && !in_use {
        check_release(seen.version, &pair.partner)?;
    }
    if acts_as.is_some() && release(seen.version) == Release::Forgetful {
        plan.warn(format!(
            "PostgreSQL {} forgets at DISCARD ALL, with which poolers and drivers clear a session, that {:?} acts as another \
             (mended since November 2024): update it, or have sessions cleared by RESET ALL",
            told(seen.version),
            pair.partner
        ));
    }
    plan.attributes(acts_as.is_some());
    plan.groups();
    plan.settings();
    if let Some(owner) = acts_as.filter(|owner| seen.partner_acts_as.as_deref() != Some(owner)) {
        let what = format!("acting as {owner:?}");
        if plan.in_use {
            plan.later.push(what);
        } else {
            plan.change(&what, statements::act_as(&pair.partner, &owner));
        }
    }
    if !plan.later.is_empty() {
        let later = plan.later.join(", ");
        plan.warn(format!(
            "{:?} is in use until this rotation has ended, so this waits for its turn: {later}",
            pair.partner
        ));
    }
    Ok(plan.alignment)
}

struct Planner<'a> {
    seen: &'a Seen,
    pair: &'a Pair,
    base: &'a Role,
    /// Whether it is the base's turn, so that services log in as the partner until they are rolled. What could lock them out
    /// before that, or change under them whom they act as, waits for the partner's own turn.
    in_use: bool,
    later: Vec<String>,
    alignment: Alignment,
}

impl Planner<'_> {
    fn change(&mut self, what: &str, statement: String) {
        self.push(what, statement, false);
    }

    /// A change that a rotation goes on without.
    fn attempt(&mut self, what: &str, statement: String) {
        self.push(what, statement, true);
    }

    fn push(&mut self, what: &str, statement: String, optional: bool) {
        let (account, what) = (self.pair.partner.clone(), what.to_owned());
        self.alignment.changes.push(Change { account, what, statement, optional });
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
        let have_options = self.seen.grants_have_options();
        for row in self.seen.rows(partner, Some(base)).filter(|row| row.admin) {
            let what = format!("no more right to hand the membership of {base:?} on");
            self.attempt(&what, statements::attempt(&statements::revoke_admin(row, have_options)));
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
                    "GRANT {0} TO {1} WITH ADMIN OPTION, as a role that holds that option (PostgreSQL 16 and later), or \
                     GRANT {0} TO {2} yourself",
                    quoted(base),
                    quoted(writer),
                    quoted(partner)
                ),
            ));
        }
        let options = Options { admin: false, inherit: true, set: true };
        self.change(&format!("membership of {base:?}"), statements::grant(base, partner, options, have_options));
        Ok(())
    }

    /// The role that the partner is to act as; none where it has to stay itself.
    ///
    /// A base that itself acts as another role gives that one: the setting of the role that logs in is the only one that
    /// counts. A partner with objects or rights of its own would lose them by acting as another: then it stays itself, as
    /// AWS made it, until somebody has moved them. Once it acts as another it goes on to: what is its own then came from
    /// sessions of before, or from `SET ROLE NONE`.
    fn acts_as(&mut self) -> Option<String> {
        let owner = Seen::acting(self.seen.base_acts_as.as_ref()).unwrap_or(&self.pair.base).clone();
        let already = Seen::acting(self.seen.partner_acts_as.as_ref()).is_some();
        if self.seen.dependencies.is_empty() {
            return Some(owner);
        }
        let (base, partner, own) = (&self.pair.base, &self.pair.partner, listed(&self.seen.dependencies));
        let moves = moves(&self.seen.dependencies, &self.pair.partner, &owner);
        self.warn(if already {
            format!("{partner:?} acts as {owner:?}, and yet something is its own: {own}; to clear that up: {moves}")
        } else {
            format!(
                "{partner:?} has things of its own ({own}), which it could not use if it acted as {owner:?}; so it does not, \
                 and what it creates stays out of the reach of {base:?}, as with AWS's function. To have one owner from its \
                 next turn on: {moves}"
            )
        });
        already.then_some(owner)
    }

    fn attributes(&mut self, acts: bool) {
        let base = self.base;
        let fresh = Role { name: self.pair.partner.clone(), login: true, ..blank() };
        let partner = self.seen.partner.as_ref().unwrap_or(&fresh);
        let (in_use, mut wanted, mut later): (_, Vec<(String, String)>, _) = (self.in_use, Vec::new(), Vec::new());
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
        let inherit = base.inherit || !acts || !connects;
        // Before PostgreSQL 16 this takes rights from open sessions, too, but from none that act as the base.
        let waits = in_use && partner.inherit && !inherit && self.seen.partner_acts_as.is_none();
        flag("INHERIT", partner.inherit, inherit || waits);
        if waits {
            later.push("NOINHERIT".to_owned());
        }
        flag("CREATEROLE", partner.create_role, base.create_role);
        // From PostgreSQL 16 on only who has it may give it or take it.
        let may_create_db =
            self.seen.writer.superuser || self.seen.writer.create_db || !self.seen.grants_have_options();
        if may_create_db {
            flag("CREATEDB", partner.create_db, base.create_db);
        }
        if partner.connection_limit != base.connection_limit {
            let limit = format!("CONNECTION LIMIT {}", base.connection_limit);
            let wider = base.connection_limit == -1
                || (partner.connection_limit != -1 && base.connection_limit > partner.connection_limit);
            // Clients that are logged in may open as many sessions again before they are rolled.
            let room = i64::from(base.connection_limit) >= 2 * self.seen.sessions;
            if in_use && !wider && !room {
                later.push(limit);
            } else {
                wanted.push((limit.clone(), limit));
            }
        }
        let until = |role: &Role| role.valid_until.clone().filter(|until| until != "infinity");
        if until(partner) != until(base) {
            let shown = format!("VALID UNTIL {}", base.valid_until.as_deref().unwrap_or("infinity"));
            if in_use && base.expires_soon {
                later.push(shown);
            } else {
                wanted.push((shown, statements::valid_until(base.valid_until.as_deref())));
            }
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
        self.later.extend(later);
        if !wanted.is_empty() {
            let (shown, attributes): (Vec<String>, Vec<String>) = wanted.into_iter().unzip();
            self.change(&shown.join(", "), statements::alter(&self.pair.partner, &attributes));
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
                    self.attempt(&format!("membership of {group:?}"), statements::attempt(&statement));
                } else {
                    self.warn(format!(
                        "{partner:?} is no direct member of {group:?} as {base:?} is; somebody would have to: {statement}"
                    ));
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
                self.attempt(&format!("no more membership of {group:?}"), statements::attempt(&statement));
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
            self.attempt(&what, statement);
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
        expires_soon: false,
        mighty: None,
        admin: false,
    }
}
