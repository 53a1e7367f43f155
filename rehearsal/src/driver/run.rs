//! A rotation from its first step to its end.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::engine::Driver;
use super::outcome::{RotationOutcome, STEPS, StepRun, Verdict};
use crate::aws::{CURRENT, PENDING, Secret, random};
use crate::lambda::Outcome;

impl Driver {
    /// Rotates a secret now, under a new token, as `RotateSecret` with `RotateImmediately` does.
    pub async fn rotate(&self, id: &str) -> Result<RotationOutcome> {
        self.rotate_as(id, &random::uuid()).await
    }

    /// Rotates a secret now under this token.
    pub async fn rotate_as(&self, id: &str, token: &str) -> Result<RotationOutcome> {
        let arn = self.secret(id)?.arn;
        if let Err(refusal) = self.secret(id)?.refuse_second_rotation() {
            return Ok(self.keep(RotationOutcome::begun(&arn, token, Verdict::Refused(refusal.message))));
        }
        self.aws.stage_pending(&arn, token)?;
        self.run(&arn, token).await
    }

    /// Tries an unfinished rotation again, with the token it has: what Secrets Manager does some time later.
    pub async fn resume(&self, id: &str) -> Result<RotationOutcome> {
        let secret = self.secret(id)?;
        let token = secret.holder(PENDING).filter(|_| secret.unfinished());
        let token = token.with_context(|| format!("{id} has no unfinished rotation"))?.to_owned();
        self.run(&secret.arn, &token).await
    }

    /// Calls testSecret alone on a temporary pending version, as `RotateImmediately=false` does.
    pub async fn test_only(&self, id: &str) -> Result<RotationOutcome> {
        let secret = self.secret(id)?;
        if let Err(refusal) = secret.refuse_second_rotation() {
            return Ok(self.keep(RotationOutcome::begun(&secret.arn, "", Verdict::Refused(refusal.message))));
        }
        self.test(&secret.arn, &random::uuid()).await
    }

    /// Calls one step and nothing else: for late, repeated and reordered steps.
    pub async fn step(&self, step: &str, id: &str, token: &str) -> Result<Outcome> {
        let arn = self.secret(id)?.arn;
        (self.invoker)(Self::event(step, &arn, token, &random::uuid())).await
    }

    pub(super) async fn run(&self, arn: &str, token: &str) -> Result<RotationOutcome> {
        let mut rotation = RotationOutcome::begun(arn, token, Verdict::Failed);
        let start = Instant::now();
        self.aws.with_secret(arn, |secret| secret.rotating = Some(token.to_owned()))?;
        for attempt in 1..=self.options.attempts {
            if attempt > 1 {
                tokio::time::sleep(self.options.spacing).await;
            }
            rotation.verdict = self.attempt(&mut rotation, attempt, start).await?;
            if rotation.verdict != Verdict::Failed {
                break;
            }
        }
        // With `retry_after_move` the last finishSecret may have failed for good; the secret is rotated all the same.
        let rotated = self.secret(arn)?.is_current(token);
        self.aws
            .with_secret(arn, |secret| if rotated { secret.rotation_succeeded() } else { secret.rotating = None })?;
        Ok(self.keep(rotation))
    }

    async fn attempt(&self, rotation: &mut RotationOutcome, attempt: u32, start: Instant) -> Result<Verdict> {
        for step in STEPS {
            if self.abandoned(rotation)? {
                return Ok(Verdict::Abandoned);
            }
            let answered = self.call(rotation, attempt, step, start).await?;
            let moved = self.secret(&rotation.arn)?.is_current(&rotation.token);
            if step == "finishSecret" && moved && (answered || !self.options.retry_after_move) {
                return Ok(Verdict::Succeeded);
            }
            if !answered {
                break;
            }
        }
        // An answer of finishSecret that left AWSCURRENT where it was is a failed rotation, whatever it says.
        Ok(if self.abandoned(rotation)? { Verdict::Abandoned } else { Verdict::Failed })
    }

    pub(super) async fn test(&self, arn: &str, token: &str) -> Result<RotationOutcome> {
        let mut rotation = RotationOutcome::begun(arn, token, Verdict::Failed);
        let secret = self.secret(arn)?;
        let content = secret.holder(CURRENT).and_then(|current| secret.versions.get(current)?.content.clone());
        let content = content.filter(|_| self.options.test_with_current);
        self.aws.with_secret(arn, |secret| secret.stage_pending(token, content))?;
        let answered = self.call(&mut rotation, 1, "testSecret", Instant::now()).await;
        // Whatever came of it, the temporary version goes.
        self.aws.with_secret(arn, |secret| secret.versions.remove(token))?;
        if answered? {
            rotation.verdict = Verdict::Succeeded;
        }
        Ok(self.keep(rotation))
    }

    /// Calls a step, adds it to the timeline and says whether it was answered without an error.
    async fn call(
        &self,
        rotation: &mut RotationOutcome,
        attempt: u32,
        step: &'static str,
        start: Instant,
    ) -> Result<bool> {
        let event = Self::event(step, &rotation.arn, &rotation.token, &rotation.rotation_token);
        let at = start.elapsed();
        let outcome = (self.invoker)(event).await?;
        let answered = outcome.is_answer();
        rotation.timeline.push(StepRun { attempt, step, at, took: start.elapsed().saturating_sub(at), outcome });
        Ok(answered)
    }

    /// Whether the rotation lost its claim: another version was stored, or rotation was cancelled.
    fn abandoned(&self, rotation: &RotationOutcome) -> Result<bool> {
        let secret = self.secret(&rotation.arn)?;
        Ok(secret.rotating.as_deref() != Some(&rotation.token) && !secret.is_current(&rotation.token))
    }

    fn secret(&self, id: &str) -> Result<Secret> {
        self.aws.secret(id).with_context(|| format!("no secret {id}"))
    }
}

/// Waits until something is so, for rotations that run in the background.
pub async fn eventually(limit: Duration, so: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !so() {
        if start.elapsed() > limit {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    true
}
