//! The stage of two accounts that take turns: an administrator's secret beside the ordinary one.

use rehearsal::driver::RotationOutcome;
use rehearsal::lambda::Outcome;
use rehearsal::postgres::{PostgresOptions, identifier, literal};
use rehearsal::tls::Tls;
use serde_json::{Value, json};

use crate::rig::random_password;
use crate::stage::{ACCOUNT, DATABASE, Stage};

/// The second account.
pub const PARTNER: &str = "orders_app_clone";
/// Who sets the passwords of both.
pub const ADMIN: &str = "orders_admin";

/// A stage whose secret AWS's multi-user function could have rotated: `masterarn` names an administrator.
pub async fn stage() -> Stage {
    stage_with(&PostgresOptions::default(), ACCOUNT).await
}

/// The same, with another kind of server or another first account.
pub async fn stage_with(options: &PostgresOptions, account: &str) -> Stage {
    let ssl = options.tls != Tls::Off;
    let stage = Stage::with(options, account, &json!({"ssl": ssl})).await;
    appoint(&stage, account);
    stage
}

/// Makes an administrator of an account with what it takes for two of them, and names it in the account's secret.
pub fn appoint(stage: &Stage, account: &str) {
    make_administrator(stage, account, "CREATEROLE CREATEDB");
    stage.edit_current(&json!({"masterarn": stage.aws.secret("orders/admin").unwrap().arn}));
}

/// Makes an administrator of an account with these attributes, who comes to the server as the account does. Gives the value of
/// its own secret, which nothing names yet.
pub fn make_administrator(stage: &Stage, account: &str, attributes: &str) -> Value {
    let password = random_password();
    sql(stage, &format!("CREATE ROLE {ADMIN} LOGIN {attributes} PASSWORD '{password}'"));
    if sql(stage, "SELECT current_setting('server_version_num')::int >= 160000") == "t" {
        sql(stage, &format!("GRANT {} TO {ADMIN} WITH ADMIN OPTION", identifier(account)));
    }
    stage.store_administrator(ADMIN, &password)
}

/// Gives the turn back to the account before, whose password still works, as if the last rotation had not been; its version
/// stays without a label of its own but AWSPREVIOUS. Gives that version.
pub fn turn_back(stage: &Stage) -> String {
    let holder = |label: &str| stage.aws.holder(&stage.arn, label).unwrap();
    let (last, before) = (holder("AWSCURRENT"), holder("AWSPREVIOUS"));
    stage.aws.move_label(&stage.arn, "AWSCURRENT", &before).unwrap();
    stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
    last
}

/// What an account may do beyond what it inherits: attributes, memberships with their options, settings. Its own name, its
/// password, its membership of the base and as whom it acts are not in it, so that it is the same for two in step.
pub fn rights(stage: &Stage, role: &str) -> String {
    let role = literal(role);
    let attributes = format!(
        "SELECT to_jsonb(r) - '{{oid,rolname,rolpassword,rolconfig,rolvaliduntil}}'::text[] \
         || jsonb_build_object('until', NULLIF(rolvaliduntil, 'infinity')) FROM pg_roles r WHERE rolname = {role}"
    );
    let memberships = format!(
        "SELECT jsonb_agg(to_jsonb(m) - '{{oid,roleid,member,grantor}}'::text[] || to_jsonb(g.rolname) ORDER BY g.rolname) \
         FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member \
         WHERE u.rolname = {role} AND u.rolname <> g.rolname || '_clone'"
    );
    let settings = format!(
        "SELECT jsonb_agg(jsonb_build_array(d.datname, e) ORDER BY d.datname, e) FROM pg_db_role_setting s \
         JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) e \
         WHERE r.rolname = {role} AND e NOT LIKE 'role=%'"
    );
    stage.postgres().sql(&format!("SELECT ({attributes}), ({memberships}), ({settings})")).unwrap()
}

/// Asserts that the partner can do what its base can, as the base.
pub fn assert_alike(stage: &Stage) {
    assert_eq!(rights(stage, PARTNER), rights(stage, ACCOUNT));
    let acts = format!(
        "SELECT setconfig @> ARRAY['role={ACCOUNT}'] AND pg_has_role('{PARTNER}', '{ACCOUNT}', 'USAGE') \
         FROM pg_db_role_setting WHERE setrole = '{PARTNER}'::regrole AND setdatabase = 0"
    );
    assert_eq!(stage.postgres().sql(&acts).unwrap(), "t");
}

/// Whose login the value under a label is.
pub fn account(stage: &Stage, label: &str) -> String {
    stage.value(label)["username"].as_str().unwrap().to_owned()
}

/// Runs a statement as the account of the value under a label, over TCP and with its password.
pub fn run_as(stage: &Stage, label: &str, statement: &str) -> String {
    try_as(stage, label, statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
}

/// The same, which may fail.
pub fn try_as(stage: &Stage, label: &str, statement: &str) -> Result<String, String> {
    let value = stage.value(label);
    let text = |key: &str| value[key].as_str().unwrap().to_owned();
    let answer = stage.postgres().sql_as(&text("username"), &text("password"), DATABASE, statement);
    answer.map_err(|error| error.to_string())
}

/// Runs statements as the superuser.
pub fn sql(stage: &Stage, statements: &str) -> String {
    stage.postgres().sql(statements).unwrap_or_else(|error| panic!("{statements}: {error}"))
}

/// What a dry run says that setSecret would bring in step.
pub async fn foretold(stage: &Stage) -> Vec<String> {
    let Outcome::Answer(report) = stage.send(&json!({"Action": "DryRun", "SecretId": stage.arn})).await else {
        panic!("no answer")
    };
    assert_eq!(report["reasons"], json!([]), "{report:#}");
    let steps = report["steps"].as_array().unwrap();
    let set = steps.iter().find(|step| step["step"] == "setSecret").unwrap_or_else(|| panic!("{report:#}"));
    let lines = set["plan"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned());
    lines.filter(|line| line.contains("in step")).collect()
}

/// Asserts that planning again finds nothing to bring in step.
pub async fn assert_in_step(stage: &Stage) {
    assert_eq!(foretold(stage).await, [""; 0]);
}

/// The warnings of a rotation's setSecret, as one text.
pub fn warnings_of(rotation: &RotationOutcome) -> String {
    rotation.last("setSecret").unwrap().answer().unwrap()["warnings"].to_string()
}

/// Creates a login role with a password that must not show up anywhere.
pub fn create_role(stage: &Stage, name: &str, attributes: &str) -> String {
    let password = random_password();
    stage.secret_text(&password);
    sql(stage, &format!("CREATE ROLE {} LOGIN {attributes} PASSWORD {}", identifier(name), literal(&password)));
    password
}

/// The settings of a role as the catalogue has them, but for `role`.
pub fn settings_of(stage: &Stage, role: &str) -> String {
    sql(
        stage,
        &format!(
            "SELECT COALESCE(d.datname, '-') || ': ' || e FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole \
             LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) e \
             WHERE r.rolname = {} AND e NOT LIKE 'role=%' ORDER BY 1",
            literal(role)
        ),
    )
}

/// The attributes of a role.
pub fn attributes_of(stage: &Stage, role: &str) -> Value {
    let columns = "rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolconnlimit, rolvaliduntil";
    let row =
        format!("SELECT row_to_json(r) FROM (SELECT {columns} FROM pg_roles WHERE rolname = {}) r", literal(role));
    serde_json::from_str(&sql(stage, &row)).unwrap()
}
