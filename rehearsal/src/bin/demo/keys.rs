//! Signing keys: a bare secret and a key ring, each with a service of three tasks that issue and verify tokens while they are
//! replaced one by one.

use std::time::Duration;

use anyhow::{Context as _, Result};
use rehearsal::aws::{CURRENT, PREVIOUS};
use serde_json::{Value, json};

use crate::command;
use crate::promises::function_log;
use crate::screen::Screen;
use crate::stage::{self, CLUSTER, Stage};
use crate::timeline::{Rotation, Run};
use crate::tokens::{Task, Token};

/// How many tasks each service has, and how often its secret rotates.
const TASKS: usize = 3;
const ROTATIONS: usize = 3;

/// A secret, and the service that signs with it.
struct Case {
    heading: &'static str,
    kind: &'static str,
    secret: &'static str,
    service: &'static str,
    /// Whether tasks take AWSPREVIOUS beside AWSCURRENT, once there is one.
    with_previous: bool,
}

const CASES: [Case; 2] = [
    Case {
        heading: "Signing tokens with a bare secret",
        kind: "jwt",
        secret: "shop/prod/jwt-secret",
        service: "session-api",
        with_previous: true,
    },
    Case {
        heading: "Signing tokens with a key ring",
        kind: "jwt-keyring",
        secret: "shop/prod/jwt-keys",
        service: "login-api",
        with_previous: false,
    },
];

/// What was presented, and what was refused.
#[derive(Default)]
struct Seen {
    presented: usize,
    /// Tokens of new tasks by old ones, while both answer.
    newer: usize,
    /// Any other.
    older: usize,
}

/// Rotates each, and shows what came of it.
pub(crate) async fn play(screen: &mut Screen, stage: &Stage) -> Result<()> {
    for case in CASES {
        screen.heading(case.heading);
        case.play(screen, stage).await?;
    }
    Ok(())
}

impl Case {
    async fn play(&self, screen: &mut Screen, stage: &Stage) -> Result<()> {
        let arn = self.set(screen, stage).await?;
        screen.line(
            screen.bold(&format!(
                "$ aws secretsmanager rotate-secret --secret-id {} ...   {ROTATIONS} times",
                self.secret
            )),
        );
        let mut tasks = vec![self.task(stage, 0)?; TASKS];
        let (mut tokens, mut seen) = (Vec::new(), Seen::default());
        let (mut values, mut answers) = (vec![self.value(stage, CURRENT)?], String::new());
        let mut failed = 0;
        for number in 1..=ROTATIONS {
            let run = self.rotate(screen, stage, number).await?;
            failed += usize::from(!run.succeeded());
            answers.push_str(&run.answers());
            values.push(self.value(stage, CURRENT)?);
            if self.with_previous && number == 1 {
                // Until the first rotation has ended there is no such version, and ECS would start no task.
                self.deploy(stage, &arn, true).await?;
            }
            // ECS replaces one task after the other; each issues a token and sees all there are.
            for replaced in 0..TASKS {
                if let Some(task) = tasks.get_mut(replaced) {
                    *task = self.task(stage, number)?;
                }
                for task in &tasks {
                    tokens.push(task.issue(tokens.len())?);
                }
                // A token lives shorter than the time between two rotations.
                tokens.retain(|token| token.generation + 1 >= number);
                present(&tasks, &tokens, &mut seen)?;
            }
        }
        screen.promise(failed == 0, format!("{ROTATIONS} rotations, and no step failed"));
        self.tell(screen, &seen);
        let logs = function_log(stage).await? + &answers;
        let leaks = values.iter().flat_map(|value| secrets(value)).any(|secret| logs.contains(&secret));
        screen.promise(!leaks && values.len() > ROTATIONS, "none of these keys in the function's log or answers");
        Ok(())
    }

    fn tell(&self, screen: &mut Screen, seen: &Seen) {
        let all = seen.presented;
        if self.with_previous {
            let text = format!(
                "{all} tokens were presented: {} of new tasks were refused by tasks not replaced yet",
                seen.newer
            );
            screen.line(format!("{text}:"));
            screen.line("an old task cannot know a new secret. The key ring, next, publishes it before it signs");
            screen.promise(seen.older == 0, "no other was refused: new tasks know the secret before by AWSPREVIOUS");
        } else {
            let refused = seen.newer + seen.older;
            screen.promise(
                refused == 0,
                format!("{all} tokens of old and new tasks were presented, {refused} were refused"),
            );
        }
    }

