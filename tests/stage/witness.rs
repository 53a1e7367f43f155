//! The witness itself: it notices when nobody gets in.

use std::sync::Arc;

use serde_json::Value;
use support::blow::Look as _;
use support::maria;
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};
use support::witness::Witness;

#[tokio::test]
async fn a_lock_out_is_noticed() {
    let stage = Arc::new(Stage::start().await);
    let witness = Witness::default();
    witness.watch(&stage);
    witness.look("at first");
    witness.assert_content();
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD '{}'", random_password())).unwrap();
    witness.look("afterwards");
    assert_eq!(witness.violations().len(), 1);
}

#[tokio::test]
async fn a_lock_out_of_mariadb_is_noticed() {
    let stage = Arc::new(maria::stage().await);
    let witness = Witness::default();
    witness.watch(&stage);
    witness.look("at first");
    witness.assert_content();
    // Once two passwords can be valid, it is not enough that the pending one is.
    let pending = random_password();
    let mut value = stage.value("AWSCURRENT");
    value["password"] = Value::from(pending.clone());
    stage.aws.put_value(&stage.arn, &value.to_string(), &["AWSPENDING"]).unwrap();
    stage.mariadb().sql(&format!("ALTER USER {ACCOUNT}@'%' IDENTIFIED BY '{pending}'")).unwrap();
    witness.look("with the pending one");
    witness.assert_content();
    maria::appoint_by_tag(&stage);
    witness.look("with an administrator");
    assert_eq!(witness.violations().len(), 1);
}
