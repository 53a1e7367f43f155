"""template.yaml and the Terraform module describe the same function: settings, environment, permissions, schedules."""

import copy
import functools
import json
import re

import pytest
from samtranslator.translator.transform import transform

import cfn
import scenarios
import shapes
from conftest import ROOT

pytestmark = pytest.mark.xdist_group("plans")


class NoManagedPolicies:
    """SAM asks for AWS's managed policies, to expand names that this template does not use."""

    @staticmethod
    def load():
        return {}


@functools.cache
def translated(name):
    """The template in one scenario as CloudFormation sees it after SAM."""
    filled = cfn.Filled(scenarios.parameters(name))
    plain = {"AWSTemplateFormatVersion": "2010-09-09", "Transform": "AWS::Serverless-2016-10-31",
             "Resources": copy.deepcopy(filled.resources)}
    return filled, transform(plain, {}, NoManagedPolicies)["Resources"]


@pytest.mark.parametrize("name", scenarios.ALL)
def test_sam_adds_nothing_of_its_own(name):
    filled, after = translated(name)
    before = {key: value["Type"].replace("Serverless", "Lambda") for key, value in filled.resources.items()}
    assert {key: value["Type"] for key, value in after.items()} == before


def lines(shape):
    """As text, so that a failure shows the lines that differ."""
    return json.dumps(shape, indent=1, sort_keys=True)


@pytest.mark.parametrize("name", scenarios.ALL)
def test_both_describe_the_same_function(name, plans):
    ours, theirs = shapes.of_terraform(plans[name]), shapes.of_sam(translated(name)[1])
    assert lines(ours) == lines(theirs)


def test_every_input_of_one_is_an_input_of_the_other():
    variables = {name for file in (ROOT / "terraform").glob("variables*.tf")
                 for name in re.findall(r'^variable "(\w+)"', file.read_text(), re.MULTILINE)}
    assert variables == set(scenarios.PARAMETERS) | scenarios.ONLY_TERRAFORM
    given = {key for name in scenarios.ALL for key in scenarios.parameters(name)} | scenarios.ONLY_SAM
    assert given == set(cfn.template()["Parameters"])


def test_the_scenarios_use_every_input():
    used = {variable for inputs in scenarios.ALL.values() for variable in inputs}
    assert used | {"name"} == set(scenarios.PARAMETERS)


def test_days_and_expression_exclude_each_other_in_the_template():
    given = scenarios.parameters("everything") | {"RotationDays": "30"}
    with pytest.raises(AssertionError, match="exclude each other"):
        cfn.Filled(given)


def test_the_permission_comes_before_the_rotation_in_the_template():
    rotations = [r for r in cfn.template()["Resources"].values() if r["Type"] == "AWS::SecretsManager::RotationSchedule"]
    assert len(rotations) == 5
    for rotation in rotations:
        assert rotation["DependsOn"] == "SecretsManagerPermission"


def test_the_permission_comes_before_the_rotation_in_terraform(shown):
    resources = shown["configuration"]["root_module"]["module_calls"]["defaults"]["module"]["resources"]
    rotation, = [resource for resource in resources if resource["type"] == "aws_secretsmanager_secret_rotation"]
    assert {"aws_lambda_permission.secrets_manager", "aws_iam_role_policy.function"} <= set(rotation["depends_on"])


@pytest.mark.parametrize("name", scenarios.ALL)
def test_the_function_is_what_the_project_promises(name):
    shape = shapes.of_sam(translated(name)[1])
    assert shape["function"]["runtime"] == "provided.al2023"
    assert shape["function"]["handler"] == "bootstrap"
    assert shape["function"]["logging"][1] == "JSON"
    if shape["schedule"]:
        sample = json.loads((ROOT / "events/operator-Reconcile-all.json").read_text())
        assert shape["schedule"]["input"] == sample


def test_the_defaults_are_what_the_project_promises():
    shape = shapes.of_sam(translated("defaults")[1])
    function = shape["function"]
    assert (function["architectures"], function["memory"], function["timeout"]) == (["x86_64"], 128, 120)
    assert (function["reserved"], function["vpc"], function["tracing"]) == (-1, [], "PassThrough")
    assert shape["rotations"] == {scenarios.SECRET: [30, None, None, False]}
    assert shape["schedule"]["expression"] == "rate(15 minutes)"
    assert set(shape["environment"].values()) == {""}
    assert shape["callers"] == [["defaults", "lambda:InvokeFunction", "secretsmanager.amazonaws.com", scenarios.ACCOUNT, None]]


def test_the_environment_has_every_variable_that_the_function_reads():
    read = (ROOT / "src/config/env.rs").read_text().split("#[cfg(test)]")[0] + (ROOT / "src/secret/password.rs").read_text()
    names = set(re.findall(r'"((?:KEYROLL|EXCLUDE)_[A-Z_]+|PASSWORD_LENGTH|REQUIRE_[A-Z_]+|SECRETS_MANAGER_ENDPOINT)"', read))
    assert names == set(shapes.of_sam(translated("defaults")[1])["environment"])
