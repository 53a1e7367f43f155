//! Steps in any order that Secrets Manager could be late or double with, of two rotations at once, with crashes and the
//! schedule's Reconcile in between: tasks accept each other's tokens at every moment, and the newest rotation can always be
//! finished.

use std::fmt::Write as _;

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::{Driver, STEPS};
use rehearsal::lambda::{Function, Outcome};
use rehearsal::soak;
use serde_json::{Value, json};
use support::blow::Look as _;
use support::dice::Dice;
use support::rig::TIMEOUT;
use support::told::Shown;

use crate::theatre::{Theatre, What};

const SEQUENCES: usize = 12;
const EVENTS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_in_whatever_order_a_key_ring_refuses_nothing_and_can_be_rotated() {
    play(What::Ring).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_in_any_order_a_signing_key_stays_published_and_can_be_rotated() {
    play(What::Document).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_in_whatever_order_a_bare_secret_can_be_rotated() {
    play(What::Bare).await;
}

struct Play {
    theatre: Theatre,
    other: Function,
    dice: Dice,
    shown: Shown,
}

/// A rotation and how many of its steps were answered in their order.
struct Rotation {
    token: String,
    answered: usize,
}

async fn play(what: What) {
    let theatre = Theatre::open(what).await;
    let (other, dice) = (theatre.stage.another(), Dice::seeded());
    let shown = Shown(format!("KEYROLL_SEED={}", dice.seed));
    let mut play = Play { theatre, other, dice, shown };
    let sequences = soak::sequences(SEQUENCES);
    for _ in 0..sequences {
        play.sequence().await;
    }
    play.theatre.stage.heard(&play.other.output());
    play.theatre.close(&format!("{sequences} sequences of {EVENTS} events, {}", play.shown.0.lines().next().unwrap()));
}

impl Play {
    async fn sequence(&mut self) {
        self.shown.0.push_str("\nsequence:");
        self.theatre.set().await;
        let mut rotations = vec![self.begin()];
        for _ in 0..EVENTS {
            if rotations.len() < 3 && self.dice.below(5) == 0 {
                rotations.push(self.begin());
            } else if self.dice.below(5) == 0 {
                self.send("Reconcile", &json!({ "Action": "Reconcile" })).await;
            } else {
                let number = self.dice.below(rotations.len());
                self.step(number, &mut rotations[number]).await;
            }
            self.theatre.witness.look("after an event");
            self.theatre.witness.assert_content();
        }
        let newest = rotations.pop().unwrap().token;
        let stage = &self.theatre.stage;
        self.shown.0.push_str("\n  finish");
        let before =
            (stage.aws.holder(&stage.arn, "AWSCURRENT").as_ref() != Some(&newest)).then(|| stage.value("AWSCURRENT"));
        // createSecret may first finish the last rotation: the services that it redeploys for that have to settle before it
        // begins, so that it is put off once, and Secrets Manager calls it again.
        stage.settle();
        let first = stage.step("createSecret", &newest).await;
        let put_off = matches!(&first, Outcome::Error { error_type, .. } if error_type == "FailedTooSoon");
        assert!(put_off || first.is_answer(), "createSecret: {first:?}");
        for step in STEPS {
            // A ring waits until every task knows the key that is to sign.
            stage.settle();
            stage.answer(step, &newest).await;
        }
        stage.assert_finished(&newest);
        self.theatre.assert_moved_on(&before.unwrap_or_else(|| stage.value("AWSPREVIOUS")));
    }

    /// Secrets Manager begins a rotation, whatever became of the one before.
    fn begin(&mut self) -> Rotation {
        self.shown.0.push_str("\n  begin");
        Rotation { token: self.theatre.stage.stage(), answered: 0 }
    }

    /// One of the steps that were answered, again, or the next one: mostly forward, so that sequences get somewhere.
    async fn step(&mut self, number: usize, rotation: &mut Rotation) {
        let next = rotation.answered.min(3);
        let chosen = if self.dice.below(3) > 0 { next } else { self.dice.below(next + 1) };
        let step = STEPS[chosen];
        let event = Driver::event(step, &self.theatre.stage.arn, &rotation.token, &rehearsal::aws::random::uuid());
        if self.send(&format!("{step} of {number}"), &event).await && chosen == rotation.answered {
            rotation.answered += 1;
        }
        if self.dice.below(2) == 0 {
            self.theatre.stage.settle();
        }
    }

    /// Sends an event, perhaps twice at the same time, perhaps with a fault at one of its first calls.
    async fn send(&mut self, what: &str, event: &Value) -> bool {
        let (twice, nth) = (self.dice.below(5) == 0, self.dice.below(8) + 1);
        let stage = &self.theatre.stage;
        let (kill, witness) = (stage.function.kill_handle(), self.theatre.witness.clone());
        let kill = move || {
            kill.kill();
            witness.look("after a kill");
        };
        let (name, fault) = match self.dice.below(10) {
            0 => ("killed before", Some(Fault::before(kill))),
            1 => ("killed after", Some(Fault::after(kill))),
            2 => ("answer lost", Some(Fault::LoseAnswer)),
            3 => ("reset", Some(Fault::Reset)),
            4 => ("denied", Some(Fault::error("AccessDeniedException", 400, "not authorized"))),
            _ => ("no fault", None),
        };
        write!(self.shown.0, "\n  {what}, twice: {twice}, {name} at {nth}").unwrap();
        if let Some(fault) = fault {
            stage.aws.fault(Rule::any(fault).nth(u64::try_from(nth).unwrap()));
        }
        let here = stage.send(event);
        let answered = if twice {
            let (here, there) = tokio::join!(here, self.other.invoke(event, TIMEOUT));
            let there = there.unwrap();
            stage.heard(&format!("{there:?}"));
            [here, there].iter().any(Outcome::is_answer)
        } else {
            here.await.is_answer()
        };
        stage.aws.clear_faults();
        answered
    }
}
