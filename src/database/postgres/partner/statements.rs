//! The statements about a pair, as text. Names pass through the PostgreSQL client library's own quoting functions; values
//! of settings are read and written by the server alone.

use postgres_protocol::escape::{escape_identifier, escape_literal};

use super::seen::{Membership, Options, Setting};
use crate::database::pair::Pair;

/// The lists of names that may be set for a role, as in `pg_dump` (`variable_is_guc_list_quote`).
const LISTS: &str = "'search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries'";

/// What the server shows of a pair, as one JSON document: the fields of [`super::Seen`].
///
/// Readable by everybody but for passwords, which are not asked for. Run with `search_path` = `pg_catalog`. Columns that
/// only some versions have are read through `to_jsonb`.
pub(super) fn look(pair: &Pair) -> String {
    let (base, partner) = (escape_literal(&pair.base), escape_literal(&pair.partner));
    // The comparison of settings: everything that either has, and whether both have the same.
    let entries = |role: &str| {
        format!(
            "SELECT s.setdatabase AS db, split_part(e, '=', 1) AS name, e AS entry FROM pg_db_role_setting s \
             JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) e WHERE r.rolname = {role}"
        )
    };
    let acts_as =
        |role: &str| format!("(SELECT substr(entry, 6) FROM ({}) one WHERE db = 0 AND name = 'role')", entries(role));
    // What all roles act as here, where they have no setting of their own.
    let all_act_as = "(SELECT substr(e, 6) FROM pg_db_role_setting s, unnest(s.setconfig) e \
         WHERE s.setrole = 0 AND split_part(e, '=', 1) = 'role' AND s.setdatabase IN \
         (0, (SELECT oid FROM pg_database WHERE datname = current_database())) ORDER BY s.setdatabase = 0 LIMIT 1)";
    // ADMIN OPTION counts where it can be used: through memberships that pass their rights on.
    let admin_of = |role: &str| {
        format!(
            "(me.rolsuper OR EXISTS (SELECT FROM pg_auth_members a WHERE a.roleid = {role}.oid AND a.admin_option \
             AND pg_has_role(me.oid, a.member, 'USAGE')))"
        )
    };
    let role = |name: &str| {
        format!(
            "(SELECT to_jsonb(r) || jsonb_build_object('rolpassword', NULL, 'rolconfig', NULL, \
             'expired', COALESCE(r.rolvaliduntil <= now(), false), \
             'expires_soon', COALESCE(r.rolvaliduntil < now() + interval '1 day', false), \
             'mighty', (SELECT min(g.rolname) FROM pg_roles g WHERE NOT r.rolsuper AND g.oid <> r.oid \
             AND (g.rolname = 'rds_superuser' OR g.rolsuper OR g.rolcreaterole OR g.rolreplication OR g.rolbypassrls) \
             AND pg_has_role(r.oid, g.oid, 'MEMBER')), \
             'admin', {}) FROM pg_roles r WHERE r.rolname = {name})",
            admin_of("r")
        )
    };
    // What is no built-in setting is a text of somebody's own. Of the built-in ones the lists, which lose their quotes
    // otherwise, and the one text that means nothing to the server, if it keeps all its letters there. The others a
    // session may refuse, be disturbed by, or show in other words than it was given.
    let in_session = format!(
        "s.name IN ({LISTS}) OR (s.name = 'application_name' AND COALESCE(s.b !~ '[^ -~]', false)) \
         OR (strpos(s.name, '.') > 0 AND NOT EXISTS (SELECT FROM pg_settings g \
         WHERE g.name = s.name AND g.vartype <> 'string'))"
    );
    let may_grant = format!(
        "({} OR (me.rolcreaterole AND NOT g.rolsuper AND current_setting('server_version_num')::int < 160000))",
        admin_of("g")
    );
    format!(
        "SELECT jsonb_build_object('version', current_setting('server_version_num')::int, \
         'public_connects', has_database_privilege('public', current_database(), 'CONNECT'), \
         'writer', {writer}, 'base', {base_role}, 'partner', {partner_role}, \
         'sessions', (SELECT count(*) FROM pg_stat_activity WHERE usename = {partner}), \
         'memberships', (SELECT COALESCE(jsonb_agg(jsonb_build_object('member', u.rolname, 'group', g.rolname, \
           'admin', m.admin_option, 'inherit', to_jsonb(m)->'inherit_option', 'set', to_jsonb(m)->'set_option', \
           'grantor', w.rolname, 'grantable', {may_grant}, \
           'revocable', ({may_grant}) AND (w.oid IS NULL OR pg_has_role(me.oid, w.oid, 'USAGE') \
             OR current_setting('server_version_num')::int < 160000)) ORDER BY u.rolname, g.rolname, w.rolname), '[]') \
           FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member \
           LEFT JOIN pg_roles w ON w.oid = m.grantor WHERE u.rolname IN ({base}, {partner})), \
         'settings', (SELECT COALESCE(jsonb_agg(jsonb_build_object('database', d.datname, 'name', s.name, \
           'in_base', s.b IS NOT NULL, 'same', s.b IS NOT DISTINCT FROM s.p, \
           'in_session', {in_session}) ORDER BY d.datname NULLS FIRST, s.name), '[]') \
           FROM (SELECT db, name, one.entry AS b, other.entry AS p FROM ({of_base}) one \
             FULL JOIN ({of_partner}) other USING (db, name)) s LEFT JOIN pg_database d ON d.oid = s.db \
           WHERE NOT (s.name = 'role' AND s.db = 0)), \
         'base_acts_as', COALESCE({base_acts_as}, {all_act_as}), 'partner_acts_as', {partner_acts_as}, \
         'dependencies', (SELECT COALESCE(jsonb_agg(to_jsonb(s) ORDER BY s.database NULLS FIRST), '[]') FROM \
           (SELECT d.datname AS database, count(*) FILTER (WHERE x.deptype = 'o') AS owned, \
             count(*) FILTER (WHERE x.deptype <> 'o') AS granted FROM pg_shdepend x \
             JOIN pg_roles r ON r.oid = x.refobjid AND r.rolname = {partner} LEFT JOIN pg_database d ON d.oid = x.dbid \
             WHERE x.refclassid = 'pg_authid'::regclass AND x.classid <> 'pg_auth_members'::regclass \
             GROUP BY d.datname) s))::text \
         FROM pg_roles me WHERE me.rolname = session_user",
        writer = role("session_user"),
        base_role = role(&base),
        partner_role = role(&partner),
        of_base = entries(&base),
        of_partner = entries(&partner),
        base_acts_as = acts_as(&base),
        partner_acts_as = acts_as(&partner),
    )
}

