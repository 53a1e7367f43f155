# What the module makes of its inputs, without AWS: `terraform init && terraform test`.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:123456789012:function:keyroll" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/keyroll" }
  }
}

variables {
  # Any file: nothing is sent.
  package_path = "main.tf"
  secrets      = { orders = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders/db-AbCdEf" }
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.architectures == tolist(["x86_64"])
    error_message = "The function runs on provided.al2023, on x86_64 unless asked otherwise."
  }
  assert {
    condition     = aws_lambda_function.this.memory_size == 128 && aws_lambda_function.this.timeout == 120
    error_message = "128 MB and 120 seconds."
  }
  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == -1
    error_message = "No concurrency is reserved by default."
  }
  assert {
    condition     = length(aws_lambda_function.this.vpc_config) == 0
    error_message = "No VPC by default."
  }
  assert {
    condition     = aws_secretsmanager_secret_rotation.this["orders"].rotate_immediately == false
    error_message = "Nothing rotates while it is applied."
  }
  assert {
    condition     = aws_secretsmanager_secret_rotation.this["orders"].rotation_rules[0].automatically_after_days == 30
    error_message = "Every 30 days."
  }
  assert {
    condition     = aws_lambda_permission.secrets_manager.source_account == "123456789012" && aws_lambda_permission.secrets_manager.source_arn == null
    error_message = "Secrets Manager may call for this account, whatever the secret."
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.rotation_failed) == 0
    error_message = "Without a topic there is nothing for a rule to do."
  }
}

run "nothing_of_the_schedule_without_one" {
  command = plan
  variables {
    reconcile_schedule = null
  }

  assert {
    condition     = length(aws_scheduler_schedule.reconcile) + length(aws_iam_role.scheduler) + length(aws_iam_role_policy.scheduler) == 0
    error_message = "No schedule, no role for it."
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.function.policy, "ListSecrets")
    error_message = "Only the schedule looks for secrets."
  }
}

# What another resource makes is unknown while planning; the module must not count by it.
run "inputs_of_the_same_apply" {
  command = apply
  variables {
    failure_queue = { arn = "arn:aws:sqs:eu-west-1:123456789012:failures" }
    alarm_topic   = { arn = "arn:aws:sns:eu-west-1:123456789012:alarms" }
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.this.destination_config[0].on_failure[0].destination == "arn:aws:sqs:eu-west-1:123456789012:failures"
    error_message = "The queue gets what failed."
  }
  assert {
    condition     = output.function_arn == "arn:aws:lambda:eu-west-1:123456789012:function:keyroll" && local.function_arn == output.function_arn
    error_message = "The ARN that the policies name is the function's."
  }
}

run "an_expression_instead_of_days" {
  command = plan
  variables {
    rotation_schedule_expression = "cron(0 3 1 * ? *)"
    rotation_window              = "3h"
  }

  assert {
    condition     = aws_secretsmanager_secret_rotation.this["orders"].rotation_rules[0].automatically_after_days == null
    error_message = "AWS takes days or an expression."
  }
}

run "a_package_of_the_other_architecture" {
  command = plan
  variables {
    package_path = "tests/bootstrap-arm64.zip"
  }
  expect_failures = [aws_lambda_function.this]
}

run "a_policy_that_aws_would_refuse" {
  command = plan
  variables {
    secrets      = { for n in range(80) : "secret-${n}" => "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-name-of-some-length/${n}-AbCdEf" }
    clusters     = ["arn:aws:ecs:eu-west-1:123456789012:cluster/prod"]
    services     = [for n in range(80) : "arn:aws:ecs:eu-west-1:123456789012:service/prod/service-${n}"]
    kms_key_arns = ["arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"]
  }
  expect_failures = [aws_iam_role_policy.function]
}
