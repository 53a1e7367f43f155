//! `make bench`: the figures of the README, measured again. Every run is a new process of the function, a cold rotation
//! and a warm one, of a PostgreSQL secret without services; and then the same of one whose services have to be found.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rehearsal::aws::LocalAws;
use rehearsal::driver::{Driver, RotationOutcome, over};
use rehearsal::lambda::Function;
use rehearsal::postgres::Postgres;
use serde_json::json;

/// Odd, so that the median is one of them.
const RUNS: usize = 11;
const SECRET: &str = "bench";

/// Two clusters with so many services each, of as many task definitions; a few of them take the secret.
const CLUSTERS: [&str; 2] = ["one", "two"];
const SERVICES: usize = 10;
const DEPENDENTS: usize = 3;

/// What a rotation has to roll.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Estate {
    /// Nothing: the secret's tag says so.
    Nothing,
    /// What it finds.
    Found,
}

/// What one run gave.
struct Run {
    init: Duration,
    cold: Duration,
    warm: Duration,
    peak_kib: u64,
    cold_calls: usize,
    calls: usize,
    connections: usize,
    logins: usize,
    failed_logins: usize,
}

/// A row of the table. The last column is AWS's own function for Python 3.11, PostgreSQL single user, `ssl` true, under
/// the same Runtime API on a machine of the same kind, but with another stand-in for AWS.
struct Row(&'static str, String, &'static str, &'static str);

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (binary, package) = arguments.next().zip(arguments.next()).context("call it as: bench BOOTSTRAP PACKAGE")?;
    let postgres = Postgres::start()?;
    let mut runs = [Vec::new(), Vec::new()];
    for number in 0..RUNS {
        for (estate, runs) in [Estate::Nothing, Estate::Found].into_iter().zip(&mut runs) {
            let run = run(&binary, &postgres, number, estate).await;
            runs.push(run.with_context(|| format!("run {}", number + 1))?);
        }
    }
    let [nothing, found] = runs;
    show(&rows(&nothing, &found, &binary, &package)?)
}

async fn run(binary: &Path, postgres: &Postgres, number: usize, estate: Estate) -> Result<Run> {
    let role = format!("bench_{number}_{}", if estate == Estate::Found { "found" } else { "nothing" });
    postgres.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'first'"))?;
    let aws = LocalAws::start().await?;
    let value = json!({
        "engine": "postgres", "host": "localhost", "port": postgres.port(), "username": role, "password": "first",
        "dbname": "postgres",
    });
    let tags = [("keyroll:min-age", "0"), ("keyroll:services", "none")];
    let tags = if estate == Estate::Found { &tags[..1] } else { &tags[..] };
    let arn = aws.create_secret(SECRET, &value.to_string(), tags)?;
    if estate == Estate::Found {
        populate(&aws, &arn)?;
    }
    aws.enable_rotation(SECRET, "arn:aws:lambda:us-east-1:123456789012:function:keyroll", json!({}))?;
    let authority = postgres.ca_pem_path().display().to_string();
    let function = Function::start(binary, [("AWS_ENDPOINT_URL", aws.url()), ("KEYROLL_CA_BUNDLE", authority)])?;
    let driver = Driver::new(&aws, over(&function, Duration::from_mins(1)));

    let cold = rotation(&driver).await?;
    let cold_calls = aws.function_calls().len();
    aws.clear();
    let mark = postgres.mark();
    let warm = rotation(&driver).await?;
    let calls = aws.function_calls();
    let logins = postgres.logins_since(mark);
    let redeployed = calls.iter().filter(|call| call.operation == "UpdateService").count();
    ensure!(
        redeployed == if estate == Estate::Found { DEPENDENTS } else { 0 },
        "{redeployed} services were redeployed"
    );
    ensure!(function.cold_starts() == 1, "the process did not stay warm");
    Ok(Run {
        init: function.init_time().context("the process asked for an event")?,
        cold,
        warm,
        peak_kib: function.peak_rss_kib().context("the process's memory was seen")?,
        cold_calls,
        calls: calls.len(),
        connections: calls.iter().map(|call| call.connection).collect::<BTreeSet<_>>().len(),
        logins: logins.accepted.len() + logins.failed.len(),
        failed_logins: logins.failed.len(),
    })
}

