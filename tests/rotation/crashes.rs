//! Crashes. The function dies, or an answer is lost, at every call it makes (discovery and the rollout with them) and at
//! the statement that counts. Secrets Manager retries, or nobody calls but the schedule's Reconcile, which dies as well.
//! The rotation always ends finished: a stored version logs in at every moment, every dependent was redeployed, and once.

use std::sync::Arc;
use std::time::Duration;

use rehearsal::aws::{Call, Fault, Rule, Secret, Service};
use rehearsal::driver::{self, Driver, Options, RotationOutcome};
use rehearsal::postgres::PostgresOptions;
use rehearsal::tls::Tls;
use serde_json::{Value, json};

use crate::estate;
use crate::relay::{Relay, Strike, When};
use crate::support::{Stage, TIMEOUT};
use crate::witness::{Shown, Watcher, Witness, told};

/// What happens at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    KilledBeforeTheCall,
    KilledAfterTheCall,
    AnswerLost,
    ConnectionReset,
}

const KILLS: [Blow; 2] = [Blow::KilledBeforeTheCall, Blow::KilledAfterTheCall];
const CUTS: [Blow; 2] = [Blow::AnswerLost, Blow::ConnectionReset];

/// Who calls after finishSecret broke off with AWSCURRENT already moved.
#[derive(Clone, Copy, Debug)]
enum After {
    /// Secrets Manager retries the rotation.
    Retry,
    /// Nobody: a moved label counts as success. Only the schedule comes by.
    Reconcile(Scope),
}

/// What a Reconcile is about.
#[derive(Clone, Copy, Debug)]
enum Scope {
    ThisSecret,
    EverySecret,
}

