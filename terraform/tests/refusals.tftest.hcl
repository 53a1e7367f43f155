# What the module refuses before anything is planned. In each run exactly the variables listed must fail.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  # Any file: nothing is sent.
  package_path = "main.tf"
}

run "one_thing_wrong_with_each_input" {
  command = plan
  variables {
    rotation_days                = 30
    rotation_schedule_expression = "rate(30 days)" # and days: AWS takes one
    rotation_window              = "48h"
    architecture                 = "aarch64"
    timeout                      = 901
    memory_size                  = 64
    reserved_concurrency         = 0
    strategy                     = "both"
    tracing                      = "On"
    log_level                    = "LOUD"
    maximum_retry_attempts       = 3
    maximum_event_age            = 59
    reconcile_schedule           = "hourly"
    name                         = "a name"
    secrets                      = { orders = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders/db" } # no suffix
    admin_secret_arns            = ["orders/admin"]
    rds_admin_secret_arns        = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:admin-AbCdEf"] # not rds!
    rds_instance_arns            = ["arn:aws:rds:eu-west-1:123456789012:cluster:orders"]
    rds_cluster_arns             = ["arn:aws:rds:eu-west-1:123456789012:db:orders"]
    dry_run_secret_arns          = ["arn:aws:ssm:eu-west-1:123456789012:parameter/db"]
    services                     = ["arn:aws:ecs:eu-west-1:123456789012:service/orders-api"] # no cluster
    clusters                     = ["prod"]
    kms_key_arns                 = ["arn:aws:kms:eu-west-1:123456789012:alias/secrets"]
    copy_parameter_arns          = ["/orders/db_url"]
    copy_parameter_kms_key_arns  = ["alias/aws/ssm"]
    copy_object_arns             = ["arn:aws:s3:::secrets-prod"] # the whole bucket
    copy_object_kms_key_arns     = ["alias/aws/s3"]
  }
  expect_failures = [
    var.rotation_days,
    var.rotation_window,
    var.architecture,
    var.timeout,
    var.memory_size,
    var.reserved_concurrency,
    var.strategy,
    var.tracing,
    var.log_level,
    var.maximum_retry_attempts,
    var.maximum_event_age,
    var.reconcile_schedule,
    var.name,
    var.secrets,
    var.admin_secret_arns,
    var.rds_admin_secret_arns,
    var.rds_instance_arns,
    var.rds_cluster_arns,
    var.dry_run_secret_arns,
    var.services,
    var.clusters,
    var.kms_key_arns,
    var.copy_parameter_arns,
    var.copy_parameter_kms_key_arns,
    var.copy_object_arns,
    var.copy_object_kms_key_arns,
  ]
}

run "a_wildcard_in_each_arn" {
  command = plan
  variables {
    secrets                     = { orders = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders/*-AbCdEf" }
    admin_secret_arns           = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:*"]
    rds_admin_secret_arns       = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!*"]
    rds_instance_arns           = ["arn:aws:rds:eu-west-1:123456789012:db:*"]
    rds_cluster_arns            = ["arn:aws:rds:eu-west-1:123456789012:cluster:?"]
    dry_run_secret_arns         = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:staging/?"]
    services                    = ["arn:aws:ecs:eu-west-1:123456789012:service/prod/*"]
    clusters                    = ["arn:aws:ecs:eu-west-1:123456789012:cluster/*"]
    kms_key_arns                = ["arn:aws:kms:eu-west-1:123456789012:key/*"]
    copy_parameter_arns         = ["arn:aws:ssm:eu-west-1:123456789012:parameter/orders/*"]
    copy_parameter_kms_key_arns = ["arn:aws:kms:*:123456789012:key/1"]
    copy_object_arns            = ["arn:aws:s3:::secrets-prod/*"]
    copy_object_kms_key_arns    = ["arn:aws:kms:eu-west-1:123456789012:key/?"]
  }
  expect_failures = [
    var.secrets,
    var.admin_secret_arns,
    var.rds_admin_secret_arns,
    var.rds_instance_arns,
    var.rds_cluster_arns,
    var.dry_run_secret_arns,
    var.services,
    var.clusters,
    var.kms_key_arns,
    var.copy_parameter_arns,
    var.copy_parameter_kms_key_arns,
    var.copy_object_arns,
    var.copy_object_kms_key_arns,
  ]
}

# By itself: what is wrong with one of these two hides what is wrong with the other.
run "rotation_in_words" {
  command = plan
  variables {
    rotation_schedule_expression = "monthly"
  }
  expect_failures = [var.rotation_schedule_expression]
}

run "rotation_after_no_days" {
  command = plan
  variables {
    rotation_days = 0
  }
  expect_failures = [var.rotation_days]
}
