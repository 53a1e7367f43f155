//! Refusals, as rows of a table: something that is wrong, the type of the error, and words that its message has. Whatever a row
//! sets up is mended after it, so that all rows can share a stage.

use rehearsal::aws::{Content, Fault, Rule, Secret};
use serde_json::Value;

use crate::dry_run::finds;
use crate::stage::Stage;
use crate::told::Shown;

/// What is wrong.
#[derive(Clone, Debug)]
pub enum Wrong<'a> {
    /// Other keys in the value under AWSCURRENT; null takes one away.
    Keys(Value),
    /// Another content under AWSCURRENT.
    Content(Content),
    /// A tag of the secret.
    Tag(&'a str, &'a str),
    /// The secret itself, in these words.
    Secret(&'a str, fn(&mut Secret)),
    /// The role, which may not call an operation.
    Denied(&'a str),
    /// The server, by a statement; and the one that mends it.
    Server(&'a str, &'a str),
    /// Anything, in these words; and what mends it.
    World(&'a str, fn(&Stage), fn(&Stage)),
}

/// One refusal: what is wrong, the type of the error, words of its message.
pub type Row<'a> = (Wrong<'a>, &'a str, &'a [&'a str]);

impl Wrong<'_> {
    fn set_up(&self, stage: &Stage) {
        match self {
            Self::Keys(keys) => {
                let mut value = stage.value("AWSCURRENT");
                let value_keys = value.as_object_mut().unwrap();
                for (key, new) in keys.as_object().unwrap() {
                    value_keys.insert(key.clone(), new.clone());
                }
                value_keys.retain(|_, value| !value.is_null());
                stage.overwrite("AWSCURRENT", Content::Text(value.to_string()));
            }
            Self::Content(content) => stage.overwrite("AWSCURRENT", content.clone()),
            Self::Tag(tag, value) => stage.aws.set_tag(&stage.arn, tag, value).unwrap(),
            Self::Secret(_, change) => stage.aws.with_secret(&stage.arn, change).unwrap(),
            Self::Denied(operation) => drop(stage.aws.fault(Rule::on(operation, Fault::Denied))),
            Self::Server(statement, _) => stage.server.sql(statement),
            Self::World(_, set_up, _) => set_up(stage),
        }
    }

    /// Mends it in a secret that was like this before.
    fn mend(&self, stage: &Stage, before: &Secret) {
        match self {
            Self::Denied(_) => stage.aws.clear_faults(),
            Self::Server(_, statement) => stage.server.sql(statement),
            Self::World(_, _, mend) => mend(stage),
            _ => {}
        }
        let mend = |secret: &mut Secret| {
            secret.tags.clone_from(&before.tags);
            secret.rotation.clone_from(&before.rotation);
            secret.owning_service.clone_from(&before.owning_service);
            for (id, version) in &before.versions {
                secret.versions.get_mut(id).unwrap().content.clone_from(&version.content);
            }
        };
        stage.aws.with_secret(&stage.arn, mend).unwrap();
    }
}

impl Stage {
    /// A dry run finds every row and these steps refuse it, and all of them change nothing.
    pub async fn refuses(&self, steps: &[&str], token: &str, rows: &[Row<'_>]) {
        for (wrong, error, words) in rows {
            let _shown = Shown(format!("{steps:?} {wrong:?}"));
            let before = self.aws.secret(&self.arn).unwrap();
            wrong.set_up(self);
            finds(self, error, words).await;
            for step in steps {
                self.refused(step, token, error, words).await;
            }
            wrong.mend(self, &before);
        }
    }

    /// A dry run finds every row, and changes nothing.
    pub async fn finds(&self, rows: &[Row<'_>]) {
        for (wrong, error, words) in rows {
            let _shown = Shown(format!("a dry run {wrong:?}"));
            let before = self.aws.secret(&self.arn).unwrap();
            wrong.set_up(self);
            finds(self, error, words).await;
            wrong.mend(self, &before);
            self.function.cold().await;
        }
    }

    /// A dry run finds every row, setSecret refuses it, and the same rotation goes on once it is mended.
    pub async fn finds_and_refuses(&self, rows: &[Row<'_>]) {
        for (wrong, error, words) in rows {
            let _shown = Shown(format!("{wrong:?}"));
            let before = self.aws.secret(&self.arn).unwrap();
            wrong.set_up(self);
            finds(self, error, words).await;
            let token = self.created().await;
            self.refused("setSecret", &token, error, words).await;
            wrong.mend(self, &before);
            self.finishes(&token).await;
        }
    }
}
