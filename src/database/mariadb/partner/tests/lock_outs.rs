//! Nobody is locked out: not those who log in as the partner while it is the base's turn, and not by a base that nobody can
//! log in as.

use super::*;

#[test]
fn what_could_lock_out_a_partner_in_use_waits_for_its_turn() {
    let open = " WITH MAX_USER_CONNECTIONS 5";
    let base: Row<'_> = ("%", " REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 9 PASSWORD EXPIRE INTERVAL 3 DAY", READS);
    let strict = seen(&[base, ("10.%", "", READS)], &[("%", open, READS)]);
    let alignment = both(&strict, "x").unwrap();
    let warning = alignment.warnings.join("; ");
    for word in ["REQUIRE SSL", "MAX_QUERIES_PER_HOUR 9", "PASSWORD EXPIRE INTERVAL 3 DAY", "its row for `10.%`"] {
        assert!(warning.contains(word), "{word}: {warning}");
    }
    // What lets more in comes at once.
    let wider = "ALTER USER `x_clone`@`%` WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 \
                 MAX_USER_CONNECTIONS 0 MAX_STATEMENT_TIME 0.000000";
    assert_eq!(statements(alignment), [wider]);
    let own_turn = statements(both(&strict, "x_clone").unwrap());
    assert_eq!(own_turn.len(), 3, "{own_turn:?}");
    assert_eq!(
        own_turn[0],
        "ALTER USER `x_clone`@`%` REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 9 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 \
         MAX_USER_CONNECTIONS 0 MAX_STATEMENT_TIME 0.000000 PASSWORD EXPIRE INTERVAL 3 DAY"
    );
    let relaxed = seen(&[("%", " PASSWORD EXPIRE NEVER", READS)], &[("%", " REQUIRE X509", READS)]);
    let changes = statements(both(&relaxed, "x").unwrap());
    assert_eq!(changes, ["ALTER USER `x_clone`@`%` REQUIRE NONE PASSWORD EXPIRE NEVER"]);
}

#[test]
fn a_right_that_the_base_lost_goes_at_once_where_both_are_proven_to_be_a_pair() {
    let less = seen(&[("%", "", READS)], &[("%", "", WRITES)]);
    for account in ["x", "x_clone"] {
        let alignment = both(&less, account).unwrap();
        assert!(alignment.changes.iter().all(|change| change.optional));
        assert_eq!(statements(alignment), ["REVOKE INSERT ON `d`.* FROM `x_clone`@`%`"]);
    }
    refused(alone(&less, "x"), &["nothing shows that \"x\"", "INSERT ON `d`.* to `x_clone`@`%`"]);
}

#[test]
fn what_could_only_be_taken_with_something_else_waits_while_it_is_in_use() {
    let base: Row<'_> = ("%", "", &["SELECT (`a`) ON `d`.`t`", "PROXY ON `o`@`%`"]);
    let partner: Row<'_> = ("%", "", &["SELECT, SELECT (`a`) ON `d`.`t`", "PROXY ON `o`@`%` WITH GRANT OPTION"]);
    let alignment = both(&seen(&[base], &[partner]), "x").unwrap();
    assert_eq!(alignment.changes, []);
    assert!(alignment.warnings[0].contains("REVOKE SELECT ON") && alignment.warnings[0].contains("REVOKE PROXY ON"));
    let changes = both(&seen(&[base], &[partner]), "x_clone").unwrap().changes;
    let optional: Vec<bool> = changes.iter().map(|change| change.optional).collect();
    assert_eq!(optional, [true, false, true, false], "{changes:?}");
}

#[test]
fn a_base_that_nobody_can_log_in_as_is_refused() {
    let (open, locked): (Row<'_>, Row<'_>) = (("%", "", READS), ("%", " ACCOUNT LOCK", READS));
    refused(both(&seen(&[locked], &[open]), "x"), &["ALTER USER `x`@`%` ACCOUNT UNLOCK"]);
    // Its partner can be the way out.
    let alignment = both(&seen(&[locked], &[open]), "x_clone").unwrap();
    assert!(alignment.changes.is_empty() && alignment.warnings[0].contains("is locked"));
    refused(both(&seen(&[open, ("10.%", " ACCOUNT LOCK", READS)], &[]), "x_clone"), &["`x`@`10.%` is locked"]);
    let none: Row<'_> = ("%", " WITH MAX_USER_CONNECTIONS -1", READS);
    refused(both(&seen(&[none], &[open]), "x_clone"), &["nobody could log in"]);
}

#[test]
fn a_row_that_takes_logins_from_those_in_step_is_refused() {
    let open: Row<'_> = ("%", "", READS);
    let catching = seen(&[open], &[open, ("10.%", "", READS)]);
    refused(both(&catching, "x_clone"), &["`x_clone`@`10.%` has no like", "DROP USER `x_clone`@`10.%`"]);
    // In use as it is.
    assert!(both(&catching, "x").unwrap().warnings[0].contains("DROP USER `x_clone`@`10.%`"));
    let aside = seen(&[("10.%", "", READS)], &[("10.%", "", READS), ("192.168.%", "", READS)]);
    let alignment = both(&aside, "x_clone").unwrap();
    assert!(alignment.changes.is_empty() && alignment.warnings[0].contains("DROP USER `x_clone`@`192.168.%`"));
}
