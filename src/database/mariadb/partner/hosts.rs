//! Which row of an account a login meets: of those whose pattern matches, the server takes the most specific.

/// Whether a row for the first pattern would take logins that otherwise met a row for the second. Where that cannot be told
/// (names of hosts against addresses), it would.
pub(super) fn catches(one: &str, other: &str) -> bool {
    may_meet(one, other) && (one.contains('/') || literal(one).len() >= literal(other).len() || !is_pattern(one))
}

/// Whether a client could match both.
fn may_meet(one: &str, other: &str) -> bool {
    let address = |host: &str| host.chars().all(|letter| letter.is_ascii_digit() || ".%_".contains(letter));
    if one.contains('/') || other.contains('/') || address(one) != address(other) {
        return true;
    }
    let (one_begins, other_begins) = (literal(one), literal(other));
    match (is_pattern(one), is_pattern(other)) {
        (false, false) => one.eq_ignore_ascii_case(other),
        (true, true) => one_begins.starts_with(other_begins) || other_begins.starts_with(one_begins),
        (true, false) => other.starts_with(one_begins),
        (false, true) => one.starts_with(other_begins),
    }
}

fn is_pattern(host: &str) -> bool {
    host.is_empty() || host.contains(['%', '_'])
}

/// What comes before the first wildcard.
fn literal(host: &str) -> &str {
    host.split(['%', '_']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::catches;

    #[test]
    fn a_row_catches_what_it_matches_more_closely() {
        for (one, other, expected) in [
            ("10.%", "%", true),
            ("%", "10.%", false),
            ("", "10.%", false),
            ("localhost", "%", true),
            ("10.1.2.3", "10.%", true),
            ("10.%", "10.1.2.3", false),
            ("10.%", "192.168.%", false),
            ("10.1.2.3", "10.1.2.4", false),
            // An address may be that of a name.
            ("localhost", "127.0.0.1", true),
            ("db.example.com", "10.%", true),
            ("10.0.0.0/255.0.0.0", "%", true),
        ] {
            assert_eq!(catches(one, other), expected, "{one} {other}");
        }
    }
}
