//! MariaDB, beside AWS's multi-user function: secrets of its rotate on as they are, and what it leaves out of a clone is
//! there after one rotation of each account.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::maria::{self, ADMIN, PARTNER};
use support::pair::{account, assert_in_step, warnings_of};
use support::stage::{ACCOUNT, DATABASE, Stage};

use crate::alternating::{assert_alike, goes_on, shown, sql};
use crate::pair_recipe as recipe;

/// A stage whose base has what AWS's function can carry over and what it cannot, but no default role.
async fn rich() -> Stage {
    let stage = maria::alternating().await;
    sql(
        &stage,
        &format!(
            "CREATE TABLE {DATABASE}.items (a int, b int); CREATE ROLE readers;
             GRANT readers TO {ADMIN} WITH ADMIN OPTION;
             GRANT SELECT, INSERT (a) ON {DATABASE}.items TO {ACCOUNT} WITH GRANT OPTION;
             GRANT readers TO {ACCOUNT} WITH ADMIN OPTION;
             ALTER USER {ACCOUNT} REQUIRE SSL WITH MAX_USER_CONNECTIONS 40 PASSWORD EXPIRE NEVER"
        ),
    );
    stage
}

fn assert_only_the_login_changed(before: &str, stage: &Stage) {
    let (old, new): (Value, _) = (serde_json::from_str(before).unwrap(), stage.value("AWSCURRENT"));
    let swapped = |text: &str, key: &str| text.replacen(&old[key].to_string(), &new[key].to_string(), 1);
    let expected = swapped(&swapped(before, "password"), "username");
    assert!(stage.aws.value_of(&stage.arn, "AWSCURRENT").unwrap() == expected, "more than the login was changed");
}

#[tokio::test]
async fn a_secret_that_awss_function_rotated_rotates_on_as_it_is() {
    for (times, previous) in [(0, true), (1, true), (1, false), (2, true)] {
        let stage = rich().await;
        for _ in 0..times {
            recipe::rotate(&stage).await.unwrap();
        }
        // What the clone has since then and its base has not.
        sql(
            &stage,
            &format!(
                "REVOKE INSERT (a) ON {DATABASE}.items FROM {ACCOUNT}; REVOKE DROP ON {DATABASE}.* FROM {ACCOUNT}"
            ),
        );
        if !previous {
            // Then nothing shows that they are a pair, but that they are alike.
            stage.aws.remove_label(&stage.arn, "AWSPREVIOUS").unwrap();
            let token = stage.stage();
            stage.function.cold().await;
            stage.answer("createSecret", &token).await;
            let message = stage
                .refused(
                    "setSecret",
                    &token,
                    "RefusedAccount",
                    &["GRANT \"orders_app_clone\" the same", "GRANT OPTION"],
                )
                .await;
            assert!(message.contains("role `readers` WITH ADMIN OPTION"), "{message}");
            let missing = format!("GRANT USAGE ON {DATABASE}.items TO {PARTNER} WITH GRANT OPTION");
            sql(&stage, &format!("{missing}; GRANT readers TO {PARTNER} WITH ADMIN OPTION"));
            let message =
                stage.refused("setSecret", &token, "RefusedAccount", &["nothing shows that", "REVOKE that"]).await;
            assert!(message.contains("DROP ON `orders`.*") && message.contains("INSERT (`a`)"), "{message}");
            sql(
                &stage,
                &format!(
                    "REVOKE INSERT (a) ON {DATABASE}.items FROM {PARTNER}; REVOKE DROP ON {DATABASE}.* FROM {PARTNER}"
                ),
            );
            goes_on(&stage, &token).await;
            stage.rotate().await;
        }
        for _ in 0..2 {
            let turn = if account(&stage, "AWSCURRENT") == ACCOUNT { PARTNER } else { ACCOUNT };
            let before = stage.aws.value_of(&stage.arn, "AWSCURRENT").unwrap();
            stage.function.cold().await;
            stage.rotated().await;
            assert_eq!(account(&stage, "AWSCURRENT"), turn);
            assert_only_the_login_changed(&before, &stage);
            if turn == PARTNER {
                assert_alike(&stage);
            }
        }
        if account(&stage, "AWSCURRENT") == ACCOUNT {
            // What narrows the partner waited for its turn.
            assert_eq!(shown(&stage, PARTNER, "%") == shown(&stage, ACCOUNT, "%"), times != 1, "{times}");
            stage.rotate().await;
        }
        assert_alike(&stage);
        assert_in_step(&stage).await;
    }
}

#[tokio::test]
async fn a_clone_that_awss_function_left_half_made_is_finished() {
    let stage = rich().await;
    sql(&stage, &format!("SET DEFAULT ROLE readers FOR {ACCOUNT}"));
    // It cannot read that line of SHOW GRANTS.
    let failed = recipe::rotate(&stage).await.unwrap_err();
    assert!(failed.contains("ERROR 1064"), "{failed}");
    assert_eq!(account(&stage, "AWSPENDING"), PARTNER);
    // Some of the clone is there, with the pending password, so that its next attempt would find its work done.
    assert!(stage.logs_in("AWSPENDING") && stage.logs_in("AWSCURRENT"));
    let token = stage.aws.holder(&stage.arn, "AWSPENDING").unwrap();
    let rotation = stage.driver.resume(&stage.arn).await.unwrap();
    assert!(rotation.succeeded() && rotation.token == token, "{rotation:#?}");
    assert_eq!(account(&stage, "AWSCURRENT"), PARTNER);
    assert_alike(&stage);
}

