//! MariaDB: whoever can write a secret, or has an account with the right name, does not get the administrator to change
//! somebody else's account; and names of any kind.

use rehearsal::aws::Content;
use rehearsal::mariadb::{MariaDbOptions, identifier};
use serde_json::json;
use support::maria::{self, PARTNER};
use support::pair::{account, assert_in_step, foretold};
use support::stage::{ACCOUNT, DATABASE, Stage};

use crate::alternating::{assert_alike, enters, goes_on, hosts, make, shown_all, sql};

/// A stage for another first account.
async fn of(name: &str) -> Stage {
    let stage = maria::with(&MariaDbOptions::default(), name, &json!({})).await;
    maria::appoint_by_masterarn(&stage);
    stage
}

#[tokio::test]
async fn a_mightier_account_that_is_called_like_a_partner_is_left_alone() {
    for more in ["GRANT SELECT ON mysql.* TO", "GRANT keepers TO", "GRANT USAGE ON orders.* TO WITH GRANT OPTION"] {
        let stage = maria::alternating().await;
        sql(&stage, "CREATE ROLE keepers");
        let password = make(&stage, PARTNER);
        sql(&stage, &more.replace(" TO", &format!(" TO {PARTNER}")));
        let token = stage.created().await;
        let message = stage
            .refused(
                "setSecret",
                &token,
                "RefusedAccount",
                &["somebody else's", PARTNER, &format!("DROP USER `{PARTNER}`")],
            )
            .await;
        assert!(message.contains("REVOKE"), "{message}");
        assert!(enters(&stage, PARTNER, &password));
        // Where it is a pair, its rights can be taken away.
        sql(&stage, &format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {PARTNER}"));
        goes_on(&stage, &token).await;
        assert_alike(&stage);
    }
}

#[tokio::test]
async fn an_account_called_like_a_partner_does_not_get_at_a_base_with_more_rights() {
    let stage = maria::alternating().await;
    let victim = stage.value("AWSCURRENT");
    let password = make(&stage, PARTNER);
    let mut own = victim.clone();
    (own["username"], own["password"]) = (json!(PARTNER), json!(password));
    stage.edit_current(&json!({"username": "orders_app", "password": "not the password of the base"}));
    // The writer of the secret does not know the base's password, and says what they like about the version before.
    stage.aws.put_value(&stage.arn, &own.to_string(), &["AWSCURRENT"]).unwrap();
    assert_eq!(account(&stage, "AWSPREVIOUS"), ACCOUNT);
    sql(&stage, &format!("GRANT SELECT ON {DATABASE}.* TO {PARTNER}"));
    let token = stage.created().await;
    assert_eq!(account(&stage, "AWSPENDING"), ACCOUNT);
    stage.refused("setSecret", &token, "RefusedAccount", &["somebody else's", "GRANT"]).await;
    assert!(stage.accepts(ACCOUNT, victim["password"].as_str().unwrap()));
}

#[tokio::test]
async fn an_administrator_of_another_host_is_not_sent_there() {
    let stage = maria::alternating().await;
    stage.edit_current(&json!({"host": "127.0.0.1"}));
    let token = stage.stage();
    let mark = stage.server.mark();
    let before = stage.server.accounts();
    for step in ["createSecret", "setSecret"] {
        if let rehearsal::lambda::Outcome::Error { error_type, message } = stage.step(step, &token).await {
            assert!(error_type.starts_with("Refused"), "{error_type}: {message}");
            assert!(message.contains("Remedy: "), "{message}");
        }
    }
    assert!(!stage.server.logins_since(mark).accepted.contains(&maria::ADMIN.to_owned()));
    assert_eq!(stage.server.accounts(), before);
}

#[tokio::test]
async fn a_first_account_called_clone_takes_turns_with_a_partner_of_its_own() {
    let (first, second, stranger) = ("orders_clone", "orders_clone_clone", "orders");
    let stage = of(first).await;
    for current in [second, first, second, first] {
        stage.rotate().await;
        assert_eq!(account(&stage, "AWSCURRENT"), current);
        assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
        assert_eq!(shown_all(&stage, second), shown_all(&stage, first));
        stage.function.cold().await;
    }
    // Somebody who comes later is not its base.
    make(&stage, stranger);
    let before = shown_all(&stage, stranger);
    for current in [second, first] {
        stage.rotate().await;
        assert_eq!(account(&stage, "AWSCURRENT"), current);
    }
    assert_eq!(shown_all(&stage, stranger), before);
}

#[tokio::test]
async fn a_first_account_called_clone_beside_the_account_without_is_not_given_that_one() {
    for rights in ["SELECT ON mysql.*", "USAGE ON *.*"] {
        let stage = of("orders_clone").await;
        let password = make(&stage, "orders");
        sql(&stage, &format!("GRANT {rights} TO orders"));
        let token = stage.stage();
        let created = stage.answer("createSecret", &token).await;
        assert_eq!(account(&stage, "AWSPENDING"), "orders", "{created:#}");
        stage.refused("setSecret", &token, "RefusedAccount", &["orders", "somebody else's"]).await;
        assert!(enters(&stage, "orders", &password));
    }
}

#[tokio::test]
async fn the_partners_name_must_fit_into_80_characters() {
    for (name, fits) in
        [("a".repeat(74), true), ("ä".repeat(74), true), ("a".repeat(75), false), ("ä".repeat(80), false)]
    {
        let stage = of(&name).await;
        let token = stage.stage();
        if fits {
            stage.answer("createSecret", &token).await;
            goes_on(&stage, &token).await;
            stage.rotate().await;
            assert_eq!(account(&stage, "AWSPREVIOUS"), format!("{name}_clone"));
            assert_eq!(shown_all(&stage, &format!("{name}_clone")), shown_all(&stage, &name));
            continue;
        }
        stage.refused("createSecret", &token, "RefusedAccount", &["80"]).await;
    }
}

#[tokio::test]
async fn accounts_of_any_name_take_turns() {
    for mode in ["", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT", "ORACLE"] {
        let settings = vec![("sql_mode".to_owned(), mode.to_owned())];
        let options = MariaDbOptions { settings, ..MariaDbOptions::default() };
        let stage = maria::with(&options, ACCOUNT, &json!({})).await;
        maria::appoint_by_masterarn(&stage);
        sql(&stage, "CREATE DATABASE `a TO b`; CREATE DATABASE `q'\"``\\\\_z`; CREATE ROLE `r TO ``'\"\\`");
        sql(&stage, &format!("GRANT `r TO ``'\"\\` TO {} WITH ADMIN OPTION", maria::ADMIN));
        for (number, name) in [
            "O'Neil \"the\" App",
            "back\\slash",
            "a`b``",
            "x TO y",
            "at@the",
            "Größe_馬",
            "UPPER",
            "new\nline",
            "%s%n",
            "_clone",
        ]
        .into_iter()
        .enumerate()
        {
            let password = make(&stage, name);
            let who = identifier(name);
            sql(
                &stage,
                &format!(
                    "GRANT SELECT ON {DATABASE}.* TO {who}; GRANT SELECT, INSERT ON `a TO b`.* TO {who} WITH GRANT OPTION;
                     GRANT DELETE ON `q'\"``\\\\_z`.* TO {who}; GRANT `r TO ``'\"\\` TO {who}; SET DEFAULT ROLE `r TO ``'\"\\` FOR {who}"
                ),
            );
            let mut value = stage.value("AWSCURRENT");
            (value["username"], value["password"]) = (json!(name), json!(password));
            let tags = [("keyroll:services", "none")];
            let arn = stage.aws.create_secret(&format!("names/{number}"), &value.to_string(), &tags).unwrap();
            stage.aws.enable_rotation(&arn, stage.function.arn(), json!({})).unwrap();
            for _ in 0..3 {
                let rotation = stage.driver.rotate(&arn).await.unwrap();
                assert!(rotation.succeeded() && rotation.failures().is_empty(), "{mode} {name:?}: {rotation:#?}");
            }
            let text = stage.aws.value_of(&arn, "AWSCURRENT").unwrap();
            let current: serde_json::Value = serde_json::from_str(&text).unwrap();
            let (user, password) = (current["username"].as_str().unwrap(), current["password"].as_str().unwrap());
            stage.secret_text(password);
            assert_eq!(user, format!("{name}_clone"));
            assert_eq!(shown_all(&stage, user), shown_all(&stage, name), "{mode} {name:?}");
        }
    }
}

#[tokio::test]
async fn a_secret_that_names_nobody_the_server_has_is_refused() {
    let stage = maria::alternating().await;
    stage.rotate().await;
    stage.rotate().await;
    // The base was dropped: its partner would be the only one.
    sql(&stage, &format!("DROP USER {ACCOUNT}"));
    let mut value = stage.value("AWSPREVIOUS");
    assert_eq!(account(&stage, "AWSPREVIOUS"), PARTNER);
    value["masterarn"] = stage.value("AWSCURRENT")["masterarn"].clone();
    stage.overwrite("AWSCURRENT", Content::Text(value.to_string()));
    stage.aws.remove_label(&stage.arn, "AWSPREVIOUS").unwrap();
    let token = stage.created().await;
    let pending = account(&stage, "AWSPENDING");
    if pending == ACCOUNT {
        stage.refused("setSecret", &token, "RefusedAccount", &["no account", ACCOUNT]).await;
    } else {
        // Taken for a first account, which it has become.
        goes_on(&stage, &token).await;
        assert_eq!(hosts(&stage, &pending), ["%"]);
        assert_in_step(&stage).await;
    }
}

#[tokio::test]
async fn an_account_called_like_a_partner_with_no_more_rights_is_taken_for_it() {
    let stage = maria::alternating().await;
    let password = make(&stage, PARTNER);
    sql(&stage, &format!("GRANT SELECT ON {DATABASE}.* TO {PARTNER}"));
    let before = stage.state();
    let told = foretold(&stage).await;
    assert!(told.iter().any(|line| line.contains(PARTNER)), "{told:?}");
    assert_eq!(stage.state(), before);
    stage.rotate().await;
    assert!(!enters(&stage, PARTNER, &password));
    assert_alike(&stage);
}
