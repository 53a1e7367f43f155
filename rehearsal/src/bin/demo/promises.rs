//! What keyroll promises, looked at from outside: labels, real logins, deployments, logs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use rehearsal::aws::{CURRENT, PENDING, PREVIOUS};
use rehearsal::postgres::{Login, Mark};
use serde_json::{Value, json};

use crate::screen::{Screen, wrapped};
use crate::stage::{self, CLUSTER, DATABASE, FUNCTION, OTHER, ROLE, SECRET, SERVICES, Stage, Takes};
use crate::status::Status;
use crate::timeline::Run;

/// What is left of a line for a reason.
const WIDTH: usize = 62;

/// Everything that a rotation changes, at one moment.
pub(crate) struct Facts {
    /// Labels by version, oldest version first.
    labels: Vec<(String, Vec<String>)>,
    /// Values by version.
    values: BTreeMap<String, String>,
    /// The PRIMARY deployment of each service.
    deployments: Vec<String>,
}

impl Facts {
    pub(crate) async fn gather(stage: &Stage) -> Result<Self> {
        let secret = stage.aws.secret(SECRET).context("the secret exists")?;
        let mut versions: Vec<_> = secret.versions.iter().filter(|(_, version)| !version.stages.is_empty()).collect();
        versions.sort_by_key(|(_, version)| version.created);
        let labels = versions.iter().map(|(id, it)| ((*id).clone(), it.stages.iter().cloned().collect())).collect();
        let value = |id: &String| Some((id.clone(), stage.aws.value(SECRET, id)?));
        let values = versions.iter().filter_map(|(id, _)| value(id)).collect();
        Ok(Self { labels, values, deployments: deployments(stage, &SERVICES.map(|service| service.name)).await? })
    }

    fn holder(&self, label: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(_, labels)| labels.iter().any(|it| it == label));
        found.map(|(version, _)| version.as_str())
    }

    fn text(&self, label: &str) -> Option<&str> {
        self.holder(label).and_then(|version| self.values.get(version)).map(String::as_str)
    }

    fn value(&self, label: &str) -> Result<Value> {
        Ok(serde_json::from_str(self.text(label).with_context(|| format!("{label} has a value"))?)?)
    }
}

/// The PRIMARY deployment of each service, as ECS tells it.
pub(crate) async fn deployments(stage: &Stage, names: &[&str]) -> Result<Vec<String>> {
    let answer = stage.admin.ecs("DescribeServices", &json!({ "cluster": CLUSTER, "services": names })).await?;
    let mut ids = Vec::new();
    for name in names {
        let service = answer["services"].as_array().into_iter().flatten().find(|it| it["serviceName"] == *name);
        let deployments = service.context("the service exists")?["deployments"].as_array();
        let primary = deployments.into_iter().flatten().find(|it| it["status"] == "PRIMARY");
        let id = primary.and_then(|it| it["id"].as_str()).context("it has a PRIMARY deployment")?;
        ids.push(id.to_owned());
    }
    Ok(ids)
}

pub(crate) fn password(value: &Value) -> &str {
    value["password"].as_str().unwrap_or_default()
}

/// Labels and deployments, before and after.
pub(crate) fn show_state(screen: &Screen, run: &Run, before: &Facts, after: &Facts) {
    screen.heading("The versions of the secret");
    screen.line(screen.dim(&format!("{:<38} {:<24} after", "version", "before")));
    for (version, now) in &after.labels {
        let then = before.labels.iter().find(|(it, _)| it == version).map_or(String::new(), |(_, it)| it.join(" "));
        screen.line(format!("{version:<38} {then:<24} {}", now.join(" ")));
    }
    screen.heading("The services");
    for (number, service) in SERVICES.iter().enumerate() {
        let (mut verdict, mut reason) = run.verdict(service.name);
        if verdict.is_empty() {
            (verdict, reason) = ("not named".to_owned(), format!("it takes {OTHER}"));
        }
        let shown = format!("{verdict:<15}");
        let shown = match verdict.as_str() {
            "redeployed" => screen.good(&shown),
            "skipped" | "alreadyCurrent" | "not named" => screen.dim(&shown),
            _ => screen.bad(&shown),
        };
        let (old, new) = (&before.deployments[number], &after.deployments[number]);
        let deployments =
            if old == new { format!("{old} as before") } else { format!("{old} -> {}", screen.bold(new)) };
        screen.line(format!("{:<15} {shown} {deployments}", service.name));
        let words: Vec<String> = reason.split_whitespace().map(str::to_owned).collect();
        for line in wrapped(&words, WIDTH) {
            screen.line(format!("{:31} {}", "", screen.dim(&line)));
        }
    }
}