/// Services of a task definition each, which is the most that a search may have to read.
fn populate(aws: &LocalAws, arn: &str) -> Result<()> {
    let other = aws.create_secret("another", "-", &[])?;
    for (number, cluster) in CLUSTERS.into_iter().enumerate() {
        aws.create_cluster(cluster)?;
        for service in 0..SERVICES {
            let name = format!("service-{number}-{service}");
            let takes = if number * SERVICES + service < DEPENDENTS { arn } else { &other };
            let definition = aws.register_with_secrets(&name, &[takes])?;
            aws.create_service(cluster, &name, &definition)?;
        }
    }
    Ok(())
}

/// Rotates, and adds up the four steps.
async fn rotation(driver: &Driver) -> Result<Duration> {
    let outcome: RotationOutcome = driver.rotate(SECRET).await?;
    ensure!(outcome.succeeded() && outcome.failures().is_empty(), "the rotation failed: {:?}", outcome.failures());
    Ok(outcome.timeline.iter().map(|step| step.took).sum())
}

fn rows(runs: &[Run], found: &[Run], binary: &Path, package: &Path) -> Result<Vec<Row>> {
    let time_of = |runs: &[Run], of: fn(&Run) -> Duration| {
        let mut all: Vec<Duration> = runs.iter().map(of).collect();
        all.sort_unstable();
        format!("{:.1} ms ({:.1})", millis(median(&all)), millis(all[0]))
    };
    let time = |of: fn(&Run) -> Duration| time_of(runs, of);
    let calls = |of: fn(&Run) -> usize| found.iter().map(of).max().unwrap_or_default().to_string();
    let most = |of: fn(&Run) -> usize| runs.iter().map(of).max().unwrap_or_default();
    let peak = runs.iter().map(|run| run.peak_kib).max().unwrap_or_default();
    let size = |path: &Path| -> Result<String> { Ok(format!("{:.2} MB", mega(std::fs::metadata(path)?.len()))) };
    let logins = format!("{}, {} failing", most(|run| run.logins), most(|run| run.failed_logins));
    Ok(vec![
        Row("package (zip)", size(package)?, "4.4 MB", "0.25 MB, and Python with boto3"),
        Row("binary", size(binary)?, "", ""),
        Row("start to first poll", time(|run| run.init), "10 ms", "248 ms"),
        Row("cold rotation, four steps", time(|run| run.cold), "", "396 ms (338)"),
        Row("warm rotation, four steps", time(|run| run.warm), "", "284 ms (252)"),
        Row("peak memory", format!("{:.1} MB", mega(peak * 1024)), "16 MB", "52.6 MB"),
        Row("AWS calls, warm", most(|run| run.calls).to_string(), "10", "14"),
        Row("HTTP connections to AWS, warm", most(|run| run.connections).to_string(), "1", "4"),
        Row("database logins, warm", logins, "3, 0 failing", "3, 1 failing"),
        Row("finding 3 of 20 services, cold", time_of(found, |run| run.cold), "", ""),
        Row("finding 3 of 20 services, warm", time_of(found, |run| run.warm), "", ""),
        Row("  AWS calls, cold", calls(|run| run.cold_calls), "38", ""),
        Row("  AWS calls, warm", calls(|run| run.calls), "18", ""),
    ])
}

fn show(rows: &[Row]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nMedian of {RUNS} new processes, the fastest in brackets; the largest of what is counted.")?;
    writeln!(
        out,
        "The last rows: {} services in {} clusters, {DEPENDENTS} of them found and redeployed.\n",
        CLUSTERS.len() * SERVICES,
        CLUSTERS.len()
    )?;
    writeln!(out, "| {:<30} | {:<20} | {:<12} | {:<30} |", "", "keyroll", "at most", "AWS's Python function")?;
    writeln!(out, "|{:-<32}|{:-<22}|{:-<14}|{:-<32}|", "", "", "", "")?;
    for Row(what, seen, limit, theirs) in rows {
        writeln!(out, "| {what:<30} | {seen:<20} | {limit:<12} | {theirs:<30} |")?;
    }
    Ok(())
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a package has megabytes, not petabytes")]
fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
