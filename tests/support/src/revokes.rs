//! A sweep over the calls of `Revoke`: the function dies before or after one of them, and Revoke is asked for again.

use std::sync::Arc;

use rehearsal::aws::{Fault, Rule};
use rehearsal::soak::{self, Way};
use serde_json::{Value, json};

use crate::blow::Look as _;
use crate::pair::account;
use crate::stage::Stage;
use crate::told::{Shown, told};
use crate::witness::{Watcher, Witness};

/// Every login that is stored now.
pub fn logins(stage: &Stage) -> Vec<(String, String)> {
    let labels = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"].into_iter();
    let values = labels.filter_map(|label| stage.aws.value_of(&stage.arn, label));
    let values = values.map(|text| serde_json::from_str::<Value>(&text).unwrap());
    values.map(|value| ["username", "password"].map(|key| value[key].as_str().unwrap().to_owned()).into()).collect()
}

/// Strikes one call after the other until there are no more, on these of its sides. Which account is current when it happens
/// changes by turns. `assert` looks at what each came to.
pub async fn sweep(stage: Stage, accounts: &[&str], sides: &[bool], assert: impl Fn(&Stage)) {
    let stage = Arc::new(stage);
    let witness = Witness::default();
    witness.watch(&stage);
    witness.content_with_any();
    stage.rotate().await;
    let _watcher = Watcher::start(witness.clone());
    let mut runs = 0;
    for (nth, after) in (1..).flat_map(|nth| sides.iter().map(move |after| (nth, *after))) {
        // In pairs, so that each account meets each side.
        let way = Way { number: usize::from(after) % sides.len(), of: sides.len() };
        if !way.strikes(usize::try_from(nth).unwrap() / 2) {
            continue;
        }
        let current = accounts[(usize::try_from(nth).unwrap() + usize::from(after)) % accounts.len()];
        while account(&stage, "AWSCURRENT") != current {
            stage.rotate().await;
        }
        let Some(operation) = struck(&stage, &witness, nth, after).await else { break };
        let _shown = Shown(format!("{operation} as call {nth}, killed after it: {after}, {current}"));
        witness.assert_content();
        assert(&stage);
        runs += 1;
    }
    assert!(soak::as_whole(runs, sides.len()) > 15 * sides.len(), "only {runs} calls were struck");
    told(&format!("{runs} revokes, {} looks whether somebody gets in", witness.looks()));
}

/// One Revoke by a new process that dies at a call, and then another; tells which call it was, if Revoke makes so many.
async fn struck(stage: &Stage, witness: &Witness, nth: u64, after: bool) -> Option<String> {
    let mut old = logins(stage);
    let mut session = stage.hold("AWSCURRENT");
    stage.function.cold().await;
    let (kill, watch) = (stage.function.kill_handle(), witness.clone());
    let blow = move || {
        kill.kill();
        watch.look("after the kill");
    };
    let fault = if after { Fault::after(blow) } else { Fault::before(blow) };
    stage.aws.fault(Rule::any(fault).nth(nth));
    let outcome = stage.send(&json!({"Action": "Revoke", "SecretId": stage.arn})).await;
    let operation = stage.aws.fired().first().map(|fired| fired.operation.clone());
    stage.aws.clear_faults();
    assert_eq!(outcome.is_answer(), operation.is_none(), "{outcome:?}");
    old.extend(logins(stage));
    let report = stage.action("Revoke").await;
    let _shown = Shown(format!("{operation:?} as call {nth}, killed after it: {after}"));
    let version = report["versionId"].as_str().unwrap();
    stage.assert_revoked(version);
    assert_eq!(stage.aws.holder(&stage.arn, "AWSPENDING").as_deref(), Some(version));
    for (account, password) in &old {
        assert!(!stage.accepts(account, password), "an old password of {account} still works");
    }
    assert!(!session.is_open(), "a session of before goes on");
    operation
}
