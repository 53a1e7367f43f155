//! A rotation that goes well.

use rehearsal::aws::random::uuid;
use rehearsal::postgres::PostgresOptions;
use rehearsal::tls::Tls;
use serde_json::{Value, json};
use support::stage::{ACCOUNT, DATABASE, Stage};

#[tokio::test]
async fn a_rotation_changes_the_password_and_rolls_both_services() {
    let stage = Stage::start().await;
    let before = stage.value("AWSCURRENT");
    let rotation = stage.rotate().await;
    assert_eq!(rotation.steps(), ["createSecret", "setSecret", "testSecret", "finishSecret"]);
    stage.assert_finished(&rotation.token);
    assert_eq!(stage.value("AWSPREVIOUS"), before);

    let report = rotation.last("finishSecret").unwrap().answer().unwrap();
    assert_eq!(report["secretArn"], stage.arn);
    assert_eq!(report["versionId"], rotation.token);
    assert_eq!((&report["step"], &report["standing"]), (&json!("finishSecret"), &json!("Current")));
    let verdicts: Vec<&Value> =
        report["services"].as_array().unwrap().iter().map(|service| &service["verdict"]).collect();
    assert_eq!(verdicts, ["redeployed", "redeployed"]);
    assert!(report["services"].as_array().unwrap().iter().all(|service| service["reason"].as_str().unwrap().len() > 5));
}

#[tokio::test]
async fn only_the_password_differs_between_two_versions_byte_for_byte() {
    let stage = Stage::start().await;
    let password = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
    let odd = format!(
        "{{ \"zeta\":1.50e+3,\"username\" : \"{ACCOUNT}\",\n\t\"password\": \"{password}\", \"ünï\\u0063ode\":\"\\/\\u00e9\",\
         \"engine\":\"postgres\",\"host\":\"localhost\", \"port\":\"{}\", \"nested\":{{\"password\":\"kept\"}},\
         \"dbname\":\"{DATABASE}\" }}\n",
        stage.postgres().port()
    );
    stage.overwrite("AWSCURRENT", rehearsal::aws::Content::Text(odd.clone()));
    stage.rotate().await;
    let new = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
    assert_ne!(new, password);
    assert_eq!(stage.aws.value_of(&stage.arn, "AWSCURRENT").unwrap(), odd.replace(&password, &new));
}

#[tokio::test]
async fn generated_passwords_have_the_documented_shape_and_obey_awss_variables() {
    let stage = Stage::start().await;
    stage.rotate().await;
    let password = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
    assert_eq!(password.len(), 32);
    assert!(password.starts_with(|c: char| c.is_ascii_alphabetic()));
    assert!(password.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)));

    for (name, value) in
        [("PASSWORD_LENGTH", "20"), ("EXCLUDE_PUNCTUATION", "true"), ("EXCLUDE_CHARACTERS", "abcABC012")]
    {
        stage.function.set_env(name, value);
    }
    stage.function.cold().await;
    stage.rotate().await;
    let password = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
    assert_eq!(password.len(), 20);
    assert!(password.chars().all(|c| c.is_ascii_alphanumeric() && !"abcABC012".contains(c)));
}

#[tokio::test]
async fn the_value_and_the_mark_are_stored_by_one_call_with_the_rotation_token() {
    let stage = Stage::start().await;
    let rotation = stage.rotate().await;
    let puts: Vec<_> =
        stage.aws.function_calls().into_iter().filter(|call| call.operation == "PutSecretValue").collect();
    assert_eq!(puts.len(), 1);
    assert_eq!(puts[0].request["VersionStages"], json!(["AWSPENDING", "KEYROLL_ROLLOUT"]));
    assert_eq!(puts[0].request["RotationToken"], rotation.rotation_token);
    let version = stage.aws.secret(&stage.arn).unwrap().versions[&rotation.token].clone();
    assert_eq!(version.rotation_token.as_deref(), Some(rotation.rotation_token.as_str()));
}

#[tokio::test]
async fn awspending_is_left_where_it_is_and_awscurrent_moves_by_compare_and_swap() {
    let stage = Stage::start().await;
    let old = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
    let rotation = stage.rotate().await;
    assert_eq!(stage.aws.holder(&stage.arn, "AWSPENDING").as_deref(), Some(rotation.token.as_str()));
    let moves: Vec<_> =
        stage.aws.function_calls().into_iter().filter(|call| call.operation == "UpdateSecretVersionStage").collect();
    assert_eq!(moves.len(), 2);
    assert_eq!(moves[0].request["VersionStage"], "AWSCURRENT");
    assert_eq!(
        (&moves[0].request["MoveToVersionId"], &moves[0].request["RemoveFromVersionId"]),
        (&json!(rotation.token), &json!(old))
    );
    assert_eq!(moves[1].request["VersionStage"], "KEYROLL_ROLLOUT");
    assert_eq!(moves[1].request.get("MoveToVersionId"), None);
}

#[tokio::test]
async fn a_version_of_awss_own_function_is_taken_over_in_the_middle_of_a_rotation() {
    let stage = Stage::start().await;
    let token = uuid();
    let mut value = stage.value("AWSCURRENT");
    value["password"] = json!(support::rig::random_password());
    stage.aws.put_version(&stage.arn, &token, &value.to_string(), &["AWSPENDING"]).unwrap();
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        stage.answer(step, &token).await;
    }
    stage.assert_finished(&token);
}

#[tokio::test]
async fn servers_of_every_password_encryption_and_clear_text_by_request_are_rotated() {
    let md5 = PostgresOptions { md5: true, ..PostgresOptions::default() };
    let clear = PostgresOptions { tls: Tls::Off, ..PostgresOptions::default() };
    for (options, keys, warned) in [(md5, json!({}), false), (clear, json!({"ssl": false}), true)] {
        let stage = Stage::with(&options, ACCOUNT, &keys).await;
        let rotation = stage.rotated().await;
        let report = rotation.last("finishSecret").unwrap().answer().unwrap();
        assert_eq!(report["warnings"].to_string().contains("unencrypted"), warned, "{report}");
    }
}

#[tokio::test]
async fn odd_names_log_in_to_servers_that_keep_md5_hashes_too() {
    let options =
        PostgresOptions { md5: true, hba: vec!["host all all 127.0.0.1/32 md5".to_owned()], ..Default::default() };
    let stage = Stage::with(&options, "comma, and\ttab", &json!({})).await;
    stage.rotated().await;
}

#[tokio::test]
async fn accounts_that_are_read_only_or_act_as_another_role_by_default_are_rotated() {
    let stage = Stage::start().await;
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} SET default_transaction_read_only = on")).unwrap();
    stage.rotated().await;
    stage
        .postgres()
        .sql(&format!("CREATE ROLE team; GRANT team TO {ACCOUNT}; ALTER ROLE {ACCOUNT} SET role = team"))
        .unwrap();
    let rotation = stage.rotated().await;
    let tested = rotation.last("testSecret").unwrap().answer().unwrap();
    assert!(tested["done"].to_string().contains("team"), "{tested}");
}

#[tokio::test]
async fn any_name_that_postgres_can_hold_rotates() {
    let names = [
        "o'neil",
        "semi;colon--",
        "quo\"te",
        "back\\slash",
        "new\nline",
        "comma,",
        "tab\t=",
        "Größe 馬 😀",
        "שלום",
        "مرحبا",
        "x%s$1{}",
        "Upper",
        &"n".repeat(63),
    ];
    for name in names {
        let stage = Stage::with(&PostgresOptions::default(), name, &json!({})).await;
        stage.rotated().await;
    }
}
