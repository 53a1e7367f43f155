//! Logging: one line per event on standard output, JSON where Lambda is set to JSON.
//!
//! Only this crate logs below WARN. Libraries print requests, headers and statements at DEBUG and TRACE, and the Lambda
//! runtime prints the whole event, with the rotation token in it: no log level may bring those out.

use std::io::Write as _;

use serde_json::json;
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Env;
use crate::timestamp::Timestamp;

/// Makes a panic say where it happened and nothing else: its message may quote the data it stumbled over.
pub fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!("a defect of keyroll ended the process at {place}");
    }));
}

/// Starts logging at the level of `AWS_LAMBDA_LOG_LEVEL`, else `RUST_LOG` (a bare level), else INFO.
pub fn init(env: &Env) {
    let level = ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"].into_iter().find_map(|name| level(env.get(name)?));
    let ours = targets(level.unwrap_or(Level::INFO));
    let lines = tracing_subscriber::fmt::layer().with_ansi(false);
    if env.get("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json")) {
        tracing_subscriber::registry()
            .with(lines.json().flatten_event(true).with_span_list(false).with_filter(ours))
            .init();
    } else {
        // CloudWatch stamps every line with its time.
        tracing_subscriber::registry().with(lines.without_time().with_filter(ours)).init();
    }
}

/// Puts the time until which the previous credential works where an alarm can see it: a line in CloudWatch's embedded metric
/// format, whatever the level of the log. One that cannot be written stops nothing.
pub(crate) fn previous_valid_until(secret: &str, until: Timestamp, now: Timestamp) {
    let _ = writeln!(std::io::stdout(), "{}", metric(secret, until, now));
}

/// The line. CloudWatch wants the time of a metric in milliseconds; the value itself is in seconds.
fn metric(secret: &str, until: Timestamp, now: Timestamp) -> String {
    const NAME: &str = "previousCredentialValidUntil";
    let metrics = json!([{
        "Namespace": "keyroll", "Dimensions": [["secretArn"]], "Metrics": [{"Name": NAME, "Unit": "Seconds"}]
    }]);
    json!({"_aws": {"Timestamp": now.millis(), "CloudWatchMetrics": metrics}, "secretArn": secret, NAME: until.seconds()}).to_string()
}

/// Which crate may log what.
fn targets(level: Level) -> Targets {
    Targets::new()
        .with_target("keyroll", level)
        // The runtime repeats every error that the handler answers, which has logged it already.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        // sqlx passes warnings of the server on, and those may quote a statement.
        .with_target("sqlx", LevelFilter::OFF)
        .with_default(Level::WARN)
}

/// A level by Lambda's names, of which FATAL is one that tracing does not have.
fn level(name: &str) -> Option<Level> {
    if name.eq_ignore_ascii_case("fatal") { Some(Level::ERROR) } else { name.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambdas_names_of_levels_are_known() {
        for (name, expected) in
            [("TRACE", Some(Level::TRACE)), ("info", Some(Level::INFO)), ("FATAL", Some(Level::ERROR))]
        {
            assert_eq!(level(name), expected, "{name}");
        }
        assert_eq!(level("keyroll=debug"), None);
    }

    #[test]
    fn the_metric_is_one_line_of_cloudwatchs_embedded_format() {
        assert_eq!(
            metric(
                "arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf",
                Timestamp::from_seconds(1_702_592_000),
                Timestamp::from_seconds(1_700_000_000)
            ),
            "{\"_aws\":{\"CloudWatchMetrics\":[{\"Dimensions\":[[\"secretArn\"]],\"Metrics\":[{\"Name\":\
             \"previousCredentialValidUntil\",\"Unit\":\"Seconds\"}],\"Namespace\":\"keyroll\"}],\"Timestamp\":1700000000000},\
             \"previousCredentialValidUntil\":1702592000,\
             \"secretArn\":\"arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf\"}"
        );
    }

    #[test]
    fn libraries_log_warnings_only_and_sqlx_nothing() {
        let targets = targets(Level::TRACE);
        assert!(targets.would_enable("keyroll::rotation", &Level::TRACE));
        for library in ["aws_smithy_runtime", "lambda_runtime", "hyper_util"] {
            assert!(targets.would_enable(library, &Level::WARN) && !targets.would_enable(library, &Level::INFO));
        }
        for silent in ["sqlx::query", "sqlx::postgres::notice", "lambda_runtime::layers::panic"] {
            assert!(!targets.would_enable(silent, &Level::ERROR), "{silent}");
        }
    }
}
