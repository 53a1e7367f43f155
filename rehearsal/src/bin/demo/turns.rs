//! PostgreSQL's two accounts that take turns: a secret with an administrator, rotated twice while clients log in all the time.

use std::time::Duration;

use anyhow::{Context as _, Result};
use rehearsal::aws::{CURRENT, PREVIOUS};
use rehearsal::postgres::{Login, Mark, identifier, literal};
use serde_json::{Value, json};

use crate::clients::{Clients, Place, Server};
use crate::command;
use crate::promises::{deployments, function_log, password};
use crate::screen::Screen;
use crate::stage::{self, CLUSTER, Stage};
use crate::timeline::{Rotation, Run};

const SECRET: &str = "shop/prod/billing-db";
const ADMIN_SECRET: &str = "shop/prod/billing-admin";
const BASE: &str = "billing_app";
const PARTNER: &str = "billing_app_clone";
const ADMIN: &str = "billing_admin";
const DATABASE: &str = "billing";
const SERVICE: &str = "billing-api";
/// A table that only the partner's session has made.
const MADE: &str = "CREATE TABLE made_by_the_partner (n int)";
/// What its owner alone may do with it, and what whoever may write may.
const USED: &str = "ALTER TABLE made_by_the_partner ADD m int; INSERT INTO made_by_the_partner VALUES (1, 2)";

/// Rotates there and back, and shows what came of it.
pub(crate) async fn play(screen: &mut Screen, stage: &Stage) -> Result<()> {
    screen.heading("PostgreSQL: two accounts that take turns");
    let administrator = set(screen, stage).await?;
    let mut passwords = vec![administrator, password(&value(stage, SECRET, CURRENT)?).to_owned()];
    screen.line(screen.bold(&format!("$ aws secretsmanager rotate-secret --secret-id {SECRET} ...   twice")));

    let mark = stage.postgres.mark();
    let server = Server::Postgres(stage.postgres.clone());
    let place = Place { server, secret: SECRET, database: DATABASE, acts_as: Some(BASE) };
    let clients = Clients::start(&stage.aws, place);
    let mut answers = String::new();
    let mut promises: Vec<(bool, String)> = Vec::new();
    for (from, to) in [(BASE, PARTNER), (PARTNER, BASE)] {
        clients.go_on().await?;
        let before = deployments(stage, &[SERVICE]).await?;
        let turn = turn(screen, stage, &clients, (from, to)).await?;
        if !turn.run.succeeded() {
            screen.line(screen.bad(turn.run.answers().trim_end()));
            screen.promise(false, format!("{from} -> {to}: no step failed"));
            return Ok(());
        }
        let (new, old) = (value(stage, SECRET, CURRENT)?, value(stage, SECRET, PREVIOUS)?);
        passwords.push(password(&new).to_owned());
        answers.push_str(&turn.run.answers());
        promises.push((
            user(&new) == to && user(&old) == from && turn.by_the_function == 4,
            format!("{from} -> {to}: no step failed, and the function needed {} logins", turn.by_the_function),
        ));
        promises.push((logs_in(stage, &new)? && logs_in(stage, &old)?, format!("{to} and {from} both log in")));
        let redeployed = turn.run.verdict(SERVICE).0 == "redeployed" && deployments(stage, &[SERVICE]).await? != before;
        promises.push((redeployed, format!("{CLUSTER}/{SERVICE} runs a new deployment")));
        if to == PARTNER {
            let made = stage.postgres.sql_as(to, password(&new), DATABASE, MADE);
            promises.push((made.is_ok(), format!("{to} makes a table")));
        } else {
            let used = stage.postgres.sql_as(to, password(&new), DATABASE, USED);
            promises.push((used.is_ok(), format!("what {from} made belongs to {to}, which alters and fills it")));
        }
        // The tasks of the deployment before are gone now.
        clients.replace(&stage.aws, SECRET);
    }
    clients.go_on().await?;
    let ([fresh, holding], failed) = (clients.worked(), clients.failed());
    drop(clients);

    failed.iter().take(3).for_each(|error| screen.line(screen.bad(&hidden(error, &passwords))));
    for (kept, text) in promises {
        screen.promise(kept, text);
    }
    let text = format!("{fresh} and {holding} logins of the two clients meanwhile, {} of them failed", failed.len());
    screen.promise(failed.is_empty(), text);
    let turned_away = stage.postgres.logins_since(mark).failed.len();
    screen.promise(turned_away == 0, format!("the server turned away {turned_away} logins, whoever's"));
    let logs = stage.postgres.log() + &function_log(stage).await? + &answers;
    let leaks = passwords.iter().any(|password| logs.contains(password.as_str()));
    screen.promise(!leaks && passwords.len() == 4, "none of these passwords in a log or in an answer");
    Ok(())
}

