use serde_json::json;

use super::*;

fn read(value: &Value) -> Result<Login> {
    Login::read(&Document::parse(Sensitive::new(value.to_string()))?, false)
}

fn with(key: &str, value: Value) -> Value {
    let mut login = json!({"engine": "postgres", "host": "db.example", "username": "app", "password": "p"});
    login[key] = value;
    login
}

fn accepted(value: &Value) -> Login {
    read(value).unwrap_or_else(|error| panic!("{value}: {error}"))
}

#[test]
fn aws_shapes_of_port_and_ssl_are_read() {
    for (port, expected) in [(json!(5433), 5433), (json!("5433"), 5433), (json!(" 5433"), 5433)] {
        assert_eq!(accepted(&with("port", port)).port, Some(expected));
    }
    assert_eq!(accepted(&with("port", Value::Null)).port, None);
    for (ssl, expected) in [
        (json!(false), Tls::Off),
        (json!("False"), Tls::Off),
        (json!(true), Tls::Verified),
        (json!("maybe"), Tls::Verified),
        (json!(0), Tls::Verified),
        (Value::Null, Tls::Verified),
    ] {
        assert_eq!(accepted(&with("ssl", ssl.clone())).tls, expected, "{ssl}");
    }
    assert_eq!(accepted(&with("other", json!(1))).tls, Tls::Verified);
}

#[test]
fn what_cannot_be_a_login_is_refused_by_key() {
    for (key, value, expected) in [
        ("engine", json!(7), "engine is not a string"),
        ("password", json!(""), "password is empty"),
        ("username", json!("a\0b"), "username contains a NUL"),
        ("port", json!("five"), "port is not a number"),
        ("port", json!(0), "port is not a number"),
        ("port", json!(65536), "port is not a number"),
        ("port", json!(54.5), "port is not a number"),
        ("host", json!("/var/run/postgresql"), "neither a host name"),
        ("host", json!("db.example:5432"), "contains a port"),
        ("host", json!("db example"), "neither a host name"),
        ("dbname", json!(["a"]), "dbname is not a string"),
    ] {
        let Err(error) = read(&with(key, value.clone())) else { panic!("accepted {key} = {value}") };
        assert!(error.to_string().contains(expected), "{key} = {value}: {error}");
    }
    let Err(error) = read(&json!({"engine": "postgres", "host": "h", "username": "u"})) else { panic!("accepted") };
    assert!(error.to_string().contains("password is missing"), "{error}");
}

#[test]
fn a_difference_is_named_and_the_password_is_none() {
    let base = accepted(&with("port", json!(5432)));
    assert_eq!(base.difference(&accepted(&with("port", json!("5432")))), None);
    assert_eq!(base.difference(&accepted(&with("port", json!(5433)))), Some("port"));
    let mut other = with("port", json!(5432));
    other["password"] = json!("another");
    other["host"] = json!("DB.example");
    assert_eq!(base.difference(&accepted(&other)), None);
    other["ssl"] = json!(false);
    assert_eq!(base.difference(&accepted(&other)), Some("ssl"));
}

#[test]
fn engine_host_and_administrator_are_trimmed_and_engines_written_in_any_case() {
    let mut value = with("engine", json!(" Postgres "));
    value["host"] = json!("db.example\n");
    value["masterarn"] = json!(" arn:x\n");
    let login = accepted(&value);
    assert_eq!((login.engine.as_str(), login.host.as_str()), ("postgres", "db.example"));
    assert_eq!(login.masterarn.as_deref(), Some("arn:x"));
}

#[test]
fn a_whole_number_is_a_port_however_it_is_written() {
    for (port, expected) in [("5432", Some(5432)), ("5432.0", Some(5432)), ("5432.00", Some(5432))] {
        let text = format!(r#"{{"engine":"postgres","host":"h","username":"u","password":"p","port":{port}}}"#);
        let login = Login::read(&Document::parse(Sensitive::new(text)).unwrap_or_else(|e| panic!("{e}")), false);
        assert_eq!(login.unwrap_or_else(|e| panic!("{e}")).port, expected);
    }
}

#[test]
fn a_key_that_is_nearly_one_of_awss_is_refused_where_that_is_missing() {
    for key in ["masterArn", "master_arn", "MASTERARN", "db-name", "dbName", "SSL", "Port"] {
        let Err(error) = read(&with(key, json!("x"))) else { panic!("{key}") };
        assert!(error.cause().contains(key) && error.remedy().contains("as AWS does"), "{error}");
    }
    let mut both = with("masterArn", json!("x"));
    both["masterarn"] = json!("arn:x");
    assert!(read(&both).is_ok());
    assert!(read(&with("masterSecret", json!("x"))).is_ok());
    for empty in [json!(""), json!(" "), Value::Null, json!(7)] {
        let Err(error) = read(&with("masterarn", empty.clone())) else { panic!("{empty}") };
        assert!(error.cause().contains("masterarn is empty"), "{error}");
    }
}

#[test]
fn all_missing_keys_are_told_at_once_and_a_tag_stands_in_for_the_engine() {
    let Err(error) = read(&json!({"username": "u"})) else { panic!("accepted") };
    assert!(error.cause().contains("engine, host, password are missing"), "{error}");
    let value = json!({"host": "h", "username": "u", "password": "p"});
    let document = Document::parse(Sensitive::new(value.to_string())).unwrap_or_else(|e| panic!("{e}"));
    assert!(Login::read(&document, true).is_ok() && Login::read(&document, false).is_err());
}
