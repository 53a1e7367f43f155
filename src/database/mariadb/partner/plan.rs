//! What to change so that a partner can do what its base can, and no more. A pure function of what the server shows.

mod account;
mod rights;

use super::rules::{check_base, check_turn, extras};
use super::seen::{Account, Seen, at};
use super::{is_unopened, statements};
use crate::database::{Alignment, Alternation, Change};
use crate::error::Result;

/// The whole plan.
pub(super) fn plan(seen: &Seen, rotation: &Alternation<'_>) -> Result<Alignment> {
    check_base(seen, rotation)?;
    check_turn(seen, rotation)?;
    let partner = &rotation.pair.partner;
    let in_use = !seen.partner.is_empty() && rotation.account == rotation.pair.base;
    let mut plan = Planner {
        partner,
        in_use,
        // Without proof that both are one owner's, nothing is taken from an account that services use.
        takes: !in_use || rotation.both,
        changes: Vec::new(),
        revokes: Vec::new(),
        later: Vec::new(),
        warnings: Vec::new(),
    };
    for base in &seen.base {
        plan.row(base, at(&seen.partner, base.host()));
    }
    for extra in extras(seen) {
        let who = statements::account(partner, extra.host());
        plan.warnings.push(format!(
            "{who} has no counterpart of {:?}: a client that comes from that host gets other rights; unless somebody needs it: {}",
            rotation.pair.base,
            statements::drop(partner, extra.host())
        ));
    }
    if seen.base.iter().all(|row| row.definition.locked) {
        plan.warnings.push(format!("{:?} is locked, and its partner is not to be", rotation.pair.base));
    }
    if !plan.later.is_empty() {
        let later = plan.later.join(", ");
        plan.warnings
            .push(format!("{partner:?} is in use until this rotation has ended, so this waits for its turn: {later}"));
    }
    let mut changes = plan.changes;
    changes.append(&mut plan.revokes);
    Ok(Alignment { changes, warnings: plan.warnings })
}

struct Planner<'a> {
    partner: &'a str,
    /// Whether it is the base's turn, so that services log in as the partner until they are rolled. What could lock them out
    /// before that waits for the partner's own turn.
    in_use: bool,
    /// Whether rights are taken away now.
    takes: bool,
    changes: Vec<Change>,
    /// What comes when all has been given, so that no right is missing in between.
    revokes: Vec<Change>,
    later: Vec<String>,
    warnings: Vec<String>,
}

impl Planner<'_> {
    fn change(&mut self, what: impl Into<String>, statement: String) {
        let change = Change { account: self.partner.to_owned(), what: what.into(), statement, optional: false };
        self.changes.push(change);
    }

    /// Gives a right.
    fn give(&mut self, statement: String) {
        self.change(statement.clone(), statement);
    }

    /// Takes a right away, which a rotation goes on without, or leaves it for the partner's own turn.
    fn take_away(&mut self, statement: String) {
        if self.takes {
            let (account, what) = (self.partner.to_owned(), statement.clone());
            self.revokes.push(Change { account, what, statement, optional: true });
        } else {
            self.later.push(statement);
        }
    }

    /// Gives again what went along with something that was to be taken away.
    fn give_back(&mut self, statement: String) {
        let (account, what) = (self.partner.to_owned(), statement.clone());
        self.revokes.push(Change { account, what, statement, optional: false });
    }

    fn row(&mut self, base: &Account, partner: Option<&Account>) {
        let host = base.host();
        match partner {
            // A row that nobody gets into yet would take logins from the rows that they meet now.
            None if self.in_use => {
                self.later.push(format!("its row for {}", statements::identifier(host)));
                return;
            }
            None => self.change(
                format!("its row for {}, made locked", statements::identifier(host)),
                statements::create(self.partner, &base.definition),
            ),
            Some(row) => {
                if row.definition.locked && !self.in_use && !is_unopened(&row.definition) {
                    let who = statements::account(self.partner, host);
                    self.warnings.push(format!("{who} is locked: its new password unlocks it (ACCOUNT UNLOCK)"));
                }
                self.definition(&base.definition, &row.definition);
            }
        }
        let none = super::grants::Grants::default();
        let has = partner.map_or(&none, |row| &row.grants);
        self.rights(&base.grants, has, host);
    }
}
