//! `GetRandomPassword`.

use serde_json::{Value, json};

use super::super::random;
use super::super::wire::{Answer, ApiError, Fields as _};

pub(super) fn random_password(request: &Value) -> Answer {
    let length = request.get("PasswordLength").and_then(Value::as_u64).unwrap_or(32);
    if !(1..=4096).contains(&length) {
        return Err(ApiError::parameter("PasswordLength must be between 1 and 4096."));
    }
    let length = usize::try_from(length).unwrap_or(4096);
    let excluded = request.text("ExcludeCharacters").unwrap_or_default();
    let class = |excluding: &str, characters: &mut dyn Iterator<Item = char>| -> Vec<char> {
        if request.flag(excluding) {
            return Vec::new();
        }
        characters.filter(|c| !excluded.contains(*c)).collect()
    };
    let mut classes = vec![
        class("ExcludeLowercase", &mut ('a'..='z')),
        class("ExcludeUppercase", &mut ('A'..='Z')),
        class("ExcludeNumbers", &mut ('0'..='9')),
        class("ExcludePunctuation", &mut ('!'..='~').filter(char::is_ascii_punctuation)),
    ];
    if request.flag("IncludeSpace") {
        classes.push(vec![' ']);
    }
    classes.retain(|class| !class.is_empty());
    let all: Vec<char> = classes.concat();
    if all.is_empty() {
        return Err(ApiError::parameter("The password can't be generated: every character is excluded."));
    }
    let each = request.get("RequireEachIncludedType").and_then(Value::as_bool).unwrap_or(true);
    if each && classes.len() > length {
        return Err(ApiError::parameter("The password length is too short for the required character types."));
    }
    // Drawing again until it fits keeps every fitting password equally likely.
    let fits = |text: &str| !each || classes.iter().all(|class| text.chars().any(|c| class.contains(&c)));
    let mut password = random::text(&all, length);
    while !fits(&password) {
        password = random::text(&all, length);
    }
    Ok(json!({ "RandomPassword": password }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(request: &Value) -> String {
        random_password(request).unwrap()["RandomPassword"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_default_has_32_characters_of_every_type_and_no_space() {
        let password = draw(&json!({}));
        assert_eq!(password.len(), 32);
        let has = |test: fn(&char) -> bool| password.chars().any(|c| test(&c));
        assert!(has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase));
        assert!(has(char::is_ascii_digit) && has(char::is_ascii_punctuation) && !password.contains(' '));
    }

    #[test]
    fn exclusions_hold_and_impossible_wishes_are_refused() {
        let request = json!({
            "PasswordLength": 200, "ExcludePunctuation": true, "ExcludeUppercase": true, "ExcludeCharacters": "abc0",
        });
        let password = draw(&request);
        assert!(password.chars().all(|c| (c.is_ascii_lowercase() || c.is_ascii_digit()) && !"abc0".contains(c)));
        for request in [json!({"PasswordLength": 3}), json!({"PasswordLength": 4097}), json!({"PasswordLength": 0})] {
            assert_eq!(random_password(&request).unwrap_err().code, "InvalidParameterException");
        }
        assert_eq!(draw(&json!({"PasswordLength": 3, "RequireEachIncludedType": false})).len(), 3);
    }
}
