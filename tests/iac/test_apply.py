"""The examples as they ship, applied to a local AWS: what is made, that no secret reaches state or plan, and that later
applies leave a rotated value alone.

The local AWS takes any policy and never calls the function: this proves that the parts fit together, not what AWS permits."""

import json
import re
import secrets

import boto3
import pytest

import cfn
import shapes
from conftest import REGION
from example import Example, drift, rotate


@pytest.mark.xdist_group("minimal")
def test_the_minimal_example(terraform, aws, package, clean):
    password = secrets.token_urlsafe(24)
    example = Example(terraform, aws, package, "minimal", {"host": "db.example.internal"})
    shown, left = example.apply(env={"TF_VAR_password": password})

    stored = json.loads(example.stored())
    assert stored["password"] == password
    assert b"Login of orders-api" in left, "what is no secret must be found, or the search proves nothing"
    assert password.encode() not in left, "the first value is in the state or the plan"
    first, = [r for r in shown["resource_changes"] if r["type"] == "aws_secretsmanager_secret_version"]
    assert first["change"]["after"]["secret_string_wo"] is None

    function = example.client("lambda")
    settings = function.get_function(FunctionName="keyroll")["Configuration"]
    assert settings["Role"].endswith(f":role/keyroll-{REGION}")
    allowed, = json.loads(function.get_policy(FunctionName="keyroll")["Policy"])["Statement"]
    assert allowed["Principal"] == {"Service": "secretsmanager.amazonaws.com"}
    assert allowed["Condition"] == {"StringEquals": {"AWS:SourceAccount": "123456789012"}}
    schedule = example.client("scheduler").get_schedule(Name="keyroll-reconcile")
    assert schedule["Target"]["Arn"] == settings["FunctionArn"]
    assert schedule["Target"]["RoleArn"].endswith(f":role/keyroll-schedule-{REGION}")
    described = example.client("secretsmanager").describe_secret(SecretId="orders/db")
    assert described["RotationLambdaARN"] == settings["FunctionArn"]
    assert described["RotationRules"]["AutomaticallyAfterDays"] == 30

    # Rotations have come and gone. A plan with another password touches neither the secret nor anything else.
    unused = {"TF_VAR_password": "unused"}
    rotated = json.dumps(stored | {"password": secrets.token_urlsafe(24)})
    rotate(example, rotated)
    assert drift(example.plan("second.plan", unused)) == set()
    assert example.stored() == rotated

    example.run("destroy", "-input=false", "-auto-approve", env=unused)


@pytest.mark.xdist_group("rds")
def test_the_example_with_rds_in_a_vpc(terraform, aws, package, clean):
    ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=aws.url, aws_access_key_id="test", aws_secret_access_key="test")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [s["SubnetId"] for s in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]][:2]
    # The local AWS turns rotation by an expression off again; the plans of scenarios.py have one.
    example = Example(terraform, aws, package, "postgres-vpc-ecs", {
        "vpc_id": vpc, "subnet_ids": subnets, "image": "example.internal/orders-api:1", "rotation_schedule_expression": None})
    shown, left = example.apply()

    stored = json.loads(example.stored())
    assert len(stored["password"]) == 32
    assert stored["password"].encode() not in left, "the first password is in the state or the plan"
    assert stored["username"] == "orders_api" and stored["port"] == 5432 and stored["host"]
    for change in shown["resource_changes"]:
        after = change["change"]["after"] or {}
        assert not after.get("secret_string_wo") and not after.get("password_wo") and not after.get("password"), change["address"]

    settings = example.client("lambda").get_function(FunctionName="keyroll")["Configuration"]
    assert sorted(settings["VpcConfig"]["SubnetIds"]) == sorted(subnets)
    policy = example.client("iam").get_role_policy(RoleName=f"keyroll-{REGION}", PolicyName="keyroll")["PolicyDocument"]
    services, = [s for s in policy["Statement"] if s["Sid"] == "Services"]
    found = example.client("ecs").describe_services(cluster="prod", services=["orders-api"])["services"][0]["serviceArn"]
    assert services["Resource"] in (found, [found])

    rotated = json.dumps(stored | {"password": secrets.token_urlsafe(24)})
    rotate(example, rotated)
    assert drift(example.plan("second.plan")) == set()
    assert example.stored() == rotated


def with_administrator(terraform, aws, package, name):
    """An example with a password, and with an administrator's secret that is there already."""
    client = boto3.client("secretsmanager", region_name=REGION, endpoint_url=aws.url, aws_access_key_id="test", aws_secret_access_key="test")
    admin = client.create_secret(Name="orders/admin", SecretString="{}")["ARN"]
    return admin, Example(terraform, aws, package, name, {
        "host": "db.example.internal", "admin_secret_arn": admin, "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/prod"})


def reads_administrator(example, admin):
    policy = example.client("iam").get_role_policy(RoleName=f"keyroll-{REGION}", PolicyName="keyroll")["PolicyDocument"]
    reads, = [s for s in policy["Statement"] if s["Sid"] == "AdminSecrets"]
    assert reads["Action"] in ("secretsmanager:GetSecretValue", ["secretsmanager:GetSecretValue"])
    assert reads["Resource"] in (admin, [admin])