    async fn set(&self, screen: &Screen, stage: &Stage) -> Result<String> {
        let value = if self.kind == "jwt" {
            stage::random_text(64)?
        } else {
            json!({ "alg": "ES256", "keys": [] }).to_string()
        };
        let tags = [("keyroll:kind", self.kind), ("keyroll:min-age", "0"), ("keyroll:token-lifetime", "0")];
        let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let request = json!({
            "Name": self.secret, "ClientRequestToken": stage::random_text(32)?, "SecretString": value, "Tags": tags,
        });
        let created = stage.admin.secrets("CreateSecret", &request).await?;
        let arn = created["ARN"].as_str().context("CreateSecret answers with the ARN")?.to_owned();
        stage::put_policy(&stage.admin, &stage::policy(&[&arn], None)).await?;
        self.deploy(stage, &arn, false).await?;
        screen.row("secret", format!("{}, keyroll:kind = {}", self.secret, self.kind));
        if self.kind != "jwt" {
            screen.row("", "it holds no key yet: the first rotation makes them");
            self.rotate(screen, stage, 0).await?;
        }
        screen.row("ECS service", format!("{}, {TASKS} tasks that issue and verify tokens", self.service));
        Ok(arn)
    }

    /// A new revision of the service, with the version before or without.
    async fn deploy(&self, stage: &Stage, arn: &str, with_previous: bool) -> Result<()> {
        let mut secrets = vec![json!({ "name": "JWT_KEY", "valueFrom": arn })];
        if with_previous {
            secrets.push(json!({ "name": "JWT_KEY_BEFORE", "valueFrom": format!("{arn}::AWSPREVIOUS:") }));
        }
        let container = json!({ "name": "app", "image": "app:1", "essential": true, "memory": 64, "secrets": secrets });
        let definition = json!({ "family": self.service, "containerDefinitions": [container] });
        stage.admin.ecs("RegisterTaskDefinition", &definition).await?;
        if with_previous {
            let update = json!({ "cluster": CLUSTER, "service": self.service, "taskDefinition": self.service });
            return stage.admin.ecs("UpdateService", &update).await.map(drop);
        }
        let service = json!({
            "cluster": CLUSTER, "serviceName": self.service, "taskDefinition": self.service, "desiredCount": TASKS,
        });
        stage.admin.ecs("CreateService", &service).await.map(drop)
    }

    async fn rotate(&self, screen: &Screen, stage: &Stage, number: usize) -> Result<Run> {
        stage.aws.clear();
        let rotation = Rotation::watch(stage);
        let ended = async {
            let run = tokio::time::timeout(Duration::from_mins(2), rotation.end()).await;
            run.context("the rotation was not over after two minutes")
        };
        let (run, ()) = tokio::try_join!(ended, command::rotate_secret(stage, self.secret))?;
        let calls = stage.aws.function_calls();
        let ecs = calls.iter().filter(|call| call.service == "ecs").count();
        let (took, calls) = (run.took().as_secs_f64(), calls.len());
        screen.line(format!(
            "{:<33} {took:>6.3} s: {calls} calls of AWS, {ecs} of them of ECS",
            format!("rotation {number}")
        ));
        if !run.succeeded() {
            screen.line(screen.bad(run.answers().trim_end()));
        }
        Ok(run)
    }

    /// A task that starts now.
    fn task(&self, stage: &Stage, generation: usize) -> Result<Task> {
        let previous = if self.with_previous && generation > 0 { Some(self.value(stage, PREVIOUS)?) } else { None };
        Ok(Task::start(generation, self.value(stage, CURRENT)?, previous))
    }

    fn value(&self, stage: &Stage, label: &str) -> Result<String> {
        stage.aws.value_of(self.secret, label).with_context(|| format!("{label} has a value"))
    }
}

/// Every token to every task.
fn present(tasks: &[Task], tokens: &[Token], seen: &mut Seen) -> Result<()> {
    for task in tasks {
        for token in tokens {
            seen.presented += 1;
            if !task.accepts(token)? {
                let refused = if token.generation > task.generation { &mut seen.newer } else { &mut seen.older };
                *refused += 1;
            }
        }
    }
    Ok(())
}

/// The bare secret, or the private members of a ring's keys.
fn secrets(value: &str) -> Vec<String> {
    match serde_json::from_str::<Value>(value) {
        Ok(ring) => {
            let keys = ring["keys"].as_array().cloned().unwrap_or_default();
            keys.iter().filter_map(|key| key["d"].as_str().map(str::to_owned)).collect()
        }
        Err(_) => vec![value.to_owned()],
    }
}
