//! What the demo needs before it can begin: a database with data, the local AWS, the function, the secret, services.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use hyper::Method;
use rehearsal::aws::LocalAws;
use rehearsal::mariadb::MariaDb;
use rehearsal::ministack::{ACCOUNT, Ministack};
use rehearsal::postgres::{Postgres, identifier, literal};
use rehearsal::signed::{Caller, REGION};
use ring::rand::SecureRandom as _;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

pub(crate) const SECRET: &str = "shop/prod/orders-db";
/// Another secret, whose name begins alike.
pub(crate) const OTHER: &str = "shop/prod/orders-db-replica";
pub(crate) const FUNCTION: &str = "keyroll";
pub(crate) const CLUSTER: &str = "shop";
pub(crate) const ROLE: &str = "orders_app";
pub(crate) const DATABASE: &str = "orders";
/// Who runs, and what for; nothing but ECS itself knows.
pub(crate) const SERVICES: [Service; 4] = [
    Service { name: "orders-api", desired: 2, takes: Takes::TheSecret },
    Service { name: "orders-worker", desired: 1, takes: Takes::TheSecretByItself },
    Service { name: "orders-report", desired: 0, takes: Takes::TheSecret },
    Service { name: "orders-replica", desired: 1, takes: Takes::AnotherSecret },
];

/// A service of the demo.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    /// How many tasks it should run. With none there is nothing to roll.
    pub(crate) desired: u32,
    pub(crate) takes: Takes,
}

/// What a service's tasks take as they start.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// The secret, by their task definition.
    TheSecret,
    /// The secret, by code of their own: the service says so in its tag `keyroll:secret`.
    TheSecretByItself,
    /// Another one, whose name begins alike.
    AnotherSecret,
}

/// The stage, set. Dropping it stops and removes everything.
pub(crate) struct Stage {
    pub(crate) postgres: Arc<Postgres>,
    pub(crate) mariadb: Arc<MariaDb>,
    /// The authorities of both.
    pub(crate) _authorities: NamedTempFile,
    pub(crate) aws: LocalAws,
    pub(crate) ministack: Ministack,
    /// Calls as the account's administrator, through the proxy.
    pub(crate) admin: Caller,
    pub(crate) secret_arn: String,
    pub(crate) function_arn: String,
}

/// A role that owns its database and a table with rows in it.
pub(crate) fn create_database(postgres: &Postgres, password: &str) -> Result<()> {
    let role = identifier(ROLE);
    postgres.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD {}", literal(password)))?;
    postgres.sql(&format!("CREATE DATABASE {} OWNER {role}", identifier(DATABASE)))?;
    postgres.sql_in(
        DATABASE,
        &format!(
            "SET ROLE {role};
             CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text NOT NULL);
             INSERT INTO orders (item) VALUES ('lamp'), ('chair'), ('table')"
        ),
    )?;
    Ok(())
}

/// The authorities that the function is to trust: each server has one of its own.
pub(crate) fn authorities(postgres: &Postgres, mariadb: &MariaDb) -> Result<NamedTempFile> {
    let file = NamedTempFile::with_prefix("keyroll-ca-")?;
    let [first, second] = [postgres.ca_pem_path(), mariadb.ca_pem_path()].map(std::fs::read_to_string);
    std::fs::write(file.path(), first? + &second?)?;
    Ok(file)
}

/// A cluster with the services.
pub(crate) async fn create_services(admin: &Caller, secret_arn: &str, other_arn: &str) -> Result<()> {
    admin.ecs("CreateCluster", &json!({ "clusterName": CLUSTER })).await?;
    for Service { name, desired, takes } in SERVICES {
        let mut container = json!({ "name": "app", "image": "app:1", "essential": true, "memory": 64 });
        let secret = match takes {
            Takes::TheSecret => Some(secret_arn),
            Takes::TheSecretByItself => None,
            Takes::AnotherSecret => Some(other_arn),
        };
        if let Some(arn) = secret {
            container["secrets"] = json!([{ "name": "DB_PASSWORD", "valueFrom": format!("{arn}:password::") }]);
        }
        let definition = json!({ "family": name, "containerDefinitions": [container] });
        admin.ecs("RegisterTaskDefinition", &definition).await?;
        let mut service =
            json!({ "cluster": CLUSTER, "serviceName": name, "taskDefinition": name, "desiredCount": desired });
        if takes == Takes::TheSecretByItself {
            service["tags"] = json!([{ "key": "keyroll:secret", "value": SECRET }]);
        }
        admin.ecs("CreateService", &service).await?;
    }
    Ok(())
}

/// The secret, in the shape of AWS's own templates, with a key that only the team knows the meaning of; and another one.
pub(crate) async fn create_secrets(admin: &Caller, port: u16, password: &str) -> Result<[String; 2]> {
    let value = json!({
        "engine": "postgres", "host": "localhost", "port": port, "username": ROLE, "password": password,
        "dbname": DATABASE, "team": "orders",
    });
    Ok([create_secret(admin, SECRET, &value).await?, create_secret(admin, OTHER, &json!({ "password": "-" })).await?])
}

pub(crate) async fn create_secret(admin: &Caller, name: &str, value: &Value) -> Result<String> {
    let request = json!({ "Name": name, "ClientRequestToken": random_text(32)?, "SecretString": value.to_string() });
    let created = admin.secrets("CreateSecret", &request).await?;
    Ok(created["ARN"].as_str().context("CreateSecret answers with the ARN")?.to_owned())
}

