"""Inputs under which template.yaml and the Terraform module must describe the same function."""

REGION = "eu-west-1"
ACCOUNT = "123456789012"


def arn(service, resource, region=REGION, account=ACCOUNT):
    return f"arn:aws:{service}:{region}:{account}:{resource}"


SECRET = arn("secretsmanager", "secret:orders/db-AbCdEf")
SECOND = arn("secretsmanager", "secret:billing/db-GhIjKl")
ADMIN = arn("secretsmanager", "secret:orders/admin-MnOpQr")
RDS_ADMIN = arn("secretsmanager", "secret:rds!db-0a1b2c-StUvWx")
DRY_RUN = arn("secretsmanager", "secret:staging/db-YzAbCd")
JWT = arn("secretsmanager", "secret:auth/jwt-EfGhIj")
RING = arn("secretsmanager", "secret:auth/jwt-keys-KlMnOp")
SERVICE = arn("ecs", "service/prod/orders-api")
CLUSTER = arn("ecs", "cluster/prod")
KEY = arn("kms", "key/11111111-2222-3333-4444-555555555555")
PARAMETER = arn("ssm", "parameter/orders/db_url")
PARAMETER_KEY = arn("kms", "key/22222222-2222-3333-4444-555555555555")
OBJECT = "arn:aws:s3:::public-keys-prod/.well-known/jwks.json"
OBJECT_KEY = arn("kms", "key/33333333-2222-3333-4444-555555555555")
QUEUE = arn("sqs", "keyroll-failures")
TOPIC = arn("sns", "alarms")
INSTANCE = arn("rds", "db:orders")
RDS_CLUSTER = arn("rds", "cluster:orders")

# As many as the template takes.
FIVE = {"orders": SECRET, "billing": SECOND} | {f"more-{n}": arn("secretsmanager", f"secret:more-{n}-EfGhIj") for n in (3, 4, 5)}