/// Each promise, kept or broken.
pub(crate) async fn check(
    screen: &mut Screen,
    stage: &Stage,
    run: &Run,
    status: &Status,
    before: &Facts,
    after: &Facts,
    mark: Mark,
) -> Result<()> {
    let function_logins = stage.postgres.logins_since(mark);
    let server_log = stage.postgres.log();
    screen.heading("The promises");
    screen.promise(run.succeeded(), "all four steps ended without an error");

    let (old, new) = (before.value(CURRENT)?, after.value(CURRENT)?);
    let moved = before.holder(CURRENT) == after.holder(PREVIOUS) && after.holder(CURRENT) == Some(run.token());
    let pending = after.holder(PENDING).is_none_or(|version| version == run.token());
    screen.promise(moved && pending, "AWSCURRENT moved to the new version, AWSPREVIOUS to the old one");
    screen
        .promise(after.holder("KEYROLL_ROLLOUT").is_none(), "nothing is left to do: the mark KEYROLL_ROLLOUT is gone");
    let text = |facts: &Facts| facts.text(CURRENT).unwrap_or_default().to_owned();
    let replaced = text(before).replace(&old["password"].to_string(), &new["password"].to_string());
    let only_the_password = replaced == text(after) && old != new;
    screen.promise(only_the_password, "only the password differs; every other byte of the secret is as it was");

    let rows = stage.postgres.sql_as(ROLE, password(&new), DATABASE, "SELECT count(*) FROM orders");
    screen.promise(rows.as_deref().is_ok_and(|it| it == "3"), "the new password logs in and reads the 3 rows");
    let login = stage.postgres.try_login(ROLE, password(&old), DATABASE)?;
    screen.promise(login == Login::Rejected, "the old password is turned away");
    let (accepted, failed) = (function_logins.accepted.len(), function_logins.failed.len());
    screen.promise(accepted <= 3 && failed == 0, format!("{accepted} logins by the function, {failed} of them failed"));

    for (number, service) in SERVICES.iter().enumerate() {
        let rolled = before.deployments[number] != after.deployments[number];
        let (verdict, _) = run.verdict(service.name);
        let (kept, text) = match service.takes {
            Takes::AnotherSecret => (!rolled && verdict.is_empty(), "takes another secret and was left alone"),
            _ if service.desired == 0 => (!rolled && verdict == "skipped", "has no tasks and was left alone"),
            _ => (rolled && verdict == "redeployed", "was found and runs a new deployment"),
        };
        screen.promise(kept, format!("{CLUSTER}/{} {text}", service.name));
    }
    screen.promise(status.is_done(&["orders-api", "orders-worker"]), "the function itself finds nothing left to do");
    let used: BTreeSet<String> =
        stage.aws.function_calls().iter().map(|call| format!("{}:{}", call.service, call.operation)).collect();
    let allowed = stage::allowed();
    screen.promise(used == allowed, format!("the role's {} actions were all needed, and no other", allowed.len()));

    let function_log = function_log(stage).await?;
    let answers = run.answers() + &status.text();
    let leaks = |text: &str| [&old, &new].iter().any(|value| text.contains(password(value)));
    screen.promise(!leaks(&server_log), "no password in the server's log, where every statement stands");
    screen.promise(!function_log.is_empty() && !leaks(&function_log), "no password in the function's log");
    screen.promise(!leaks(&answers), "no password in the function's answers");
    let token = run.rotation_token();
    screen
        .promise(!function_log.contains(token) && !answers.contains(token), "the RotationToken is in neither of them");
    if !run.succeeded() && !leaks(&function_log) {
        screen.heading("The end of the function's log");
        let lines: Vec<&str> = function_log.lines().collect();
        lines[lines.len().saturating_sub(20)..].iter().for_each(|line| screen.line(line.trim_end()));
    }
    Ok(())
}

pub(crate) async fn function_log(stage: &Stage) -> Result<String> {
    let request = json!({ "logGroupName": format!("/aws/lambda/{FUNCTION}") });
    let events = stage.admin.logs("FilterLogEvents", &request).await?;
    let lines = events["events"].as_array().into_iter().flatten().filter_map(|event| event["message"].as_str());
    Ok(lines.collect::<Vec<_>>().join("\n"))
}
