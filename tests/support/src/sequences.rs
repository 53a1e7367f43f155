//! Steps in any order, twice, at the same time, of two rotations at once, with an operator's actions and crashes in between:
//! the promises hold at every moment, and the newest rotation can always be finished.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rehearsal::aws::{Content, Fault, Rule, Secret, Service};
use rehearsal::driver::{Driver, STEPS};
use rehearsal::lambda::{Function, Outcome};
use rehearsal::soak;
use serde_json::{Value, json};

use crate::blow::Look as _;
use crate::dice::Dice;
use crate::estate;
use crate::rig::TIMEOUT;
use crate::stage::Stage;
use crate::told::{Shown, told};
use crate::witness::Witness;

const SEQUENCES: usize = 10;
const EVENTS: usize = 14;
/// Reconcile twice, for it is the one that comes by itself.
const ACTIONS: [Action; 5] =
    [Action::Status, Action::Redeploy, Action::Reconcile, Action::Reconcile, Action::ReconcileAll];
const FAULTS: [&str; 6] = ["kill before", "kill after", "lost answer", "reset", "throttled", "denied"];

/// Plays sequences on a stage with an estate.
pub async fn play(stage: Stage) {
    let mut dice = Dice::seeded();
    let mut play = Play::begin(stage, &dice).await;
    let sequences = soak::sequences(SEQUENCES);
    for _ in 0..sequences {
        play.sequence(&mut dice).await;
    }
    told(&format!("{sequences} sequences of {EVENTS} events, seed {}", dice.seed));
}

/// What an operator or the schedule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Status,
    Redeploy,
    Reconcile,
    ReconcileAll,
}

/// How an event came out.
struct Heard {
    answered: bool,
    /// How many deployments each dependent needed, and got.
    needed: [usize; 2],
    redeployed: [usize; 2],
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
    other: Function,
    bystanders: (Vec<Service>, Vec<Secret>),
    values: BTreeMap<String, Content>,
    current: Option<String>,
    shown: Shown,
}

impl Play {
    async fn begin(stage: Stage, dice: &Dice) -> Self {
        let stage = Arc::new(stage);
        let witness = Witness::default();
        witness.watch(&stage);
        // The first value was never rolled: nothing of ours says when anybody took it.
        stage.rotate().await;
        let other = stage.another();
        let bystanders = estate::bystanders(&stage);
        let shown = Shown(format!("KEYROLL_SEED={}", dice.seed));
        Self { stage, witness, other, bystanders, values: BTreeMap::new(), current: None, shown }
    }

    async fn sequence(&mut self, dice: &mut Dice) {
        self.shown.0.push_str("\nsequence:");
        let mut rotations = vec![Rotation { token: self.stage.stage(), answered: 0 }];
        self.check();
        for _ in 0..EVENTS {
            if rotations.len() < 3 && self.may_begin() && dice.below(4) == 0 {
                self.note("begin");
                rotations.push(Rotation { token: self.stage.stage(), answered: 0 });
            } else if dice.below(3) == 0 {
                let action = *dice.pick(&ACTIONS);
                self.action(dice, action).await;
            } else {
                let number = dice.below(rotations.len());
                self.step(dice, number, &mut rotations[number]).await;
            }
            self.check();
        }
        let newest = rotations.pop().unwrap().token;
        self.end(dice, &newest).await;
        estate::assert_finished(&self.stage, &newest);
        estate::settle(&self.stage);
        self.stage.aws.clear();
    }

    /// The newest rotation is finished, by Secrets Manager or, where its last call dies as AWSCURRENT moves, by Reconcile.
    async fn end(&mut self, dice: &mut Dice, newest: &str) {
        let dies = dice.below(2) == 0;
        self.note(if dies { "finish by Reconcile" } else { "finish" });
        for step in STEPS {
            if dies && step == "finishSecret" {
                let kill = self.stage.function.kill_handle();
                let kill = Rule::on("UpdateSecretVersionStage", Fault::after(move || kill.kill()));
                self.stage.aws.fault(kill.about("AWSCURRENT"));
                self.stage.step(step, newest).await;
                self.stage.aws.clear_faults();
                self.check();
                let outcome = self.stage.send(&self.event_of(Action::ReconcileAll)).await;
                assert!(outcome.is_answer(), "{outcome:?}");
            } else {
                self.stage.answer(step, newest).await;
            }
            self.check();
        }
    }

    /// Secrets Manager begins another rotation where none is unfinished; a person who cancels one may, too, as long as
    /// AWSCURRENT still works. Whoever takes AWSPENDING off the only password that works has written the secret.
    fn may_begin(&self) -> bool {
        let holder = |label| self.stage.aws.holder(&self.stage.arn, label);
        holder("AWSPENDING") == holder("AWSCURRENT") || self.stage.logs_in("AWSCURRENT")
    }

