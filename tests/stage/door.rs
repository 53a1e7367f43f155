//! The door by which the clients of a stage come: logins that are made in the test's own process.

use serde_json::Value;
use support::clients::door::log_in;
use support::maria;
use support::rig::random_password;
use support::stage::ACCOUNT;

#[tokio::test]
async fn the_door_of_mariadb_lets_in_by_either_rule() {
    let stage = maria::stage().await;
    let current = stage.value("AWSCURRENT");
    let with = |password: &str| {
        let mut value = current.clone();
        value["password"] = Value::from(password);
        log_in(&value)
    };
    let (old, new) = (current["password"].as_str().unwrap(), random_password());
    let refused = || Err("1045".to_owned());
    assert_eq!([with(old), with(&new), with("")], [Ok(()), refused(), refused()]);
    maria::let_in_by_either(stage.mariadb(), ACCOUNT, [&new, old]);
    assert_eq!([with(old), with(&new), with("neither"), with("")], [Ok(()), Ok(()), refused(), refused()]);
}

#[tokio::test]
async fn the_door_of_mariadb_says_why_it_is_closed() {
    let stage = maria::stage().await;
    let with = |key: &str, new: Option<&str>| {
        let mut value = stage.value("AWSCURRENT");
        value[key] = new.into();
        log_in(&value)
    };
    assert_eq!(with("dbname", None), Ok(()));
    assert_eq!(with("dbname", Some("elsewhere")), Err("1044".to_owned()));
    let nobody = with("username", Some("nobody")).unwrap_err();
    assert!(["1045", "1698"].contains(&nobody.as_str()), "{nobody}");
    let by = |rule: &str| stage.mariadb().sql(&format!("ALTER USER {ACCOUNT}@'%' {rule}")).unwrap();
    by("ACCOUNT LOCK");
    assert_eq!(with("dbname", None), Err("4151".to_owned()));
    by("IDENTIFIED VIA unix_socket ACCOUNT UNLOCK");
    assert_eq!(with("dbname", None), Err("1698".to_owned()));
}
