//! A service through rotations: the function's steps, the rolling deployment that follows, and time that passes.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::{self, Driver, Options, RotationOutcome, Verdict};
use rehearsal::lambda::Outcome;
use serde_json::Value;
use support::rig::{SERVICES, TIMEOUT};

use crate::fleet::{Fleet, Phase};
use crate::stage::Stage;

/// How long a token lives, which the secret's tag says in hours.
pub const LIFETIME: Duration = Duration::from_hours(1);
/// What passes between two steps, and until the next task of a deployment has been replaced.
const STEP: Duration = Duration::from_secs(20);
const REPLACEMENT: Duration = Duration::from_mins(1);

/// A stage and the service on it.
pub struct Service {
    pub stage: Stage,
    fleet: Arc<Mutex<Fleet>>,
    driver: Driver,
}

impl Service {
    pub fn start(stage: Stage, fleet: Fleet) -> Self {
        let fleet = Arc::new(Mutex::new(fleet));
        let driver = Driver::new(&stage.aws, ticking(&stage, &fleet));
        Self { stage, fleet, driver }
    }

    pub fn fleet(&self) -> MutexGuard<'_, Fleet> {
        self.fleet.lock().unwrap()
    }

    /// Rotates while tasks come and go, up to the move of AWSCURRENT, and lets the deployment begin.
    pub async fn rotate(&self) {
        self.fleet().phase = Phase::Rotating;
        self.arm();
        let rotation = self.drive(Options::default()).await;
        self.stage.aws.clear_faults();
        assert!(rotation.succeeded() && rotation.failures().is_empty(), "{rotation:#?}");
        assert_eq!(self.fleet().phase, Phase::Deploying);
        assert_eq!(self.stage.aws.holder(&self.stage.arn, "AWSCURRENT"), Some(rotation.token));
        assert_eq!(self.stage.aws.holder(&self.stage.arn, "KEYROLL_ROLLOUT"), None);
    }

    /// Replaces the tasks one by one, first the one that has started by itself since the move. `between` is called while old
    /// and new ones run side by side.
    pub async fn deploy(&self, between: impl AsyncFn(&Self)) {
        for service in SERVICES {
            let primary = self.stage.aws.service("prod", service).unwrap().primary().unwrap().clone();
            assert_eq!(primary.rollout_state, "IN_PROGRESS", "{service} was not redeployed");
        }
        let first = self.fleet().latest();
        for number in 0..3 {
            self.age(REPLACEMENT);
            // The task that goes signs up to its last moment.
            self.fleet().present();
            self.fleet().replace((first + number) % 3);
            self.fleet().present();
            if number == 0 {
                between(self).await;
            }
        }
        self.stage.settle();
        self.fleet().phase = Phase::Settled;
        self.fleet().present();
    }

    /// Tries to rotate, which must be put off for this reason.
    pub async fn is_put_off(&self, reason: &str) {
        let rotation = self.drive(Options { attempts: 1, ..Options::default() }).await;
        assert_eq!(rotation.verdict, Verdict::Failed, "{rotation:#?}");
        let Some(Outcome::Error { error_type, message }) = rotation.last("createSecret") else {
            panic!("{rotation:#?}")
        };
        assert!(error_type == "FailedTooSoon" && message.contains(reason), "{message}");
    }

    /// Lets as much time pass as a token lives, of which so much has `gone` since the deployment, and shows that no rotation
    /// begins before.
    pub async fn outlive_tokens(&self, gone: Duration) {
        self.age(LIFETIME.checked_sub(Duration::from_mins(1) + gone).unwrap());
        self.fleet().present();
        assert!(self.fleet().valid(1) > 0, "no token of the rotation before is left, and so none was presented");
        self.is_put_off("tokens of it may live until").await;
        // The function counts in seconds, and may have counted one less.
        self.age(Duration::from_secs(61));
        self.fleet().present();
        assert_eq!(self.fleet().valid(1), 0);
    }

    /// Lets time pass, for everything that has a date.
    pub fn age(&self, by: Duration) {
        self.stage.aws.age_secret(&self.stage.arn, by).unwrap();
        for service in SERVICES {
            self.stage.aws.age_service("prod", service, by).unwrap();
        }
        self.fleet().clock += by;
    }

    /// Secrets Manager goes on with what it has begun, or begins.
    async fn drive(&self, options: Options) -> RotationOutcome {
        let driver = self.driver.clone().with(options);
        let holder = |label| self.stage.aws.holder(&self.stage.arn, label);
        let begun = holder("AWSPENDING").is_some() && holder("AWSPENDING") != holder("AWSCURRENT");
        let arn = &self.stage.arn;
        let rotation = if begun { driver.resume(arn).await } else { driver.rotate(arn).await }.unwrap();
        self.stage.heard(&format!("{:?}", rotation.timeline));
        rotation
    }

    /// Has tokens presented before and after every call that the function makes.
    fn arm(&self) {
        let hook = |act: fn(&mut Fleet)| {
            let fleet = Arc::clone(&self.fleet);
            move || act(&mut fleet.lock().unwrap())
        };
        self.stage.aws.fault(Rule::any(Fault::before(hook(Fleet::happen))));
        self.stage.aws.fault(Rule::on("PutObject", Fault::after(hook(published))));
        self.stage
            .aws
            .fault(Rule::on("UpdateSecretVersionStage", Fault::after(hook(Fleet::moved))).about("AWSCURRENT"));
        self.stage.aws.fault(Rule::any(Fault::after(hook(Fleet::happen))));
    }
}

fn published(fleet: &mut Fleet) {
    let clock = fleet.clock;
    fleet.verifiers.as_mut().unwrap().published(clock);
}

/// Calls the function; some time passes before each step.
fn ticking(stage: &Stage, fleet: &Arc<Mutex<Fleet>>) -> driver::Invoker {
    let (function, aws, arn) = (stage.function.clone(), stage.aws.clone(), stage.arn.clone());
    let fleet = Arc::clone(fleet);
    driver::invoker(move |event: Value| {
        aws.age_secret(&arn, STEP).unwrap();
        for service in SERVICES {
            aws.age_service("prod", service, STEP).unwrap();
        }
        fleet.lock().unwrap().clock += STEP;
        let function = function.clone();
        async move { function.invoke(&event, TIMEOUT).await }
    })
}
