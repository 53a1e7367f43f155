//! The same end as AWS's multi-user function where that is meant, and a way there and back: its recipe and this function
//! rotate twins, and whatever they leave different is in one table, with its reason. Each goes on from what the other left.

use std::collections::{BTreeMap, BTreeSet};

use rehearsal::aws::Content;
use serde_json::{Value, json};
use support::pair::{self, PARTNER, account, run_as, stage};
use support::scene::warnings;
use support::stage::{ACCOUNT, DATABASE, Stage};
use support::told::told;

use crate::recipe;

/// All that this function leaves different from AWS's, and why.
const INTENDED: [(&str, &str); 9] = [
    (
        "orders_app_clone: setting role",
        "the partner acts as the base: policies on current_user and one owner hold for both",
    ),
    (
        "orders_app_clone: setting work_mem",
        "a setting is not inherited: what runs with it as the one runs with it as the other",
    ),
    ("orders_app_clone: setting lock_timeout in orders", "as in one database"),
    ("orders_app_clone: rolconnlimit", "a limit is not inherited: half of the time there would be none"),
    ("orders_app_clone: rolvaliduntil", "an account that is to expire does not live on under another name"),
    ("orders_app_clone: rolcreatedb", "an attribute is not inherited: what the one may do the other may"),
    (
        "orders_app_clone: membership of readers",
        "direct, with the base's options, as what a role is a member of may be asked",
    ),
    (
        "owner of made_1",
        "what the partner makes belongs to the base, which may change and drop it after the next rotation",
    ),
    ("owner of made_3", "as after the first rotation"),
];

/// A stage whose base has what a role can have, and whose secret is written as nobody but a person would.
async fn twin() -> Stage {
    let stage = stage().await;
    let rich = [
        format!("ALTER ROLE {ACCOUNT} CREATEDB CONNECTION LIMIT 40 VALID UNTIL '2099-01-01 00:00:00+00'"),
        format!("CREATE ROLE readers ROLE {ACCOUNT}"),
        format!("ALTER ROLE {ACCOUNT} SET work_mem = '5MB'"),
        format!("ALTER ROLE {ACCOUNT} IN DATABASE {DATABASE} SET lock_timeout = '9s'"),
    ];
    stage.postgres().sql(&rich.join("; ")).unwrap();
    let value = stage.value("AWSCURRENT");
    let text = format!(
        "{{\n  \"password\" :{},\"username\" : \"{ACCOUNT}\", \"engine\":\"postgres\",\t\"host\": \"localhost\",\n  \"port\":{}, \
         \"dbname\": \"{DATABASE}\", \"masterarn\": {}, \"pool\": {{\"size\": 4.0, \"most\":1e2}}, \"team\" : \"\\u00f6rders\" }}\n",
        value["password"], value["port"], value["masterarn"]
    );
    stage.overwrite("AWSCURRENT", Content::Text(text));
    stage
}

#[tokio::test]
async fn twins_end_alike_but_for_what_is_meant_to_differ() {
    let (ours, theirs) = (twin().await, twin().await);
    let first = |stage: &Stage| vec![stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap()];
    let (mut our_versions, mut their_versions) = (first(&ours), first(&theirs));
    assert_eq!(state(&ours, &our_versions), state(&theirs, &their_versions));
    let mut different = BTreeSet::new();
    for number in 1..=3 {
        let before = ours.aws.value_of(&ours.arn, "AWSCURRENT").unwrap();
        our_versions.push(ours.rotate().await.token);
        their_versions.push(recipe::rotate(&theirs).await);
        assert_untouched(&ours, &before);
        for stage in [&ours, &theirs] {
            let make = format!("CREATE SCHEMA IF NOT EXISTS by_{number}; CREATE TABLE by_{number}.made_{number} ()");
            run_as(stage, "AWSCURRENT", &make);
        }
        let (ours, theirs) = (state(&ours, &our_versions), state(&theirs, &their_versions));
        for what in ours.keys().chain(theirs.keys()).filter(|what| ours.get(*what) != theirs.get(*what)) {
            assert!(
                INTENDED.iter().any(|(intended, _)| intended == what),
                "after rotation {number}, {what}: {:?} of ours, {:?} of theirs",
                ours.get(what),
                theirs.get(what)
            );
            different.insert(what.clone());
        }
        told(&format!("after rotation {number}: {} facts compared", ours.len()));
    }
    // A difference that has gone has no place in the table.
    assert_eq!(different, INTENDED.iter().map(|(what, _)| (*what).to_owned()).collect());
}

/// Asserts that our new version is the one before, byte for byte, with another name and another password in it.
fn assert_untouched(stage: &Stage, before: &str) {
    let (old, new): (Value, _) = (serde_json::from_str(before).unwrap(), stage.value("AWSCURRENT"));
    let swapped = |text: &str, key: &str| text.replacen(&old[key].to_string(), &new[key].to_string(), 1);
    let expected = swapped(&swapped(before, "password"), "username");
    assert!(
        stage.aws.value_of(&stage.arn, "AWSCURRENT").unwrap() == expected,
        "more than name and password was changed"
    );
}

