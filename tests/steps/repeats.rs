//! Steps that come twice, late, or in another order; versions that somebody else touched.

use rehearsal::aws::Content;
use rehearsal::aws::random::uuid;
use rehearsal::driver::STEPS;
use rehearsal::postgres::PostgresOptions;
use serde_json::json;
use support::dry_run::finds;
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

#[tokio::test]
async fn every_step_twice_ends_in_the_same_state() {
    let stage = Stage::start().await;
    let token = stage.stage();
    for step in STEPS {
        stage.answer(step, &token).await;
        let once = stage.aws.snapshot();
        stage.answer(step, &token).await;
        assert_eq!(stage.aws.snapshot(), once, "the second {step} changed something");
    }
    stage.assert_finished(&token);
    assert_eq!((stage.deployments("api"), stage.deployments("worker")), (2, 2));
}

#[tokio::test]
async fn a_finished_rotation_may_be_run_again_from_the_start_and_changes_nothing() {
    let stage = Stage::start().await;
    let token = stage.rotate().await.token;
    let finished = stage.aws.snapshot();
    for step in STEPS {
        let report = stage.answer(step, &token).await;
        assert_eq!((&report["standing"], &report["done"]), (&json!("Current"), &json!([])), "{step}");
    }
    assert_eq!(stage.aws.snapshot(), finished);
}

#[tokio::test]
async fn late_steps_of_an_older_rotation_are_refused_and_change_nothing() {
    let stage = Stage::start().await;
    let first = stage.rotate().await.token;
    let second = stage.rotate().await.token;
    let third = stage.rotate().await.token;
    stage.created().await;
    // The first has lost all its labels, the second is AWSPREVIOUS.
    assert!(!stage.aws.stages(&stage.arn).contains_key(&first));
    assert_eq!(stage.aws.holder(&stage.arn, "AWSPREVIOUS").as_ref(), Some(&second));
    let before = stage.aws.snapshot();
    for late in [&first, &second] {
        for step in STEPS {
            stage.error(step, late, "RefusedVersion").await;
        }
    }
    assert_eq!(stage.aws.snapshot(), before);
    assert!(stage.logs_in("AWSCURRENT"));
    assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), Some(third));
}

#[tokio::test]
async fn a_delayed_set_secret_whose_version_has_lost_the_label_changes_nothing() {
    let stage = Stage::start().await;
    let old = stage.created().await;
    // Somebody moves the label between the login with AWSCURRENT and the read of AWSPENDING.
    let (aws, arn, new) = (stage.aws.downgrade(), stage.arn.clone(), uuid());
    let staged = new.clone();
    stage.aws.fault(
        rehearsal::aws::Rule::on(
            "GetSecretValue",
            rehearsal::aws::Fault::before(move || aws.upgrade().unwrap().stage_pending(&arn, &staged).unwrap()),
        )
        .nth(2),
    );
    let before = stage.value("AWSCURRENT");
    stage.error("setSecret", &old, "RefusedVersion").await;
    assert_eq!(stage.aws.holder(&stage.arn, "AWSPENDING"), Some(new));
    assert!(stage.accepts(ACCOUNT, before["password"].as_str().unwrap()), "the delayed step changed the password");
}

#[tokio::test]
async fn create_secret_never_overwrites_a_value() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    let stored = stage.aws.value(&stage.arn, &token);
    stage.aws.remove_label(&stage.arn, "KEYROLL_ROLLOUT").unwrap();
    let report = stage.answer("createSecret", &token).await;
    assert_eq!(report["done"], json!([]));
    assert_eq!(stage.aws.value(&stage.arn, &token), stored);
}

#[tokio::test]
async fn steps_before_the_value_is_stored_are_refused() {
    let stage = Stage::start().await;
    let token = stage.stage();
    let before = stage.aws.snapshot();
    for step in ["setSecret", "finishSecret"] {
        let message = stage.error(step, &token, "RefusedVersion").await;
        assert!(message.contains("createSecret"), "{message}");
    }
    assert_eq!(stage.aws.snapshot(), before);
}

#[tokio::test]
async fn a_previous_password_restored_from_outside_is_healed() {
    let stage = Stage::start().await;
    stage.rotate().await;
    // A restore from backup: the server is back at the password before.
    let previous = stage.value("AWSPREVIOUS")["password"].as_str().unwrap().to_owned();
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD '{previous}'")).unwrap();
    stage.rotated().await;
}

#[tokio::test]
async fn when_no_stored_password_works_the_rotation_is_refused_and_nothing_moves() {
    let stage = Stage::start().await;
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD '{}'", random_password())).unwrap();
    finds(&stage, "RefusedLogin", &["rejects the password", "in AWSCURRENT;", ACCOUNT]).await;
    let token = stage.created().await;
    let before = stage.aws.snapshot();
    stage.refused("setSecret", &token, "RefusedLogin", &[ACCOUNT, &token, "setSecret"]).await;
    stage.error("finishSecret", &token, "FailedProof").await;
    assert_eq!(stage.aws.snapshot(), before);
}

