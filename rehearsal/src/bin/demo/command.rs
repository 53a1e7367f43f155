//! The ordinary command line, as anyone would call it.

use anyhow::{Context as _, Result, ensure};
use rehearsal::ministack::tool;
use rehearsal::signed::REGION;

use crate::screen::Screen;
use crate::stage::Stage;

fn arguments<'a>(stage: &'a Stage, secret: &'a str) -> [[&'a str; 2]; 4] {
    [
        ["secretsmanager", "rotate-secret"],
        ["--secret-id", secret],
        ["--rotation-lambda-arn", &stage.function_arn],
        ["--rotation-rules", "AutomaticallyAfterDays=30"],
    ]
}

/// Shows the command that [`rotate_secret`] runs.
pub(crate) fn show(screen: &Screen, stage: &Stage, secret: &str) {
    let arguments = arguments(stage, secret);
    screen.line(screen.bold("$ aws secretsmanager rotate-secret \\"));
    for (number, [name, value]) in arguments.iter().enumerate().skip(1) {
        let more = if number + 1 < arguments.len() { " \\" } else { "" };
        screen.line(screen.bold(&format!("      {name} {value}{more}")));
    }
}

/// Has the secret rotated. The rotation itself goes on in the background.
pub(crate) async fn rotate_secret(stage: &Stage, secret: &str) -> Result<()> {
    let mut command = tokio::process::Command::new(tool("aws")?);
    command.args(arguments(stage, secret).as_flattened()).env_clear().kill_on_drop(true);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // No file of the person's own account is looked at.
    command.env("HOME", "/nonexistent").env("AWS_CONFIG_FILE", "/dev/null").env("AWS_PAGER", "");
    command.env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null").env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_ENDPOINT_URL", stage.aws.url()).env("AWS_DEFAULT_REGION", REGION);
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    let output = command.output().await.context("the aws command line cannot be started")?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "aws secretsmanager rotate-secret failed: {}", told.trim());
    Ok(())
}