impl Scope {
    /// Both, by turns.
    fn of(number: usize) -> Self {
        if number.is_multiple_of(2) { Self::ThisSecret } else { Self::EverySecret }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_call_a_rotation_ends_finished_and_locks_nobody_out() {
    sweep(KILLS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_at_any_call_a_rotation_ends_finished_and_locks_nobody_out() {
    sweep(CUTS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_call_a_reconcile_is_finished_by_the_next() {
    sweep_reconcile(KILLS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_at_any_call_a_reconcile_is_finished_by_the_next() {
    sweep_reconcile(CUTS).await;
}

async fn sweep(blows: [Blow; 2]) {
    let theatre = Theatre::open(estate::stage().await).await.watched();
    let calls = theatre.calls_of_a_rotation().await;
    let moved = calls.iter().position(is_move).unwrap();
    let mut runs = 0;
    for (nth, call) in calls.iter().enumerate() {
        for blow in blows {
            theatre.rotation(nth, call, blow, After::Retry).await;
            runs += 1;
            // Before the label moves, Secrets Manager retries in any case.
            if nth >= moved {
                theatre.rotation(nth, call, blow, After::Reconcile(Scope::of(runs))).await;
                runs += 1;
            }
        }
    }
    theatre.close(&format!("{runs} rotations over {} calls", calls.len()));
    assert!(calls.len() >= 20 && runs >= 30 * blows.len(), "the sweep has shrunk: {runs} runs over {calls:#?}");
}

/// Nothing here comes near the database but the rotations before, so that the looks at each blow are enough.
async fn sweep_reconcile(blows: [Blow; 2]) {
    let theatre = Theatre::open(estate::stage().await).await;
    let mut runs = 0;
    for scope in [Scope::ThisSecret, Scope::EverySecret] {
        let calls = theatre.calls_of_a_reconcile(scope).await;
        for (nth, call) in calls.iter().enumerate() {
            for blow in blows {
                theatre.reconcile(nth, call, blow, scope).await;
                runs += 1;
            }
        }
        assert!(calls.len() >= 13, "the sweep has shrunk: {calls:#?}");
    }
    theatre.close(&format!("{runs} reconciles"));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_or_cut_off_at_the_change_of_the_password_a_rotation_ends_finished() {
    let options = PostgresOptions { tls: Tls::Off, ..PostgresOptions::default() };
    let stage = estate::with(&options, &json!({"ssl": false})).await;
    let relay = Relay::start(stage.postgres.port());
    stage.edit_current(&json!({"port": relay.port()}));
    let theatre = Theatre::open(stage).await.watched();
    let mut runs = 0;
    for statement in ["ALTER ROLE", "COMMIT"] {
        for when in [When::Before, When::After] {
            for kills in [true, false] {
                let _shown = Shown(format!("{statement}, {when:?}, kills: {kills}"));
                let (kill, witness) = (theatre.stage.function.kill_handle(), theatre.witness.clone());
                let hook = Box::new(move || {
                    if kills {
                        kill.kill();
                    }
                    witness.look("at the blow");
                });
                theatre.set();
                relay.arm(Strike { statement, when, hook });
                let rotation = theatre.stage.try_rotate(persistent()).await;
                assert!(!relay.is_armed(), "the statement never came");
                assert!(rotation.succeeded() && rotation.failures().len() == 1, "{rotation:#?}");
                theatre.assert_finished(&rotation);
                runs += 1;
            }
        }
    }
    theatre.close(&format!("{runs} rotations cut off at the statement"));
}

/// A stage on which everything is set, done and looked at.
struct Theatre {
    stage: Arc<Stage>,
    witness: Witness,
    watcher: Option<Watcher>,
    bystanders: (Vec<Service>, Vec<Secret>),
}

impl Theatre {
    /// Opens with a rotation, so that the previous password is one that a rotation has replaced.
    async fn open(mut stage: Stage) -> Self {
        let witness = Witness::default();
        stage.driver = watched(&stage, witness.clone());
        let stage = Arc::new(stage);
        witness.watch(&stage);
        stage.rotate().await;
        let bystanders = estate::bystanders(&stage);
        Self { stage, witness, watcher: None, bystanders }
    }

    /// Has somebody log in all the time.
    fn watched(mut self) -> Self {
        self.watcher = Some(Watcher::start(self.witness.clone()));
        self
    }

    /// Sets the stage for one run: nothing recorded, no fault, one deployment of each service.
    fn set(&self) {
        self.stage.aws.clear_faults();
        self.stage.aws.clear();
        estate::settle(&self.stage);
    }

    /// The calls of a rotation in a new process, without a blow.
    async fn calls_of_a_rotation(&self) -> Vec<Call> {
        self.set();
        self.stage.function.cold().await;
        let rotation = self.stage.rotate().await;
        self.assert_finished(&rotation);
        self.stage.aws.function_calls()
    }

    /// The calls of a Reconcile in a new process that has everything to do.
    async fn calls_of_a_reconcile(&self, scope: Scope) -> Vec<Call> {
        let rotation = self.broken_off().await;
        let before = self.stage.aws.function_calls().len();
        self.answer_to(scope).await;
        self.assert_finished(&rotation);
        self.stage.aws.function_calls().split_off(before)
    }

    /// One rotation by a new process with one blow at a call.
    async fn rotation(&self, nth: usize, call: &Call, blow: Blow, after: After) {
        let _shown = Shown(format!("{} as call {nth}, {blow:?}, then {after:?}", call.operation));
        self.set();
        self.stage.function.cold().await;
        self.arm(nth, blow);
        let options = match after {
            After::Retry => persistent(),
            After::Reconcile(_) => Options::default(),
        };
        let rotation = self.stage.try_rotate(options).await;
        self.disarm(call);
        assert!(rotation.succeeded(), "{rotation:#?}");
        if let After::Reconcile(scope) = after {
            self.answer_to(scope).await;
        }
        self.assert_finished(&rotation);
    }

    /// One Reconcile by a new process with one blow at a call, and then another Reconcile.
    async fn reconcile(&self, nth: usize, call: &Call, blow: Blow, scope: Scope) {
        let _shown = Shown(format!("{} as call {nth}, {blow:?}, of a Reconcile of {scope:?}", call.operation));
        let rotation = self.broken_off().await;
        self.arm(nth, blow);
        let outcome = self.stage.send(&self.event(scope)).await;
        assert_eq!(outcome.is_answer(), CUTS.contains(&blow), "{outcome:?}");
        self.disarm(call);
        self.answer_to(scope).await;
        self.assert_finished(&rotation);
    }

    /// A rotation whose process dies right after AWSCURRENT has moved, and of which nobody hears again.
    async fn broken_off(&self) -> RotationOutcome {
        self.set();
        let kill = self.stage.function.kill_handle();
        self.stage.aws.fault(Rule::on("UpdateSecretVersionStage", Fault::after(move || kill.kill())).nth(1));
        let rotation = self.stage.try_rotate(Options::default()).await;
        self.stage.aws.clear_faults();
        assert!(rotation.succeeded() && rotation.failures().len() == 1, "{rotation:#?}");
        assert_eq!(estate::redeployed(&self.stage), [0, 0]);
        rotation
    }

    /// Aims a blow at the n-th call from now on, from 0.
    fn arm(&self, nth: usize, blow: Blow) {
        let (aws, kill) = (&self.stage.aws, self.stage.function.kill_handle());
        // Dates tell what was redeployed after the move. No network is so quick that both fall into one millisecond, but
        // this stage is.
        aws.fault(Rule::on("DescribeServices", Fault::Delay(Duration::from_millis(3))));
        let [witness, before, later] = [(); 3].map(|()| self.witness.clone());
        let kill = move || {
            kill.kill();
            witness.look("after the kill");
        };
        let faults = match blow {
            Blow::KilledBeforeTheCall => vec![Fault::before(kill)],
            Blow::KilledAfterTheCall => vec![Fault::after(kill)],
            Blow::AnswerLost => vec![Fault::after(move || later.look("before the answer is lost")), Fault::LoseAnswer],
            Blow::ConnectionReset => vec![Fault::before(move || before.look("before the reset")), Fault::Reset],
        };
        for fault in faults {
            aws.fault(Rule::any(fault).nth(u64::try_from(nth).unwrap() + 1));
        }
    }

    /// Makes sure that the blow struck the call that it was meant for.
    fn disarm(&self, call: &Call) {
        let struck: Vec<String> =
            self.stage.aws.fired().into_iter().filter(|fired| fired.rule > 0).map(|fired| fired.operation).collect();
        assert!(!struck.is_empty() && struck.iter().all(|operation| *operation == call.operation), "{struck:?}");
        self.stage.aws.clear_faults();
    }

    fn event(&self, scope: Scope) -> Value {
        match scope {
            Scope::ThisSecret => json!({"Action": "Reconcile", "SecretId": self.stage.arn}),
            Scope::EverySecret => json!({"Action": "Reconcile"}),
        }
    }

    /// A Reconcile that must be answered.
    async fn answer_to(&self, scope: Scope) {
        let outcome = self.stage.send(&self.event(scope)).await;
        self.witness.look("after a Reconcile");
        assert!(outcome.is_answer(), "{outcome:?}");
    }

    /// Asserts the end, and that the way there took no deployment too many. There is no allowance: whoever calls again sees
    /// by the dates which service has been redeployed, also where nobody heard of it, and a redeploy whose answer is lost
    /// looks before it is repeated.
    fn assert_finished(&self, rotation: &RotationOutcome) {
        estate::assert_finished(&self.stage, &rotation.token);
        let deployments = estate::dependents(&self.stage).map(|service| service.deployments.len() - 1);
        assert_eq!((estate::redeployed(&self.stage), deployments), ([1, 1], [1, 1]), "{rotation:#?}");
        estate::assert_kept_to_its_own(&self.stage);
        assert_eq!(estate::bystanders(&self.stage), self.bystanders);
        self.witness.assert_content();
    }

    /// Ends the watch and says what it came to.
    fn close(self, what: &str) {
        drop(self.watcher);
        self.witness.assert_content();
        told(&format!("{what}, {} looks whether somebody gets in", self.witness.looks()));
    }
}

fn is_move(call: &Call) -> bool {
    call.operation == "UpdateSecretVersionStage" && call.request["VersionStage"] == "AWSCURRENT"
}

/// An engine that has the witness look after every step.
fn watched(stage: &Stage, witness: Witness) -> Driver {
    let function = stage.function.clone();
    let invoker = driver::invoker(move |event| {
        let (function, witness) = (function.clone(), witness.clone());
        async move {
            let outcome = function.invoke(&event, TIMEOUT).await;
            witness.look("after a step");
            outcome
        }
    });
    Driver::new(&stage.aws, invoker)
}

fn persistent() -> Options {
    Options { retry_after_move: true, ..Options::default() }
}
