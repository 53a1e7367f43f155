//! Where crashes are staged: an estate to be found, somebody who watches, one blow at one call, and whoever calls after it.

use std::sync::Arc;

use rehearsal::aws::{Call, Fault, Rule, Secret, Service};
use rehearsal::driver::{Options, RotationOutcome};
use serde_json::{Value, json};

use crate::blow::{Blow, CUTS, Look as _, persistent};
use crate::estate;
use crate::stage::Stage;
use crate::told::{Shown, told};
use crate::witness::{Watcher, Witness};

/// What happens in the sweeps over a secret with a database.
pub const BLOWS: [Blow; 5] =
    [Blow::KilledBeforeTheCall, Blow::KilledAfterTheCall, Blow::AnswerLost, Blow::ConnectionReset, Blow::Refused];

/// Who calls after finishSecret broke off with AWSCURRENT already moved.
#[derive(Clone, Copy, Debug)]
pub enum After {
    /// Secrets Manager retries the rotation.
    Retry,
    /// Nobody: a moved label counts as success. Only the schedule comes by.
    Reconcile(Scope),
}

/// What a Reconcile is about.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    ThisSecret,
    EverySecret,
}

impl Scope {
    /// Both, by turns.
    pub fn of(number: usize) -> Self {
        if number.is_multiple_of(2) { Self::ThisSecret } else { Self::EverySecret }
    }
}

/// A stage on which everything is set, done and looked at.
pub struct Theatre {
    pub stage: Arc<Stage>,
    pub witness: Witness,
    watcher: Option<Watcher>,
    bystanders: (Vec<Service>, Vec<Secret>),
}

impl Theatre {
    /// Opens with a rotation, so that the previous password is one that a rotation has replaced.
    pub async fn open(mut stage: Stage) -> Self {
        let witness = Witness::default();
        stage.driver = witness.engine(&stage);
        let stage = Arc::new(stage);
        witness.watch(&stage);
        stage.rotate().await;
        let bystanders = estate::bystanders(&stage);
        Self { stage, witness, watcher: None, bystanders }
    }

    /// What happens at one statement: the function is killed or not, and the witness looks.
    pub fn blow(&self, kills: bool) -> Box<dyn FnOnce() + Send> {
        let (kill, witness) = (self.stage.function.kill_handle(), self.witness.clone());
        Box::new(move || {
            if kills {
                kill.kill();
            }
            witness.look("at the blow");
        })
    }

    /// Has somebody log in all the time.
    #[must_use]
    pub fn watched(mut self) -> Self {
        self.watcher = Some(Watcher::start(self.witness.clone()));
        self
    }

    /// Sets the stage for one run: nothing recorded, no fault, one deployment of each service.
    pub fn set(&self) {
        self.stage.aws.clear_faults();
        self.stage.aws.clear();
        estate::settle(&self.stage);
    }

    /// The calls of a rotation in a new process, without a blow.
    pub async fn calls_of_a_rotation(&self) -> Vec<Call> {
        self.set();
        self.stage.function.cold().await;
        let rotation = self.stage.rotate().await;
        self.assert_finished(&rotation);
        // Where the user name changes too, createSecret looks for containers that would not take it; what it read of
        // revisions is remembered.
        let looks =
            usize::from(self.stage.value("AWSCURRENT")["username"] != self.stage.value("AWSPREVIOUS")["username"]);
        self.rehearsed(0, [1, 2, 2].map(|count| count * (1 + looks)))
    }

    /// The calls of a Reconcile in a new process that has everything to do.
    pub async fn calls_of_a_reconcile(&self, scope: Scope) -> Vec<Call> {
        let rotation = self.broken_off().await;
        let before = self.stage.aws.function_calls().len();
        self.answer_to(scope).await;
        self.assert_finished(&rotation);
        self.rehearsed(before, [1, 2, 2])
    }

    /// The calls from a number on, with discovery (so many lists of clusters, of services and looks at services), every
    /// redeploy and the mark among them.
    fn rehearsed(&self, from: usize, [clusters, lists, looks]: [usize; 3]) -> Vec<Call> {
        let calls = self.stage.aws.function_calls().split_off(from);
        let count = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
        let rollout = ["ListClusters", "ListServices", "DescribeServices", "DescribeTaskDefinition", "UpdateService"];
        assert_eq!(rollout.map(count), [clusters, lists, looks, 4, 2]);
        assert_eq!(calls.last().unwrap().request["VersionStage"], "KEYROLL_ROLLOUT");
        calls
    }

    /// One rotation by a new process with one blow at one of the calls that it makes.
    pub async fn rotation(&self, calls: &[Call], nth: usize, blow: Blow, after: After) {
        let call = &calls[nth];
        let _shown = Shown(format!("{} as call {nth}, {blow:?}, then {after:?}", call.operation));
        self.set();
        self.stage.function.cold().await;
        self.stage.arm(nth, blow, &self.witness);
        let options = match after {
            After::Retry => persistent(),
            After::Reconcile(_) => Options::default(),
        };
        let rotation = self.stage.try_rotate(options).await;
        self.stage.disarm(&call.operation);
        // Nothing of ECS keeps a rotation from being begun.
        let before_the_value = calls[nth..].iter().any(|call| call.operation == "PutSecretValue");
        let told = blow == Blow::Refused && call.service == "ecs" && before_the_value;
        let broken_off = usize::from(!told && !is_survived(blow, call));
        assert!(rotation.succeeded() && rotation.failures().len() == broken_off, "{rotation:#?}");
        if let After::Reconcile(scope) = after {
            self.answer_to(scope).await;
        }
        self.assert_finished(&rotation);
    }

    /// One Reconcile by a new process with one blow at a call, and then another Reconcile.
    pub async fn reconcile(&self, nth: usize, call: &Call, blow: Blow, scope: Scope) {
        let _shown = Shown(format!("{} as call {nth}, {blow:?}, of a Reconcile of {scope:?}", call.operation));
        let rotation = self.broken_off().await;
        self.stage.arm(nth, blow, &self.witness);
        let outcome = self.stage.send(&self.event(scope)).await;
        assert_eq!(outcome.is_answer(), is_survived(blow, call), "{outcome:?}");
        self.stage.disarm(&call.operation);
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
    pub fn assert_finished(&self, rotation: &RotationOutcome) {
        estate::assert_finished(&self.stage, &rotation.token);
        let deployments = estate::dependents(&self.stage).map(|service| service.deployments.len() - 1);
        assert_eq!((estate::redeployed(&self.stage), deployments), ([1, 1], [1, 1]), "{rotation:#?}");
        estate::assert_kept_to_its_own(&self.stage);
        assert_eq!(estate::bystanders(&self.stage), self.bystanders);
        self.witness.assert_content();
    }

    /// Ends the watch and says what it came to.
    pub fn close(self, what: &str) {
        drop(self.watcher);
        self.witness.assert_content();
        told(&format!("{what}, {} looks whether somebody gets in", self.witness.looks()));
    }
}

/// Whether a step ends well all the same: what is cut off is done again, and where several services may not be looked at
/// together, each is looked at alone.
fn is_survived(blow: Blow, call: &Call) -> bool {
    let several = || call.request["services"].as_array().is_some_and(|services| services.len() > 1);
    CUTS.contains(&blow) || (blow == Blow::Refused && several())
}
