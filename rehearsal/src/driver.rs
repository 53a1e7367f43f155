//! Secrets Manager's own part: it makes the pending version, calls the four steps one after the other, and retries the
//! whole from createSecret with the same token. No emulator plays it.

mod engine;
mod outcome;
mod run;

use std::sync::Arc;

use crate::aws::{RotationJob, WeakAws};
use engine::History;
pub use engine::{Driver, Invoker, Options, invoker, over};
pub use outcome::{RotationOutcome, STEPS, StepRun, Verdict};
pub use run::eventually;

impl Driver {
    /// Runs the rotations that `RotateSecret` starts over HTTP, in the background. They are found in
    /// [`Driver::history`] when they are over.
    pub fn serve(&self) {
        let (aws, parts) = (self.aws.downgrade(), (self.invoker.clone(), self.options.clone(), self.history.clone()));
        // What the stage holds must not hold the stage, or neither would ever end.
        self.aws.set_rotator(Arc::new(move |job| {
            if let Some(driver) = revive(&aws, parts.clone()) {
                tokio::spawn(async move { driver.work(job).await });
            }
        }));
    }

    async fn work(&self, job: RotationJob) {
        let ended =
            if job.whole { self.run(&job.arn, &job.token).await } else { self.test(&job.arn, &job.token).await };
        if let Err(error) = ended {
            let verdict = Verdict::Refused(format!("the stage is broken: {error:#}"));
            self.keep(RotationOutcome::begun(&job.arn, &job.token, verdict));
        }
    }
}

fn revive(aws: &WeakAws, (invoker, options, history): (Invoker, Options, History)) -> Option<Driver> {
    Some(Driver { aws: aws.upgrade()?, invoker, options, history })
}

#[cfg(test)]
mod tests;