def managed_by_rds(example):
    """The plan for an administrator whose secret RDS manages, and the instance that it belongs to; and that secret."""
    managed = {"TF_VAR_password": "unused", "TF_VAR_db_instance_arn": "arn:aws:rds:eu-west-1:123456789012:db:orders"}
    admin = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-0a1b2c-StUvWx"
    given = example.where / "terraform.tfvars.json"
    given.write_text(json.dumps(json.loads(given.read_text()) | {"admin_secret_arn": admin}))
    shown = example.plan("third.plan", managed)
    after, = [r["change"]["after"]["policy"] for r in shown["resource_changes"] if r["address"] == "module.keyroll.aws_iam_role_policy.function"]
    statements = {s["Sid"] for s in json.loads(after)["Statement"]}
    assert {"RdsAdminSecrets", "RdsInstances"} <= statements and "AdminSecrets" not in statements
    return shown


def two_accounts(terraform, aws, package, name, engine):
    password = secrets.token_urlsafe(24)
    admin, example = with_administrator(terraform, aws, package, name)
    _, left = example.apply(env={"TF_VAR_password": password})
    stored = json.loads(example.stored())
    assert stored["engine"] == engine and stored["password"] == password and stored["masterarn"] == admin
    assert password.encode() not in left, "the first value is in the state or the plan"
    reads_administrator(example, admin)

    # Another account's turn, and back: the user name is none of Terraform's business either.
    rotated = json.dumps(stored | {"username": "orders_api_clone", "password": secrets.token_urlsafe(24)})
    rotate(example, rotated)
    assert drift(example.plan("second.plan", {"TF_VAR_password": "unused"})) == set()
    assert example.stored() == rotated
    managed_by_rds(example)


@pytest.mark.xdist_group("minimal")
def test_the_example_with_two_accounts(terraform, aws, package, clean):
    two_accounts(terraform, aws, package, "postgres-alternating", "postgres")


@pytest.mark.xdist_group("minimal")
def test_the_example_with_two_accounts_of_mariadb(terraform, aws, package, clean):
    two_accounts(terraform, aws, package, "mariadb-alternating", "mariadb")


@pytest.mark.xdist_group("minimal")
def test_the_example_with_two_passwords_of_one_account(terraform, aws, package, clean):
    password = secrets.token_urlsafe(24)
    admin, example = with_administrator(terraform, aws, package, "mariadb-overlap")
    _, left = example.apply(env={"TF_VAR_password": password})
    stored = json.loads(example.stored())
    assert stored == {"engine": "mariadb", "host": "db.example.internal", "port": 3306, "dbname": "orders",
                      "username": "orders_api", "password": password}, "masterarn would mean two accounts"
    assert password.encode() not in left, "the first value is in the state or the plan"
    reads_administrator(example, admin)

    def tags():
        described = example.client("secretsmanager").describe_secret(SecretId="orders/db")
        return {tag["Key"]: tag["Value"] for tag in described["Tags"]}

    assert tags() == {"keyroll:services": "prod/orders-api", "keyroll:admin-secret": admin}
    rotated = json.dumps(stored | {"password": secrets.token_urlsafe(24)})
    rotate(example, rotated)
    assert drift(example.plan("second.plan", {"TF_VAR_password": "unused"})) == set()
    assert example.stored() == rotated

    # No tag can hold the name of a secret that RDS manages.
    shown = managed_by_rds(example)
    after, = [r["change"]["after"]["tags"] for r in shown["resource_changes"] if r["address"] == "aws_secretsmanager_secret.database"]
    assert after == {"keyroll:services": "prod/orders-api", "keyroll:strategy": "single-user"}


def permissions(policy):
    """What is allowed, without the names that differ: the six characters that AWS adds to a secret's."""
    without = re.sub(r"(:secret:[a-z/-]+)-[A-Za-z]{6}", r"\1", json.dumps(policy))
    return shapes.statements(without)


