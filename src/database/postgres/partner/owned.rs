//! What a partner has of its own, in words, and how its base gets it.

use super::rules::quoted;
use super::seen::Dependency;

/// What belongs to the partner, for a message.
pub(super) fn listed(dependencies: &[Dependency]) -> String {
    let told: Vec<String> = dependencies
        .iter()
        .map(|it| {
            let place = it
                .database
                .as_ref()
                .map_or_else(|| "shared by all databases".to_owned(), |name| format!("in {name:?}"));
            format!("{place} {} owned and {} granted", it.owned, it.granted)
        })
        .collect();
    told.join(", ")
}

/// The statements that give everything to the owner, by database. `DROP OWNED` takes back what was granted to the partner
/// by name, so that the owner must have been granted the same before.
pub(super) fn moves(dependencies: &[Dependency], partner: &str, owner: &str) -> String {
    let (partner, owner) = (quoted(partner), quoted(owner));
    let granted: i64 = dependencies.iter().map(|it| it.granted).sum();
    let mut databases: Vec<String> =
        dependencies.iter().filter_map(|it| it.database.as_ref()).map(|name| quoted(name)).collect();
    if databases.is_empty() {
        databases.push("any".to_owned());
    }
    let first =
        if granted > 0 { format!("grant {owner} what {partner} was granted by name; then ") } else { String::new() };
    format!(
        "{first}run, as a member of both and in each of these databases, REASSIGN OWNED BY {partner} TO {owner}; DROP OWNED BY \
         {partner}: {}",
        databases.join(", ")
    )
}
