//! Quoting, against a real server: accounts of any name rotate, and no other account is touched.

use rehearsal::driver::RotationOutcome;
use rehearsal::postgres::{identifier, literal};
use serde_json::{Value, json};
use support::dice::Dice;
use support::rig::random_password;
use support::stage::{DATABASE, Stage};
use support::told::{Shown, told};

const NAMES: usize = 60;

/// What breaks out of quotes, separates, expands, formats, is invisible, changes direction or joins what is before it.
const NASTY: [&str; 58] = [
    "'",
    "''",
    "\"",
    "\"\"",
    "\\",
    "\\'",
    ";",
    "--",
    "/*",
    "*/",
    "$",
    "$$",
    "$1",
    "%",
    "%s",
    "%%",
    "\n",
    "\r",
    "\t",
    "\u{1}",
    "\u{7f}",
    ",",
    "=",
    ":",
    ":x",
    "&",
    "|",
    "<",
    ">",
    "{}",
    "(",
    ")",
    "[",
    "#",
    "?",
    "!",
    "@",
    "^",
    "`",
    "~",
    "/",
    "+",
    " ",
    "  ",
    "A",
    "z",
    "7",
    "_",
    "é",
    "e\u{301}",
    "ß",
    "馬",
    "😀",
    "א",
    "ع\u{200f}",
    "\u{202e}",
    "\u{200b}",
    "\u{a0}",
];

#[tokio::test]
async fn accounts_of_any_name_rotate_and_no_other_is_touched() {
    let stage = Stage::start().await;
    let mut dice = Dice::seeded();
    let mut shown = Shown(String::new());
    for number in 0..NAMES {
        let name = name(&mut dice, number);
        shown.0 = format!("KEYROLL_SEED={}, name {number}: {name:?}", dice.seed);
        let arn = account(&stage, &name, number);
        let (before, old) = (accounts(&stage), password(&stage, &arn));
        let rotation: RotationOutcome = stage.driver.rotate(&arn).await.unwrap();
        assert!(rotation.succeeded() && rotation.failures().is_empty(), "{rotation:#?}");
        let new = password(&stage, &arn);
        stage.secret_text(&new);
        assert!(stage.accepts(&name, &new) && !stage.accepts(&name, &old));
        let after = accounts(&stage);
        let changed = before.lines().zip(after.lines()).filter(|(before, after)| before != after).count();
        assert_eq!((before.lines().count(), changed), (after.lines().count(), 1), "other accounts changed");
    }
    told(&format!("{NAMES} names, seed {}", dice.seed));
}

/// A name of up to 63 bytes that no other account has.
fn name(dice: &mut Dice, number: usize) -> String {
    let mut name = String::new();
    let most = dice.below(62) + 2;
    let unique = format!("{number}");
    while name.len() < most - unique.len() {
        let piece = *dice.pick(&NASTY);
        if name.len() + piece.len() + unique.len() > 63 {
            break;
        }
        name.push_str(piece);
    }
    // At the front or at the back, so that names begin and end with anything.
    if dice.below(2) == 0 { format!("{unique}{name}") } else { format!("{name}{unique}") }
}

/// Makes an account and its secret.
fn account(stage: &Stage, name: &str, number: usize) -> String {
    let password = random_password();
    stage.secret_text(&password);
    let create = format!("CREATE ROLE {} LOGIN PASSWORD {}", identifier(name), literal(&password));
    stage.postgres().sql(&create).unwrap();
    let value = json!({
        "engine": "postgres", "host": "localhost", "port": stage.postgres().port(), "username": name, "password": password,
        "dbname": DATABASE
    });
    let tags = [("keyroll:services", "none")];
    let arn = stage.aws.create_secret(&format!("names/{number}"), &value.to_string(), &tags).unwrap();
    stage.aws.enable_rotation(&arn, "arn:aws:lambda:eu-west-1:000000000000:function:keyroll", json!({})).unwrap();
    arn
}

fn password(stage: &Stage, arn: &str) -> String {
    let value: Value = serde_json::from_str(&stage.aws.value_of(arn, "AWSCURRENT").unwrap()).unwrap();
    value["password"].as_str().unwrap().to_owned()
}

/// Every account in a line without its name, which may hold line ends.
fn accounts(stage: &Stage) -> String {
    let columns = "oid, rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolconnlimit, rolvaliduntil";
    stage.postgres().sql(&format!("SELECT {columns}, rolpassword FROM pg_catalog.pg_authid ORDER BY oid")).unwrap()
}
