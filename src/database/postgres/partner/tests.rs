//! The plan for a pair, from documents as a server of any release would show them.

mod lock_outs;

use serde_json::{Value, json};

use super::{Seen, plan};
use crate::database::pair::Pair;
use crate::database::{Alignment, Alternation};
use crate::error::{ErrorKind, Result};

fn role(name: &str) -> Value {
    json!({
        "rolname": name, "rolsuper": false, "rolinherit": true, "rolcreaterole": false, "rolcreatedb": false,
        "rolcanlogin": true, "rolreplication": false, "rolbypassrls": false, "rolconnlimit": -1, "rolvaliduntil": null,
        "expired": false, "expires_soon": false, "mighty": null, "admin": true
    })
}

fn member(member: &str, group: &str, grantor: &str, [admin, inherit, set]: [bool; 3]) -> Value {
    json!({
        "member": member, "group": group, "admin": admin, "inherit": inherit, "set": set, "grantor": grantor,
        "grantable": true, "revocable": true
    })
}

/// A pair in step on PostgreSQL 16, whose partner is acting as its base.
fn document() -> Value {
    let mut writer = role("dba");
    writer["rolcreaterole"] = json!(true);
    json!({
        "version": 160_008, "public_connects": true, "writer": writer, "base": role("x"), "partner": role("x_clone"),
        "sessions": 3,
        "memberships": [member("x_clone", "x", "dba", [false, true, true])],
        "settings": [], "base_acts_as": null, "partner_acts_as": "x", "dependencies": []
    })
}

fn planned(document: &Value, pending: &str) -> Result<Alignment> {
    let seen: Seen = serde_json::from_value(document.clone()).unwrap();
    let pair = Pair { base: "x".to_owned(), partner: "x_clone".to_owned() };
    let entered = if pending == "x" { "x_clone" } else { "x" };
    plan(&seen, &Alternation { pair: &pair, account: pending, entered, both: false, insisted: false })
}

fn statements(document: &Value) -> Vec<String> {
    let alignment = planned(document, "x_clone").unwrap();
    alignment.changes.into_iter().map(|change| change.statement).collect()
}

fn warnings(document: &Value) -> String {
    planned(document, "x_clone").unwrap().warnings.join("; ")
}

fn refused(document: &Value, pending: &str, kind: ErrorKind, words: &[&str]) {
    let error = planned(document, pending).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}

/// The document with changes at JSON pointers.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut document = document();
    for (pointer, value) in changes {
        *document.pointer_mut(pointer).unwrap() = value.clone();
    }
    document
}

#[test]
fn what_is_in_step_stays_as_it_is() {
    for pending in ["x", "x_clone"] {
        assert_eq!(planned(&document(), pending).unwrap(), Alignment::default());
    }
    assert_eq!(planned(&with(&[("/base/rolvaliduntil", json!("infinity"))]), "x").unwrap(), Alignment::default());
}

#[test]
fn a_partner_that_is_not_there_is_made_from_nothing() {
    let document = with(&[("/partner", json!(null)), ("/memberships", json!([])), ("/partner_acts_as", json!(null))]);
    assert_eq!(
        statements(&document),
        [
            "CREATE ROLE \"x_clone\" LOGIN",
            "GRANT \"x\" TO \"x_clone\" WITH ADMIN false, INHERIT true, SET true",
            "ALTER ROLE \"x_clone\" SET role = 'x'"
        ]
    );
}

#[test]
fn a_membership_without_set_or_inherit_is_widened_over_all_its_grantors() {
    let grant = "GRANT \"x\" TO \"x_clone\" WITH ADMIN false, INHERIT true, SET true";
    for options in [[false, false, true], [false, true, false], [true, false, false]] {
        let document = with(&[("/memberships", json!([member("x_clone", "x", "postgres", options)]))]);
        assert_eq!(statements(&document).last().unwrap(), grant, "{options:?}");
    }
    // The right to hand it on is more than the base has.
    let more = statements(&with(&[("/memberships", json!([member("x_clone", "x", "dba", [true, true, true])]))]));
    assert!(more.len() == 1, "{more:?}");
    assert!(more[0].contains("REVOKE ADMIN OPTION FOR \"x\" FROM \"x_clone\" GRANTED BY \"dba\";"), "{more:?}");
    let by_two = json!([
        member("x_clone", "x", "dba", [false, true, false]),
        member("x_clone", "x", "postgres", [false, false, true])
    ]);
    assert_eq!(statements(&with(&[("/memberships", by_two)])), [""; 0]);
}