@pytest.mark.xdist_group("jwt")
def test_the_example_with_signing_keys(terraform, aws, package, clean):
    ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=aws.url, aws_access_key_id="test", aws_secret_access_key="test")
    example = Example(terraform, aws, package, "jwt", {
        "subnet_ids": [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2],
        "security_group_ids": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
        "image": "example.internal/auth-api:1", "bucket": "auth-public-keys"})
    shown, left = example.apply()

    first = example.stored("auth/jwt")
    assert len(first) == 64 and first.isalnum()
    assert first.encode() not in left, "the first value is in the state or the plan"
    assert b"Signs tokens of auth-api" in left, "what is no secret must be found, or the search proves nothing"
    assert json.loads(example.stored("auth/jwt-keys")) == {"alg": "ES256", "keys": []}
    for change in shown["resource_changes"]:
        assert not (change["change"]["after"] or {}).get("secret_string_wo"), change["address"]

    # The tag names the one object that the role may write, in a bucket that is closed, and Terraform leaves it to keyroll.
    def tags(secret):
        return {tag["Key"]: tag["Value"] for tag in example.client("secretsmanager").describe_secret(SecretId=secret)["Tags"]}

    assert tags("auth/jwt") == {"keyroll:kind": "jwt"}
    assert tags("auth/jwt-keys") == {"keyroll:kind": "jwt-keyring", "keyroll:copies": "s3://auth-public-keys/.well-known/jwks.json"}
    policy = example.client("iam").get_role_policy(RoleName=f"keyroll-{REGION}", PolicyName="keyroll")["PolicyDocument"]
    copies, = [s for s in policy["Statement"] if s["Sid"] == "CopiesInObjects"]
    assert copies["Resource"] in ("arn:aws:s3:::auth-public-keys/.well-known/jwks.json", ["arn:aws:s3:::auth-public-keys/.well-known/jwks.json"])
    assert {s["Sid"] for s in policy["Statement"]} == {
        "RotatedSecrets", "FindSecrets", "Services", "FindServices", "LookAtServices", "LookAtTaskDefinitions", "CopiesInObjects", "Logs"}
    s3 = example.client("s3")
    assert set(s3.get_public_access_block(Bucket="auth-public-keys")["PublicAccessBlockConfiguration"].values()) == {True}
    assert "Contents" not in s3.list_objects_v2(Bucket="auth-public-keys")
    for secret in ("auth/jwt", "auth/jwt-keys"):
        assert example.client("secretsmanager").describe_secret(SecretId=secret)["RotationRules"]["AutomaticallyAfterDays"] == 30

    # The same by SAM.
    sam = cfn.jwt("false")
    assert permissions(policy) == permissions(cfn.jwt_policy(sam))
    assert {s["Name"]: {tag["Key"]: tag["Value"] for tag in s["Tags"]} for s in sam.of("AWS::SecretsManager::Secret")} == {
        secret: tags(secret) for secret in ("auth/jwt", "auth/jwt-keys")}

    def service():
        ecs = example.client("ecs")
        found = ecs.describe_services(cluster="prod", services=["auth-api"])["services"][0]
        container, = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]["containerDefinitions"]
        return found["desiredCount"], {secret["name"]: secret["valueFrom"] for secret in container["secrets"]}

    arns = {name: example.client("secretsmanager").describe_secret(SecretId=name)["ARN"] for name in ("auth/jwt", "auth/jwt-keys")}
    takes = {"JWT_KEYS": arns["auth/jwt-keys"], "JWT_SECRET": arns["auth/jwt"]}
    assert service() == (0, takes), "no task can start while no version is labelled AWSPREVIOUS"

    # After the first rotations, and before any task has started.
    bare, ring = secrets.token_urlsafe(48), json.dumps({"alg": "ES256", "current": "a", "keys": [{"kid": "a", "d": secrets.token_urlsafe(32)}]})
    rotate(example, bare, 1, "auth/jwt")
    rotate(example, ring, 1, "auth/jwt-keys")
    s3.put_object(Bucket="auth-public-keys", Key=".well-known/jwks.json", Body=b"{}")
    assert example.stored("auth/jwt", "AWSPREVIOUS") == first
    rotated = {"TF_VAR_rotated": "true"}
    example.run("apply", "-input=false", "-auto-approve", env=rotated)
    assert service() == (2, takes | {"JWT_SECRET_PREVIOUS": f"{arns['auth/jwt']}::AWSPREVIOUS:"})

    # More of them have come and gone.
    rotate(example, bare, 2, "auth/jwt")
    rotate(example, ring, 2, "auth/jwt-keys")
    assert drift(example.plan("second.plan", rotated)) == set()
    assert (example.stored("auth/jwt"), example.stored("auth/jwt-keys")) == (bare, ring)
    left = example.left()
    assert not [key for key in (bare, json.loads(ring)["keys"][0]["d"], first) if key.encode() in left], "a key is in the state or a plan"


@pytest.mark.xdist_group("minimal")
def test_the_dry_run_example(terraform, aws, package, clean):
    client = boto3.client("secretsmanager", region_name=REGION, endpoint_url=aws.url, aws_access_key_id="test", aws_secret_access_key="test")
    arn = client.create_secret(Name="orders/db", SecretString="{}")["ARN"]
    example = Example(terraform, aws, package, "staging-dry-run", {
        "secret_arn": arn, "clusters": ["arn:aws:ecs:eu-west-1:123456789012:cluster/staging"]})
    example.run("init", "-input=false")
    example.run("apply", "-input=false", "-auto-approve")
    assert not example.client("secretsmanager").describe_secret(SecretId=arn).get("RotationEnabled")
    policy = example.client("iam").get_role_policy(RoleName=f"keyroll-dry-run-{REGION}", PolicyName="keyroll")["PolicyDocument"]
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    verbs = ("Describe", "Get", "List")
    assert {action for action in actions if not action.split(":")[1].startswith(verbs)} == {"logs:CreateLogStream", "logs:PutLogEvents"}
    command = example.run("output", "-raw", "rehearse").stdout
    assert f"""'{{"Action":"DryRun","SecretId":"{arn}"}}'""" in command