/// Whether the partner of a pair is a member of its base, with some of its rights: from PostgreSQL 16 on the role that created a
/// role is a member of it, too, with the right to administer it and no other.
pub(super) fn is_member(pair: &Pair) -> String {
    format!(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid \
         JOIN pg_catalog.pg_roles u ON u.oid = m.member WHERE g.rolname = {} AND u.rolname = {} \
         AND (COALESCE((to_jsonb(m)->>'inherit_option')::bool, true) OR COALESCE((to_jsonb(m)->>'set_option')::bool, true)))",
        escape_literal(&pair.base),
        escape_literal(&pair.partner)
    )
}

/// Makes a role that may log in, without a password yet.
pub(super) fn create(role: &str) -> String {
    format!("CREATE ROLE {} LOGIN", escape_identifier(role))
}

/// Changes attributes, given as PostgreSQL spells them.
pub(super) fn alter(role: &str, attributes: &[String]) -> String {
    format!("ALTER ROLE {} {}", escape_identifier(role), attributes.join(" "))
}

/// `VALID UNTIL` of a time as `pg_roles` shows it.
pub(super) fn valid_until(time: Option<&str>) -> String {
    format!("VALID UNTIL {}", escape_literal(time.unwrap_or("infinity")))
}

/// Has a role act as another one from its next login on.
pub(super) fn act_as(role: &str, owner: &str) -> String {
    format!("ALTER ROLE {} SET role = {}", escape_identifier(role), escape_literal(owner))
}

