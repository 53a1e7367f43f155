"""One description of a deployment, read from a Terraform plan or from template.yaml, so that the two can be compared."""

import json


def statements(document):
    """A policy as {Sid: statement}, with everything that has no order sorted."""
    document = json.loads(document) if isinstance(document, str) else document
    assert document["Version"] == "2012-10-17"
    found = {}
    for number, statement in enumerate(document["Statement"]):
        plain = {"Effect": statement["Effect"]}
        for part in ("Action", "Resource", "Principal"):
            if part in statement:
                plain[part] = _sorted(statement[part])
        plain["Condition"] = {operator: {key: _sorted(value) for key, value in keys.items()}
                              for operator, keys in statement.get("Condition", {}).items()}
        sid = statement.get("Sid", str(number))
        assert sid not in found, f"two statements {sid}"
        found[sid] = plain
    return found


def _sorted(value):
    return sorted(value) if isinstance(value, list) else [value] if isinstance(value, str) else value


def _one(found, kind):
    assert len(found[kind]) == 1, f"{len(found[kind])} of {kind}"
    return found[kind][0]


def _maybe(found, kind):
    assert len(found.get(kind, [])) <= 1
    return found[kind][0] if found.get(kind) else None


def of_terraform(plan):
    """From one scenario of the fixture `plans`."""
    function = _one(plan, "aws_lambda_function.this")
    group = _one(plan, "aws_cloudwatch_log_group.this")
    schedule = _maybe(plan, "aws_scheduler_schedule.reconcile")
    rule = _maybe(plan, "aws_cloudwatch_event_rule.rotation_failed")
    events = _one(plan, "aws_lambda_function_event_invoke_config.this")
    logging, = function["logging_config"]
    destinations = events["destination_config"]
    shape = {
        "function": {
            "name": function["function_name"], "description": function["description"], "runtime": function["runtime"],
            "handler": function["handler"], "architectures": function["architectures"], "memory": function["memory_size"],
            "timeout": function["timeout"], "layers": function["layers"] or [],
            "reserved": function["reserved_concurrent_executions"], "tracing": function["tracing_config"][0]["mode"],
            "logging": [logging["log_group"], logging["log_format"], logging["application_log_level"]],
            "vpc": [[sorted(vpc["subnet_ids"]), sorted(vpc["security_group_ids"])] for vpc in function["vpc_config"]],
            "package": function["filename"].rsplit("/", 1)[-1],
        },
        "environment": function["environment"][0]["variables"],
        "log group": [group["name"], group["retention_in_days"], group["kms_key_id"]],
        "callers": [[p["function_name"], p["action"], p["principal"], p["source_account"], p["source_arn"]]
                    for p in plan["aws_lambda_permission.secrets_manager"]],
        "asynchronous": [events["maximum_retry_attempts"], events["maximum_event_age_in_seconds"],
                         destinations[0]["on_failure"][0]["destination"] if destinations else None],
        "rotations": {r["secret_id"]: [r["rotation_rules"][0]["automatically_after_days"], r["rotation_rules"][0]["schedule_expression"],
                                       r["rotation_rules"][0]["duration"], r["rotate_immediately"]]
                      for r in plan.get("aws_secretsmanager_secret_rotation.this", [])},
        "role": _terraform_role(plan, "function"),
        "schedule": None, "rule": None,
        "alarms": {a["alarm_name"]: _terraform_alarm(a) for kind in ("errors", "throttles", "duration")
                   for a in plan[f"aws_cloudwatch_metric_alarm.{kind}"]},
    }
    if schedule:
        target, = schedule["target"]
        retry, = target["retry_policy"]
        shape["schedule"] = {
            "name": schedule["name"], "expression": schedule["schedule_expression"],
            "window": schedule["flexible_time_window"][0]["mode"], "target": target["arn"], "input": json.loads(target["input"]),
            "retries": [retry["maximum_retry_attempts"], retry["maximum_event_age_in_seconds"]],
            "dead letters": [queue["arn"] for queue in target["dead_letter_config"]],
            "role": _terraform_role(plan, "scheduler"),
        }
    if rule:
        target = _one(plan, "aws_cloudwatch_event_target.rotation_failed")
        shape["rule"] = [rule["name"], _pattern(json.loads(rule["event_pattern"])), target["arn"]]
    return shape


def _pattern(pattern):
    pattern["detail"]["additionalEventData"]["SecretId"].sort()
    return pattern


def _terraform_role(plan, name):
    role, policy = _one(plan, f"aws_iam_role.{name}"), _one(plan, f"aws_iam_role_policy.{name}")
    return {"name": role["name"], "trust": statements(role["assume_role_policy"]), "may": statements(policy["policy"])}


def _terraform_alarm(alarm):
    metrics = [[query["id"], query["expression"] or None, query["return_data"],
                [[m["namespace"], m["metric_name"], m["dimensions"], m["stat"], m["period"]] for m in query["metric"]]]
               for query in alarm["metric_query"]]
    return {
        "description": alarm["alarm_description"], "threshold": alarm["threshold"], "periods": alarm["evaluation_periods"],
        "comparison": alarm["comparison_operator"], "missing": alarm["treat_missing_data"],
        "actions": alarm["alarm_actions"] or [], "ok": alarm["ok_actions"] or [], "metrics": sorted(metrics, key=lambda m: m[0]),
        "metric": [alarm["namespace"], alarm["metric_name"], alarm["dimensions"], alarm["statistic"], alarm["period"]],
    }