#[tokio::test]
async fn the_label_never_moves_to_a_password_that_does_not_work() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    stage.answer("setSecret", &token).await;
    stage.answer("testSecret", &token).await;
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD '{}'", random_password())).unwrap();
    let old = stage.aws.holder(&stage.arn, "AWSCURRENT");
    stage.error("testSecret", &token, "FailedProof").await;
    stage.error("finishSecret", &token, "FailedProof").await;
    assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), old);
    assert_eq!(stage.calls("UpdateService"), 0);
}

#[tokio::test]
async fn a_person_who_stores_a_version_in_between_stops_the_rotation() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    let mut value = stage.value("AWSCURRENT");
    value["username"] = json!("somebody_else");
    stage.aws.put_value(&stage.arn, &value.to_string(), &["AWSCURRENT"]).unwrap();
    stage.aws.move_label(&stage.arn, "AWSPENDING", &token).unwrap();
    // The account of AWSCURRENT is another one now, and does not exist.
    stage.error("setSecret", &token, "RefusedChanged").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_change_of_the_role_is_waited_for_and_the_step_begun_again() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    // An administrator's change without our lock, committed while ours waits for its row: SQLSTATE XX000.
    let other = format!("BEGIN; ALTER ROLE {ACCOUNT} CONNECTION LIMIT 50; SELECT pg_sleep(1.5); COMMIT");
    std::thread::scope(|scope| {
        let other = scope.spawn(|| stage.postgres().sql(&other));
        std::thread::sleep(std::time::Duration::from_millis(300));
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(stage.answer("setSecret", &token)));
        other.join().unwrap().unwrap();
    });
    assert!(stage.postgres().log().contains("tuple concurrently updated"), "the changes did not meet");
    for step in ["testSecret", "finishSecret"] {
        stage.answer(step, &token).await;
    }
    stage.assert_finished(&token);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_another_rotation_holds_is_waited_for_within_limits() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    let lock = format!("SELECT pg_advisory_lock(hashtextextended('keyroll:{ACCOUNT}', 0)); SELECT pg_sleep(5)");
    std::thread::scope(|scope| {
        scope.spawn(|| stage.postgres().sql_in("orders", &lock));
        std::thread::sleep(std::time::Duration::from_millis(300));
        let message = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(stage.error("setSecret", &token, "FailedDatabase"))
        });
        assert!(message.contains("another rotation has held the lock"), "{message}");
    });
    stage.answer("setSecret", &token).await;
}

#[tokio::test]
async fn a_value_that_becomes_visible_late_is_waited_for() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    let late = rehearsal::aws::Fault::error(
        "ResourceNotFoundException",
        400,
        "Secrets Manager can't find the specified secret value",
    );
    stage.aws.fault(rehearsal::aws::Rule::on("GetSecretValue", late).about(&token).times(2));
    stage.answer("setSecret", &token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_secret_that_waited_for_the_lock_reads_its_version_then_and_finds_it_gone() {
    let stage = Stage::start().await;
    let old = stage.created().await;
    let before = stage.state().1;
    let lock = format!("SELECT pg_advisory_lock(hashtextextended('keyroll:{ACCOUNT}', 0)); SELECT pg_sleep(1.5)");
    std::thread::scope(|scope| {
        scope.spawn(|| stage.postgres().sql_in("orders", &lock));
        std::thread::sleep(std::time::Duration::from_millis(300));
        // The label goes to the next rotation while this one waits.
        scope.spawn(|| {
            let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
            (0..200).find(|_| stage.postgres().sql(waiting).unwrap() != "0").expect("nobody waits for the lock");
            stage.aws.stage_pending(&stage.arn, &uuid()).unwrap();
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(stage.error("setSecret", &old, "RefusedVersion"))
        });
    });
    assert_eq!(stage.state().1, before, "the delayed step changed the password");
}

#[tokio::test]
async fn healing_from_the_previous_version_encrypts_as_the_current_one_says() {
    let hba = vec!["hostnossl all all 127.0.0.1/32 reject".to_owned()];
    let options = PostgresOptions { hba, ..PostgresOptions::default() };
    let stage = Stage::with(&options, ACCOUNT, &json!({})).await;
    stage.rotate().await;
    let mut previous = stage.value("AWSPREVIOUS");
    previous["ssl"] = json!(false);
    stage.overwrite("AWSPREVIOUS", Content::Text(previous.to_string()));
    let password = previous["password"].as_str().unwrap();
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD '{password}'")).unwrap();
    stage.rotated().await;
}