/// The function from its package, with a role that may do what it must and nothing else.
pub(crate) async fn create_function(
    admin: &Caller,
    package: &Path,
    secret_arn: &str,
    endpoint: &str,
    authority: &Path,
) -> Result<String> {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole",
    }]});
    let role = [("RoleName", FUNCTION), ("AssumeRolePolicyDocument", &trust.to_string())];
    admin.iam("CreateRole", &role).await?;
    put_policy(admin, &policy(&[secret_arn], None)).await?;

    let zip = std::fs::read(package).with_context(|| format!("{} cannot be read", package.display()))?;
    let request = json!({
        "FunctionName": FUNCTION,
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": format!("arn:aws:iam::{ACCOUNT}:role/{FUNCTION}"),
        "Timeout": 60,
        "MemorySize": 128,
        "Code": { "ZipFile": base64::engine::general_purpose::STANDARD.encode(zip) },
        "Environment": { "Variables": { "AWS_ENDPOINT_URL": endpoint, "KEYROLL_CA_BUNDLE": authority } },
    });
    let created = admin.lambda(Method::POST, "functions", &request).await?.json()?;
    // Secrets Manager calls a function only where the function's own policy lets it.
    let permission = json!({
        "StatementId": "secretsmanager", "Action": "lambda:InvokeFunction", "Principal": "secretsmanager.amazonaws.com",
    });
    admin.lambda(Method::POST, &format!("functions/{FUNCTION}/policy"), &permission).await?;
    Ok(created["FunctionArn"].as_str().context("CreateFunction answers with the ARN")?.to_owned())
}

/// Gives the function's role this policy, instead of the one that it had.
pub(crate) async fn put_policy(admin: &Caller, policy: &Value) -> Result<()> {
    let policy = policy.to_string();
    let request = [("RoleName", FUNCTION), ("PolicyName", FUNCTION), ("PolicyDocument", &policy)];
    admin.iam("PutRolePolicy", &request).await.map(drop)
}

/// What the function's role may do with the secret: all that a rotation does, and `Status`.
const WITH_THE_SECRET: [&str; 5] = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
];
/// What it may do with services.
const WITH_SERVICES: [&str; 2] = ["ecs:DescribeServices", "ecs:UpdateService"];
/// What finds the services. These take no resource but `*` (Service Authorization Reference, Amazon ECS).
const WITH_ALL: [&str; 3] = ["ecs:DescribeTaskDefinition", "ecs:ListClusters", "ecs:ListServices"];

/// The policy of the function's role: for the secrets that it rotates, and the one of an administrator. ministack looks for
/// calls about services under the cluster's ARN; on AWS it is the services' own.
pub(crate) fn policy(secrets: &[&str], administrator: Option<&str>) -> Value {
    let allow =
        |actions: &[&str], resource: &str| json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    let cluster = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{CLUSTER}");
    let mut statements: Vec<Value> = secrets.iter().map(|secret| allow(&WITH_THE_SECRET, secret)).collect();
    statements.extend(administrator.map(|secret| allow(&["secretsmanager:GetSecretValue"], secret)));
    statements.extend([allow(&WITH_SERVICES, &cluster), allow(&WITH_ALL, "*")]);
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Every action that the role may do.
pub(crate) fn allowed() -> BTreeSet<String> {
    let all = WITH_THE_SECRET.iter().chain(&WITH_SERVICES).chain(&WITH_ALL);
    all.map(|action| (*action).to_owned()).collect()
}

/// Letters and digits, drawn anew every time.
pub(crate) fn random_text(length: usize) -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = vec![0; length];
    ring::rand::SystemRandom::new().fill(&mut bytes).ok().context("the system gives no random bytes")?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_may_touch_one_secret_and_one_cluster_and_look_for_services() {
        let secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:a-AbCdEf";
        let policy = policy(&[secret], None);
        let statements = policy["Statement"].as_array().unwrap();
        let resources: Vec<&Value> = statements.iter().map(|statement| &statement["Resource"]).collect();
        assert_eq!(resources, [secret, "arn:aws:ecs:us-east-1:000000000000:cluster/shop", "*"]);
        // Whatever is allowed on everything only reads, and shows no value.
        let reads =
            |action: &Value| ["ecs:List", "ecs:Describe"].iter().any(|it| action.as_str().unwrap().starts_with(it));
        assert!(statements[2]["Action"].as_array().unwrap().iter().all(reads));
        let all: Vec<&Value> = statements.iter().flat_map(|it| it["Action"].as_array().unwrap()).collect();
        assert_eq!(all.len(), allowed().len());
        let with_more = super::policy(&[secret, "another"], Some("an administrator's"));
        assert_eq!(with_more["Statement"][2]["Action"], json!(["secretsmanager:GetSecretValue"]));
        assert_eq!(with_more["Statement"].as_array().unwrap().len(), 5);
        assert!(
            all.iter().all(|action| allowed().contains(action.as_str().unwrap()) && !action.to_string().contains('*'))
        );
    }

    #[test]
    fn random_texts_differ() {
        let (one, two) = (random_text(32).unwrap(), random_text(32).unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, two);
    }
}
