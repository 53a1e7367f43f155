//! How names and texts stand in SQL.

/// `name` as a quoted SQL identifier, in every `sql_mode`.
#[must_use]
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// `text` as a quoted SQL string, unless `sql_mode` has `NO_BACKSLASH_ESCAPES`; the one of
/// [`MariaDb::sql`](super::MariaDb::sql) never has.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
