//! SDK errors into ours.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::{Error, ErrorKind};

/// Our error for a failed call. `operation` is the IAM action, `on` what it was about.
pub(crate) fn failed<E, R>(operation: &str, on: &str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata,
{
    let message = error.as_service_error().and_then(ProvideErrorMetadata::message);
    told(operation, on, error, message.unwrap_or("no message"))
}

/// The error of a failed call without AWS's own words, for a call that carries a secret value.
pub(crate) fn unquoted<E, R>(operation: &str, on: &str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata,
{
    told(operation, on, error, "its message is left out, as it may quote the value")
}

/// Whether the call failed because the secret is scheduled for deletion.
pub(crate) fn being_deleted<E, R>(error: &SdkError<E, R>) -> bool
where
    E: ProvideErrorMetadata,
{
    error.as_service_error().and_then(ProvideErrorMetadata::message).is_some_and(|message| message.contains("deletion"))
}

fn told<E, R>(operation: &str, on: &str, error: &SdkError<E, R>, message: &str) -> Error
where
    E: ProvideErrorMetadata,
{
    let SdkError::ServiceError(service) = error else {
        return Error::new(
            ErrorKind::FailedAws,
            format!("{operation} on {on} got no answer ({})", transport(error)),
            "check that the function reaches the AWS endpoint (VPC endpoint or NAT, security groups, DNS, AWS_ENDPOINT_URL \
             and credentials) and run the step again",
        );
    };
    let code = service.err().code().unwrap_or("an unnamed error");
    let cause = format!("{operation} on {on} was answered with {code}: {message}");
    match code {
        "AccessDeniedException" | "AccessDenied" | "DecryptionFailure" | "EncryptionFailure" => Error::new(
            ErrorKind::RefusedPermission,
            cause,
            format!(
                "add a statement that allows {} to the function's role: {}{}",
                denied(message).unwrap_or(operation),
                statement(operation, on, message),
                match operation {
                    "s3:PutObject" =>
                        " (and the use of the bucket's KMS key); policies of the bucket and of the key must not deny it",
                    _ if operation.ends_with("SecretValue") => " (and the use of its KMS key)",
                    _ => "",
                }
            ),
        ),
        "ResourceNotFoundException"
        | "ValidationException"
        | "InvalidRequestException"
        | "InvalidParameterException"
            if operation.starts_with("secretsmanager:") =>
        {
            Error::new(
                ErrorKind::RefusedVersion,
                cause,
                "check that the secret and the version exist in this Region and account, and that it is not being deleted",
            )
        }
        _ if operation == "ecs:UpdateService" => Error::new(
            ErrorKind::FailedAws,
            cause,
            "if ECS was only busy, another try helps; otherwise deploy the service by hand and see what it lacks",
        ),
        _ if operation.starts_with("ecs:") => Error::new(
            ErrorKind::FailedAws,
            cause,
            "if ECS was only busy, another try helps; see the health of ECS in this Region",
        ),
        _ if operation.starts_with("rds:") => Error::new(
            ErrorKind::FailedAws,
            cause,
            "if RDS was only busy, another try helps; see the health of RDS in this Region",
        ),
        _ if operation.starts_with("s3:") => Error::new(
            ErrorKind::FailedAws,
            cause,
            "if S3 was only busy, another try helps; see the health of S3 in this Region",
        ),
        _ => Error::new(ErrorKind::FailedAws, cause, "run the step again; Secrets Manager does so by itself"),
    }
}

/// The statement that a role lacks. AWS's message ends with the ARN that it looked for, where there is one.
fn statement(operation: &str, on: &str, message: &str) -> String {
    // S3 puts it in quotation marks, and an object's key may hold spaces.
    let told = message.split_once("on resource: ").and_then(|(_, rest)| match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split_whitespace().next(),
    });
    let mut resources: Vec<String> = told.map_or_else(
        || on.split(", ").map(|resource| format!("{resource:?}")).collect(),
        |resource| vec![format!("{resource:?}")],
    );
    // One call looks at ten services, and a search at all of a cluster: reading is allowed for all of it or in vain.
    if operation == "ecs:DescribeServices" {
        resources = resources.iter().map(|resource| all_of_cluster(resource)).collect();
        resources.dedup();
    }
    let resource = match &resources[..] {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    let action = denied(message).unwrap_or(operation);
    format!("{{\"Effect\": \"Allow\", \"Action\": {action:?}, \"Resource\": {resource}}}")
}

/// The action that AWS's message names, which is another than the call's where one service calls another, such as KMS.
fn denied(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?.trim_matches('"');
    action.contains(':').then_some(action)
}

fn all_of_cluster(service: &str) -> String {
    service.rsplit_once('/').map_or_else(|| service.to_owned(), |(cluster, _)| format!("{cluster}/*\""))
}

/// The error code of the service's answer, if it answered.
pub(crate) fn code<E, R>(error: &SdkError<E, R>) -> Option<&str>
where
    E: ProvideErrorMetadata,
{
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

fn transport<E, R>(error: &SdkError<E, R>) -> &'static str {
    match error {
        SdkError::TimeoutError(_) => "timed out",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "timed out while connecting",
        SdkError::DispatchFailure(failure) if failure.is_io() => "the connection failed",
        SdkError::DispatchFailure(failure) if failure.is_user() => "the request was not valid",
        SdkError::DispatchFailure(_) => "the request could not be sent",
        SdkError::ConstructionFailure(_) => "the request could not be built",
        _ => "the answer could not be read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_names_what_aws_looked_for() {
        let arn = "arn:aws:ecs:eu-west-1:000000000000:service/prod/api";
        let message =
            format!("User: x is not authorized to perform: ecs:UpdateService on resource: {arn} because no y");
        let one = statement("ecs:UpdateService", "arn:aws:ecs:*:*:service/prod/api", &message);
        let expected = format!("{{\"Effect\": \"Allow\", \"Action\": \"ecs:UpdateService\", \"Resource\": \"{arn}\"}}");
        assert_eq!(one, expected);
        let message = "not authorized to perform: kms:GenerateDataKey on resource: \"arn:a b\" because no y";
        let quoted = statement("s3:PutObject", "arn:c", message);
        assert_eq!(quoted, r#"{"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": "arn:a b"}"#);
        let several = statement("ecs:UpdateService", "a, b", "no");
        assert!(several.ends_with("\"Resource\": [\"a\", \"b\"]}"), "{several}");
        assert!(serde_json::from_str::<serde_json::Value>(&several).is_ok());
        let services = statement("ecs:DescribeServices", "arn:x:service/prod/a, arn:x:service/prod/b", "no");
        assert!(services.ends_with("\"Resource\": \"arn:x:service/prod/*\"}"), "{services}");
    }
}
