//! A sweep over everything that a rotation says to the database server: every login and every statement, struck before the
//! server hears it or after it has done it.

use std::collections::BTreeMap;

use rehearsal::soak::Way;

use crate::blow::persistent;
use crate::relay::{At, Relay, Strike, When};
use crate::theatre::Theatre;
use crate::told::Shown;

/// What is said in the rotations that begin with one account under AWSCURRENT.
struct Part {
    said: Vec<String>,
    /// The numbers of what was not struck at yet, the next one last.
    left: Vec<usize>,
}

/// What is done around each rotation of a sweep.
pub trait Around {
    /// Before it begins.
    fn before(&self, theatre: &Theatre);
    /// After it has ended.
    fn after(&self, theatre: &Theatre);

    /// Whether this is struck at. Everything is, unless somebody else sees to it.
    fn strikes(&self, _said: &str) -> bool {
        true
    }

    /// Which of the sweeps over the same this one is. The others strike at what this one leaves out.
    fn way(&self, _said: &str, when: When, kills: bool) -> Way {
        Way { number: 2 * usize::from(kills) + usize::from(matches!(when, When::After)), of: 4 }
    }
}

/// Nothing.
pub struct Undisturbed;

impl Around for Undisturbed {
    fn before(&self, _: &Theatre) {}

    fn after(&self, _: &Theatre) {}
}

/// What a sweep came to.
pub struct Swept {
    /// What was said, by the name of the account under AWSCURRENT when the rotation began: accounts that take turns may
    /// differ.
    pub said: BTreeMap<String, Vec<String>>,
    /// How many rotations were struck.
    pub struck: usize,
}

/// Strikes once at everything that a rotation says and that is to be struck at, each time in another rotation.
pub async fn sweep(theatre: &Theatre, relay: &Relay, (when, kills): (When, bool), around: &impl Around) -> Swept {
    let mut parts = BTreeMap::<String, Part>::new();
    let mut struck = 0;
    loop {
        around.before(theatre);
        let account = theatre.stage.value("AWSCURRENT")["username"].as_str().unwrap().to_owned();
        let Some(part) = parts.get_mut(&account) else {
            let said = rehearse(theatre, relay).await;
            let strikes = |nth: usize, said: &str| around.strikes(said) && around.way(said, when, kills).strikes(nth);
            let left = (0..said.len()).rev().filter(|nth| strikes(*nth, &said[*nth])).collect();
            parts.insert(account, Part { said, left });
            around.after(theatre);
            continue;
        };
        if let Some(nth) = part.left.pop() {
            strike(theatre, relay, (nth, when), &part.said[nth], kills).await;
            struck += 1;
        } else if parts.values().all(|part| part.left.is_empty()) {
            let said = parts.into_iter().map(|(account, part)| (account, part.said)).collect();
            return Swept { said, struck };
        } else {
            // The other account's turn.
            rehearse(theatre, relay).await;
        }
        around.after(theatre);
    }
}

/// What an undisturbed rotation by a new process says.
async fn rehearse(theatre: &Theatre, relay: &Relay) -> Vec<String> {
    theatre.set();
    theatre.stage.function.cold().await;
    relay.clear();
    let rotation = theatre.stage.rotate().await;
    let said = relay.said();
    theatre.assert_finished(&rotation);
    said
}

/// One rotation by a new process with one blow.
async fn strike(theatre: &Theatre, relay: &Relay, (nth, when): (usize, When), expected: &str, kills: bool) {
    let _shown = Shown(format!("{when:?} number {nth}, {expected}; kills: {kills}"));
    let hook = theatre.blow(kills);
    theatre.set();
    theatre.stage.function.cold().await;
    relay.arm(Strike { at: At::Number(nth), when, hook });
    let rotation = theatre.stage.try_rotate(persistent()).await;
    assert!(!relay.is_armed(), "so much was never said");
    assert_eq!(relay.said()[nth], expected);
    assert!(rotation.succeeded() && rotation.failures().len() == 1, "{rotation:#?}");
    theatre.assert_finished(&rotation);
}
