use super::*;

fn read(tags: &[(&str, &str)]) -> Result<Settings> {
    let settings = Settings::read(tags.iter().copied());
    settings.sound().map(|()| settings)
}

#[test]
fn services_are_listed_over_several_tags() {
    let settings = read(&[
        ("keyroll:services-2", "prod/worker"),
        ("keyroll:services", "prod/api  stage/api prod/api"),
        ("team", "keyroll:unknown"),
    ])
    .unwrap();
    let Dependents::Named(names) = settings.dependents else { panic!("not named") };
    assert_eq!(names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["prod/api", "stage/api", "prod/worker"]);
    assert_eq!(read(&[("keyroll:services", "none")]).unwrap().dependents, Dependents::Named(vec![]));
    assert_eq!(read(&[]).unwrap().dependents, Dependents::Discovered);
}

#[test]
fn what_cannot_be_read_is_refused_by_tag() {
    for (tag, value, kind) in [
        ("keyroll:service", "prod/api", ErrorKind::RefusedSetting),
        ("keyroll:services", "api", ErrorKind::RefusedSetting),
        ("keyroll:services", "prod/api none", ErrorKind::RefusedSetting),
        ("keyroll:services", "", ErrorKind::RefusedSetting),
        ("keyroll:services-1", "prod/api", ErrorKind::RefusedSetting),
        ("keyroll:services-10", "prod/api", ErrorKind::RefusedSetting),
        ("keyroll:min-age", "soon", ErrorKind::RefusedSetting),
        ("keyroll:strategy", "two-users", ErrorKind::RefusedSetting),
        ("keyroll:admin-secret", "", ErrorKind::RefusedSetting),
        ("keyroll:copies", "s3://bucket", ErrorKind::RefusedSetting),
        ("keyroll:copies-10", "ssm:/a", ErrorKind::RefusedSetting),
    ] {
        let error = read(&[(tag, value)]).unwrap_err();
        assert_eq!(error.kind(), kind, "{tag} = {value:?}: {error}");
        assert!(error.to_string().contains(tag), "{error}");
    }
}

#[test]
fn a_rotation_too_soon_is_put_off_and_the_first_never() {
    let (default, tagged) = (read(&[]).unwrap(), read(&[("keyroll:min-age", "60")]).unwrap());
    let off = read(&[("keyroll:min-age", "0")]).unwrap();
    let now = Timestamp::from_seconds(1_000_000);
    let ago = |minutes: i64| Some(Timestamp::from_seconds(1_000_000 - minutes * 60));
    for (settings, last, refused) in [
        (&default, ago(9), true),
        (&default, ago(10), false),
        (&tagged, ago(59), true),
        (&tagged, ago(61), false),
        (&off, ago(0), false),
        (&off, ago(-1), false),
        (&default, ago(-1), true),
        (&default, None, false),
    ] {
        assert_eq!(settings.refuse_too_soon(10, last, now).is_err(), refused, "{last:?}");
    }
}

#[test]
fn a_token_lives_for_a_day_unless_the_tag_says_otherwise() {
    assert_eq!(read(&[]).unwrap().token_lifetime(), DAY);
    for (value, expected) in [
        ("0", Some(Duration::ZERO)),
        ("1", Some(Duration::from_hours(1))),
        ("0.25", Some(Duration::from_mins(15))),
        ("168.5", Some(Duration::from_mins(168 * 60 + 30))),
        ("0.0001", None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.", None),
        (".5", None),
        ("1h", None),
        ("9999999999999999", None),
    ] {
        let lifetime = read(&[("keyroll:token-lifetime", value)]).ok().map(|settings| settings.token_lifetime());
        assert_eq!(lifetime, expected, "{value:?}");
    }
}

#[test]
fn what_cannot_be_read_leaves_the_rest_standing() {
    let settings = Settings::read([("keyroll:services", "api"), ("keyroll:kind", "postgres"), ("keyroll:x", "")]);
    assert_eq!(settings.kind, Some(KindTag::Postgres));
    let error = settings.sound().unwrap_err().to_string();
    assert!(error.contains("keyroll:services") && error.contains("keyroll:x"), "{error}");
}

#[test]
fn tags_that_are_not_built_yet_are_refused_by_name() {
    for (tag, value) in [
        ("keyroll:retire", "on-settled"),
        ("keyroll:retire", "24h"),
        ("keyroll:watch", "true"),
        ("keyroll:overlap-limit", "3"),
        ("keyroll:rds-master", "true"),
    ] {
        let error = Settings::read([(tag, value)]).sound().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefusedNotBuilt);
        assert!(error.cause().contains(&format!("{tag} = {value:?}")), "{error}");
    }
    Settings::read([("keyroll:retire", "next-rotation")]).sound().unwrap();
}

#[test]
fn a_tag_in_capital_letters_is_refused_and_not_ignored() {
    for tag in ["Keyroll:services", "KEYROLL:HOLD", "KeyRoll:kind"] {
        let error = Settings::read([(tag, "none")]).sound().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefusedSetting);
        assert!(error.cause().contains(tag) && error.remedy().contains(&tag.to_ascii_lowercase()), "{error}");
    }
    Settings::read([("keyrolls:x", "1"), ("key", "2"), ("Owner", "keyroll:")]).sound().unwrap();
}
