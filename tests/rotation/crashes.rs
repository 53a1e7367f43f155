//! Crashes. The function dies, or an answer is lost, at every call it makes and at the statement that counts; Secrets
//! Manager retries; the rotation always ends finished, and at every moment a stored version logs in.

use std::sync::Arc;
use std::time::Duration;

use rehearsal::aws::{Call, Fault, Rule};
use rehearsal::driver::{self, Driver, Options, RotationOutcome};
use rehearsal::postgres::PostgresOptions;
use rehearsal::tls::Tls;
use serde_json::json;

use crate::relay::{Relay, Strike, When};
use crate::support::{ACCOUNT, SERVICES, Stage, TIMEOUT};
use crate::witness::{Shown, Watcher, Witness, told};

/// What happens at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    KilledBeforeTheCall,
    KilledAfterTheCall,
    AnswerLost,
    ConnectionReset,
}

/// Who calls again after finishSecret broke off with AWSCURRENT already moved.
#[derive(Clone, Copy, Debug)]
enum After {
    /// Secrets Manager retries the rotation.
    Retry,
    /// Nobody: a moved label counts as success. Much later somebody calls finishSecret once.
    OneFinish,
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_call_a_rotation_ends_finished_and_locks_nobody_out() {
    sweep([Blow::KilledBeforeTheCall, Blow::KilledAfterTheCall]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_at_any_call_a_rotation_ends_finished_and_locks_nobody_out() {
    sweep([Blow::AnswerLost, Blow::ConnectionReset]).await;
}

async fn sweep(blows: [Blow; 2]) {
    let theatre = Theatre::open(Stage::start().await);
    theatre.stage.rotate().await;
    theatre.stage.aws.clear();
    theatre.stage.rotate().await;
    let calls = theatre.stage.aws.function_calls();
    let is_move = |call: &Call| call.request["VersionStage"] == "AWSCURRENT" && call.operation.starts_with("Update");
    let moved = calls.iter().position(is_move).unwrap() + 1;
    let mut runs = 0;
    for nth in 1..=calls.len() {
        for blow in blows {
            theatre.run(nth, blow, After::Retry).await;
            runs += 1;
            // Before the label moves, the two ways are the same.
            if nth >= moved {
                theatre.run(nth, blow, After::OneFinish).await;
                runs += 1;
            }
        }
    }
    let looks = theatre.close();
    told(&format!("{runs} rotations over {} calls, {looks} looks whether somebody gets in", calls.len()));
    assert!(calls.len() >= 10 && runs >= 10 * blows.len(), "the sweep has shrunk: {runs} runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_or_cut_off_at_the_change_of_the_password_a_rotation_ends_finished() {
    let options = PostgresOptions { tls: Tls::Off, ..PostgresOptions::default() };
    let stage = Stage::with(&options, ACCOUNT, &json!({"ssl": false})).await;
    let relay = Relay::start(stage.postgres.port());
    stage.edit_current(&json!({"port": relay.port()}));
    let theatre = Theatre::open(stage);
    theatre.stage.rotate().await;
    let mut runs = 0;
    for statement in ["ALTER ROLE", "COMMIT"] {
        for when in [When::Before, When::After] {
            for kills in [true, false] {
                let _shown = Shown(format!("{statement}, {when:?}, kills: {kills}"));
                theatre.stage.aws.clear();
                let (kill, witness) = (theatre.stage.function.kill_handle(), theatre.witness.clone());
                let hook = Box::new(move || {
                    if kills {
                        kill.kill();
                    }
                    witness.look("at the blow");
                });
                theatre.settle();
                relay.arm(Strike { statement, when, hook });
                let rotation = theatre.stage.try_rotate(persistent()).await;
                assert!(!relay.is_armed(), "the statement never came");
                assert!(rotation.succeeded() && rotation.failures().len() == 1, "{rotation:#?}");
                theatre.assert_finished(&rotation, 0);
                runs += 1;
            }
        }
    }
    let looks = theatre.close();
    told(&format!("{runs} rotations cut off at the statement, {looks} looks whether somebody gets in"));
}

/// A stage that is watched all the time.
struct Theatre {
    stage: Arc<Stage>,
    witness: Witness,
    watcher: Watcher,
}

impl Theatre {
    fn open(mut stage: Stage) -> Self {
        let witness = Witness::default();
        stage.driver = watched(&stage, witness.clone());
        let stage = Arc::new(stage);
        witness.watch(&stage);
        let watcher = Watcher::start(witness.clone());
        Self { stage, witness, watcher }
    }

    /// One rotation with one blow at the n-th call.
    async fn run(&self, nth: usize, blow: Blow, after: After) {
        let mut shown = Shown(format!("call {nth}, {blow:?}, then {after:?}: "));
        let (aws, kill) = (&self.stage.aws, self.stage.function.kill_handle());
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
        aws.clear();
        self.settle();
        let nth = u64::try_from(nth).unwrap();
        for fault in faults {
            aws.fault(Rule::any(fault).nth(nth));
        }
        // Dates tell what was redeployed after the move. No network is so quick that both fall into one millisecond, but
        // this stage is.
        let pause = aws.fault(Rule::on("DescribeServices", Fault::Delay(Duration::from_millis(3))));
        let options = match after {
            After::Retry => persistent(),
            After::OneFinish => Options::default(),
        };
        let rotation = self.stage.try_rotate(options).await;
        let struck = aws.fired().into_iter().find(|fired| fired.rule != pause).unwrap().operation;
        shown.0.push_str(&struck);
        aws.clear_faults();
        assert!(rotation.succeeded(), "{rotation:#?}");
        if matches!(after, After::OneFinish) && aws.holder(&self.stage.arn, "KEYROLL_ROLLOUT").is_some() {
            self.stage.answer("finishSecret", &rotation.token).await;
        }
        let unanswered = matches!(blow, Blow::AnswerLost | Blow::KilledAfterTheCall) && struck == "UpdateService";
        self.assert_finished(&rotation, usize::from(unanswered));
    }

    /// Leaves one deployment of each service, so that those of a run can be counted.
    fn settle(&self) {
        for service in SERVICES {
            self.stage.aws.with_service("prod", service, rehearsal::aws::Service::settle).unwrap();
        }
    }

    fn assert_finished(&self, rotation: &RotationOutcome, extra: usize) {
        self.stage.assert_finished(&rotation.token);
        let deployments: Vec<usize> = SERVICES.iter().map(|service| self.stage.deployments(service) - 1).collect();
        assert!(deployments.iter().all(|count| *count >= 1), "{deployments:?}");
        assert!(deployments.iter().sum::<usize>() <= 2 + extra, "redeployed {deployments:?} times: {rotation:#?}");
        self.witness.assert_content();
    }

    /// Ends the watch and says how often it looked.
    fn close(self) -> usize {
        drop(self.watcher);
        self.witness.assert_content();
        self.witness.looks()
    }
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
