use serde_json::json;

use super::*;

fn read(value: &serde_json::Value, tags: &[(&str, &str)], default: impl Into<Option<Strategy>>) -> Result<Credential> {
    let settings = Settings::read(tags.iter().copied());
    let (_, credential) = Credential::read(Sensitive::new(value.to_string()), &settings, default.into())?;
    credential.rotatable(&settings).map(|()| credential)
}

fn login(engine: &str) -> serde_json::Value {
    json!({"engine": engine, "host": "DB.example", "username": "app", "password": "p"})
}

#[test]
fn both_engines_of_aws_are_postgres() {
    for engine in ["postgres", "aurora-postgresql"] {
        let credential = read(&login(engine), &[], None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(credential.kind, Kind::Postgres);
        assert_eq!(credential.address(), ("db.example".to_owned(), 5432));
    }
}

#[test]
fn other_engines_are_refused_by_name() {
    for (engine, kind) in [
        ("mysql", ErrorKind::RefusedNotBuilt),
        ("aurora-mysql", ErrorKind::RefusedNotBuilt),
        ("oracle", ErrorKind::RefusedValue),
    ] {
        let Err(error) = read(&login(engine), &[], None) else { panic!("accepted {engine}") };
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(engine), "{error}");
    }
    assert!(read(&login("something"), &[("keyroll:kind", "postgres")], None).is_ok());
}

#[test]
fn a_bare_value_of_a_kind_not_built_is_refused_by_its_kind() {
    let bare = Sensitive::new("not a JSON object".to_owned());
    let read = Credential::read(bare, &Settings::read([("keyroll:kind", "mysql")]), None);
    let Err(error) = read else { panic!("accepted") };
    assert_eq!(error.kind(), ErrorKind::RefusedNotBuilt);
}

#[test]
fn tags_that_name_no_login_are_refused_by_their_text() {
    let long = "x".repeat(50);
    for (tag, kind, told) in [
        ("mysql", ErrorKind::RefusedNotBuilt, "does not rotate mysql secrets yet".to_owned()),
        ("aurora-mysql", ErrorKind::RefusedNotBuilt, "does not rotate aurora-mysql secrets yet".to_owned()),
        ("aurora-postgresql", ErrorKind::RefusedValue, "kind or engine is \"aurora-postgresql\", which".to_owned()),
        ("jwt", ErrorKind::RefusedValue, "kind or engine is \"jwt\", which".to_owned()),
        ("", ErrorKind::RefusedValue, "kind or engine is \"\", which".to_owned()),
        (&long, ErrorKind::RefusedValue, format!("kind or engine is {:?}, which", "x".repeat(40))),
    ] {
        let Err(error) = read(&login("postgres"), &[("keyroll:kind", tag)], None) else { panic!("accepted {tag}") };
        assert_eq!(error.kind(), kind, "{tag}");
        assert!(error.cause().contains(&told), "{error}");
    }
}

#[test]
fn masterarn_means_alternating_users_unless_somebody_says_otherwise() {
    use Strategy::{AlternatingUsers, SingleUser};
    let mut multi = login("postgres");
    multi["masterarn"] = json!("arn:aws:secretsmanager:eu-west-1:000000000000:secret:admin-AbCdEf");
    let single = login("postgres");
    let tag = |strategy| vec![("keyroll:strategy", strategy)];
    for (value, tags, default, expected) in [
        (&multi, vec![], None, AlternatingUsers),
        (&multi, tag("single-user"), None, SingleUser),
        (&multi, vec![], Some(SingleUser), SingleUser),
        (&multi, tag("alternating-users"), Some(SingleUser), AlternatingUsers),
        (&single, vec![], None, SingleUser),
    ] {
        let read = read(value, &tags.clone(), default).unwrap_or_else(|error| panic!("{error}"));
        let expected = if expected == AlternatingUsers { Scheme::Alternating } else { Scheme::Single };
        assert_eq!(read.scheme, expected, "{tags:?} {default:?}");
    }
    // Neither of two accounts can change the other.
    assert!(read(&single, &[], Some(AlternatingUsers)).is_err());
    let mut tags = tag("alternating-users");
    assert!(read(&single, &tags, None).is_err());
    tags.push(("keyroll:admin-secret", "orders/admin"));
    assert!(read(&single, &tags, None).is_ok());
}

#[test]
fn only_accounts_that_take_turns_may_differ() {
    let of = |account: &str, strategy| {
        let mut value = login("postgres");
        (value["username"], value["masterarn"]) = (json!(account), json!("arn"));
        read(&value, &[], Some(strategy)).unwrap_or_else(|error| panic!("{error}"))
    };
    for (strategy, other, expected) in [
        (Strategy::SingleUser, "app", None),
        (Strategy::SingleUser, "app_clone", Some("username")),
        (Strategy::AlternatingUsers, "app", None),
        (Strategy::AlternatingUsers, "app_clone", None),
        (Strategy::AlternatingUsers, "other", Some("username")),
    ] {
        assert_eq!(of("app", strategy).difference(&of(other, strategy)), expected, "{strategy:?} {other}");
    }
}

#[test]
fn a_partner_whose_name_would_be_cut_off_is_refused() {
    let credential = read(&login("postgres"), &[], None).unwrap_or_else(|error| panic!("{error}"));
    assert!(credential.check_partner(&"a".repeat(63)).is_ok());
    assert!(credential.check_partner(&"ä".repeat(32)).is_err());
    let credential = read(&login("mariadb"), &[], None).unwrap_or_else(|error| panic!("{error}"));
    assert!(credential.check_partner(&"ä".repeat(80)).is_ok());
    assert!(credential.check_partner(&"a".repeat(81)).is_err());
}

#[test]
fn an_account_of_mariadb_overlaps_where_an_administrator_is_named() {
    let mut offered = login("mariadb");
    offered["masterarn"] = json!("arn:aws:secretsmanager:eu-west-1:000000000000:secret:admin-AbCdEf");
    let plain = login("mariadb");
    let single = ("keyroll:strategy", "single-user");
    for (value, tags, default, expected) in [
        (&plain, vec![], None, false),
        (&plain, vec![("keyroll:admin-secret", "orders/admin")], None, true),
        (&offered, vec![single], None, true),
        (&offered, vec![], Some(Strategy::SingleUser), false),
        (&offered, vec![], None, true),
    ] {
        let read = read(value, &tags, default).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.scheme.overlaps(), expected, "{tags:?} {default:?}");
    }
}

#[test]
fn a_verifier_tells_a_password_again_where_the_server_adds_no_salt() {
    let verifier = |engine| read(&login(engine), &[], None).unwrap_or_else(|error| panic!("{error}")).verifier();
    assert!(verifier("postgres").is_none());
    assert!(verifier("mariadb").is_some_and(|hash| hash.expose().len() == 41));
}

#[test]
fn a_placeholder_is_never_advised_as_a_password() {
    let with = |password: &str| {
        let mut value = login("postgres");
        value["password"] = json!(password);
        read(&value, &[], None).unwrap_or_else(|error| panic!("{error}")).remedy_of_rejection()
    };
    assert!(with("ChangeMe").contains("never set the account's password to the placeholder"), "{}", with("ChangeMe"));
    assert!(with("not a placeholder").contains("set its password by hand to the one in AWSCURRENT"));
}
