//! `Revoke` beside a rotation that is going on, and on a secret that two accounts once shared.

use rehearsal::aws::{Fault, Rule};
use serde_json::json;
use support::pair::{self, PARTNER};
use support::revokes::logins;
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

use crate::replicas::TwoHosts;

#[tokio::test]
async fn a_late_create_secret_that_takes_the_label_locks_nobody_out() {
    let stage = Stage::start().await;
    stage.action("Revoke").await;
    // The read of the new version, after its password was set and before it becomes current.
    let calls = stage.aws.function_calls();
    let reads_it = |call: &rehearsal::aws::Call| {
        call.operation == "GetSecretValue"
            && !call.request["VersionId"].is_null()
            && call.request["VersionStage"].is_null()
    };
    let nth = calls.iter().position(reads_it).unwrap();
    stage.function.cold().await;
    let old = logins(&stage);
    let (aws, arn, late) = (stage.aws.clone(), stage.arn.clone(), rehearsal::aws::random::uuid());
    let mut value = stage.value("AWSCURRENT");
    value["password"] = json!(random_password());
    let (text, token) = (value.to_string(), late.clone());
    let take = move || aws.put_version(&arn, &token, &text, &["AWSPENDING", "KEYROLL_ROLLOUT"]).unwrap();
    stage.aws.fault(Rule::any(Fault::before(take)).nth(u64::try_from(nth).unwrap() + 1));
    let report = stage.action("Revoke").await;
    stage.aws.clear_faults();
    assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT").as_deref(), report["versionId"].as_str());
    assert!(stage.logs_in("AWSCURRENT"), "{report:#}");
    assert!(old.iter().all(|(account, password)| !stage.accepts(account, password)));
    // And the rotation that was late goes on from there.
    stage.goes_on(&late).await;
    assert!(stage.logs_in("AWSCURRENT"));
}

#[tokio::test]
async fn the_login_of_a_partner_that_one_account_left_behind_is_told() {
    let stage = pair::stage().await;
    stage.rotate().await;
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "single-user").unwrap();
    assert_eq!(pair::account(&stage, "AWSPREVIOUS"), ACCOUNT);
    let old = stage.value("AWSPREVIOUS");
    let message = stage.action_error("Retire", "RefusedChanged").await;
    assert!(message.contains("alternating-users"), "{message}");
    let report = stage.action("Revoke").await;
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains(ACCOUNT) && warnings.contains("PASSWORD NULL"), "{report:#}");
    assert!(!warnings.contains(PARTNER), "{report:#}");
    assert!(stage.accepts(ACCOUNT, old["password"].as_str().unwrap()), "it was replaced, and the warning is wrong");
}

#[tokio::test]
async fn a_replica_is_refused_before_anything_is_stored() {
    let hosts = TwoHosts::with_standby().await;
    hosts.stage.aws.put_db_instance(hosts.primary());
    hosts.stage.aws.put_db_instance(hosts.replica());
    let before = hosts.stage.state();
    let message = hosts.stage.action_error("Revoke", "RefusedServer").await;
    assert!(message.contains("replica") && message.contains("end the sessions on every server by hand"), "{message}");
    assert_eq!(hosts.stage.state(), before);
}
