//! MariaDB, two passwords on one account: what was given up, moved by hand or set from outside is recognised and healed.

use rehearsal::driver::STEPS;
use rehearsal::mariadb::native_hash;
use serde_json::{Value, json};
use support::maria::overlapping;
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

use crate::overlap::{BOTH, rules};

fn password(stage: &Stage, label: &str) -> String {
    stage.value(label)["password"].as_str().unwrap().to_owned()
}

fn set_by_hand(stage: &Stage, password: &str) {
    let hash = native_hash(password);
    let rule = format!("IDENTIFIED VIA mysql_native_password USING '{hash}'");
    stage.mariadb().sql(&format!("ALTER USER {ACCOUNT}@'%' {rule}")).unwrap();
}

#[tokio::test]
async fn where_only_the_password_before_works_it_stays_beside_the_new_one() {
    let stage = overlapping().await;
    stage.rotate().await;
    let old = password(&stage, "AWSPREVIOUS");
    set_by_hand(&stage, &old);
    let token = stage.created().await;
    let report = stage.answer("setSecret", &token).await;
    assert!(report["done"].to_string().contains("still valid beside it"), "{report:#}");
    assert!(stage.logs_in("AWSPENDING") && stage.accepts(ACCOUNT, &old) && !stage.logs_in("AWSCURRENT"));
    let report = stage.answer("testSecret", &token).await;
    assert!(report["warnings"].to_string().contains("that in AWSCURRENT is neither of them"), "{report:#}");
    stage.answer("finishSecret", &token).await;
    assert!(stage.logs_in("AWSCURRENT") && stage.accepts(ACCOUNT, &old));
    stage.rotated().await;
    assert!(!stage.accepts(ACCOUNT, &old));
}

#[tokio::test]
async fn where_only_the_pending_password_works_there_is_nothing_to_set() {
    let stage = overlapping().await;
    let token = stage.created().await;
    set_by_hand(&stage, &password(&stage, "AWSPENDING"));
    let before = stage.state();
    let report = stage.answer("setSecret", &token).await;
    assert!(report["done"].to_string().contains("works already"), "{report:#}");
    assert_eq!(stage.state(), before);
}

#[tokio::test]
async fn the_rule_of_a_rotation_that_was_given_up_is_ours() {
    for cold in [false, true] {
        let stage = overlapping().await;
        stage.rotate().await;
        let given_up = stage.stage();
        for step in ["createSecret", "setSecret"] {
            stage.answer(step, &given_up).await;
        }
        let lost = password(&stage, "AWSPENDING");
        stage.secret_text(&lost);
        // A new token takes the label: the version keeps its value, and nothing points at it any more.
        let token = stage.stage();
        assert!(stage.accepts(ACCOUNT, &lost));
        for step in STEPS {
            if cold {
                stage.function.cold().await;
            }
            stage.answer(step, &token).await;
        }
        stage.assert_finished(&token);
        assert_eq!(rules(&stage, "%"), BOTH);
        assert!(!stage.accepts(ACCOUNT, &lost));
    }
}

#[tokio::test]
async fn a_value_that_somebody_put_takes_the_labels_and_is_healed() {
    let stage = overlapping().await;
    stage.rotate().await;
    let given_up = stage.stage();
    for step in ["createSecret", "setSecret"] {
        stage.answer(step, &given_up).await;
    }
    stage.secret_text(&password(&stage, "AWSPENDING"));
    // Somebody changes something else in the value by hand: another version, the same password.
    let mut value = stage.value("AWSCURRENT");
    value["team"] = json!("somebody else");
    stage.aws.put_value(&stage.arn, &value.to_string(), &["AWSCURRENT"]).unwrap();
    stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
    stage.rotated().await;
    assert_eq!(rules(&stage, "%"), BOTH);

    // And a password that no server knows: AWSPREVIOUS has the one that works.
    let mut value = stage.value("AWSCURRENT");
    value["password"] = Value::from(random_password());
    stage.aws.put_value(&stage.arn, &value.to_string(), &["AWSCURRENT"]).unwrap();
    stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
    assert!(!stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
    let rotation = stage.rotate().await;
    assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), Some(rotation.token));
    assert!(stage.logs_in("AWSCURRENT") && !stage.logs_in("AWSPREVIOUS"));
    stage.rotated().await;
}

#[tokio::test]
async fn labels_that_were_turned_back_rotate_on() {
    for cold in [false, true] {
        let stage = overlapping().await;
        stage.rotate().await;
        let (current, previous) = (password(&stage, "AWSCURRENT"), password(&stage, "AWSPREVIOUS"));
        let before = stage.aws.holder(&stage.arn, "AWSPREVIOUS").unwrap();
        stage.aws.move_label(&stage.arn, "AWSCURRENT", &before).unwrap();
        stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
        assert_eq!(
            (password(&stage, "AWSCURRENT"), password(&stage, "AWSPREVIOUS")),
            (previous.clone(), current.clone())
        );
        assert!(stage.logs_in("AWSCURRENT"), "a rollback needs no change on the server");
        if cold {
            stage.function.cold().await;
        }
        stage.rotated().await;
        assert!(stage.accepts(ACCOUNT, &previous) && !stage.accepts(ACCOUNT, &current));
        assert_eq!(rules(&stage, "%"), BOTH);
    }
}

#[tokio::test]
async fn what_awss_function_leaves_is_taken_over() {
    let stage = overlapping().await;
    stage.rotate().await;
    // Its single-user function sets the first rule only: the second is the back door that it does not know of.
    let (current, token) = (password(&stage, "AWSCURRENT"), stage.stage());
    stage.answer("createSecret", &token).await;
    let new = password(&stage, "AWSPENDING");
    let statement = format!("SET PASSWORD = '{}'", native_hash(&new));
    stage.mariadb().sql_as(ACCOUNT, &current, "", &statement).unwrap();
    assert!(!stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPENDING") && stage.logs_in("AWSPREVIOUS"));
    stage.answer("setSecret", &token).await;
    for step in ["testSecret", "finishSecret"] {
        stage.answer(step, &token).await;
    }
    stage.rotated().await;
    assert_eq!(rules(&stage, "%"), BOTH);
}