def of_sam(resources):
    """From template.yaml, filled in and translated to plain CloudFormation."""
    kinds = {}
    for resource in resources.values():
        kinds.setdefault(resource["Type"], []).append(resource["Properties"])
    function = _one(kinds, "AWS::Lambda::Function")
    group = _one(kinds, "AWS::Logs::LogGroup")
    events = _one(kinds, "AWS::Lambda::EventInvokeConfig")
    schedule = _maybe(kinds, "AWS::Scheduler::Schedule")
    rule = _maybe(kinds, "AWS::Events::Rule")
    logging = function["LoggingConfig"]
    roles = {role["RoleName"]: role for role in kinds["AWS::IAM::Role"]}
    vpc = function.get("VpcConfig")
    assert events["Qualifier"] == "$LATEST"
    shape = {
        "function": {
            "name": function["FunctionName"], "description": function["Description"], "runtime": function["Runtime"],
            "handler": function["Handler"], "architectures": function["Architectures"], "memory": function["MemorySize"],
            "timeout": function["Timeout"], "layers": function.get("Layers", []),
            "reserved": int(function.get("ReservedConcurrentExecutions", -1)), "tracing": function["TracingConfig"]["Mode"],
            "logging": [logging["LogGroup"], logging["LogFormat"], logging["ApplicationLogLevel"]],
            "vpc": [[sorted(vpc["SubnetIds"]), sorted(vpc["SecurityGroupIds"])]] if vpc else [],
            "package": function["Code"]["S3Key"],
        },
        "environment": {name: str(value) for name, value in function["Environment"]["Variables"].items()},
        "log group": [group["LogGroupName"], group["RetentionInDays"], group.get("KmsKeyId")],
        "callers": [[p["FunctionName"], p["Action"], p["Principal"], p["SourceAccount"], p.get("SourceArn")]
                    for p in kinds["AWS::Lambda::Permission"]],
        "asynchronous": [events["MaximumRetryAttempts"], events["MaximumEventAgeInSeconds"],
                         events.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")],
        "rotations": {r["SecretId"]: [_integer(r["RotationRules"].get("AutomaticallyAfterDays")), r["RotationRules"].get("ScheduleExpression"),
                                      r["RotationRules"].get("Duration"), r["RotateImmediatelyOnUpdate"] == "true"]
                      for r in kinds.get("AWS::SecretsManager::RotationSchedule", [])},
        "role": _sam_role(roles, function["Role"]),
        "schedule": None, "rule": None,
        "alarms": {alarm["AlarmName"]: _sam_alarm(alarm) for alarm in kinds["AWS::CloudWatch::Alarm"]},
    }
    if schedule:
        target = schedule["Target"]
        shape["schedule"] = {
            "name": schedule["Name"], "expression": schedule["ScheduleExpression"], "window": schedule["FlexibleTimeWindow"]["Mode"],
            "target": target["Arn"], "input": json.loads(target["Input"]),
            "retries": [target["RetryPolicy"]["MaximumRetryAttempts"], target["RetryPolicy"]["MaximumEventAgeInSeconds"]],
            "dead letters": [target["DeadLetterConfig"]["Arn"]] if "DeadLetterConfig" in target else [],
            "role": _sam_role(roles, target["RoleArn"]),
        }
    if rule:
        target, = rule["Targets"]
        shape["rule"] = [rule["Name"], _pattern(rule["EventPattern"]), target["Arn"]]
    return shape


def _integer(value):
    return None if value is None else int(value)


def _sam_role(roles, arn):
    role = roles[arn.rsplit("/", 1)[-1]]
    policy, = role["Policies"]
    assert not role.get("ManagedPolicyArns"), "no managed policy: it would hold more than the function does"
    return {"name": role["RoleName"], "trust": statements(role["AssumeRolePolicyDocument"]), "may": statements(policy["PolicyDocument"])}


def _sam_alarm(alarm):
    def dimensions(metric):
        return {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]} if "Dimensions" in metric else None

    metrics = []
    for query in alarm.get("Metrics", []):
        found = query.get("MetricStat")
        metrics.append([query["Id"], query.get("Expression"), query["ReturnData"],
                        [[found["Metric"]["Namespace"], found["Metric"]["MetricName"], dimensions(found["Metric"]), found["Stat"],
                          found["Period"]]] if found else []])
    return {
        "description": alarm["AlarmDescription"], "threshold": alarm["Threshold"], "periods": alarm["EvaluationPeriods"],
        "comparison": alarm["ComparisonOperator"], "missing": alarm["TreatMissingData"],
        "actions": alarm.get("AlarmActions", []), "ok": alarm.get("OKActions", []), "metrics": sorted(metrics, key=lambda m: m[0]),
        "metric": [alarm.get("Namespace"), alarm.get("MetricName"), dimensions(alarm), alarm.get("Statistic"), alarm.get("Period")],
    }