EVERYTHING = {
    "architecture": "arm64", "memory_size": 256, "timeout": 300, "layers": [arn("lambda", "layer:ca:3")],
    "vpc": {"subnet_ids": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"]},
    "tracing": "Active", "reserved_concurrency": 5, "log_level": "DEBUG", "log_retention_days": 90, "log_kms_key_arn": KEY,
    "ca_bundle": "/opt/ca.pem", "strategy": "single-user", "min_age": 0,
    "password": {"length": 40, "exclude_characters": "0O1l ", "exclude_numbers": True, "exclude_punctuation": False,
                 "exclude_uppercase": True, "exclude_lowercase": False, "require_each_included_type": False},
    "secrets_manager_endpoint": "https://secretsmanager.eu-west-1.amazonaws.com",
    "secrets": FIVE, "admin_secret_arns": [ADMIN], "rds_admin_secret_arns": [RDS_ADMIN],
    "rds_instance_arns": [INSTANCE], "rds_cluster_arns": [RDS_CLUSTER], "dry_run_secret_arns": [DRY_RUN],
    "services": [SERVICE], "clusters": [CLUSTER], "kms_key_arns": [KEY],
    "copy_parameter_arns": [PARAMETER], "copy_parameter_kms_key_arns": [PARAMETER_KEY],
    "copy_object_arns": [OBJECT], "copy_object_kms_key_arns": [OBJECT_KEY],
    "rotation_schedule_expression": "cron(0 3 1 * ? *)", "rotation_window": "3h", "rotate_immediately": True,
    "reconcile_schedule": "rate(1 hour)", "maximum_retry_attempts": 2, "maximum_event_age": 3600,
    "failure_queue": {"arn": QUEUE}, "alarm_topic": {"arn": TOPIC},
}

ALL = {
    "defaults": {"secrets": {"orders": SECRET}},
    "everything": EVERYTHING,
    "region-wide": {"secrets": {"orders": SECRET}, "services": [SERVICE], "rotation_days": 7},
    "by-tags-only": {"secrets": {"orders": SECRET}, "services": [SERVICE], "clusters": [CLUSTER], "discovery": False,
                     "alarm_topic": {"arn": TOPIC}},
    "in-turns": {"secrets": {"orders": SECRET}, "admin_secret_arns": [ADMIN], "services": [SERVICE], "clusters": [CLUSTER],
                 "discovery": False, "kms_key_arns": [KEY]},
    "in-turns-by-rds": {"secrets": {"orders": SECRET}, "rds_admin_secret_arns": [RDS_ADMIN], "rds_instance_arns": [INSTANCE],
                        "rds_cluster_arns": [RDS_CLUSTER], "services": [SERVICE], "clusters": [CLUSTER], "discovery": False,
                        "kms_key_arns": [KEY]},
    "signing-keys": {"secrets": {"jwt": JWT, "ring": RING}, "services": [SERVICE], "clusters": [CLUSTER],
                     "copy_object_arns": [OBJECT]},
    "no-schedule": {"secrets": {"orders": SECRET}, "reconcile_schedule": None, "kms_key_arns": [KEY]},
    "dry-run-only": {"dry_run_secret_arns": [DRY_RUN], "kms_key_arns": [KEY], "reconcile_schedule": None,
                     "alarm_topic": {"arn": TOPIC}},
}


def _text(value):
    return {True: "true", False: "false", None: ""}[value] if value is None or isinstance(value, bool) else value


def _number(value):
    return "" if value is None else str(value)


# Terraform variable => the parameters of template.yaml that say the same.
PARAMETERS = {
    "name": lambda v: {"Name": v},
    "architecture": lambda v: {"Architecture": v},
    "memory_size": lambda v: {"MemorySize": v},
    "timeout": lambda v: {"Timeout": v},
    "layers": lambda v: {"Layers": v},
    "vpc": lambda v: {"SubnetIds": v["subnet_ids"], "SecurityGroupIds": v["security_group_ids"]},
    "tracing": lambda v: {"Tracing": v},
    "reserved_concurrency": lambda v: {"ReservedConcurrency": _number(v)},
    "log_level": lambda v: {"LogLevel": v},
    "log_retention_days": lambda v: {"LogRetentionDays": v},
    "log_kms_key_arn": lambda v: {"LogKmsKeyArn": v},
    "ca_bundle": lambda v: {"CaBundle": v},
    "strategy": lambda v: {"Strategy": v},
    "min_age": lambda v: {"MinAge": _number(v)},
    "password": lambda v: {
        "PasswordLength": _number(v.get("length")), "ExcludeCharacters": v.get("exclude_characters", ""),
        "ExcludeNumbers": _text(v.get("exclude_numbers")), "ExcludePunctuation": _text(v.get("exclude_punctuation")),
        "ExcludeUppercase": _text(v.get("exclude_uppercase")), "ExcludeLowercase": _text(v.get("exclude_lowercase")),
        "RequireEachIncludedType": _text(v.get("require_each_included_type"))},
    "secrets_manager_endpoint": lambda v: {"SecretsManagerEndpoint": v},
    "secrets": lambda v: {f"SecretArn{number or ''}": v[name] for number, name in zip([None, 2, 3, 4, 5], sorted(v), strict=False)},
    "admin_secret_arns": lambda v: {"AdminSecretArns": v},
    "rds_admin_secret_arns": lambda v: {"RdsAdminSecretArns": v},
    "rds_instance_arns": lambda v: {"RdsInstanceArns": v},
    "rds_cluster_arns": lambda v: {"RdsClusterArns": v},
    "dry_run_secret_arns": lambda v: {"DryRunSecretArns": v},
    "services": lambda v: {"ServiceArns": v},
    "clusters": lambda v: {"ClusterArns": v},
    "discovery": lambda v: {"Discovery": _text(v)},
    "kms_key_arns": lambda v: {"KmsKeyArns": v},
    "copy_parameter_arns": lambda v: {"CopyParameterArns": v},
    "copy_parameter_kms_key_arns": lambda v: {"CopyParameterKmsKeyArns": v},
    "copy_object_arns": lambda v: {"CopyObjectArns": v},
    "copy_object_kms_key_arns": lambda v: {"CopyObjectKmsKeyArns": v},
    "rotation_days": lambda v: {"RotationDays": _number(v)},
    "rotation_schedule_expression": lambda v: {"RotationScheduleExpression": v},
    "rotation_window": lambda v: {"RotationWindow": v},
    "rotate_immediately": lambda v: {"RotateImmediately": _text(v)},
    "reconcile_schedule": lambda v: {"ReconcileSchedule": v or ""},
    "maximum_retry_attempts": lambda v: {"MaximumRetryAttempts": v},
    "maximum_event_age": lambda v: {"MaximumEventAge": v},
    "failure_queue": lambda v: {"FailureQueueArn": v["arn"]},
    "alarm_topic": lambda v: {"AlarmTopicArn": v["arn"]},
}

# What only one of the two has, and why.
ONLY_TERRAFORM = {
    "package_path",  # Lambda gets the package from Terraform itself ...
    "tags",  # `sam deploy --tags` gives them to the whole stack
}
ONLY_SAM = {"PackageBucket", "PackagePrefix"}  # ... and from a bucket in CloudFormation


def parameters(name):
    """A scenario as parameters of template.yaml."""
    found = {"Name": name, "PackageBucket": "packages"}
    for variable, value in ALL[name].items():
        found |= PARAMETERS[variable](value)
    return found
