//! Nobody who is in use is locked out, and nobody is taken for a partner who is none.

use serde_json::{Value, json};

use super::{document, member, planned, refused, with};
use crate::error::ErrorKind;

/// What is planned at the base's turn and at the partner's.
fn at_both_turns(changes: &[(&str, Value)]) -> [(String, String); 2] {
    ["x", "x_clone"].map(|pending| {
        let alignment = planned(&with(changes), pending).unwrap();
        let statements: Vec<String> = alignment.changes.into_iter().map(|change| change.statement).collect();
        (statements.join("; "), alignment.warnings.join("; "))
    })
}

#[test]
fn what_narrows_a_login_that_is_in_use_waits_for_its_own_turn() {
    for (changes, statement) in [
        (vec![("/base/rolconnlimit", json!(5))], "CONNECTION LIMIT 5"),
        (vec![("/base/rolconnlimit", json!(5)), ("/partner/rolconnlimit", json!(9))], "CONNECTION LIMIT 5"),
        (
            vec![("/base/rolvaliduntil", json!("2026-12-24T00:00:00+00:00")), ("/base/expires_soon", json!(true))],
            "VALID UNTIL",
        ),
        (vec![("/base/rolinherit", json!(false)), ("/partner_acts_as", json!(null))], "NOINHERIT"),
        (vec![("/partner_acts_as", json!(null))], "SET role = 'x'"),
    ] {
        let [of_base, of_partner] = at_both_turns(&changes);
        assert_eq!(of_base.0, "", "{changes:?}");
        assert!(of_base.1.contains("is in use until this rotation has ended"), "{of_base:?}");
        assert!(of_partner.0.contains(statement), "{of_partner:?}");
        assert!(!of_partner.1.contains("is in use"), "{of_partner:?}");
    }
}

#[test]
fn what_widens_a_login_or_takes_rights_from_it_waits_for_nobody() {
    for (changes, statement) in [
        (vec![("/partner/rolconnlimit", json!(5))], "CONNECTION LIMIT -1"),
        // Three sessions may become six.
        (vec![("/base/rolconnlimit", json!(6))], "CONNECTION LIMIT 6"),
        (vec![("/base/rolvaliduntil", json!("2099-01-01T00:00:00+00:00"))], "VALID UNTIL"),
        (vec![("/base/rolinherit", json!(false))], "NOINHERIT"),
        (vec![("/base/rolconnlimit", json!(9)), ("/partner/rolconnlimit", json!(5))], "CONNECTION LIMIT 9"),
        (vec![("/partner/rolvaliduntil", json!("2099-01-01T00:00:00+00:00"))], "VALID UNTIL 'infinity'"),
        (vec![("/partner/rolcreaterole", json!(true))], "NOCREATEROLE"),
        (
            vec![(
                "/memberships",
                json!([
                    member("x_clone", "x", "dba", [false, true, true]),
                    member("x_clone", "g", "dba", [false, true, true])
                ]),
            )],
            "REVOKE \"g\"",
        ),
    ] {
        for (statements, _) in at_both_turns(&changes) {
            assert!(statements.contains(statement), "{statement}: {statements}");
        }
    }
}

#[test]
fn a_base_that_nobody_can_log_in_as_gets_no_partner() {
    for pending in ["x", "x_clone"] {
        let document = with(&[("/base/rolconnlimit", json!(0))]);
        refused(&document, pending, ErrorKind::RefusedAccount, &["CONNECTION LIMIT 0"]);
    }
}

#[test]
fn a_role_is_no_partner_by_its_name() {
    let stranger = |changes: &[(&str, Value)]| {
        let mut all = vec![("/memberships", json!([])), ("/partner_acts_as", json!(null))];
        all.extend_from_slice(changes);
        with(&all)
    };
    for document in [
        stranger(&[("/memberships", json!([member("x_clone", "g", "dba", [false, true, true])]))]),
        stranger(&[("/dependencies", json!([{"database": "d", "owned": 1, "granted": 0}]))]),
        stranger(&[("/partner_acts_as", json!("g"))]),
        // The role that created the base administers it, and is no member otherwise.
        stranger(&[("/memberships", json!([member("x_clone", "x", "postgres", [true, false, false])]))]),
    ] {
        refused(
            &document,
            "x_clone",
            ErrorKind::RefusedAccount,
            &["nothing but their names", "GRANT \"x\" TO \"x_clone\""],
        );
    }
    // One that was made to become the partner, and one that lost its membership.
    for document in [stranger(&[]), stranger(&[("/partner_acts_as", json!("x"))])] {
        assert!(planned(&document, "x_clone").is_ok());
        // Where it was the partner itself that was let in, anybody of that name could be it.
        refused(&document, "x", ErrorKind::RefusedAccount, &["nothing but their names"]);
    }
    assert!(planned(&document(), "x").is_ok());
}

#[test]
fn an_account_that_can_become_more_than_itself_is_doubled_only_by_name() {
    let document = with(&[("/base/mighty", json!("rds_superuser"))]);
    refused(
        &document,
        "x_clone",
        ErrorKind::RefusedAccount,
        &["rds_superuser", "keyroll:strategy = alternating-users"],
    );
}