/// Makes a role a member of another one. Options other than ADMIN go only to servers that know them.
pub(super) fn grant(group: &str, member: &str, options: Options, have_options: bool) -> String {
    let mut wanted: Vec<String> = Vec::new();
    if options.admin || have_options {
        wanted.push(if have_options { format!("ADMIN {}", options.admin) } else { "ADMIN OPTION".to_owned() });
    }
    if have_options {
        wanted.push(format!("INHERIT {}", options.inherit));
        wanted.push(format!("SET {}", options.set));
    }
    let with = if wanted.is_empty() { String::new() } else { format!(" WITH {}", wanted.join(", ")) };
    format!("GRANT {} TO {}{with}", escape_identifier(group), escape_identifier(member))
}

/// A statement about a role other than the two, which may be more than the writer may do.
pub(super) fn attempt(statement: &str) -> String {
    lenient(&format!("BEGIN {statement};"), None)
}

/// Takes back the right to hand a membership on, as one grantor granted it.
pub(super) fn revoke_admin(row: &Membership, have_options: bool) -> String {
    revoke(row, have_options).replacen("REVOKE ", "REVOKE ADMIN OPTION FOR ", 1)
}

/// Takes back a membership as one grantor granted it. Before PostgreSQL 16 there is one for all grantors.
pub(super) fn revoke(row: &Membership, have_options: bool) -> String {
    let by = match &row.grantor {
        Some(grantor) if have_options => format!(" GRANTED BY {}", escape_identifier(grantor)),
        _ => String::new(),
    };
    format!("REVOKE {} FROM {}{by}", escape_identifier(&row.group), escape_identifier(&row.member))
}

/// Copies a setting from one role to another, or takes it away where the first has none.
///
/// The server copies it: put into a session and taken from there (`FROM CURRENT`), a list of names such as `search_path`
/// stays what it is, where its text in quotes would become one name; and what people keep in settings of their own is in
/// no statement's text, nor in `pg_stat_statements`. Other settings are written as they were read: a session would tell
/// them in its own words (`DateStyle`), would take them as meant for itself (`exit_on_error`), or lacks what they name.
pub(super) fn copy(from: &str, to: &str, setting: &Setting, remedy: Option<&str>) -> String {
    let place = match &setting.database {
        Some(database) => format!(" IN DATABASE {}", escape_identifier(database)),
        None => String::new(),
    };
    let name: Vec<String> = setting.name.split('.').map(escape_identifier).collect();
    let (alter, name) = (format!("ALTER ROLE {}{place}", escape_identifier(to)), name.join("."));
    let literal = escape_literal(&setting.name);
    let change = if !setting.in_base {
        format!("{alter} RESET {name};")
    } else if setting.in_session {
        format!(
            "was := pg_catalog.current_setting({literal}, true); PERFORM pg_catalog.set_config({literal}, wanted, true); \
             {alter} SET {name} FROM CURRENT; PERFORM pg_catalog.set_config({literal}, COALESCE(was, ''), true);"
        )
    } else {
        format!("EXECUTE {} || pg_catalog.quote_literal(wanted);", escape_literal(&format!("{alter} SET {name} = ")))
    };
    let database = match &setting.database {
        Some(database) => {
            format!("(SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = {})", escape_literal(database))
        }
        None => "0".to_owned(),
    };
    let declared = format!(
        "DECLARE was text; wanted text; BEGIN \
         SELECT pg_catalog.substr(e, pg_catalog.length({literal}) + 2) INTO wanted \
         FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) e \
         WHERE s.setrole = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = {from}) AND s.setdatabase = {database} \
         AND pg_catalog.split_part(e, '=', 1) = {literal}; \
         {change}",
        from = escape_literal(from),
    );
    lenient(&declared, remedy)
}

/// What lets an administrator who is no superuser give others this setting, from PostgreSQL 15 on.
pub(super) fn grant_setting(name: &str, writer: &str) -> String {
    format!("GRANT SET ON PARAMETER {} TO {}", escape_identifier(name), escape_identifier(writer))
}

