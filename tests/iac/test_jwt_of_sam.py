"""The example with signing keys for SAM; test_apply.py holds it against the one for Terraform."""

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

import cfn
from conftest import REGION

pytestmark = pytest.mark.xdist_group("files")


def takes(example):
    container, = example.of("AWS::ECS::TaskDefinition")[0]["ContainerDefinitions"]
    return {secret["Name"]: secret["ValueFrom"] for secret in container["Secrets"]}


def test_the_value_before_is_taken_once_there_is_one_and_tasks_run_once_there_is_a_key():
    ring, bare = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:auth/jwt-keys-AbCdEf", \
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:auth/jwt-AbCdEf"
    before, after = cfn.jwt("false"), cfn.jwt("true")
    assert takes(before) == {"JWT_KEYS": ring, "JWT_SECRET": bare}
    assert takes(after) == takes(before) | {"JWT_SECRET_PREVIOUS": f"{bare}::AWSPREVIOUS:"}
    assert [one.of("AWS::ECS::Service")[0]["DesiredCount"] for one in (before, after)] == [0, 2]


def test_no_key_stands_in_the_template():
    bare, ring = cfn.jwt("false").of("AWS::SecretsManager::Secret")
    assert bare["GenerateSecretString"] == {"PasswordLength": 64, "ExcludePunctuation": True} and "SecretString" not in bare
    assert json.loads(ring["SecretString"]) == {"alg": "ES256", "keys": []}


def test_the_bucket_is_closed_and_the_role_may_write_the_object_of_the_tag():
    example = cfn.jwt("false")
    bucket, = example.of("AWS::S3::Bucket")
    assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
    tags = {tag["Key"]: tag["Value"] for tag in example.of("AWS::SecretsManager::Secret")[1]["Tags"]}
    copies, = [s for s in cfn.jwt_policy(example)["Statement"] if s["Sid"] == "CopiesInObjects"]
    assert [arn.replace("arn:aws:s3:::", "s3://") for arn in copies["Resource"]] == [tags["keyroll:copies"]]


def test_sam_packs_it_with_the_template_inside(aws, tmp_path, clean):
    """By way of a local S3: what CloudFormation would be given names the inner template as it was uploaded."""
    given = {"region_name": REGION, "endpoint_url": aws.url, "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    s3 = boto3.client("s3", **given)
    s3.create_bucket(Bucket="stacks", CreateBucketConfiguration={"LocationConstraint": REGION})
    packed = tmp_path / "packed.yaml"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": aws.url,
           "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "SAM_CLI_TELEMETRY": "0"}
    done = subprocess.run([str(Path(sys.executable).parent / "sam"), "package", "--template-file", str(cfn.JWT), "--s3-bucket", "stacks",
                           "--output-template-file", str(packed)], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    location = cfn.read(packed.read_text())["Resources"]["Keyroll"]["Properties"]["Location"]
    uploaded, = s3.list_objects_v2(Bucket="stacks")["Contents"]
    assert location.endswith(f"/stacks/{uploaded['Key']}")
    inner = s3.get_object(Bucket="stacks", Key=uploaded["Key"])["Body"].read().decode()
    # SAM notes its own names beside the properties.
    properties = [{name: one["Properties"] for name, one in found["Resources"].items()} for found in (cfn.read(inner), cfn.template())]
    assert properties[0] == properties[1]