/// The accounts, the secrets and the service. Gives the administrator's password.
async fn set(screen: &Screen, stage: &Stage) -> Result<String> {
    let [of_base, of_admin] = [stage::random_text(32)?, stage::random_text(32)?];
    let (base, admin) = (identifier(BASE), identifier(ADMIN));
    let sql = |statement: &str| stage.postgres.sql(statement);
    sql(&format!("CREATE ROLE {base} LOGIN PASSWORD {}", literal(&of_base)))?;
    sql(&format!("CREATE DATABASE {} OWNER {base}", identifier(DATABASE)))?;
    stage.postgres.sql_in(DATABASE, &format!("GRANT CREATE ON SCHEMA public TO {base}"))?;
    sql(&format!("CREATE ROLE {admin} LOGIN CREATEROLE PASSWORD {}", literal(&of_admin)))?;
    if sql("SELECT current_setting('server_version_num')::int >= 160000")? == "t" {
        sql(&format!("GRANT {base} TO {admin} WITH ADMIN OPTION"))?;
    }

    let login = |username: &str, password: &str| {
        json!({
            "engine": "postgres", "host": "localhost", "port": stage.postgres.port(), "username": username,
            "password": password, "dbname": DATABASE,
        })
    };
    let admin_arn = stage::create_secret(&stage.admin, ADMIN_SECRET, &login(ADMIN, &of_admin)).await?;
    let mut value = login(BASE, &of_base);
    value["masterarn"] = json!(admin_arn);
    let arn = stage::create_secret(&stage.admin, SECRET, &value).await?;
    // The second rotation comes within seconds of the first, which cuts off nobody here: the clients are asked first.
    let tag = json!({ "SecretId": arn, "Tags": [{ "Key": "keyroll:min-age", "Value": "0" }] });
    stage.admin.secrets("TagResource", &tag).await?;
    stage::put_policy(&stage.admin, &stage::policy(&[&stage.secret_arn, &arn], Some(&admin_arn))).await?;

    let take = |name: &str, key: &str| json!({ "name": name, "valueFrom": format!("{arn}:{key}::") });
    let container = json!({
        "name": "app", "image": "app:1", "essential": true, "memory": 64,
        "secrets": [take("DB_USER", "username"), take("DB_PASSWORD", "password")],
    });
    let definition = json!({ "family": SERVICE, "containerDefinitions": [container] });
    stage.admin.ecs("RegisterTaskDefinition", &definition).await?;
    let service = json!({ "cluster": CLUSTER, "serviceName": SERVICE, "taskDefinition": SERVICE, "desiredCount": 1 });
    stage.admin.ecs("CreateService", &service).await?;

    screen.row("secret", format!("{SECRET}, in the shape of AWS's multi-user template: masterarn"));
    screen.row("administrator", format!("{ADMIN}, who has CREATEROLE and a secret that the function may read"));
    screen.row("ECS service", format!("{SERVICE} (1), which takes the user name and the password"));
    screen.row("clients", "two that log in all the time: one reads the secret before each login, one keeps");
    screen.row("", "what it read until the service is redeployed");
    Ok(of_admin)
}

/// One rotation.
struct Turn {
    run: Run,
    by_the_function: usize,
}

async fn turn(screen: &Screen, stage: &Stage, clients: &Clients, (from, to): (&str, &str)) -> Result<Turn> {
    stage.aws.clear();
    let (mark, before) = (stage.postgres.mark(), clients.worked());
    let rotation = Rotation::watch(stage);
    let ended = async {
        let run = tokio::time::timeout(Duration::from_mins(2), rotation.end()).await;
        run.context("the rotation was not over after two minutes")
    };
    let (run, ()) = tokio::try_join!(ended, command::rotate_secret(stage, SECRET))?;
    let calls = stage.aws.function_calls();
    let ecs = calls.iter().filter(|call| call.service == "ecs").count();
    // With what it was given before it was replaced, so far.
    clients.go_on().await?;
    let by_the_function = logins(stage, mark);
    let meanwhile: usize = clients.worked().iter().zip(before).map(|(now, then)| now - then).sum();
    screen.line(format!(
        "{:<33} {:>6.3} s: {} calls of AWS, {ecs} of them of ECS; {by_the_function} logins, {meanwhile} of clients",
        format!("{from} -> {to}"),
        run.took().as_secs_f64(),
        calls.len(),
    ));
    Ok(Turn { run, by_the_function })
}

/// The function's own logins: its connections say who they are.
fn logins(stage: &Stage, mark: Mark) -> usize {
    let log = stage.postgres.log_since(mark);
    log.lines()
        .filter(|line| line.contains("connection authorized") && line.contains("application_name=keyroll SSL"))
        .count()
}

pub(crate) fn value(stage: &Stage, secret: &str, label: &str) -> Result<Value> {
    let text = stage.aws.value_of(secret, label).with_context(|| format!("{label} has a value"))?;
    Ok(serde_json::from_str(&text)?)
}

pub(crate) fn user(value: &Value) -> &str {
    value["username"].as_str().unwrap_or_default()
}

fn logs_in(stage: &Stage, value: &Value) -> Result<bool> {
    Ok(stage.postgres.try_login(user(value), password(value), DATABASE)? == Login::Accepted)
}

/// What a client said, without a password that it might quote.
pub(crate) fn hidden(error: &str, passwords: &[String]) -> String {
    passwords.iter().fold(error.to_owned(), |text, password| text.replace(password.as_str(), "***"))
}
