//! Crashes of `Revoke`: the function dies before or after any of its calls, and Revoke is asked for again. A stored version
//! logs in at every moment, and in the end nothing old is left.

use std::sync::Arc;

use rehearsal::aws::{Fault, Rule};
use serde_json::json;

use crate::pair;
use crate::revoke::logins;
use crate::support::Stage;
use crate::witness::{Shown, Watcher, Witness, told};

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_call_with_one_account_the_next_revoke_ends_everything_old() {
    sweep(Stage::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_call_with_two_accounts_the_next_revoke_ends_everything_old() {
    sweep(pair::stage().await).await;
}

async fn sweep(stage: Stage) {
    let stage = Arc::new(stage);
    let witness = Witness::default();
    witness.watch(&stage);
    stage.rotate().await;
    let _watcher = Watcher::start(witness.clone());
    stage.aws.clear();
    stage.function.cold().await;
    stage.action("Revoke").await;
    let calls = stage.aws.function_calls();
    let mut runs = 0;
    for (nth, call) in calls.iter().enumerate() {
        for after in [false, true] {
            let _shown = Shown(format!("{} as call {nth}, killed after it: {after}", call.operation));
            let mut old = logins(&stage);
            let mut session = stage.hold("AWSCURRENT");
            stage.function.cold().await;
            let (kill, watch) = (stage.function.kill_handle(), witness.clone());
            let blow = move || {
                kill.kill();
                watch.look("after the kill");
            };
            let fault = if after { Fault::after(blow) } else { Fault::before(blow) };
            stage.aws.fault(Rule::any(fault).nth(u64::try_from(nth).unwrap() + 1));
            let outcome = stage.send(&json!({"Action": "Revoke", "SecretId": stage.arn})).await;
            assert!(!outcome.is_answer(), "{outcome:?}");
            assert_eq!(stage.aws.fired().first().map(|fired| &fired.operation), Some(&call.operation));
            stage.aws.clear_faults();
            old.extend(logins(&stage));
            let report = stage.action("Revoke").await;
            let version = report["versionId"].as_str().unwrap();
            stage.assert_finished(version);
            assert_eq!(stage.aws.holder(&stage.arn, "AWSPENDING").as_deref(), Some(version));
            for (account, password) in &old {
                assert!(!stage.accepts(account, password), "an old password of {account} still works");
            }
            assert!(!session.is_open(), "a session of before goes on");
            witness.assert_content();
            runs += 1;
        }
    }
    told(&format!("{runs} revokes over {} calls, {} looks whether somebody gets in", calls.len(), witness.looks()));
}
