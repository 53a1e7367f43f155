//! Where crashes are staged: a secret of some kind that has rotated, one blow at one call, and whoever calls after it.

use rehearsal::aws::Call;
use rehearsal::driver::Options;
use rehearsal::readers::Maker;
use serde_json::Value;
use support::blow::{Blow, Look as _, persistent};
use support::rig::SERVICES;
use support::told::{Shown, told};

use crate::public::document;
use crate::stage::Stage;
use crate::verifiers::{BUCKET, KEY, PLACE};
use crate::witness::{Witness, kids};

/// What the secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Bare,
    Token,
    /// Of ES256 keys, published.
    Ring,
    /// An EC key, published.
    Document,
}

impl What {
    pub const ALL: [Self; 4] = [Self::Bare, Self::Token, Self::Ring, Self::Document];
}

/// Who calls after finishSecret broke off with AWSCURRENT already moved.
#[derive(Clone, Copy, Debug)]
pub enum After {
    /// Secrets Manager retries the rotation.
    Retry,
    /// Nobody: a moved label counts as success. Only the schedule comes by.
    Reconcile,
}

/// A stage on which everything is set, done and looked at.
pub struct Theatre {
    pub stage: Stage,
    pub witness: Witness,
    what: What,
}

impl Theatre {
    /// Opens with two rotations, so that AWSPREVIOUS is of the same kind, too.
    pub async fn open(what: What) -> Self {
        let copies = [("keyroll:token-lifetime", "0"), ("keyroll:copies", PLACE)];
        let mut stage = match what {
            What::Bare => Stage::start("jwt", "placeholder").await,
            What::Token => Stage::start("token", "placeholder").await,
            What::Ring => Stage::with("jwt-keyring", r#"{"alg":"ES256","keys":[]}"#, &copies).await,
            What::Document => Stage::with("signing-key", &document(&Maker::start(), "ES256"), &copies).await,
        };
        stage.aws.create_bucket(BUCKET);
        let witness = Witness::of(&stage);
        stage.driver = witness.engine(&stage);
        stage.rotate().await;
        stage.rotate().await;
        Self { stage, witness, what }
    }

    /// Sets the stage for one run: nothing recorded, no fault, one deployment of each service, a new process.
    pub async fn set(&self) {
        self.stage.aws.clear_faults();
        self.stage.aws.clear();
        self.stage.settle();
        self.stage.function.cold().await;
    }

    /// The calls of a rotation in a new process, without a blow.
    pub async fn calls_of_a_rotation(&self) -> Vec<Call> {
        self.set().await;
        let before = self.stage.value("AWSCURRENT");
        let rotation = self.stage.try_rotate(Options::default()).await;
        assert!(rotation.succeeded() && rotation.failures().is_empty(), "{rotation:#?}");
        self.assert_finished(&before, &rotation.token, 1);
        self.stage.aws.function_calls()
    }

    /// One rotation with one blow at one of the calls that it makes.
    pub async fn rotation(&self, calls: &[Call], nth: usize, blow: Blow, after: After) {
        let _shown = Shown(format!("{} as call {nth}, {blow:?}, then {after:?}", calls[nth].operation));
        self.set().await;
        let before = self.stage.value("AWSCURRENT");
        self.stage.arm(nth, blow, &self.witness);
        let options = match after {
            After::Retry => persistent(),
            After::Reconcile => Options::default(),
        };
        let rotation = self.stage.try_rotate(options).await;
        assert!(rotation.succeeded() && rotation.failures().len() <= 1, "{rotation:#?}");
        self.stage.disarm(&calls[nth].operation);
        if matches!(after, After::Reconcile) {
            self.stage.action("Reconcile").await;
        }
        self.assert_finished(&before, &rotation.token, 1);
    }

    /// Asserts the end, and that the way there took no deployment too many: so many of each service.
    pub fn assert_finished(&self, before: &str, token: &str, deployments: usize) {
        self.stage.assert_finished(token);
        self.assert_redeployed(deployments);
        self.assert_moved_on(before);
        self.witness.look("in the end");
        self.witness.assert_content();
    }

    pub fn assert_redeployed(&self, deployments: usize) {
        for service in SERVICES {
            let service = self.stage.aws.service("prod", service).unwrap();
            assert_eq!(service.deployments.len(), 1 + deployments, "of {}", service.name);
        }
    }

    /// The value is the one after `before`, which is AWSPREVIOUS; and every public half is published.
    pub fn assert_moved_on(&self, before: &str) {
        assert_eq!(self.stage.value("AWSPREVIOUS"), before);
        let after = self.stage.value("AWSCURRENT");
        assert_ne!(after, before);
        match self.what {
            What::Bare | What::Token => assert_eq!(after.len(), before.len()),
            What::Ring => {
                let [before, after] = [before, &after].map(|text| serde_json::from_str::<Value>(text).unwrap());
                // One key further, and the keys are the same ones.
                assert_eq!(
                    (key(&after, "current"), key(&after, "previous")),
                    (key(&before, "next"), key(&before, "current"))
                );
                assert_eq!(after["keys"].as_array().unwrap().len(), 3);
                assert!(!before["keys"].as_array().unwrap().contains(key(&after, "next")));
            }
            What::Document => {
                let [before, after] = [before, &after].map(|text| serde_json::from_str::<Value>(text).unwrap());
                assert!(before["key_id"] != after["key_id"] && before["private_key"] != after["private_key"]);
            }
        }
        self.assert_published();
    }

    /// What is published has a public half of every key of AWSCURRENT; of a document, of AWSPREVIOUS, too.
    fn assert_published(&self) {
        let names: Vec<Value> = match self.what {
            What::Bare | What::Token => return,
            What::Ring => kids(&self.stage.value("AWSCURRENT")),
            What::Document => {
                ["AWSCURRENT", "AWSPREVIOUS"].map(|label| self.stage.json(label)["key_id"].clone()).into()
            }
        };
        let object = self.stage.aws.object(BUCKET, KEY).unwrap();
        let published = kids(&object.body);
        assert!(names.iter().all(|name| published.contains(name)), "{names:?} {published:?}");
        assert!(!object.body.contains("\"d\""), "a private member is published");
    }

    /// Ends the watch and says what it came to.
    pub fn close(self, what: &str) {
        self.witness.assert_content();
        told(&format!("{:?}: {what}, {} looks", self.what, self.witness.looks()));
    }
}

/// The key of a ring that one of its members names.
fn key<'a>(ring: &'a Value, member: &str) -> &'a Value {
    ring["keys"].as_array().unwrap().iter().find(|key| key["kid"] == ring[member]).unwrap()
}
