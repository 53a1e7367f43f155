//! What the demo needs before it can begin: a database with data, the local AWS, the function, the secret, services.

use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use hyper::Method;
use rehearsal::aws::LocalAws;
use rehearsal::ministack::{ACCOUNT, Ministack};
use rehearsal::postgres::{Postgres, identifier, literal};
use rehearsal::signed::{Caller, REGION};
use ring::rand::SecureRandom as _;
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "shop/prod/orders-db";
pub(crate) const FUNCTION: &str = "keyroll";
pub(crate) const CLUSTER: &str = "shop";
pub(crate) const ROLE: &str = "orders_app";
pub(crate) const DATABASE: &str = "orders";
/// Name and desired count: two that run, and one that is scaled to nothing and so has nothing to roll.
pub(crate) const SERVICES: [(&str, u32); 3] = [("orders-api", 2), ("orders-worker", 1), ("orders-report", 0)];

/// The stage, set. Dropping it stops and removes everything.
pub(crate) struct Stage {
    pub(crate) postgres: Postgres,
    pub(crate) aws: LocalAws,
    pub(crate) ministack: Ministack,
    /// Calls as the account's administrator, through the proxy.
    pub(crate) admin: Caller,
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

/// A cluster with the services that read the secret.
pub(crate) async fn create_services(admin: &Caller, secret_arn: &str) -> Result<()> {
    admin.ecs("CreateCluster", &json!({ "clusterName": CLUSTER })).await?;
    for (service, desired) in SERVICES {
        let container = json!({
            "name": "app", "image": "app", "essential": true, "memory": 64,
            "secrets": [{ "name": "DB_PASSWORD", "valueFrom": format!("{secret_arn}:password::") }],
        });
        let definition = json!({ "family": service, "containerDefinitions": [container] });
        admin.ecs("RegisterTaskDefinition", &definition).await?;
        let service = json!({
            "cluster": CLUSTER, "serviceName": service, "taskDefinition": service, "desiredCount": desired,
        });
        admin.ecs("CreateService", &service).await?;
    }
    Ok(())
}

/// The secret, in the shape of AWS's own templates, with a key that only the team knows the meaning of.
pub(crate) async fn create_secret(admin: &Caller, port: u16, password: &str) -> Result<String> {
    let value = json!({
        "engine": "postgres", "host": "localhost", "port": port, "username": ROLE, "password": password,
        "dbname": DATABASE, "team": "orders",
    });
    let services: Vec<String> = SERVICES.iter().map(|(service, _)| format!("{CLUSTER}/{service}")).collect();
    let request = json!({
        "Name": SECRET,
        "ClientRequestToken": random_text(32)?,
        "SecretString": value.to_string(),
        "Tags": [{ "Key": "keyroll:services", "Value": services.join(" ") }],
    });
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
    let name = ("RoleName", FUNCTION);
    admin.iam("CreateRole", &[name, ("AssumeRolePolicyDocument", &trust.to_string())]).await?;
    let policy = policy(secret_arn).to_string();
    admin.iam("PutRolePolicy", &[name, ("PolicyName", FUNCTION), ("PolicyDocument", &policy)]).await?;

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

/// What the function's role may do. ministack looks for ECS calls under the cluster's ARN; on AWS it is the services'.
pub(crate) fn policy(secret_arn: &str) -> Value {
    let allow =
        |actions: &[&str], resource: &str| json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    let secrets = ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"];
    let secrets = secrets.map(|action| format!("secretsmanager:{action}"));
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let cluster = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{CLUSTER}");
    json!({ "Version": "2012-10-17", "Statement": [
        allow(&secrets, secret_arn),
        allow(&["ecs:DescribeServices", "ecs:UpdateService"], &cluster),
    ]})
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
    fn the_role_may_touch_one_secret_and_one_cluster() {
        let policy = policy("arn:aws:secretsmanager:us-east-1:000000000000:secret:a-AbCdEf");
        let text = policy.to_string();
        assert!(!text.contains('*'), "{text}");
        assert_eq!(policy["Statement"][0]["Action"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn random_texts_differ() {
        let (one, two) = (random_text(32).unwrap(), random_text(32).unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, two);
    }
}
