//! A dry run of two accounts that take turns tells what the rotation then does, statement by statement, and changes nothing.

use rehearsal::aws::Content;
use serde_json::{Value, json};
use support::dry_run::dry_run;
use support::pair::{self, ADMIN, PARTNER};
use support::stage::{ACCOUNT, DATABASE, Stage};

/// Everything that a dry run must leave alone, memberships and settings included.
fn everything(stage: &Stage) -> String {
    let roles = "SELECT jsonb_agg(to_jsonb(a) ORDER BY rolname) FROM pg_authid a";
    let others = "SELECT (SELECT jsonb_agg(to_jsonb(m)) FROM pg_auth_members m), \
        (SELECT jsonb_agg(to_jsonb(s)) FROM pg_db_role_setting s)";
    format!("{:?} {} {}", stage.state(), stage.postgres().sql(roles).unwrap(), stage.postgres().sql(others).unwrap())
}

/// What a dry run plans for a step.
fn planned(answer: &Value, step: &str) -> Vec<String> {
    let steps = answer["steps"].as_array().unwrap();
    let found = steps.iter().find(|planned| planned["step"] == step).unwrap_or_else(|| panic!("no {step}: {answer:#}"));
    found["plan"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_dry_run_tells_every_change_of_the_partner_and_makes_none() {
    let stage = pair::stage().await;
    stage.postgres().sql(&format!("CREATE ROLE readers; GRANT readers TO {ACCOUNT}")).unwrap();
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} IN DATABASE {DATABASE} SET work_mem = '9MB'")).unwrap();
    for (turn, limit) in [(PARTNER, 20), (ACCOUNT, 30), (PARTNER, 25)] {
        stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} CONNECTION LIMIT {limit}")).unwrap();
        let before = everything(&stage);
        let told = [dry_run(&stage, false).await, dry_run(&stage, true).await];
        assert_eq!(everything(&stage), before);
        for answer in &told {
            assert_eq!(answer["verdict"], "wouldSucceed", "{answer:#}");
        }
        let proven = told[1]["proven"].to_string();
        assert!(proven.contains(ADMIN) && proven.contains(turn) && proven.contains("took it back"), "{proven}");
        let [plan, same] = told.map(|answer| planned(&answer, "setSecret"));
        assert_eq!(plan, same);
        let rotation = stage.rotate().await;
        let done = &rotation.last("setSecret").unwrap().answer().unwrap()["done"];
        let done: Vec<String> = done.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect();
        let foretold: Vec<String> = plan.iter().map(|line| line.replacen("bring", "brought", 1)).collect();
        assert_eq!(foretold, done);
        assert!(done.iter().any(|line| line.contains("CONNECTION LIMIT")), "{done:?}");
        assert_eq!(planned(&dry_run(&stage, false).await, "setSecret").len(), 1, "something was left to bring in step");
    }
}

#[tokio::test]
async fn a_dry_run_goes_on_with_a_rotation_that_broke_off() {
    let stage = pair::stage().await;
    let token = stage.stage();
    for step in ["createSecret", "setSecret"] {
        stage.answer(step, &token).await;
        let before = everything(&stage);
        let answer = dry_run(&stage, true).await;
        assert_eq!(answer["verdict"], "wouldSucceed", "{answer:#}");
        assert!(answer["checked"].to_string().contains("has broken off"), "{answer:#}");
        assert!(planned(&answer, "setSecret").last().unwrap().contains(PARTNER), "{answer:#}");
        assert_eq!(everything(&stage), before);
    }
    stage.answer("testSecret", &token).await;
    stage.answer("finishSecret", &token).await;
    assert_eq!(pair::account(&stage, "AWSCURRENT"), PARTNER);
}

#[tokio::test]
async fn a_dry_run_tells_what_would_stop_the_two_accounts() {
    let stage = pair::stage().await;
    let told = async |expected: &str| {
        let before = everything(&stage);
        let answer = dry_run(&stage, true).await;
        assert_eq!(answer["verdict"], "wouldFail", "{answer:#}");
        assert!(answer["reasons"].to_string().contains(expected), "{expected}: {answer:#}");
        assert_eq!(everything(&stage), before);
    };
    for (wrong, expected, right) in [
        (
            format!("ALTER ROLE {ADMIN} NOCREATEROLE"),
            "may not create the role",
            format!("ALTER ROLE {ADMIN} CREATEROLE"),
        ),
        (format!("ALTER ROLE {ACCOUNT} BYPASSRLS"), "BYPASSRLS", format!("ALTER ROLE {ACCOUNT} NOBYPASSRLS")),
        (
            format!("ALTER ROLE {ACCOUNT} CREATEROLE"),
            "asks for it by name",
            format!("ALTER ROLE {ACCOUNT} NOCREATEROLE"),
        ),
    ] {
        stage.postgres().sql(&wrong).unwrap();
        told(expected).await;
        stage.postgres().sql(&right).unwrap();
    }
    let value = stage.value("AWSCURRENT");
    stage.edit_current(&json!({"masterarn": null}));
    told("masterarn is empty").await;
    let mut without = value.clone();
    without.as_object_mut().unwrap().remove("masterarn");
    stage.overwrite("AWSCURRENT", Content::Text(without.to_string()));
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "alternating-users").unwrap();
    told("names no administrator").await;
    stage.edit_current(&json!({"masterarn": value["masterarn"]}));
    assert_eq!(dry_run(&stage, true).await["verdict"], "wouldSucceed");
}
