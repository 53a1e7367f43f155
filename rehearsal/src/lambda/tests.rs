//! The function of these tests is this very test executable: a script runs the one ignored test below, which plays
//! `bootstrap` as its events and its environment tell it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;

use serde_json::json;

use super::*;
use crate::aws::{CURRENT, Fault, LocalAws, Rule};

const SECOND: Duration = Duration::from_secs(10);

struct Fake {
    function: Function,
    _script: TempDir,
}

fn fake(env: &[(&str, &str)]) -> Fake {
    let script = tempfile::tempdir().unwrap();
    let path = script.path().join("bootstrap");
    let me = std::env::current_exe().unwrap();
    let run = "lambda::tests::play_bootstrap --exact --ignored --nocapture --test-threads=1";
    std::fs::write(&path, format!("#!/bin/sh\nexec '{}' {run}\n", me.display())).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let function = Function::start(path, env.iter().copied()).unwrap();
    Fake { function, _script: script }
}

impl Fake {
    async fn invoke(&self, what: &str) -> Outcome {
        self.function.invoke(&json!({ "do": what }), SECOND).await.unwrap()
    }

    async fn pid(&self) -> u64 {
        self.invoke("pid").await.answer().unwrap().as_u64().unwrap()
    }
}

fn alive(pid: u64) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[tokio::test]
async fn one_warm_process_answers_and_errs() {
    let fake = fake(&[]);
    assert_eq!(fake.function.cold_starts(), 0);
    let pid = fake.pid().await;
    let expected = Outcome::Error { error_type: "FailedThing".into(), message: "why".into() };
    assert_eq!(fake.invoke("error").await, expected);
    assert_eq!(fake.pid().await, pid);
    assert_eq!(fake.function.cold_starts(), 1);
    assert!(fake.function.init_time().unwrap() > Duration::ZERO);
    assert!(fake.function.peak_rss_kib().unwrap() > 500);
    assert!(fake.function.output().contains("played error"));
}

#[tokio::test]
async fn the_environment_is_clean_and_the_headers_are_lambdas() {
    let fake = fake(&[("AWS_ENDPOINT_URL", "http://stage"), ("KEYROLL_MIN_AGE", "0")]);
    fake.function.set_env("LATER", "x");
    let outcome = fake.invoke("look").await;
    let seen = outcome.answer().unwrap();
    let names: Vec<&str> = seen["env"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    // sh itself adds PWD and the like.
    let ours: Vec<&&str> = names.iter().filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(*name)).collect();
    let expected = [
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "KEYROLL_MIN_AGE",
        "LATER",
        "PATH",
    ];
    assert_eq!(ours, expected.iter().collect::<Vec<_>>());
    let head = seen["head"].as_str().unwrap().to_lowercase();
    for header in ["aws-request-id", "deadline-ms", "invoked-function-arn", "trace-id"] {
        assert!(head.contains(&format!("lambda-runtime-{header}: ")), "{head}");
    }
    let deadline: u128 = head.split("deadline-ms: ").nth(1).unwrap().split('\r').next().unwrap().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let left = Duration::from_millis(u64::try_from(deadline - now.as_millis()).unwrap());
    assert!(left <= SECOND && left > SECOND / 2, "{left:?}");
}

#[tokio::test]
async fn a_dead_process_is_told_with_its_output_and_replaced() {
    let fake = fake(&[]);
    let first = fake.pid().await;
    let Outcome::Exited { status, output } = fake.invoke("exit").await else { panic!("still there") };
    assert_eq!(status.code(), Some(7));
    assert!(output.contains("last words"));
    assert_ne!(fake.pid().await, first);
    assert_eq!(fake.function.cold_starts(), 2);
    assert!(fake.function.output().contains("last words"), "the output of dead processes is kept");
}

#[tokio::test]
async fn a_process_that_dies_between_invocations_is_replaced_unseen() {
    let fake = fake(&[]);
    let first = fake.pid().await;
    fake.function.kill();
    assert!(!alive(first));
    assert_ne!(fake.pid().await, first);
    fake.function.cold().await;
    fake.pid().await;
    assert_eq!(fake.function.cold_starts(), 3);
}

#[tokio::test]
async fn a_process_that_does_not_answer_in_time_is_killed() {
    let fake = fake(&[]);
    let first = fake.pid().await;
    let outcome = fake.function.invoke(&json!({"do": "hang"}), Duration::from_millis(40)).await.unwrap();
    assert_eq!(outcome, Outcome::TimedOut);
    assert!(!alive(first));
    assert_ne!(fake.pid().await, first);
}

#[tokio::test]
async fn a_kill_from_elsewhere_ends_the_invocation_under_way() {
    let fake = fake(&[]);
    let first = fake.pid().await;
    let handle = fake.function.kill_handle();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        handle.kill();
        alive(first)
    });
    let Outcome::Exited { status, .. } = fake.invoke("hang").await else { panic!("still there") };
    assert_eq!(status.signal(), Some(9));
    assert!(!killer.join().unwrap(), "kill returned before the process was dead");
}

