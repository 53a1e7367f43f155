"""Every AWS call that the function makes, or Lambda in its name, with what IAM is told about it; and calls it must not make.

The list is held against the source: an action that src/aws names and this list lacks fails the check."""

import scenarios as s

FUNCTION = s.arn("lambda", "function:everything")
OURS = {"secretsmanager:resource/AllowRotationLambdaArn": FUNCTION}
CODE = {"lambda:SourceFunctionArn": FUNCTION}
IN_CLUSTER = {"ecs:cluster": s.CLUSTER}
STREAM = s.arn("logs", "log-group:/aws/lambda/everything:log-stream:2026/01/15/[$LATEST]0a1b")
OTHER_SECRET = s.arn("secretsmanager", "secret:orders/db-api-AbCdEf")


def kms(service, key, value):
    return {"kms:ViaService": f"{service}.{s.REGION}.amazonaws.com", f"kms:EncryptionContext:{key}": value}


# (action, resource, what the request's context holds)
NEEDED = [
    *[(f"secretsmanager:{action}", secret, OURS) for secret in s.FIVE.values()
      for action in ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage", "ListSecretVersionIds")],
    ("secretsmanager:ListSecrets", "*", {}),
    ("secretsmanager:GetSecretValue", s.ADMIN, {}),
    ("secretsmanager:GetSecretValue", s.RDS_ADMIN, {}),
    ("secretsmanager:DescribeSecret", s.RDS_ADMIN, {}),
    ("rds:DescribeDBInstances", s.INSTANCE, {}),
    ("rds:DescribeDBClusters", s.RDS_CLUSTER, {}),
    *[(f"secretsmanager:{action}", s.DRY_RUN, {}) for action in ("DescribeSecret", "GetSecretValue", "ListSecretVersionIds")],
    *[("kms:Decrypt", s.KEY, kms("secretsmanager", "SecretARN", secret))
      for secret in (s.SECRET, s.ADMIN, s.RDS_ADMIN, s.DRY_RUN)],
    ("kms:GenerateDataKey", s.KEY, kms("secretsmanager", "SecretARN", s.SECRET)),
    ("ecs:ListServices", "*", IN_CLUSTER),
    ("ecs:DescribeServices", s.SERVICE, IN_CLUSTER),
    ("ecs:DescribeServices", s.arn("ecs", "service/prod/found-by-the-search"), IN_CLUSTER),
    *[("ecs:ListServiceDeployments", service, IN_CLUSTER) for service in (s.SERVICE, s.arn("ecs", "service/prod/found-by-the-search"))],
    ("ecs:DescribeTaskDefinition", "*", {}),
    ("ecs:UpdateService", s.SERVICE, IN_CLUSTER),
    ("ssm:PutParameter", s.PARAMETER, {}),
    *[(f"kms:{action}", s.PARAMETER_KEY, kms("ssm", "PARAMETER_ARN", s.PARAMETER)) for action in ("Encrypt", "GenerateDataKey")],
    ("s3:PutObject", s.OBJECT, {}),
    ("kms:GenerateDataKey", s.OBJECT_KEY, kms("s3", "aws:s3:arn", s.OBJECT)),
    ("logs:CreateLogStream", STREAM, {}),
    ("logs:PutLogEvents", STREAM, {}),
    *[("ec2:CreateNetworkInterface", s.arn("ec2", part), {}) for part in ("network-interface/eni-1", "subnet/subnet-1", "security-group/sg-1")],
    ("ec2:CreateNetworkInterface", s.arn("ec2", "subnet/subnet-9", account="999999999999"), {}),
    *[(f"ec2:{action}", s.arn("ec2", "network-interface/eni-1"), {})
      for action in ("DeleteNetworkInterface", "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses")],
    *[(f"ec2:{action}", "*", {}) for action in ("DescribeNetworkInterfaces", "DescribeSubnets")],
    *[(f"xray:{action}", "*", {}) for action in ("PutTelemetryRecords", "PutTraceSegments")],
    ("sqs:SendMessage", s.QUEUE, {}),
]

# Without clusters the search looks through the Region; with the tag `keyroll:services` only, it looks at what the tag names.
NEEDED_REGION_WIDE = [("ecs:ListClusters", "*", {}), ("ecs:ListServices", "*", IN_CLUSTER),
                      ("ecs:DescribeServices", s.SERVICE, IN_CLUSTER), ("ecs:DescribeTaskDefinition", "*", {}),
                      ("ecs:UpdateService", s.SERVICE, IN_CLUSTER)]
NEEDED_BY_TAGS = [(f"ecs:{action}", s.SERVICE, IN_CLUSTER) for action in ("DescribeServices", "ListServiceDeployments", "UpdateService")]
# Alternating users also look into the containers of those, and log in as the administrator.
OF_ECS_IN_TURNS = [*NEEDED_BY_TAGS, ("ecs:DescribeTaskDefinition", "*", {})]
NEEDED_IN_TURNS = [*OF_ECS_IN_TURNS, ("secretsmanager:GetSecretValue", s.ADMIN, {}),
                   ("kms:Decrypt", s.KEY, kms("secretsmanager", "SecretARN", s.ADMIN))]
# The same with an administrator whose secret RDS manages.
NEEDED_IN_TURNS_BY_RDS = [*OF_ECS_IN_TURNS, *[(f"secretsmanager:{action}", s.RDS_ADMIN, {}) for action in ("DescribeSecret", "GetSecretValue")],
                          ("rds:DescribeDBInstances", s.INSTANCE, {}), ("rds:DescribeDBClusters", s.RDS_CLUSTER, {}),
                          ("kms:Decrypt", s.KEY, kms("secretsmanager", "SecretARN", s.RDS_ADMIN))]

# Before a rotation of signing keys all tasks are looked at, and in setSecret the public half is published. Nothing of KMS: the
# keys of these secrets and of this bucket are AWS's own.
OF_SIGNING_KEYS = [
    *[(f"secretsmanager:{action}", secret, {"secretsmanager:resource/AllowRotationLambdaArn": s.arn("lambda", "function:signing-keys")})
      for secret in (s.JWT, s.RING) for action in ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")],
    ("ecs:ListServices", "*", IN_CLUSTER), ("ecs:DescribeServices", s.SERVICE, IN_CLUSTER), ("ecs:DescribeTaskDefinition", "*", {}),
    ("ecs:UpdateService", s.SERVICE, IN_CLUSTER), ("ecs:ListServiceDeployments", s.SERVICE, IN_CLUSTER),
    ("s3:PutObject", s.OBJECT, {}),
]

# Values that a person who may tag a secret could put there, and the calls that they would send the function off to make.
BY_TAGS = {
    "keyroll:admin-secret": [("secretsmanager:GetSecretValue", s.arn("secretsmanager", "secret:root-login-ZzZzZz"), {}),
                             ("secretsmanager:GetSecretValue", s.ADMIN + "-2", {})],
    "keyroll:services": [("ecs:UpdateService", s.arn("ecs", "service/prod/payments"), IN_CLUSTER),
                         ("ecs:UpdateService", s.SERVICE + "-2", IN_CLUSTER),
                         ("ecs:UpdateService", s.arn("ecs", "service/stage/orders-api"), {"ecs:cluster": s.arn("ecs", "cluster/stage")}),
                         ("ecs:DescribeServices", s.arn("ecs", "service/stage/orders-api"), {"ecs:cluster": s.arn("ecs", "cluster/stage")})],
    "keyroll:copies": [("ssm:PutParameter", s.arn("ssm", "parameter/orders/db_url/extra"), {}),
                       ("ssm:PutParameter", s.arn("ssm", "parameter/anything"), {}),
                       ("s3:PutObject", "arn:aws:s3:::public-website/index.html", {}),
                       ("s3:PutObject", s.OBJECT + "-2", {})],
}
TAGGED = {"aws:ResourceTag/keyroll:admin-secret": "root-login", "aws:ResourceTag/keyroll:services": "stage/orders-api",
          "aws:ResourceTag/keyroll:copies": "ssm:/anything"}

DENIED = {
    "another secret": [(f"secretsmanager:{action}", OTHER_SECRET, context) for context in (OURS, {})
                       for action in ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")],
    "its secret, once another function rotates it": [
        (f"secretsmanager:{action}", s.SECRET, {"secretsmanager:resource/AllowRotationLambdaArn": s.arn("lambda", "function:other")})
        for action in ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage", "ListSecretVersionIds")],
    "its secret, before rotation is turned on": [("secretsmanager:GetSecretValue", s.SECRET, {})],
    "more than rotating": [(f"secretsmanager:{action}", s.SECRET, OURS) for action in (
        "DeleteSecret", "UpdateSecret", "RotateSecret", "CancelRotateSecret", "TagResource", "UntagResource", "PutResourcePolicy")],
    "writing an administrator's secret": [(f"secretsmanager:{action}", secret, {}) for secret in (s.ADMIN, s.RDS_ADMIN)
                                          for action in ("PutSecretValue", "UpdateSecretVersionStage", "UpdateSecret")],
    "writing what is only rehearsed on": [(f"secretsmanager:{action}", s.DRY_RUN, {})
                                          for action in ("PutSecretValue", "UpdateSecretVersionStage", "UpdateSecret")],
    "another cluster": [("ecs:ListServices", "*", {"ecs:cluster": s.arn("ecs", "cluster/stage")}), ("ecs:ListClusters", "*", {})],
    "more than redeploying": [("ecs:DeleteService", s.SERVICE, IN_CLUSTER), ("ecs:RunTask", s.arn("ecs", "task-definition/a:1"), IN_CLUSTER),
                              ("iam:PassRole", "arn:aws:iam::123456789012:role/task", {})],
    "another server": [("rds:DescribeDBInstances", s.arn("rds", "db:billing"), {}), ("rds:ModifyDBInstance", s.INSTANCE, {}),
                       ("rds:DescribeDBClusters", s.arn("rds", "cluster:billing"), {})],
    "a key by itself": [("kms:Decrypt", s.KEY, {"kms:EncryptionContext:SecretARN": s.SECRET})],
    "a key through another service": [("kms:Decrypt", s.KEY, kms("ssm", "SecretARN", s.SECRET)),
                                      ("kms:GenerateDataKey", s.OBJECT_KEY, kms("secretsmanager", "aws:s3:arn", s.OBJECT))],
    "a key for another secret": [("kms:Decrypt", s.KEY, kms("secretsmanager", "SecretARN", OTHER_SECRET)),
                                 ("kms:GenerateDataKey", s.KEY, kms("secretsmanager", "SecretARN", s.ADMIN)),
                                 ("kms:Encrypt", s.PARAMETER_KEY, kms("ssm", "PARAMETER_ARN", s.PARAMETER + "2"))],
    "another key": [("kms:Decrypt", s.arn("kms", "key/99999999-2222-3333-4444-555555555555"), kms("secretsmanager", "SecretARN", s.SECRET))],
    "reading copies": [("ssm:GetParameter", s.PARAMETER, {}), ("s3:GetObject", s.OBJECT, {}),
                       ("kms:Decrypt", s.PARAMETER_KEY, kms("ssm", "PARAMETER_ARN", s.PARAMETER))],
    "another object": [("s3:PutObject", f"arn:aws:s3:::{place}", {}) for place in (
        "public-keys-prod/.well-known/jwks.json.bak", "public-keys-prod/.well-known/jwks", "public-keys-prod/index.html",
        "public-keys-prod/a/.well-known/jwks.json", "public-keys/.well-known/jwks.json", "public-keys-prod-2/.well-known/jwks.json")],
    "more than storing an object": [
        *[(f"s3:{action}", s.OBJECT, {}) for action in (
            "GetObjectVersion", "DeleteObject", "DeleteObjectVersion", "PutObjectAcl", "PutObjectTagging", "PutObjectRetention",
            "BypassGovernanceRetention")],
        *[(f"s3:{action}", "arn:aws:s3:::public-keys-prod", {}) for action in ("ListBucket", "PutBucketPolicy", "PutBucketPublicAccessBlock")]],
    "the key of an object, to decrypt with": [("kms:Decrypt", s.OBJECT_KEY, kms("s3", "aws:s3:arn", s.OBJECT))],
    "other logs": [("logs:CreateLogGroup", s.arn("logs", "log-group:/aws/lambda/everything"), {}),
                   ("logs:PutLogEvents", s.arn("logs", "log-group:/aws/lambda/other:log-stream:a"), {}),
                   ("logs:GetLogEvents", STREAM, {})],
    "another queue": [("sqs:SendMessage", s.arn("sqs", "orders"), {}), ("sqs:ReceiveMessage", s.QUEUE, {})],
    "the network, from its own code": [("ec2:CreateNetworkInterface", s.arn("ec2", "network-interface/eni-1"), CODE),
                                       ("ec2:DeleteNetworkInterface", s.arn("ec2", "network-interface/eni-1"), CODE),
                                       ("ec2:DescribeSubnets", "*", CODE)],
    "the network of another Region": [("ec2:DeleteNetworkInterface", s.arn("ec2", "network-interface/eni-1", region="us-east-1"), {})],
    "calling functions": [("lambda:InvokeFunction", FUNCTION, {})],
}

# Needed and yet not missed when removed from one statement, because another statement also allows the call. None.
NOT_MISSED = set()

# Statements whose resource has a wildcard, and why AWS leaves no choice.
WILDCARDS = {
    "FindSecrets": "AWS takes no ARN for ListSecrets",
    "FindClusters": "AWS takes no ARN for ListClusters",
    "FindServices": "AWS takes no ARN for ListServices; bound by ecs:cluster",
    "LookAtServices": "services are read before it is known which are wanted; bound by ecs:cluster",
    "LookAtTaskDefinitions": "AWS takes no ARN for DescribeTaskDefinition",
    "Logs": "Lambda names the streams; the group is exact",
    "Network": "the interfaces do not exist yet, and a shared subnet or security group is another account's",
    "LookAtNetwork": "AWS takes no ARN for these",
    "NoNetworkForTheCode": "a denial",
    "Traces": "AWS takes no ARN for X-Ray",
}