#[test]
fn options_of_other_memberships_are_those_of_the_base() {
    let own = member("x_clone", "x", "dba", [false, true, true]);
    let of_base = member("x", "g", "dba", [false, false, true]);
    let document = |rest: &[Value]| {
        let mut memberships = vec![own.clone(), of_base.clone()];
        memberships.extend_from_slice(rest);
        with(&[("/memberships", json!(memberships))])
    };
    let grant = "GRANT \"g\" TO \"x_clone\" WITH ADMIN false, INHERIT false, SET true;";
    let missing = statements(&document(&[]));
    assert!(missing.len() == 1 && missing[0].contains(grant), "{missing:?}");
    let less = statements(&document(&[member("x_clone", "g", "dba", [false, false, false])]));
    assert!(less.len() == 1 && less[0].contains(grant), "{less:?}");
    // What another grantor granted is revoked in that one's name, and then granted as the base has it.
    let more = statements(&document(&[member("x_clone", "g", "other", [true, true, true])]));
    assert!(more.len() == 2 && more[0].contains("REVOKE \"g\" FROM \"x_clone\" GRANTED BY \"other\";"), "{more:?}");
    assert!(more[1].contains(grant), "{more:?}");
    // Or told, where that one is beyond the administrator.
    let mut beyond = member("x_clone", "g", "other", [true, true, true]);
    beyond["revocable"] = json!(false);
    assert!(warnings(&document(&[beyond])).contains("REVOKE \"g\" FROM \"x_clone\" GRANTED BY \"other\""));
    let mut ungrantable = document(&[]);
    ungrantable["memberships"][1]["grantable"] = json!(false);
    assert_eq!(statements(&ungrantable), [""; 0]);
    assert!(warnings(&ungrantable).contains(grant.trim_end_matches(';')));
}

#[test]
fn before_postgresql_16_a_grant_has_no_options_and_a_revoke_no_grantor() {
    let mut of_base = member("x", "g", "dba", [true, true, true]);
    let mut own = member("x_clone", "h", "dba", [false, true, true]);
    for row in [&mut of_base, &mut own] {
        row["inherit"] = json!(null);
        row["set"] = json!(null);
    }
    let document = with(&[("/version", json!(150_018)), ("/memberships", json!([of_base, own]))]);
    let statements = statements(&document).join("\n");
    for expected in [
        "GRANT \"x\" TO \"x_clone\"\n",
        "GRANT \"g\" TO \"x_clone\" WITH ADMIN OPTION;",
        "REVOKE \"h\" FROM \"x_clone\";",
    ] {
        assert!(statements.contains(expected), "{expected}: {statements}");
    }
}

#[test]
fn an_administrator_without_the_admin_option_is_told_the_grant() {
    let admin = |role: &str| format!("GRANT \"{role}\" TO \"dba\" WITH ADMIN OPTION");
    let kind = ErrorKind::RefusedAccount;
    refused(&with(&[("/partner/admin", json!(false))]), "x_clone", kind, &[&admin("x_clone"), "42501"]);
    refused(&with(&[("/base/admin", json!(false))]), "x", kind, &[&admin("x"), "42501"]);
    let lacking = with(&[("/base/admin", json!(false)), ("/memberships", json!([]))]);
    refused(&lacking, "x_clone", kind, &[&admin("x"), "GRANT \"x\" TO \"x_clone\" yourself"]);
    refused(
        &with(&[("/writer/rolcreaterole", json!(false)), ("/partner", json!(null))]),
        "x_clone",
        kind,
        &["may not create", "ALTER ROLE \"dba\" CREATEROLE"],
    );
    // Before 16 the attribute is enough; and who is a member already needs no grant.
    let older = [("/version", json!(150_018)), ("/partner/admin", json!(false)), ("/base/admin", json!(false))];
    assert!(planned(&with(&older), "x").is_ok());
    assert!(planned(&with(&[("/base/admin", json!(false))]), "x_clone").is_ok());
}

