//! Steps that come twice, at the same time, late, or after their rotation was given up.

use std::time::Duration;

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::{Driver, STEPS};
use rehearsal::lambda::Outcome;
use serde_json::json;
use support::blow::Look as _;
use support::rig::TIMEOUT;
use support::told::Shown;

use crate::theatre::{Theatre, What};

#[tokio::test(flavor = "multi_thread")]
async fn every_step_twice_ends_in_the_same_state() {
    for what in What::ALL {
        let theatre = Theatre::open(what).await;
        let _shown = Shown(format!("{what:?}"));
        let (stage, before) = (&theatre.stage, theatre.stage.value("AWSCURRENT"));
        let token = stage.stage();
        for step in STEPS {
            stage.answer(step, &token).await;
            let once = stage.aws.snapshot();
            stage.answer(step, &token).await;
            let twice = stage.aws.snapshot();
            assert_eq!((&twice.secrets, &twice.ecs), (&once.secrets, &once.ecs), "the second {step} changed something");
            let bodies = |it: &rehearsal::aws::Snapshot| {
                it.buckets["keys"].values().map(|object| object.body.clone()).collect::<Vec<_>>()
            };
            assert_eq!(bodies(&twice), bodies(&once), "the second {step} published something else");
        }
        theatre.assert_finished(&before, &token, 1);
        // The whole again, with everything done.
        let finished = stage.aws.snapshot();
        for step in STEPS {
            let report = stage.answer(step, &token).await;
            assert_eq!((&report["standing"], &report["done"]), (&json!("Current"), &json!([])), "{step}");
        }
        assert_eq!(stage.aws.snapshot(), finished);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_twice_at_the_same_time_ends_finished() {
    for what in What::ALL {
        let theatre = Theatre::open(what).await;
        let (stage, other) = (&theatre.stage, theatre.stage.another());
        for round in 0..8 {
            theatre.set().await;
            other.cold().await;
            let _shown = Shown(format!("{what:?}, round {round}"));
            let before = stage.value("AWSCURRENT");
            let token = stage.stage();
            for step in STEPS {
                // One of the two is a little behind, each time at another call.
                let delay = Fault::Delay(Duration::from_millis(4));
                stage.aws.fault(Rule::any(delay).nth(round + 1));
                let event = Driver::event(step, &stage.arn, &token, &rehearsal::aws::random::uuid());
                let (here, there) = tokio::join!(stage.send(&event), other.invoke(&event, TIMEOUT));
                let there = there.unwrap();
                stage.heard(&format!("{there:?}"));
                assert!([&here, &there].into_iter().any(Outcome::is_answer), "{step}: {here:?} {there:?}");
                theatre.witness.look("after two at once");
                stage.aws.clear_faults();
            }
            // Each of the two may look at a service before the other has redeployed it.
            stage.assert_finished(&token);
            theatre.assert_moved_on(&before);
        }
        stage.heard(&other.output());
        theatre.close("32 steps twice at the same time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_steps_of_an_older_rotation_change_nothing() {
    for what in What::ALL {
        let theatre = Theatre::open(what).await;
        let _shown = Shown(format!("{what:?}"));
        let stage = &theatre.stage;
        let mut older = Vec::new();
        for _ in 0..3 {
            older.push(stage.rotate().await.token);
        }
        older.pop();
        let (before, fourth) = (stage.value("AWSCURRENT"), stage.stage());
        for (number, step) in STEPS.into_iter().enumerate() {
            let before_late = stage.aws.snapshot();
            for late in &older {
                for step in STEPS {
                    stage.error(step, late, "RefusedVersion").await;
                }
            }
            assert_eq!(stage.aws.snapshot(), before_late, "before step {number}");
            stage.answer(step, &fourth).await;
        }
        theatre.assert_finished(&before, &fourth, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_given_up_half_way_the_next_goes_on_from_what_is_current() {
    for what in What::ALL {
        let theatre = Theatre::open(what).await;
        let stage = &theatre.stage;
        for done in 0..=3 {
            let _shown = Shown(format!("{what:?}, given up after {done} steps"));
            theatre.set().await;
            let (before, given_up) = (stage.value("AWSCURRENT"), stage.stage());
            for step in &STEPS[..done] {
                stage.answer(step, &given_up).await;
            }
            stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
            // A rotation that its steps do not know any more.
            for step in STEPS {
                let outcome = stage.step(step, &given_up).await;
                assert!(!outcome.is_answer(), "{step}: {outcome:?}");
            }
            assert_eq!(stage.value("AWSCURRENT"), before);
            let rotation = stage.try_rotate(rehearsal::driver::Options::default()).await;
            assert!(rotation.succeeded() && rotation.failures().is_empty(), "{rotation:#?}");
            theatre.assert_finished(&before, &rotation.token, 1);
        }
        theatre.close("4 rotations after one that was given up");
    }
}
