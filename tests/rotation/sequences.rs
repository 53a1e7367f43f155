//! Steps in any order, twice, at the same time, of two rotations at once, with crashes in between: the promises hold at
//! every moment, and the newest rotation can always be finished.

use std::collections::BTreeMap;
use std::sync::Arc;

use rehearsal::aws::{Content, Fault, Rule};
use rehearsal::driver::{self, Driver, STEPS};
use rehearsal::lambda::Function;

use crate::support::{Dice, Stage, TIMEOUT, bootstrap};
use crate::witness::{Shown, Witness, told};

const SEQUENCES: usize = 10;
const EVENTS: usize = 14;
const FAULTS: [&str; 6] = ["kill before", "kill after", "lost answer", "reset", "throttled", "denied"];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_in_whatever_order_the_promises_hold_and_the_newest_rotation_can_be_finished() {
    let mut dice = Dice::new();
    let mut play = Play::begin(&dice).await;
    for _ in 0..SEQUENCES {
        play.sequence(&mut dice).await;
    }
    told(&format!("{SEQUENCES} sequences of {EVENTS} events, seed {}", dice.seed));
}

/// A rotation and how many of its steps were answered in their order.
struct Rotation {
    token: String,
    answered: usize,
}

struct Play {
    stage: Arc<Stage>,
    witness: Witness,
    /// Another environment of the same function, as Lambda starts one when two invocations come at once.
    other: Driver,
    values: BTreeMap<String, Content>,
    current: Option<String>,
    shown: Shown,
}

impl Play {
    async fn begin(dice: &Dice) -> Self {
        let stage = Arc::new(Stage::start().await);
        let witness = Witness::default();
        witness.watch(&stage);
        let ca = stage.postgres.ca_pem_path().display().to_string();
        let other = [("AWS_ENDPOINT_URL", stage.aws.url()), ("KEYROLL_CA_BUNDLE", ca)];
        let other = Function::start(bootstrap(), other).unwrap();
        let other = Driver::new(&stage.aws, driver::over(&other, TIMEOUT));
        let shown = Shown(format!("KEYROLL_SEED={}", dice.seed));
        Self { stage, witness, other, values: BTreeMap::new(), current: None, shown }
    }

    async fn sequence(&mut self, dice: &mut Dice) {
        self.shown.0.push_str("\nsequence:");
        let mut rotations = vec![Rotation { token: self.stage.stage(), answered: 0 }];
        self.check();
        for _ in 0..EVENTS {
            if rotations.len() < 3 && self.may_begin() && dice.below(4) == 0 {
                self.note("begin");
                rotations.push(Rotation { token: self.stage.stage(), answered: 0 });
            } else {
                let number = dice.below(rotations.len());
                self.event(dice, number, &mut rotations[number]).await;
            }
            self.check();
        }
        let newest = rotations.pop().unwrap().token;
        self.note("finish");
        for step in STEPS {
            self.stage.answer(step, &newest).await;
            self.check();
        }
        self.stage.assert_finished(&newest);
    }

    /// Secrets Manager begins another rotation where none is unfinished; a person who cancels one may, too, as long as
    /// AWSCURRENT still works. Whoever takes AWSPENDING off the only password that works has written the secret.
    fn may_begin(&self) -> bool {
        let holder = |label| self.stage.aws.holder(&self.stage.arn, label);
        holder("AWSPENDING") == holder("AWSCURRENT") || self.stage.logs_in("AWSCURRENT")
    }

    async fn event(&mut self, dice: &mut Dice, number: usize, rotation: &mut Rotation) {
        // Mostly forward, so that sequences get somewhere.
        let next = STEPS[rotation.answered.min(3)];
        let step = if dice.below(3) > 0 { next } else { *dice.pick(&STEPS) };
        let twice = dice.below(5) == 0;
        let fault = if dice.below(2) == 0 { "" } else { *dice.pick(&FAULTS) };
        let nth = dice.below(4) + 1;
        self.note(&format!("{step} of {number}, twice: {twice}, {fault} at {nth}"));
        if let Some(fault) = self.fault(fault) {
            self.stage.aws.fault(Rule::any(fault).nth(u64::try_from(nth).unwrap()));
        }
        let here = self.stage.step(step, &rotation.token);
        let answered = if twice {
            let there = self.other.step(step, &self.stage.arn, &rotation.token);
            let (here, there) = tokio::join!(here, there);
            here.is_answer() || there.unwrap().is_answer()
        } else {
            here.await.is_answer()
        };
        self.stage.aws.clear_faults();
        if answered && step == next {
            rotation.answered += 1;
        }
    }

    fn fault(&self, name: &str) -> Option<Fault> {
        let (kill, witness) = (self.stage.function.kill_handle(), self.witness.clone());
        let kill = move || {
            kill.kill();
            witness.look("after a kill");
        };
        match name {
            "kill before" => Some(Fault::before(kill)),
            "kill after" => Some(Fault::after(kill)),
            "lost answer" => Some(Fault::LoseAnswer),
            "reset" => Some(Fault::Reset),
            "throttled" => Some(Fault::throttle()),
            "denied" => Some(Fault::error("AccessDeniedException", 400, "not authorized")),
            _ => None,
        }
    }

    /// The promises that hold after any event.
    fn check(&mut self) {
        self.witness.look("after an event");
        self.witness.assert_content();
        for (version, seen) in self.stage.aws.secret(&self.stage.arn).unwrap().versions {
            if let Some(content) = seen.content {
                let first = self.values.entry(version).or_insert_with(|| content.clone());
                assert_eq!(*first, content, "the value of a version changed");
            }
        }
        let current = self.stage.aws.holder(&self.stage.arn, "AWSCURRENT");
        if current != self.current {
            assert!(self.stage.logs_in("AWSCURRENT"), "AWSCURRENT moved to a password that does not work");
            self.current = current;
        }
    }

    fn note(&mut self, event: &str) {
        self.shown.0.push_str("\n  ");
        self.shown.0.push_str(event);
    }
}