/// What makes a change impossible for good, by name: the manual's "PostgreSQL Error Codes". Everything else, such as
/// a lock that somebody holds, ends the transaction, to be tried again.
const IMPOSSIBLE: &str = "insufficient_privilege OR undefined_object OR invalid_parameter_value OR cant_change_runtime_param \
     OR object_not_in_prerequisite_state OR dependent_objects_still_exist OR invalid_grant_operation \
     OR invalid_grantor OR active_sql_transaction OR feature_not_supported OR syntax_error OR undefined_file";

/// Does what is good to have and must not stop a rotation: where it is impossible, [`SKIPPED`] tells why. An internal error
/// is that only where it does not tell of a change of the same role by somebody else.
///
/// `remedy` is a statement that gives the right where that is what is missing.
fn lenient(begun: &str, remedy: Option<&str>) -> String {
    let remedy = remedy.map_or_else(String::new, |remedy| {
        format!(
            " || CASE SQLSTATE WHEN '42501' THEN {} ELSE '' END",
            escape_literal(&format!(": as superuser, {remedy}"))
        )
    });
    let skip = format!("PERFORM pg_catalog.set_config('keyroll.skipped', 'SQLSTATE ' || SQLSTATE{remedy}, true);");
    let body = format!(
        "{begun} PERFORM pg_catalog.set_config('keyroll.skipped', '', true); \
         EXCEPTION WHEN internal_error THEN \
         IF SQLERRM LIKE '%concurrently%' THEN RAISE; END IF; {skip} \
         WHEN {IMPOSSIBLE} THEN {skip} END"
    );
    // Names may hold anything, also what would end the quotes.
    let mut tag = "$keyroll$".to_owned();
    while body.contains(&tag) {
        tag.insert(1, 'x');
    }
    format!("DO {tag}{body}{tag}")
}

/// Asks why the last change had to be left out, if it had.
pub(super) const SKIPPED: &str = "SELECT COALESCE(pg_catalog.current_setting('keyroll.skipped', true), '')";

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &str, in_base: bool, in_session: bool) -> Setting {
        Setting { database: Some("o'db".to_owned()), name: name.to_owned(), in_base, same: false, in_session }
    }

    #[test]
    fn names_are_quoted_whatever_they_are() {
        assert_eq!(create("a\"b"), "CREATE ROLE \"a\"\"b\" LOGIN");
        assert_eq!(act_as("a", "o'neil"), "ALTER ROLE \"a\" SET role = 'o''neil'");
        let pair = Pair { base: "o'neil".to_owned(), partner: "o'neil_clone".to_owned() };
        assert!(look(&pair).contains("rolname = 'o''neil_clone'") && is_member(&pair).contains("'o''neil'"));
        let copied = copy("o'neil", "$keyroll$", &setting("app.tenant", true, true), None);
        assert!(copied.starts_with("DO $xkeyroll$") && copied.ends_with("$xkeyroll$"), "{copied}");
        assert!(
            copied.contains("\"app\".\"tenant\" FROM CURRENT") && copied.contains("IN DATABASE \"o'db\""),
            "{copied}"
        );
    }

    #[test]
    fn options_are_told_to_servers_that_know_them() {
        let options = Options { admin: false, inherit: true, set: true };
        assert_eq!(grant("g", "m", options, false), "GRANT \"g\" TO \"m\"");
        assert_eq!(grant("g", "m", options, true), "GRANT \"g\" TO \"m\" WITH ADMIN false, INHERIT true, SET true");
        assert_eq!(
            grant("g", "m", Options { admin: true, ..options }, false),
            "GRANT \"g\" TO \"m\" WITH ADMIN OPTION"
        );
    }

    #[test]
    fn a_setting_is_copied_taken_away_or_written_out() {
        assert!(
            copy("a", "b", &setting("x", false, true), None)
                .contains("ALTER ROLE \"b\" IN DATABASE \"o'db\" RESET \"x\";")
        );
        let written = copy("a", "b", &setting("x", true, false), None);
        assert!(written.contains("quote_literal(wanted)") && !written.contains("FROM CURRENT"), "{written}");
    }
}