#[tokio::test]
async fn a_function_killed_before_a_call_never_made_it_and_one_killed_after_it_did() {
    let aws = LocalAws::start().await.unwrap();
    aws.create_secret("app/db", "one", &[]).unwrap();
    let url = aws.url();
    let fake = fake(&[("AWS_ENDPOINT_URL", &url)]);
    let kill = fake.function.kill_handle();
    for (fault, value) in [(Fault::before(kill.hook()), "one"), (Fault::after(kill.hook()), "two")] {
        aws.fault(Rule::on("PutSecretValue", fault).nth(1));
        let Outcome::Exited { status, .. } = fake.invoke("call").await else { panic!("still there") };
        assert_eq!(status.signal(), Some(9));
        assert_eq!(aws.value_of("app/db", CURRENT).as_deref(), Some(value));
    }
    let calls: Vec<_> = aws.calls_of(FUNCTION_KEY).into_iter().map(|call| (call.status, call.applied)).collect();
    assert_eq!(calls, [(None, false), (None, true)]);
    assert!(fake.invoke("call").await.answer().unwrap().as_str().unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(fake.function.cold_starts(), 3);
}

#[tokio::test]
async fn a_start_that_fails_is_an_outcome() {
    let failing = fake(&[("FAKE_START", "error")]);
    let expected = Outcome::Error { error_type: "RefusedConfiguration".into(), message: "start".into() };
    assert_eq!(failing.invoke("pid").await, expected);
    let dying = fake(&[("FAKE_START", "exit")]);
    let Outcome::Exited { status, .. } = dying.invoke("pid").await else { panic!("still there") };
    assert_eq!(status.code(), Some(9));
    dying.function.remove_env("FAKE_START");
    assert!(dying.invoke("pid").await.is_answer());
    assert!(Function::start("/none/such", [("a", "b")]).is_err());
}

#[tokio::test]
async fn a_second_answer_to_an_invocation_is_not_taken_for_the_next_ones() {
    let fake = fake(&[]);
    assert_eq!(fake.invoke("twice").await, Outcome::Answer(json!(1)));
    assert_ne!(fake.pid().await, 2);
}

#[tokio::test]
async fn any_bytes_travel_as_they_are() {
    let fake = fake(&[]);
    let outcome = fake.function.invoke_raw("no JSON", SECOND).await.unwrap();
    assert_eq!(outcome, Outcome::Answer(json!("no JSON")));
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let fake = fake(&[]);
    let pid = fake.pid().await;
    let handle = fake.function.kill_handle();
    drop(fake);
    assert!(!alive(pid));
    handle.kill();
}

/// One call by hand: this executable has no HTTP client that would do without a runtime.
fn http(address: &str, line: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    stream.write_all(format!("{head}{headers}\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Plays `bootstrap`. Run by hand it has nothing to do.
#[test]
#[ignore = "it is the function of the other tests"]
fn play_bootstrap() {
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else { return };
    let call = |line: &str, body: &str| http(&api, line, "", body);
    match std::env::var("FAKE_START").as_deref() {
        Ok("error") => {
            let body = json!({"errorType": "RefusedConfiguration", "errorMessage": "start"}).to_string();
            call("POST /2018-06-01/runtime/init/error", &body);
            std::process::exit(1);
        }
        Ok(_) => std::process::exit(9),
        Err(_) => {}
    }
    loop {
        let answer = call("GET /2018-06-01/runtime/invocation/next", "");
        let (head, event) = answer.split_once("\r\n\r\n").unwrap();
        let id = head.split("lambda-runtime-aws-request-id: ").nth(1).unwrap().split('\r').next().unwrap();
        let wish: Value = serde_json::from_str(event).unwrap_or_else(|_| json!({ "do": "echo" }));
        let wish = wish["do"].as_str().unwrap();
        let mut names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
        names.sort();
        std::io::stderr().write_all(format!("played {wish}\n").as_bytes()).unwrap();
        let (kind, body) = match wish {
            "pid" => ("response", json!(std::process::id())),
            "look" => ("response", json!({ "env": names, "head": head })),
            "error" => ("error", json!({ "errorType": "FailedThing", "errorMessage": "why" })),
            "call" => {
                let url = std::env::var("AWS_ENDPOINT_URL").unwrap();
                let key = std::env::var("AWS_ACCESS_KEY_ID").unwrap();
                let headers = format!(
                    "x-amz-target: secretsmanager.PutSecretValue\r\nauthorization: Credential={key}/d/r/s/aws4_request\r\n"
                );
                let body = json!({ "SecretId": "app/db", "SecretString": "two" }).to_string();
                let answer = http(url.trim_start_matches("http://"), "POST /", &headers, &body);
                ("response", json!(answer))
            }
            "twice" => {
                http(&api, &format!("POST /2018-06-01/runtime/invocation/{id}/response"), "", "1");
                ("response", json!(2))
            }
            "hang" => loop {
                std::thread::park();
            },
            "exit" => {
                std::io::stdout().write_all(b"last words\n").unwrap();
                std::process::exit(7)
            }
            _ => ("response", json!(event)),
        };
        call(&format!("POST /2018-06-01/runtime/invocation/{id}/{kind}"), &body.to_string());
    }
}
