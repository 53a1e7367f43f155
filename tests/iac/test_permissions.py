"""The role may do what the function does and no more, by an IAM simulator that knows AWS's actions and condition keys.

Both policies are tried, Terraform's and the template's; the template's also where Terraform is missing."""

import copy
import functools
import json
import os
import re
import subprocess

import pytest

import calls
import scenarios
from conftest import ROOT
from test_same_function import translated

PRINCIPAL = f"arn:aws:sts::{scenarios.ACCOUNT}:assumed-role/everything-{scenarios.REGION}/everything"
# AWS's usual key policy, which leaves it to IAM. Without one, IAM's word counts for nothing on a key.
KEY_POLICY = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{scenarios.ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}]}

pytestmark = pytest.mark.xdist_group("plans")


@functools.cache
def simulator():
    """The simulator, started once: it ends when its input does."""
    return subprocess.Popen(["node", str(ROOT / "tests/iac/simulate.mjs"), os.environ["KEYROLL_NODE_MODULES"]],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def simulate(requests):
    """The answers to (policy, (action, resource, context)) pairs."""
    given = [{"principal": PRINCIPAL, "account": scenarios.ACCOUNT, "policy": policy, "action": action, "resource": resource,
              "context": context, "keyPolicy": KEY_POLICY if action.startswith("kms:") else None}
             for policy, (action, resource, context) in requests]
    process = simulator()
    process.stdin.write(json.dumps(given) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, "the simulator has ended"
    answers = json.loads(line)
    assert len(answers) == len(requests)
    for (_, call), answer in zip(requests, answers):
        assert not answer["result"].startswith("error"), f"{call}: {answer['result']}"
    return answers


def refused(policy, wanted):
    return [call[:2] for call, answer in zip(wanted, simulate([(policy, call) for call in wanted])) if answer["result"] != "Allowed"]


def sam_policy(name, role=None):
    roles = [r["Properties"] for r in translated(name)[1].values() if r["Type"] == "AWS::IAM::Role"]
    found, = [r["Policies"][0]["PolicyDocument"] for r in roles if r["RoleName"] == (role or f"{name}-{scenarios.REGION}")]
    return found


@pytest.fixture(params=["template.yaml", "terraform"])
def policy_of(request):
    if request.param == "template.yaml":
        return sam_policy
    plans = request.getfixturevalue("plans")
    return lambda name: json.loads(plans[name]["aws_iam_role_policy.function"][0]["policy"])


def test_every_call_is_allowed(policy_of):
    policy = policy_of("everything")
    for call, answer in zip(calls.NEEDED, simulate([(policy, call) for call in calls.NEEDED])):
        # A key that AWS never sends with this call would make the proof worthless.
        assert answer == {"result": "Allowed", "ignored": []}, call
    assert refused(policy_of("region-wide"), calls.NEEDED_REGION_WIDE) == []
    assert refused(policy_of("by-tags-only"), calls.NEEDED_BY_TAGS) == []
    assert refused(policy_of("in-turns"), calls.NEEDED_IN_TURNS) == []
    assert refused(policy_of("in-turns-by-rds"), calls.NEEDED_IN_TURNS_BY_RDS) == []
    assert refused(policy_of("signing-keys"), calls.OF_SIGNING_KEYS) == []
    # Whoever keeps the role from searching and has no administrator shows it no task definition at all.
    assert refused(policy_of("by-tags-only"), [("ecs:DescribeTaskDefinition", "*", {})]) != []


def without(policy, sid, action):
    left = copy.deepcopy(policy)
    for statement in left["Statement"]:
        if statement["Sid"] == sid:
            statement["Action"] = [one for one in statement["Action"] if one != action]
    left["Statement"] = [statement for statement in left["Statement"] if statement["Action"]]
    return left


@pytest.mark.parametrize(("name", "needed"), [("everything", calls.NEEDED), ("region-wide", calls.NEEDED_REGION_WIDE),
                                              ("by-tags-only", calls.NEEDED_BY_TAGS),
                                              ("in-turns", calls.OF_ECS_IN_TURNS)])
def test_every_action_is_missed_when_it_is_removed(policy_of, name, needed):
    policy = policy_of(name)
    looked_at = {action for action, _, _ in needed}
    cuts = [(statement["Sid"], action) for statement in policy["Statement"] if statement["Effect"] == "Allow"
            for action in statement["Action"] if name == "everything" or (action in looked_at and action.startswith("ecs:"))]
    assert len(cuts) >= len(looked_at) - 1
    requests, which = [], []
    for sid, action in cuts:
        for call in needed:
            if call[0] == action:
                requests.append((without(policy, sid, action), call))
                which.append((sid, action))
    missed = {cut for cut, answer in zip(which, simulate(requests)) if answer["result"] != "Allowed"}
    assert set(cuts) - missed == calls.NOT_MISSED


def test_every_resource_is_missed_when_it_is_removed(policy_of):
    """A statement's resource is exact: with any other in its place a needed call fails."""
    policy = policy_of("everything")
    requests, which = [], []
    for statement in policy["Statement"]:
        if statement["Effect"] == "Allow" and statement["Sid"] not in calls.WILDCARDS:
            resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            for resource in resources:
                changed = copy.deepcopy(policy)
                for other in changed["Statement"]:
                    if other["Sid"] == statement["Sid"]:
                        other["Resource"] = [one for one in resources if one != resource] or ["arn:aws:none:::none"]
                for call in calls.NEEDED:
                    if call[0] in statement["Action"] and call[1] == resource:
                        requests.append((changed, call))
                        which.append((statement["Sid"], resource))
    assert len(set(which)) >= 15
    missed = {cut for cut, answer in zip(which, simulate(requests)) if answer["result"] != "Allowed"}
    assert set(which) - missed == set()


@pytest.mark.parametrize("what", calls.DENIED)
def test_nothing_else_is_allowed(policy_of, what):
    wanted = calls.DENIED[what]
    assert len(refused(policy_of("everything"), wanted)) == len(wanted)


@pytest.mark.parametrize("tag", calls.BY_TAGS)
def test_a_tag_on_a_secret_cannot_widen_what_the_role_reaches(policy_of, tag):
    wanted = calls.BY_TAGS[tag]
    policy = policy_of("everything")
    assert len(refused(policy, wanted)) == len(wanted)
    # And no more with the tags in the request's context: no statement looks at one.
    assert len(refused(policy, [(action, resource, context | calls.TAGGED) for action, resource, context in wanted])) == len(wanted)
    assert "Tag" not in json.dumps(policy)


def test_without_an_input_there_is_no_permission_for_it(policy_of):
    statements = {statement["Sid"] for statement in policy_of("defaults")["Statement"]}
    assert statements == {"RotatedSecrets", "FindSecrets", "FindClusters", "FindServices", "LookAtServices", "LookAtTaskDefinitions", "Logs"}
    assert "FindSecrets" not in {statement["Sid"] for statement in policy_of("no-schedule")["Statement"]}
    dry = policy_of("dry-run-only")
    assert refused(dry, [("secretsmanager:GetSecretValue", scenarios.DRY_RUN, {})]) == []
    actions = {action for statement in dry["Statement"] for action in statement["Action"]}
    assert not [action for action in actions if re.search(":(Put|Update|Delete|Create|Send)", action) and not action.startswith("logs:")]


@pytest.mark.parametrize("name", scenarios.ALL)
def test_the_role_reaches_s3_only_for_objects_that_are_named(policy_of, name):
    """Those are the statement's resource, each as it stands; and keys only where keys of buckets are named."""
    policy, given = policy_of(name), scenarios.ALL[name]
    statements = [s for s in policy["Statement"] if "s3" in json.dumps([s["Action"], s["Resource"], s.get("Condition", {})])]
    objects, keys = given.get("copy_object_arns", []), given.get("copy_object_kms_key_arns", [])
    expected = [("CopiesInObjects", ["s3:PutObject"], objects)] * bool(objects) + [("KeysOfObjects", ["kms:GenerateDataKey"], keys)] * bool(keys)
    assert [(s["Sid"], s["Action"], s["Resource"]) for s in statements] == expected
    put = ("s3:PutObject", scenarios.OBJECT, {})
    key = ("kms:GenerateDataKey", scenarios.OBJECT_KEY, calls.kms("s3", "aws:s3:arn", scenarios.OBJECT))
    assert refused(policy, [put, key]) == [call[:2] for call, named in ((put, objects), (key, keys)) if not named]


@pytest.mark.parametrize("name", scenarios.ALL)
def test_a_wildcard_stands_only_where_aws_takes_no_arn(policy_of, name):
    for statement in policy_of(name)["Statement"]:
        assert not [action for action in statement["Action"] if "*" in action], statement["Sid"]
        if "*" in json.dumps(statement["Resource"]):
            assert statement["Sid"] in calls.WILDCARDS, statement["Sid"]


def test_the_schedule_may_invoke_this_function_and_nothing_else():
    policy = sam_policy("everything", f"everything-schedule-{scenarios.REGION}")
    wanted = [("lambda:InvokeFunction", calls.FUNCTION, {}), ("sqs:SendMessage", scenarios.QUEUE, {})]
    assert refused(policy, wanted) == []
    other = [("lambda:InvokeFunction", scenarios.arn("lambda", "function:other"), {}), ("sqs:SendMessage", scenarios.arn("sqs", "orders"), {}),
             ("secretsmanager:GetSecretValue", scenarios.SECRET, calls.OURS)]
    assert len(refused(policy, other)) == len(other)


def test_the_calls_are_those_of_the_source():
    named = set()
    for file in (ROOT / "src/aws").rglob("*.rs"):
        named |= set(re.findall(r'"((?:secretsmanager|ecs|rds|ssm|s3|kms):[A-Z][A-Za-z]+)"', file.read_text()))
    assert len(named) >= 13, named
    listed = {action for action, _, _ in calls.NEEDED + calls.NEEDED_REGION_WIDE}
    assert named - listed == set()
