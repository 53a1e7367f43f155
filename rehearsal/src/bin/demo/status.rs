//! What the function itself says of the secret afterwards, to an operator who invokes it.

use anyhow::Result;
use rehearsal::lambda::Outcome;
use serde_json::{Value, json};

use crate::screen::{Screen, wrapped};
use crate::stage::{FUNCTION, SECRET, Stage};
use crate::timeline::{invoke, told};

/// What is left of a line beside its label.
const WIDTH: usize = 78;

/// The answer to `Status`.
pub(crate) struct Status(Outcome);

/// Asks, and shows what matters of the answer.
pub(crate) async fn ask(screen: &Screen, stage: &Stage) -> Result<Status> {
    screen.heading("The status afterwards");
    let event = json!({ "Action": "Status", "SecretId": SECRET });
    screen.line(screen.bold(&format!("invoke {FUNCTION} {event}")));
    let status = Status(invoke(&stage.admin, &event).await?);
    if !status.0.is_answer() {
        screen.line(screen.bad(&status.text()));
        return Ok(status);
    }
    let services = status.services().map(|(name, current)| match current {
        Some(true) => format!("{name} has the current value"),
        Some(false) => format!("{name} has an older one"),
        None => format!("{name} has no tasks to tell of"),
    });
    let services = services.collect::<Vec<_>>().join(", ");
    for (label, text) in [("services", services), ("left to do", status.left().join("; "))] {
        let text = if text.is_empty() { "nothing".to_owned() } else { text };
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        for (number, line) in wrapped(&words, WIDTH).into_iter().enumerate() {
            screen.row(if number == 0 { label } else { "" }, line);
        }
    }
    Ok(status)
}

impl Status {
    /// All that was answered.
    pub(crate) fn text(&self) -> String {
        told(&self.0)
    }

    /// Whether these services run with the current value and nothing is left to do.
    pub(crate) fn is_done(&self, services: &[&str]) -> bool {
        let runs = |name: &&str| self.services().any(|(seen, current)| seen == *name && current == Some(true));
        self.0.is_answer() && self.left().is_empty() && services.iter().all(runs)
    }

    /// The services it knows of, and whether their tasks run with the current value.
    fn services(&self) -> impl Iterator<Item = (&str, Option<bool>)> {
        let services = self.list("services");
        services.map(|it| (it["service"].as_str().unwrap_or_default(), it["runsCurrent"].as_bool()))
    }

    fn left(&self) -> Vec<&str> {
        self.list("left").filter_map(Value::as_str).collect()
    }

    fn list(&self, key: &str) -> impl Iterator<Item = &Value> {
        self.0.answer().and_then(|answer| answer[key].as_array()).into_iter().flatten()
    }
}