/// In what the two functions differ after three rotations, and why.
const INTENDED: [(&str, &str); 3] = [
    ("rights of orders_app", "AWS's gives a right that was taken from the first account back to it, from the clone"),
    ("rights of orders_app_clone", "AWS's leaves out what comes after the TO, and takes nothing away"),
    ("limits of orders_app_clone", "AWS's copies what is demanded of TLS and no more"),
];

#[tokio::test]
async fn twins_end_alike_but_for_what_awss_function_leaves_out() {
    let (ours, theirs) = (rich().await, rich().await);
    let first = |stage: &Stage| vec![stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap()];
    let (mut our_versions, mut their_versions) = (first(&ours), first(&theirs));
    assert_eq!(state(&ours, &our_versions), state(&theirs, &their_versions));
    for number in 1..=4 {
        let before = ours.aws.value_of(&ours.arn, "AWSCURRENT").unwrap();
        our_versions.push(ours.rotate().await.token);
        their_versions.push(recipe::rotate(&theirs).await.unwrap());
        assert_only_the_login_changed(&before, &ours);
        for stage in [&ours, &theirs] {
            sql(stage, &format!("CREATE DATABASE later_{number}; GRANT SELECT ON later_{number}.* TO {ACCOUNT}"));
            if number == 1 {
                sql(stage, &format!("REVOKE TRIGGER ON {DATABASE}.* FROM {ACCOUNT}"));
            }
        }
        let (ours, theirs) = (state(&ours, &our_versions), state(&theirs, &their_versions));
        for what in ours.keys().chain(theirs.keys()).filter(|what| ours.get(*what) != theirs.get(*what)) {
            assert!(
                INTENDED.iter().any(|(intended, _)| intended == what),
                "after rotation {number}, {what}: {:?} of ours, {:?} of theirs",
                ours.get(what),
                theirs.get(what)
            );
        }
    }
    let lines = |stage: &Stage| shown(stage, PARTNER, "%").join("\n");
    let (ours, theirs) = (lines(&ours), lines(&theirs));
    for left_out in ["WITH GRANT OPTION", "WITH ADMIN OPTION", "MAX_USER_CONNECTIONS 40", "PASSWORD EXPIRE NEVER"] {
        assert!(ours.contains(left_out) && !theirs.contains(left_out), "{left_out}: {ours}\n{theirs}");
    }
    assert!(theirs.contains("TRIGGER") && !ours.contains("TRIGGER"), "{theirs}");
    assert!(theirs.contains("REQUIRE SSL") && ours.contains("REQUIRE SSL"));
}

/// All that a rotation leaves: the labels and values of all versions, by their numbers, passwords by whether they work, and
/// what the server shows of both accounts.
fn state(stage: &Stage, versions: &[String]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (version, labels) in stage.aws.stages(&stage.arn) {
        let number = versions.iter().position(|known| *known == version).unwrap();
        all.extend(labels.into_iter().map(|label| (format!("label {label}"), number.to_string())));
    }
    for (number, version) in versions.iter().enumerate() {
        let mut value: Value = serde_json::from_str(&stage.aws.value(&stage.arn, version).unwrap()).unwrap();
        let text = |key: &str| value[key].as_str().unwrap().to_owned();
        let works = stage.accepts(&text("username"), &text("password"));
        for own in ["port", "masterarn"] {
            value[own] = json!("the stage's own");
        }
        value["password"] = json!(if works { "works" } else { "was replaced" });
        all.insert(format!("value of version {number}"), value.to_string());
    }
    let users = sql(stage, "SELECT User, Host FROM mysql.user ORDER BY 1, 2");
    for user in [ACCOUNT, PARTNER].into_iter().filter(|user| users.contains(&format!("{user}\t%"))) {
        let (definition, rights): (Vec<String>, Vec<String>) =
            shown(stage, user, "%").into_iter().partition(|line| line.starts_with("CREATE USER"));
        let (rights, rest) = (rights.join("; "), definition.join("; "));
        let global = rights.contains("REQUIRE SSL") && rest.contains("REQUIRE SSL");
        all.insert(format!("TLS of {user}"), global.to_string());
        all.insert(format!("rights of {user}"), rights);
        all.insert(format!("limits of {user}"), rest);
    }
    all.insert("accounts".to_owned(), users);
    all
}

#[tokio::test]
async fn awss_function_goes_on_from_what_is_left_here() {
    for rotations in 1..=2 {
        let stage = rich().await;
        for _ in 0..rotations {
            stage.rotate().await;
        }
        for _ in 0..3 {
            let [pending, current] = ["AWSPREVIOUS", "AWSCURRENT"].map(|label| account(&stage, label));
            let token = recipe::rotate(&stage).await.unwrap();
            stage.assert_current(&token);
            assert_eq!([account(&stage, "AWSCURRENT"), account(&stage, "AWSPREVIOUS")], [pending, current]);
        }
        for _ in 0..2 {
            let rotation = stage.rotated().await;
            assert!(!warnings_of(&rotation).contains("another password"), "{rotation:#?}");
        }
        assert_alike(&stage);
    }
}