#[test]
fn from_postgresql_16_on_createdb_takes_createdb_to_give_and_to_take() {
    for (base, partner, version, writer, expected) in [
        (true, false, 160_008, true, "ALTER ROLE \"x_clone\" CREATEDB"),
        (false, true, 160_008, true, "ALTER ROLE \"x_clone\" NOCREATEDB"),
        (true, false, 150_018, false, "ALTER ROLE \"x_clone\" CREATEDB"),
        (false, true, 160_008, false, ""),
        // It acts as the base, and creates with the base's right.
        (true, false, 160_008, false, ""),
    ] {
        let document = with(&[
            ("/base/rolcreatedb", json!(base)),
            ("/partner/rolcreatedb", json!(partner)),
            ("/version", json!(version)),
            ("/writer/rolcreatedb", json!(writer)),
        ]);
        assert_eq!(statements(&document).join(";"), expected, "{version} {base} {partner} {writer}");
        let told = warnings(&document).contains("ALTER ROLE \"dba\" CREATEDB");
        assert_eq!(told, expected.is_empty() && partner, "{version} {base} {partner} {writer}");
    }
}

#[test]
fn a_partner_acts_as_whom_its_base_acts_as_unless_it_would_lose_something() {
    let own = json!([{"database": "orders", "owned": 1, "granted": 0}]);
    let act = |owner: &str| vec![format!("ALTER ROLE \"x_clone\" SET role = '{owner}'")];
    for (base_acts_as, partner_acts_as, dependencies, expected) in [
        (json!(null), json!(null), json!([]), act("x")),
        (json!("none"), json!("none"), json!([]), act("x")),
        (json!("none"), json!("x"), json!([]), vec![]),
        (json!("owner"), json!("x"), json!([]), act("owner")),
        (json!("owner"), json!("owner"), own.clone(), vec![]),
        (json!(null), json!(null), own.clone(), vec![]),
        (json!(null), json!("none"), own.clone(), vec![]),
        // What it has of its own was out of its reach before, too.
        (json!(null), json!("owner"), own.clone(), act("x")),
    ] {
        let document = with(&[
            ("/base_acts_as", base_acts_as.clone()),
            ("/partner_acts_as", partner_acts_as.clone()),
            ("/dependencies", dependencies.clone()),
        ]);
        assert_eq!(statements(&document), expected, "{base_acts_as} {partner_acts_as} {dependencies}");
        let told = warnings(&document).contains("REASSIGN OWNED BY \"x_clone\"");
        assert_eq!(told, dependencies == own);
    }
}

#[test]
fn inheritance_is_the_bases_unless_only_it_lets_the_partner_connect() {
    for (version, public, expected) in [
        (150_018, true, "NOINHERIT"),
        (150_018, false, ""),
        (160_008, true, "NOINHERIT"),
        (160_008, false, "NOINHERIT"),
    ] {
        let document = with(&[
            ("/version", json!(version)),
            ("/public_connects", json!(public)),
            ("/base/rolinherit", json!(false)),
        ]);
        let statements = statements(&document).join(";");
        assert!(statements.ends_with(expected) && statements.is_empty() == expected.is_empty(), "{statements}");
    }
}

#[test]
fn releases_without_a_sound_setting_are_told_or_refused() {
    for version in [150_009, 160_005, 170_001] {
        refused(
            &with(&[("/version", json!(version))]),
            "x_clone",
            ErrorKind::RefusedServer,
            &["ignores", "single-user"],
        );
        // The way back to the base is open.
        assert!(planned(&with(&[("/version", json!(version))]), "x").is_ok());
    }
    assert!(warnings(&with(&[("/version", json!(160_002))])).contains("PostgreSQL 16.2 forgets at DISCARD ALL"));
}