/// All that a rotation leaves: the labels and the values of all versions, and what the server has of the two roles. The
/// versions go by their numbers and passwords by whether they work, so that twins can be compared.
fn state(stage: &Stage, versions: &[String]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (version, labels) in stage.aws.stages(&stage.arn) {
        let number = versions.iter().position(|known| *known == version).unwrap();
        all.extend(labels.into_iter().map(|label| (format!("label {label}"), number.to_string())));
    }
    for (number, version) in versions.iter().enumerate() {
        let mut value: Value = serde_json::from_str(&stage.aws.value(&stage.arn, version).unwrap()).unwrap();
        let text = |key: &str| value[key].as_str().unwrap().to_owned();
        let works = stage.accepts(&text("username"), &text("password"));
        let current = stage.value("AWSCURRENT");
        for own in ["port", "masterarn"] {
            assert_eq!(value[own], current[own]);
            value[own] = json!("the stage's own");
        }
        value["password"] = json!(if works { "works" } else { "was replaced" });
        all.insert(format!("value of version {number}"), value.to_string());
    }
    let of = format!("IN ('{ACCOUNT}', '{PARTNER}')");
    let facts = format!(
        "SELECT rolname || ': ' || key, value FROM pg_roles r, \
           jsonb_each_text(to_jsonb(r) - '{{oid,rolname,rolpassword,rolconfig}}'::text[]) WHERE rolname {of} \
         UNION ALL SELECT rolname || ': kind of verifier', left(rolpassword, 18) FROM pg_authid WHERE rolname {of} \
         UNION ALL SELECT u.rolname || ': membership of ' || g.rolname, \
           (to_jsonb(m) - '{{oid,roleid,member,grantor}}'::text[])::text || ' by ' || w.rolname FROM pg_auth_members m \
           JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member JOIN pg_roles w ON w.oid = m.grantor \
           WHERE u.rolname {of} OR g.rolname {of} \
         UNION ALL SELECT r.rolname || ': setting ' || split_part(e, '=', 1) || COALESCE(' in ' || d.datname, ''), e \
           FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase, \
           unnest(s.setconfig) e WHERE r.rolname {of} \
         UNION ALL SELECT 'owner of ' || tablename, tableowner FROM pg_tables WHERE tablename LIKE 'made%' \
         UNION ALL SELECT 'roles', string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles"
    );
    let rows = stage.postgres().sql_in(DATABASE, &facts).unwrap();
    all.extend(rows.lines().map(|row| row.split_once('|').unwrap()).map(|(what, is)| (what.to_owned(), is.to_owned())));
    all
}

#[tokio::test]
async fn a_secret_that_awss_function_rotated_rotates_on_as_it_is() {
    for times in 1..=2 {
        let stage = twin().await;
        for _ in 0..times {
            recipe::rotate(&stage).await;
        }
        for _ in 0..3 {
            let [pending, current] = ["AWSPREVIOUS", "AWSCURRENT"].map(|label| account(&stage, label));
            let before = stage.aws.value_of(&stage.arn, "AWSCURRENT").unwrap();
            stage.function.cold().await;
            stage.rotated().await;
            assert_eq!([account(&stage, "AWSCURRENT"), account(&stage, "AWSPREVIOUS")], [pending, current]);
            assert_untouched(&stage, &before);
            // What narrows a login that is in use, or changes whom it acts as, waits for its own turn.
            if account(&stage, "AWSCURRENT") == PARTNER {
                pair::assert_alike(&stage);
            }
        }
    }
}

#[tokio::test]
async fn a_clone_by_aws_with_tables_of_its_own_keeps_them_and_the_rotation_says_so() {
    let stage = stage().await;
    recipe::rotate(&stage).await;
    run_as(&stage, "AWSCURRENT", "CREATE SCHEMA theirs; CREATE TABLE theirs.made_before ()");
    for _ in 0..2 {
        let rotation = stage.rotated().await;
        let report = rotation.last("setSecret").unwrap().answer().unwrap();
        let warned = report["warnings"][0].as_str().unwrap();
        assert!(warned.contains(&format!("REASSIGN OWNED BY \"{PARTNER}\" TO \"{ACCOUNT}\"")), "{warned}");
    }
    // As AWS left it: it is itself, and reaches what is its own.
    assert_eq!(account(&stage, "AWSCURRENT"), PARTNER);
    assert_eq!(run_as(&stage, "AWSCURRENT", "TABLE theirs.made_before; SELECT current_user"), PARTNER);
    // What the warning tells to do is enough.
    let moved = format!("REASSIGN OWNED BY {PARTNER} TO {ACCOUNT}; DROP OWNED BY {PARTNER}");
    stage.postgres().sql_in(DATABASE, &moved).unwrap();
    for (waits, turn) in [(true, ACCOUNT), (false, PARTNER)] {
        let rotation = stage.rotate().await;
        let report = rotation.last("setSecret").unwrap().answer().unwrap();
        assert_eq!(account(&stage, "AWSCURRENT"), turn);
        assert_eq!(warnings(report).contains("waits for its turn: acting as"), waits, "{report:#}");
    }
    pair::assert_alike(&stage);
}

#[tokio::test]
async fn awss_function_goes_on_from_what_is_left_here() {
    for (rotations, undo) in [(1, true), (2, true), (1, false), (2, false)] {
        let stage = twin().await;
        for _ in 0..rotations {
            stage.rotate().await;
        }
        if undo {
            stage.postgres().sql(&format!("ALTER ROLE {PARTNER} RESET role")).unwrap();
        }
        for _ in 0..3 {
            let [pending, current] = ["AWSPREVIOUS", "AWSCURRENT"].map(|label| account(&stage, label));
            let token = recipe::rotate(&stage).await;
            stage.assert_current(&token);
            assert_eq!([account(&stage, "AWSCURRENT"), account(&stage, "AWSPREVIOUS")], [pending, current]);
            // Whoever's turn it is has the base's rights, and is itself once that is undone.
            let who = run_as(&stage, "AWSCURRENT", &format!("SET ROLE {ACCOUNT}; RESET ROLE; SELECT current_user"));
            let itself = if undo { account(&stage, "AWSCURRENT") } else { ACCOUNT.to_owned() };
            assert_eq!(who, itself);
        }
        // And back here again.
        for _ in 0..2 {
            stage.rotated().await;
        }
        pair::assert_alike(&stage);
    }
}
