//! `make demo`: a PostgreSQL secret rotated end to end on this machine and shown as it happens; then another one whose two
//! accounts take turns; then MariaDB, where one account has two passwords; then keys that sign tokens.

mod clients;
mod command;
mod keys;
mod maria;
mod promises;
mod screen;
mod stage;
mod status;
mod timeline;
mod tokens;
mod turns;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rehearsal::aws::LocalAws;
use rehearsal::mariadb::MariaDb;
use rehearsal::ministack::Ministack;
use rehearsal::postgres::Postgres;
use rehearsal::signed::Caller;
use tokio::signal::unix::{SignalKind, signal};

use crate::promises::Facts;
use crate::screen::Screen;
use crate::stage::{DATABASE, FUNCTION, OTHER, ROLE, SECRET, SERVICES, Stage};
use crate::timeline::Run;

fn main() -> ExitCode {
    let Some(package) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprint("call it with the function's package: demo dist/bootstrap-ARCH.zip");
        return ExitCode::from(2);
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprint(&format!("no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            // First, so that the signals are caught before anything is started. Dropping the demo half-way stops all
            // that it started.
            biased;
            signal = interruption() => signal.map(|()| None),
            broken = show(&package) => broken.map(Some),
        }
    });
    match outcome {
        Ok(Some(0)) => ExitCode::SUCCESS,
        Ok(Some(_)) => ExitCode::FAILURE,
        Ok(None) => {
            eprint("interrupted; everything is stopped and removed");
            ExitCode::from(130)
        }
        Err(error) => {
            eprint(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The whole demo; how many promises were broken.
async fn show(package: &Path) -> Result<usize> {
    let mut screen = Screen::new();
    screen.heading("keyroll: rotate a secret, roll every service that uses it, fail no login on the way");
    screen.line("A PostgreSQL, a MariaDB, a local AWS and the built function, on this machine's loopback only.");

    let password = stage::random_text(32)?;
    let stage = set(&screen, package, &password).await?;
    let before = Facts::gather(&stage).await?;
    let mark = stage.postgres.mark();
    stage.aws.clear();

    screen.heading("The rotation");
    let run = rotate(&screen, &stage).await?;
    let after = Facts::gather(&stage).await?;
    promises::show_state(&screen, &run, &before, &after);
    let status = status::ask(&screen, &stage).await?;
    promises::check(&mut screen, &stage, &run, &status, &before, &after, mark).await?;
    turns::play(&mut screen, &stage).await?;
    maria::play(&mut screen, &stage).await?;
    keys::play(&mut screen, &stage).await?;
    let begun = Instant::now();
    drop(stage);
    screen.heading("The end");
    screen.line(format!("everything is stopped and removed ({} ms)", begun.elapsed().as_millis()));
    screen.line(match screen.broken {
        0 => screen.good("every promise was kept"),
        1 => screen.bad("1 promise was broken"),
        broken => screen.bad(&format!("{broken} promises were broken")),
    });
    Ok(screen.broken)
}

async fn set(screen: &Screen, package: &Path, password: &str) -> Result<Stage> {
    screen.heading("The stage");
    let begun = Instant::now();
    let postgres = Postgres::start()?;
    stage::create_database(&postgres, password)?;
    let version = postgres.sql("SHOW server_version")?;
    let version = version.split(' ').next().unwrap_or_default();
    let place = format!("localhost:{}", postgres.port());
    screen.row("PostgreSQL", format!("{version:<18} {place:<17} TLS, all statements logged {}", took(screen, begun)));
    let rows = postgres.sql_as(ROLE, password, DATABASE, "SELECT count(*) FROM orders")?;
    screen.row("database", format!("{DATABASE}, owned by the role {ROLE}, with {rows} rows in a table"));

    let begun = Instant::now();
    let mariadb = MariaDb::start()?;
    let version = mariadb.sql("SELECT VERSION()")?;
    let version = version.split('-').next().unwrap_or_default();
    let place = format!("localhost:{}", mariadb.port());
    screen.row("MariaDB", format!("{version:<18} {place:<17} TLS, all statements logged {}", took(screen, begun)));

    let begun = Instant::now();
    let ministack = Ministack::start()?;
    let aws = LocalAws::start_with_upstream(&ministack.endpoint()).await?;
    let place = format!("127.0.0.1:{}", aws.port());
    screen.row("AWS", format!("{:<18} {place:<17} permissions enforced       {}", "ministack", took(screen, begun)));

    let begun = Instant::now();
    let admin = Caller::administrator(aws.port());
    let [secret_arn, other_arn] = stage::create_secrets(&admin, postgres.port(), password).await?;
    screen.row("secret", format!("{SECRET}, in the shape of AWS's own templates"));
    screen.row("another", OTHER);
    stage::create_services(&admin, &secret_arn, &other_arn).await?;
    let services: Vec<String> = SERVICES.iter().map(|it| format!("{} ({})", it.name, it.desired)).collect();
    screen.row("ECS services", services.join(", "));
    let authorities = stage::authorities(&postgres, &mariadb)?;
    let function_arn = stage::create_function(&admin, package, &secret_arn, &aws.url(), authorities.path()).await?;
    let size = std::fs::metadata(package)?.len();
    let package = package.file_name().unwrap_or_default().display().to_string();
    let text = format!("{FUNCTION}, {package}, {:.2} MB, a role for {} actions", mega(size), stage::allowed().len());
    screen.row("function", format!("{text:<64}{}", took(screen, begun)));
    let (postgres, mariadb) = (Arc::new(postgres), Arc::new(mariadb));
    Ok(Stage { postgres, mariadb, _authorities: authorities, aws, ministack, admin, secret_arn, function_arn })
}

async fn rotate(screen: &Screen, stage: &Stage) -> Result<Run> {
    command::show(screen, stage, SECRET);
    let rotation = timeline::Rotation::watch(stage);
    let shown = async {
        let shown = tokio::time::timeout(Duration::from_mins(2), rotation.show(screen, stage)).await;
        shown.context("the rotation was not over after two minutes")?
    };
    // Side by side: the rotation may be over before the command line has ended.
    let (run, ()) = tokio::try_join!(shown, command::rotate_secret(stage, SECRET))?;
    Ok(run)
}

async fn interruption() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}

fn took(screen: &Screen, begun: Instant) -> String {
    screen.dim(&format!("{:>6.2} s", begun.elapsed().as_secs_f64()))
}

#[expect(clippy::cast_precision_loss, reason = "a package has megabytes, not petabytes")]
fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[expect(clippy::print_stderr, reason = "the last word to a person at a terminal")]
fn eprint(text: &str) {
    eprintln!("demo: {text}");
}
