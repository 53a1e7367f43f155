"""One example as it ships, in a folder of its own, against a local AWS."""

import json
import zipfile

import boto3

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
        return shown, self.left() + json.dumps(shown).encode()

    def client(self, service):
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, aws_access_key_id="test", aws_secret_access_key="test")

    def stored(self, secret="orders/db", label="AWSCURRENT"):
        return self.client("secretsmanager").get_secret_value(SecretId=secret, VersionStage=label)["SecretString"]

    def left(self):
        """The bytes of every file, and what Terraform shows of its state."""
        files = [file for file in self.where.rglob("*") if file.is_file() and ".terraform" not in str(file.relative_to(self.where))]
        return b"".join(content for file in files for content in contents(file)) + self.run("show", "-json").stdout.encode()


def contents(file):
    """A file's bytes; a saved plan is an archive, in which nothing could be found as it stands."""
    if not zipfile.is_zipfile(file):
        return [file.read_bytes()]
    with zipfile.ZipFile(file) as archive:
        return [archive.read(name) for name in archive.namelist()]


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


def rotate(example, value, times=3, secret="orders/db"):
    """What rotations leave behind: AWSCURRENT and AWSPREVIOUS on new versions."""
    client = example.client("secretsmanager")

    def labels():
        return client.describe_secret(SecretId=secret)["VersionIdsToStages"]

    for number in reversed(range(times)):
        new = client.put_secret_value(SecretId=secret, SecretString=value + " " * number, VersionStages=["AWSPENDING"])["VersionId"]
        old, = [version for version, held in labels().items() if "AWSCURRENT" in held]
        client.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=new, RemoveFromVersionId=old)
        client.update_secret_version_stage(SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=new)
    assert any("SEED" in held for held in labels().values()), "AWS deletes a version without labels, and Terraform puts it back"
