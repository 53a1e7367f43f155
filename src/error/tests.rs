use super::*;

#[test]
fn message_names_place_cause_and_remedy() {
    let error = Error::new(ErrorKind::RefusedHold, "the secret is on hold", "remove the tag keyroll:hold")
        .at("the administrator's secret")
        .at("createSecret of orders/db, version v2");
    assert_eq!(
        error.to_string(),
        "createSecret of orders/db, version v2: the administrator's secret: the secret is on hold. Remedy: remove the tag keyroll:hold."
    );
    assert_eq!(Diagnostic::from(error).error_type, "RefusedHold");
}

#[test]
fn every_kind_belongs_to_one_of_the_two_families() {
    for kind in ErrorKind::ALL {
        assert_eq!(kind.name(), format!("{kind:?}"));
        assert!(kind.name().starts_with(&format!("{:?}", kind.family())), "{kind:?}");
    }
}

#[test]
fn context_keeps_the_kind_and_comes_before_the_place() {
    let error = Error::new(ErrorKind::FailedAws, "no answer", "try again")
        .at("ecs")
        .map_cause(|cause| format!("not begun: {cause}"))
        .map_remedy(|remedy| format!("{remedy}; then invoke Revoke"));
    assert_eq!(error.kind(), ErrorKind::FailedAws);
    assert_eq!(error.to_string(), "not begun: ecs: no answer. Remedy: try again; then invoke Revoke.");
}

#[test]
fn joined_errors_tell_all_and_keep_the_first_kind() {
    let joined = Error::join(vec![
        Error::new(ErrorKind::RefusedLogin, "a", "fix a"),
        Error::new(ErrorKind::RefusedServer, "b", "fix b").at("place"),
    ])
    .unwrap();
    assert_eq!(joined.kind(), ErrorKind::RefusedLogin);
    assert_eq!(joined.to_string(), "a; (2) place: b. Remedy: fix a; (2) fix b.");
    assert_eq!(Error::join(vec![]), None);
}

#[test]
fn errors_that_were_joined_before_are_told_once() {
    let error = |cause: &str| Error::new(ErrorKind::FailedAws, cause, format!("fix {cause}"));
    let inner = Error::join(vec![error("a"), error("b")]).unwrap().at("version v");
    let joined = Error::join(vec![inner, error("c")]).unwrap();
    assert_eq!(joined.to_string(), "version v: a; (2) version v: b; (3) c. Remedy: fix a; (2) fix b; (3) fix c.");
}