    async fn step(&mut self, dice: &mut Dice, number: usize, rotation: &mut Rotation) {
        // Mostly forward, so that sequences get somewhere.
        let next = STEPS[rotation.answered.min(3)];
        let step = if dice.below(3) > 0 { next } else { *dice.pick(&STEPS) };
        let event = Driver::event(step, &self.stage.arn, &rotation.token, &rehearsal::aws::random::uuid());
        // A rollout takes many calls more.
        let calls = if step == "finishSecret" { 20 } else { 4 };
        let heard = self.send(dice, &format!("{step} of {number}"), &event, calls).await;
        if heard.answered && step == next {
            rotation.answered += 1;
        }
    }

    /// An action does what it says, on what is the secret's own, and no more.
    async fn action(&mut self, dice: &mut Dice, action: Action) {
        let (before, labels, open) = (self.stage.aws.snapshot(), self.labels(), self.is_open());
        let event = self.event_of(action);
        let heard = self.send(dice, &format!("{action:?}"), &event, 14).await;
        if action == Action::Status || (action != Action::Redeploy && !open) {
            assert_eq!(self.stage.aws.snapshot(), before, "{action:?} has changed something");
        }
        assert_eq!(self.labels(), labels, "{action:?} has moved a label of Secrets Manager's");
        if heard.answered && action != Action::Status {
            assert!(!self.is_open(), "{action:?} left the rollout open");
            assert!(
                heard.redeployed.iter().zip(heard.needed).all(|(new, needed)| *new >= needed),
                "a service was left out"
            );
        }
    }

    fn event_of(&self, action: Action) -> Value {
        match action {
            Action::ReconcileAll => json!({"Action": "Reconcile"}),
            one => json!({"Action": format!("{one:?}"), "SecretId": self.stage.arn}),
        }
    }

    /// Sends an event, perhaps twice at the same time, perhaps with a fault at one of its first calls.
    async fn send(&mut self, dice: &mut Dice, what: &str, event: &Value, calls: usize) -> Heard {
        let twice = dice.below(5) == 0;
        let fault = if dice.below(2) == 0 { "" } else { *dice.pick(&FAULTS) };
        let nth = dice.below(calls) + 1;
        self.note(&format!("{what}, twice: {twice}, {fault} at {nth}"));
        let (open, current, before) = (self.is_open(), self.labels()[0].clone(), estate::dependents(&self.stage));
        let changed = self.stage.aws.secret(&self.stage.arn).unwrap().changed;
        // No network is so quick that the move and a redeploy fall into one millisecond, but this stage is.
        self.stage.aws.fault(Rule::on("DescribeServices", Fault::Delay(Duration::from_millis(3))));
        if let Some(fault) = self.fault(fault) {
            self.stage.aws.fault(Rule::any(fault).nth(u64::try_from(nth).unwrap()));
        }
        let here = self.stage.send(event);
        let answered = if twice {
            let (here, there) = tokio::join!(here, self.other.invoke(event, TIMEOUT));
            let there = there.unwrap();
            self.stage.heard(&format!("{there:?}"));
            [here, there].iter().any(Outcome::is_answer)
        } else {
            here.await.is_answer()
        };
        self.stage.aws.clear_faults();
        let every = self.labels()[0] != current || event["Action"] == "Redeploy";
        let old = |service: &Service| open && service.deployments[0].created <= changed && event["Action"] != "Status";
        let needed = before.each_ref().map(|service| usize::from(every || old(service)));
        let after = estate::dependents(&self.stage);
        let redeployed = [0, 1].map(|number| after[number].deployments.len() - before[number].deployments.len());
        // Each of two at the same time may look at a service before the other has redeployed it.
        let most = needed.map(|needed| if twice { 2 * needed } else { needed });
        let enough = redeployed.iter().zip(most).all(|(new, most)| *new <= most);
        assert!(enough, "redeployed {redeployed:?} times, with a need of {needed:?}");
        Heard { answered, needed, redeployed }
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
        self.assert_rolled_where_closed();
        estate::assert_kept_to_its_own(&self.stage);
        assert_eq!(estate::bystanders(&self.stage), self.bystanders);
    }

    /// Without the mark on AWSCURRENT nobody will ever look at the services again.
    fn assert_rolled_where_closed(&self) {
        let secret = self.stage.aws.secret(&self.stage.arn).unwrap();
        let current = secret.holder("AWSCURRENT").unwrap();
        if let Some(moved) = secret.versions[current].promoted.filter(|_| !self.is_open()) {
            for service in estate::dependents(&self.stage) {
                assert!(service.deployments[0].created > moved, "the mark is gone, but {} is old", service.name);
            }
        }
    }

    /// Whether the current version has our mark.
    fn is_open(&self) -> bool {
        let holder = |label| self.stage.aws.holder(&self.stage.arn, label);
        holder("KEYROLL_ROLLOUT").is_some() && holder("KEYROLL_ROLLOUT") == holder("AWSCURRENT")
    }

    /// Who holds the labels that are not ours.
    fn labels(&self) -> [Option<String>; 3] {
        ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"].map(|label| self.stage.aws.holder(&self.stage.arn, label))
    }

    fn note(&mut self, event: &str) {
        self.shown.0.push_str("\n  ");
        self.shown.0.push_str(event);
    }
}
