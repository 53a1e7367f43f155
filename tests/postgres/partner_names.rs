//! Which of two names is the base, told by what exists and not by the name; and names of any kind.

use rehearsal::aws::Content;
use rehearsal::postgres::{PostgresOptions, identifier, literal};
use serde_json::json;
use support::pair::{ADMIN, PARTNER, account, assert_in_step, create_role, run_as, sql, stage, stage_with};
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

/// A first account that is really called so.
const FIRST: &str = "orders_clone";
const SECOND: &str = "orders_clone_clone";
/// Whose partner it is not.
const STRANGER: &str = "orders";

fn row(stage: &Stage, role: &str) -> String {
    sql(stage, &format!("SELECT a::text FROM pg_authid a WHERE rolname = {}", literal(role)))
}

async fn of(name: &str) -> Stage {
    stage_with(&PostgresOptions::default(), name).await
}

#[tokio::test]
async fn a_first_account_called_clone_takes_turns_with_a_partner_of_its_own() {
    for stranger in [false, true] {
        let stage = of(FIRST).await;
        if stranger {
            create_role(&stage, STRANGER, "CREATEDB");
        }
        let before = row(&stage, STRANGER);
        for current in [SECOND, FIRST, SECOND, FIRST] {
            stage.rotate().await;
            assert_eq!(account(&stage, "AWSCURRENT"), current);
            assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
            assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT current_user"), FIRST);
            assert_in_step(&stage).await;
        }
        assert_eq!(row(&stage, STRANGER), before);
        // A new process has no memory.
        stage.function.kill();
        stage.rotate().await;
        assert_eq!(account(&stage, "AWSCURRENT"), SECOND);
    }
}

#[tokio::test]
async fn a_pair_that_aws_made_goes_on_to_its_base() {
    for previous in [true, false] {
        let stage = stage().await;
        let password = create_role(&stage, PARTNER, "");
        sql(&stage, &format!("GRANT {ACCOUNT} TO {PARTNER}; GRANT {PARTNER} TO {ADMIN} WITH ADMIN OPTION"));
        let mut value = stage.value("AWSCURRENT");
        value["username"] = json!(PARTNER);
        value["password"] = json!(password);
        if previous {
            stage.aws.put_value(&stage.arn, &value.to_string(), &["AWSCURRENT"]).unwrap();
            assert_eq!(account(&stage, "AWSPREVIOUS"), ACCOUNT);
        } else {
            stage.overwrite("AWSCURRENT", Content::Text(value.to_string()));
        }
        for current in [ACCOUNT, PARTNER, ACCOUNT] {
            stage.rotate().await;
            assert_eq!(account(&stage, "AWSCURRENT"), current);
            assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT current_user"), ACCOUNT);
        }
        assert_in_step(&stage).await;
    }
}

#[tokio::test]
async fn the_partners_name_must_fit_into_63_bytes() {
    for (name, fits) in
        [("a".repeat(57), true), ("a".repeat(58), false), ("ä".repeat(28), true), ("ä".repeat(29), false)]
    {
        let stage = of(&name).await;
        if fits {
            stage.rotate().await;
            stage.rotate().await;
            assert_eq!(account(&stage, "AWSPREVIOUS"), format!("{name}_clone"));
            continue;
        }
        let token = stage.stage();
        stage.refused("createSecret", &token, "RefusedAccount", &["63", "64 bytes"]).await;
    }
}

#[tokio::test]
async fn accounts_of_any_name_take_turns() {
    let stage = stage().await;
    for (number, name) in [
        "O'Neil \"the\" App",
        "back\\slash",
        "  spaces  ",
        "Größe_Ünïcode_馬",
        "UPPER",
        "$keyroll$ $$ $1",
        "semi;colon--",
        "new\nline\ttab",
        "%s%n{}",
        "a,b=c",
        "none_",
        "_clone",
        "CURRENT_USER",
        "public_",
    ]
    .into_iter()
    .enumerate()
    {
        let password = create_role(&stage, name, "");
        let role = identifier(name);
        if sql(&stage, "SELECT current_setting('server_version_num')::int >= 160000") == "t" {
            sql(&stage, &format!("GRANT {role} TO {ADMIN} WITH ADMIN OPTION"));
        }
        sql(&stage, &format!("ALTER ROLE {role} SET search_path = \"$user\", {role}"));
        sql(&stage, &format!("ALTER ROLE {role} CONNECTION LIMIT 3"));
        let mut value = stage.value("AWSCURRENT");
        value["username"] = json!(name);
        value["password"] = json!(password);
        let tags = [("keyroll:services", "none")];
        let arn = stage.aws.create_secret(&format!("names/{number}"), &value.to_string(), &tags).unwrap();
        stage.aws.enable_rotation(&arn, stage.function.arn(), json!({})).unwrap();
        for _ in 0..3 {
            let rotation = stage.driver.rotate(&arn).await.unwrap();
            assert!(rotation.succeeded() && rotation.failures().is_empty(), "{name:?}: {rotation:#?}");
        }
        let text = stage.aws.value_of(&arn, "AWSCURRENT").unwrap();
        let current: serde_json::Value = serde_json::from_str(&text).unwrap();
        let (user, password) = (current["username"].as_str().unwrap(), current["password"].as_str().unwrap());
        stage.secret_text(password);
        assert_eq!(user, format!("{name}_clone"));
        let who = stage.postgres().sql_as(user, password, "orders", "SELECT current_user").unwrap();
        assert_eq!(who, name);
    }
}

#[tokio::test]
async fn an_account_called_clone_whose_password_is_wrong_is_not_guessed_at() {
    let stage = of(FIRST).await;
    sql(&stage, &format!("ALTER ROLE {FIRST} PASSWORD '{}'", random_password()));
    let token = stage.stage();
    stage.refused("createSecret", &token, "RefusedLogin", &[FIRST, STRANGER]).await;
}
