"""A template with its parameters filled in: as much of CloudFormation as ours use, and an error for the rest."""

import re
from pathlib import Path

import yaml

import scenarios

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
JWT = ROOT / "examples/jwt/template.yaml"
NOTHING = object()


class _Loader(yaml.SafeLoader):
    pass


def _short(loader, suffix, node):
    kinds = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: lambda n: loader.construct_sequence(n, deep=True),
             yaml.MappingNode: lambda n: loader.construct_mapping(n, deep=True)}
    value = kinds[type(node)](node)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short)


def read(text):
    return yaml.load(text, _Loader)  # noqa: S506 # a SafeLoader with CloudFormation's tags


def template(file=TEMPLATE):
    return read(file.read_text())


class Filled:
    """The template for given parameters. What is not given has its default, checked like a given value."""

    def __init__(self, given, file=TEMPLATE):
        self.template = template(file)
        self.values = {}
        unknown = set(given) - set(self.template["Parameters"])
        assert not unknown, f"{file.name} has no parameters {unknown}"
        for name, rule in self.template["Parameters"].items():
            self.values[name] = self._accept(name, rule, given[name] if name in given else rule.get("Default"))
        self.pseudo = {"AWS::Region": scenarios.REGION, "AWS::AccountId": scenarios.ACCOUNT, "AWS::Partition": "aws",
                       "AWS::NoValue": NOTHING}
        self.conditions = self.template["Conditions"]
        for rule in self.template.get("Rules", {}).values():
            for assertion in rule["Assertions"]:
                assert self.resolve(assertion["Assert"]), assertion["AssertDescription"]
        self.raw = self.template["Resources"]
        self.resources = {}
        for name, resource in self.raw.items():
            if "Condition" not in resource or self.holds(resource["Condition"]):
                self.resources[name] = {"Type": resource["Type"], "Properties": self.resolve(resource["Properties"])}

    @staticmethod
    def _accept(name, rule, value):
        assert value is not None, f"parameter {name} must be given"
        if rule["Type"] == "CommaDelimitedList" or rule["Type"].startswith("List<"):
            return value.split(",") if isinstance(value, str) else (list(value) or [""])
        assert value in rule.get("AllowedValues", [value]), f"{name}: {value!r}"
        if "AllowedPattern" in rule:
            assert re.fullmatch(rule["AllowedPattern"], str(value)), f"{name}: {value!r}"
        if rule["Type"] == "Number":
            assert rule.get("MinValue", value) <= value <= rule.get("MaxValue", value), f"{name}: {value!r}"
        return value

    def of(self, kind):
        """The properties of the resources of a kind, in the template's order."""
        return [resource["Properties"] for resource in self.resources.values() if resource["Type"] == kind]

    def holds(self, condition):
        return self.resolve(self.conditions[condition])

    def resolve(self, value):
        if isinstance(value, list):
            return [found for found in map(self.resolve, value) if found is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, body), = value.items()
            if name == "Ref":
                return self._ref(body)
            if name == "Condition" and isinstance(body, str):
                return self.holds(body)
            if name.startswith("Fn::"):
                return self._call(name, body)
        resolved = {key: self.resolve(body) for key, body in value.items()}
        return {key: body for key, body in resolved.items() if body is not NOTHING}

    def _call(self, name, body):
        if name == "Fn::If":
            return self.resolve(body[1] if self.holds(body[0]) else body[2])
        if name == "Fn::GetAtt":
            return self._attribute(*body)
        if name == "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda found: str(self._ref(found[1])), body)
        arguments = self.resolve(body)
        return {
            "Fn::Join": lambda: arguments[0].join(arguments[1]),
            "Fn::Equals": lambda: str(arguments[0]) == str(arguments[1]),
            "Fn::Not": lambda: not arguments[0],
            "Fn::And": lambda: all(arguments),
            "Fn::Or": lambda: any(arguments),
        }[name]()

    def _ref(self, name):
        for known in (self.pseudo, self.values):
            if name in known:
                return known[name]
        kind, properties = self.raw[name]["Type"], self.raw[name]["Properties"]
        if kind == "AWS::SecretsManager::Secret":
            return scenarios.arn("secretsmanager", f"secret:{properties['Name']}-AbCdEf")
        if kind == "AWS::ECS::Service":
            cluster = self.resolve(properties["Cluster"]).rsplit("/", 1)[-1]
            return scenarios.arn("ecs", f"service/{cluster}/{properties['ServiceName']}")
        names = {"AWS::Serverless::Function": "FunctionName", "AWS::Logs::LogGroup": "LogGroupName",
                 "AWS::ECS::TaskDefinition": "Family"}
        return self.resolve(properties[names[kind]])

    def _attribute(self, name, attribute):
        assert attribute == "Arn", attribute
        properties = self.raw[name]["Properties"]
        if self.raw[name]["Type"] == "AWS::ECS::Cluster":
            return scenarios.arn("ecs", f"cluster/{properties['ClusterName']}")
        if self.raw[name]["Type"] == "AWS::IAM::Role":
            return f"arn:aws:iam::{scenarios.ACCOUNT}:role/{self.resolve(properties['RoleName'])}"
        return scenarios.arn("lambda", f"function:{self._ref(name)}")


def jwt(rotated):
    """The example with signing keys."""
    return Filled({"PackageBucket": "packages", "PublicKeyBucket": "auth-public-keys", "Image": "example.internal/auth-api:1",
                   "SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1", "Rotated": rotated}, JWT)


def jwt_policy(example):
    """What keyroll's role may do in that example."""
    keyroll, = example.of("AWS::Serverless::Application")
    assert (JWT.parent / keyroll["Location"]).resolve() == TEMPLATE
    inner = Filled(keyroll["Parameters"])
    role, = [role for role in inner.of("AWS::IAM::Role") if role["RoleName"] == f"keyroll-{scenarios.REGION}"]
    return role["Policies"][0]["PolicyDocument"]
