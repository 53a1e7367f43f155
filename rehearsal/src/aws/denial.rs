//! A call that the function's role may not make, in AWS's own words.

use serde_json::Value;

use super::identity::{ACCOUNT, REGION};
use super::wire::{ApiError, Fields as _, strings};

/// What AWS answers where no policy of the function's role allows the call. The words name the ARN that was looked for, if
/// the action knows resources: `ListClusters`, `ListServices` and `DescribeTaskDefinition` do not.
pub(crate) fn denied(service: &str, operation: &str, request: &Value) -> ApiError {
    let action = format!("{service}:{operation}");
    let on = resource(service, request).map(|resource| format!(" on resource: {resource}")).unwrap_or_default();
    let message = format!(
        "User: arn:aws:sts::{ACCOUNT}:assumed-role/keyroll/keyroll is not authorized to perform: {action}{on} because no \
         identity-based policy allows the {action} action"
    );
    // The query protocol and S3 have their own code and status for it.
    match service {
        "rds" | "s3" => ApiError { status: 403, ..ApiError::new("AccessDenied", message) },
        _ => ApiError::new("AccessDeniedException", message),
    }
}

fn resource(service: &str, request: &Value) -> Option<String> {
    match service {
        // Secrets Manager names a secret as the caller did.
        "secretsmanager" => request.text("SecretId").map(str::to_owned),
        "ecs" => {
            let asked = strings(request, "services").and_then(|services| services.first().cloned());
            let named = asked.or_else(|| request.text("service").map(str::to_owned));
            let last = |id: &str| id.rsplit('/').next().unwrap_or_default().to_owned();
            let cluster = last(request.text("cluster").unwrap_or("default"));
            let service = |name: String| format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/{cluster}/{}", last(&name));
            Some(named.map_or_else(|| "*".to_owned(), service))
        }
        "rds" => {
            let named = [("DBInstanceIdentifier", "db"), ("DBClusterIdentifier", "cluster")];
            let (kind, id) = named.into_iter().find_map(|(key, kind)| Some((kind, request.text(key)?)))?;
            let of_name = || format!("arn:aws:rds:{REGION}:{ACCOUNT}:{kind}:{id}");
            Some(if id.starts_with("arn:") { id.to_owned() } else { of_name() })
        }
        // S3 alone puts it in quotation marks.
        "s3" => Some(format!("\"arn:aws:s3:::{}/{}\"", request.text("Bucket")?, request.text("Key")?)),
        _ => Some("*".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_denial_names_the_caller_the_action_and_what_it_was_about() {
        let message = denied("ecs", "UpdateService", &json!({"cluster": "prod", "service": "api"})).message;
        assert_eq!(
            message,
            "User: arn:aws:sts::123456789012:assumed-role/keyroll/keyroll is not authorized to perform: ecs:UpdateService on \
             resource: arn:aws:ecs:us-east-1:123456789012:service/prod/api because no identity-based policy allows the \
             ecs:UpdateService action"
        );
        for (service, operation, request, about) in [
            (
                "ecs",
                "DescribeServices",
                json!({"cluster": "x/prod", "services": ["a", "b"]}),
                " on resource: arn:aws:ecs:us-east-1:123456789012:service/prod/a because",
            ),
            ("ecs", "ListServices", json!({"cluster": "prod"}), "ecs:ListServices on resource: * because"),
            (
                "ecs",
                "DescribeTaskDefinition",
                json!({"taskDefinition": "a:1"}),
                "ecs:DescribeTaskDefinition on resource: * because",
            ),
            ("secretsmanager", "DescribeSecret", json!({"SecretId": "app/db"}), " on resource: app/db because"),
            ("secretsmanager", "ListSecrets", json!({}), "perform: secretsmanager:ListSecrets because"),
        ] {
            let error = denied(service, operation, &request);
            assert!(error.message.contains(about), "{}", error.message);
            assert_eq!((error.code.as_str(), error.status), ("AccessDeniedException", 400));
        }
    }

    #[test]
    fn s3_denies_with_the_object_in_quotation_marks() {
        let error = denied("s3", "PutObject", &json!({"Bucket": "keys", "Key": "a/b"}));
        let about =
            " is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::keys/a/b\" because no identity";
        assert!(error.message.contains(about), "{}", error.message);
        assert_eq!((error.code.as_str(), error.status), ("AccessDenied", 403));
    }

    #[test]
    fn rds_denies_in_the_words_of_the_query_protocol() {
        for (operation, key, id, about) in [
            ("DescribeDBInstances", "DBInstanceIdentifier", "a", "arn:aws:rds:us-east-1:123456789012:db:a because"),
            ("DescribeDBClusters", "DBClusterIdentifier", "a", "arn:aws:rds:us-east-1:123456789012:cluster:a because"),
            ("DescribeDBInstances", "DBInstanceIdentifier", "arn:aws:rds:x:1:db:a", "arn:aws:rds:x:1:db:a because"),
        ] {
            let error = denied("rds", operation, &json!({ key: id }));
            assert!(error.message.contains(&format!("on resource: {about}")), "{}", error.message);
            assert_eq!((error.code.as_str(), error.status), ("AccessDenied", 403));
        }
    }
}
