//! An account in which services have to be found: two clusters, two services that depend on the secret, and around them
//! services and secrets that only look as if they had to do with it.

use std::time::Duration;

use rehearsal::aws::{Call, Secret, Service};
use rehearsal::postgres::PostgresOptions;
use serde_json::{Value, json};

use crate::stage::{ACCOUNT, Stage};

/// What depends on the secret: by a container's secret, and by the service's own tag.
pub const DEPENDENTS: [(&str, &str); 2] = [("prod", "api"), ("jobs", "nightly")];
/// What does not: no tasks, a secret whose name begins alike, one version for ever, another secret.
const BYSTANDERS: [(&str, &str); 4] =
    [("prod", "worker"), ("prod", "replica"), ("prod", "pinned"), ("jobs", "billing")];
/// One whose name begins alike, of the same function; one of another function, with an open mark.
const OTHER_SECRETS: [&str; 2] = ["orders/db-replica", "billing/db"];

/// The ordinary stage with the estate on it, and no tag that names services.
pub async fn stage() -> Stage {
    with(&PostgresOptions::default(), &json!({})).await
}

/// The same with another kind of PostgreSQL, or other keys in the secret.
pub async fn with(options: &PostgresOptions, keys: &Value) -> Stage {
    on(Stage::with(options, ACCOUNT, keys).await)
}

/// The estate on an ordinary stage, whatever its server is.
pub fn on(stage: Stage) -> Stage {
    let aws = &stage.aws;
    aws.remove_tag(&stage.arn, "keyroll:services").unwrap();
    let staging = format!("{}-staging", stage.function.arn());
    for (name, function) in OTHER_SECRETS.into_iter().zip([stage.function.arn(), &staging]) {
        aws.create_secret(name, r#"{"password":"another"}"#, &[]).unwrap();
        aws.enable_rotation(name, function, json!({})).unwrap();
    }
    let open = aws.holder("billing/db", "AWSCURRENT").unwrap();
    aws.move_label("billing/db", "KEYROLL_ROLLOUT", &open).unwrap();

    let arn = |name: &str| aws.secret(name).unwrap().arn;
    let first = aws.holder(&stage.arn, "AWSCURRENT").unwrap();
    let replica = format!("{}:password::", arn("orders/db-replica"));
    let [replica, pinned, billing] = [
        ("replica", vec![replica.as_str(), &replica[..replica.len() - ":password::".len()]]),
        ("pinned", vec![&*format!("{}:password::{first}", stage.arn)]),
        ("billing", vec![&*arn("billing/db")]),
    ]
    .map(|(family, secrets)| aws.register_with_secrets(family, &secrets).unwrap());
    aws.create_cluster("jobs").unwrap();
    for (cluster, service, definition) in [
        ("prod", "replica", &replica),
        ("prod", "pinned", &pinned),
        ("jobs", "billing", &billing),
        ("jobs", "nightly", &billing),
    ] {
        aws.create_service(cluster, service, definition).unwrap();
        aws.age_service(cluster, service, Duration::from_hours(24)).unwrap();
    }
    let tag = ("keyroll:secret".to_owned(), "orders/db".to_owned());
    aws.with_service("jobs", "nightly", |service| service.tags.extend([tag])).unwrap();
    aws.with_service("prod", "worker", |service| service.desired_count = 0).unwrap();
    stage
}

/// Leaves one deployment of each dependent, so that those of a run can be counted.
pub fn settle(stage: &Stage) {
    for (cluster, service) in DEPENDENTS {
        stage.aws.with_service(cluster, service, Service::settle).unwrap();
    }
}

/// The dependents, each with all the deployments that it has had since it was settled.
pub fn dependents(stage: &Stage) -> [Service; 2] {
    DEPENDENTS.map(|(cluster, service)| stage.aws.service(cluster, service).unwrap())
}

/// All that nobody may touch.
pub fn bystanders(stage: &Stage) -> (Vec<Service>, Vec<Secret>) {
    let service = |(cluster, name)| stage.aws.service(cluster, name).unwrap();
    let secret = |name| stage.aws.secret(name).unwrap();
    (BYSTANDERS.into_iter().map(service).collect(), OTHER_SECRETS.into_iter().map(secret).collect())
}

/// Asserts the end of a rotation, with every dependent's tasks begun after AWSCURRENT moved.
pub fn assert_finished(stage: &Stage, token: &str) {
    let moved = stage.assert_current(token);
    for service in dependents(stage) {
        assert!(service.deployments[0].created > moved, "{} was left on the old value", service.name);
    }
}

/// Asserts that the function asked for nothing that is not the secret's, its administrator's or its dependents'.
pub fn assert_kept_to_its_own(stage: &Stage) {
    let administrator = stage.aws.secret(&stage.arn).unwrap().tags.get("keyroll:admin-secret").cloned();
    let administrator = administrator.or_else(|| stage.value("AWSCURRENT")["masterarn"].as_str().map(str::to_owned));
    for call in stage.aws.function_calls() {
        let of = |key: &str| call.request[key].as_str();
        let own = match call.operation.as_str() {
            "UpdateService" => DEPENDENTS.map(|(cluster, name)| (Some(cluster), Some(name))).contains(&service(&call)),
            "ListSecrets" => true,
            "DescribeSecret" | "GetSecretValue" if of("SecretId") == administrator.as_deref() => {
                administrator.is_some()
            }
            _ if call.service == "secretsmanager" => of("SecretId") == Some(&stage.arn),
            operation => operation.starts_with("List") || operation.starts_with("Describe"),
        };
        assert!(own, "this is not its own: {} {}", call.operation, call.request);
    }
}

/// How often each dependent was really redeployed since the record was cleared, whoever heard of it.
pub fn redeployed(stage: &Stage) -> [usize; 2] {
    let calls = stage.aws.function_calls();
    DEPENDENTS.map(|(cluster, name)| {
        let this = |call: &&Call| call.applied && service(call) == (Some(cluster), Some(name));
        calls.iter().filter(|call| call.operation == "UpdateService").filter(this).count()
    })
}

fn service(call: &Call) -> (Option<&str>, Option<&str>) {
    (call.request["cluster"].as_str(), call.request["service"].as_str())
}
