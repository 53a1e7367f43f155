"""The examples as they ship, applied to a local AWS: what is made, that no secret reaches state or plan, and that later
applies leave a rotated value alone.

The local AWS takes any policy and never calls the function: this proves that the parts fit together, not what AWS permits."""

import json
import secrets
import zipfile

import boto3
import pytest

from conftest import REGION

# What the local AWS forgets or changes by itself, so that it differs in every plan: (type, attribute).
FORGOTTEN = {
    ("aws_lambda_function", "logging_config"),
    ("aws_secretsmanager_secret_rotation", "rotation_rules"),
    ("aws_secretsmanager_secret_rotation", "rotation_lambda_arn"),
    ("aws_secretsmanager_secret_rotation", "rotation_enabled"),
    ("aws_ecs_service", "availability_zone_rebalancing"),
}


class Example:
    """One example in a folder of its own."""

    def __init__(self, terraform, aws, package, name, variables):
        self.terraform, self.name = terraform, name
        self.where = terraform.copy(f"apply-{name}") / "examples" / name
        self.env = {"AWS_ENDPOINT_URL": aws.url}
        self.url = aws.url
        given = {"package_path": str(package / "bootstrap-x86_64.zip")} | variables
        (self.where / "terraform.tfvars.json").write_text(json.dumps(given))

    def run(self, *arguments, env=None, codes=(0,)):
        return self.terraform.run(self.where, *arguments, env=self.env | (env or {}), codes=codes)

    def plan(self, file, env=None):
        self.run("plan", "-input=false", f"-out={file}", env=env)
        return json.loads(self.run("show", "-json", file, env=env).stdout)

    def apply(self, env=None):
        """Applies by way of a saved plan, and answers the plan as JSON and the bytes of every file that is left."""
        self.run("init", "-input=false")
        shown = self.plan("first.plan", env)
        self.run("apply", "-input=false", "first.plan", env=env)
        files = [file for file in self.where.rglob("*") if file.is_file() and ".terraform" not in str(file.relative_to(self.where))]
        left = b"".join(content for file in files for content in contents(file))
        return shown, left + self.run("show", "-json").stdout.encode() + json.dumps(shown).encode()

    def client(self, service):
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, aws_access_key_id="test", aws_secret_access_key="test")

    def stored(self):
        return self.client("secretsmanager").get_secret_value(SecretId="orders/db", VersionStage="AWSCURRENT")["SecretString"]


def contents(file):
    """A file's bytes; a saved plan is an archive, in which nothing could be found as it stands."""
    if not zipfile.is_zipfile(file):
        return [file.read_bytes()]
    with zipfile.ZipFile(file) as archive:
        return [archive.read(name) for name in archive.namelist()]


@pytest.fixture
def clean(aws):
    aws.reset()
    yield
    aws.reset()


def drift(plan):
    """What a plan would change, without what the local AWS forgets."""
    found = set()
    for change in plan["resource_changes"]:
        actions = change["change"]["actions"]
        if actions in (["no-op"], ["read"]):
            continue
        before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
        unknown = change["change"]["after_unknown"]
        for attribute in set(before) | set(after) | set(unknown):
            if before.get(attribute) != after.get(attribute) or unknown.get(attribute):
                if actions != ["update"] or (change["type"], attribute) not in FORGOTTEN:
                    found.add((change["address"], tuple(actions), attribute))
    return found


def rotate(example, value, times=3):
    """What rotations leave behind: AWSCURRENT and AWSPREVIOUS on new versions."""
    client = example.client("secretsmanager")

    def labels():
        return client.describe_secret(SecretId="orders/db")["VersionIdsToStages"]

    for number in reversed(range(times)):
        new = client.put_secret_value(SecretId="orders/db", SecretString=value + " " * number, VersionStages=["AWSPENDING"])["VersionId"]
        old, = [version for version, held in labels().items() if "AWSCURRENT" in held]
        client.update_secret_version_stage(SecretId="orders/db", VersionStage="AWSCURRENT", MoveToVersionId=new, RemoveFromVersionId=old)
        client.update_secret_version_stage(SecretId="orders/db", VersionStage="AWSPENDING", RemoveFromVersionId=new)
    assert ["SEED"] in labels().values(), "AWS deletes a version without labels, and Terraform puts it back"


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
