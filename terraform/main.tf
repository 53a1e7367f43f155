# keyroll: the function, its log, and who may call it. template.yaml at the repository's root describes the same
# function for SAM; scripts/check-iac holds the two equal.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

  # From the name and not from the resource: the role's policy names the function, and the function needs the role first.
  function_arn = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}"

  # Every variable that the function reads, always; an empty one counts as unset.
  environment = {
    KEYROLL_CLUSTERS           = join(" ", var.clusters)
    KEYROLL_CA_BUNDLE          = var.ca_bundle
    KEYROLL_STRATEGY           = var.strategy
    KEYROLL_MIN_AGE            = var.min_age == null ? "" : tostring(var.min_age)
    PASSWORD_LENGTH            = var.password.length == null ? "" : tostring(var.password.length)
    EXCLUDE_CHARACTERS         = var.password.exclude_characters == null ? "" : var.password.exclude_characters
    EXCLUDE_NUMBERS            = var.password.exclude_numbers == null ? "" : tostring(var.password.exclude_numbers)
    EXCLUDE_PUNCTUATION        = var.password.exclude_punctuation == null ? "" : tostring(var.password.exclude_punctuation)
    EXCLUDE_UPPERCASE          = var.password.exclude_uppercase == null ? "" : tostring(var.password.exclude_uppercase)
    EXCLUDE_LOWERCASE          = var.password.exclude_lowercase == null ? "" : tostring(var.password.exclude_lowercase)
    REQUIRE_EACH_INCLUDED_TYPE = var.password.require_each_included_type == null ? "" : tostring(var.password.require_each_included_type)
    SECRETS_MANAGER_ENDPOINT   = var.secrets_manager_endpoint
  }
}

resource "aws_lambda_function" "this" {
  function_name                  = var.name
  description                    = "Rotates secrets and redeploys the ECS services that use them"
  role                           = aws_iam_role.function.arn
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  filename                       = var.package_path
  source_code_hash               = filebase64sha256(var.package_path)
  memory_size                    = var.memory_size
  timeout                        = var.timeout
  layers                         = var.layers
  reserved_concurrent_executions = var.reserved_concurrency == null ? -1 : var.reserved_concurrency
  tags                           = var.tags

  environment {
    variables = local.environment
  }

  logging_config {
    log_group             = aws_cloudwatch_log_group.this.name
    log_format            = "JSON"
    application_log_level = var.log_level
  }

  tracing_config {
    mode = var.tracing
  }

  dynamic "vpc_config" {
    for_each = var.vpc == null ? [] : [var.vpc]
    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  lifecycle {
    precondition {
      # Lambda takes the wrong one too; it then fails at the first rotation, with "exec format error".
      condition     = try(regex("(x86_64|arm64)\\.zip$", var.package_path)[0], var.architecture) == var.architecture
      error_message = "package_path and architecture disagree: ${var.package_path} is not for ${var.architecture}."
    }
  }

  # Lambda checks at creation that the role may make network interfaces.
  depends_on = [aws_iam_role_policy.function]
}

# Made here and not by Lambda, so that it has an end to its retention, and the role needs no right to make groups.
resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
  tags              = var.tags
}

# By account, as AWS advises; a source ARN would bind the function to one secret. Without the account, anybody's Secrets
# Manager could call it.
resource "aws_lambda_permission" "secrets_manager" {
  statement_id   = "SecretsManager"
  function_name  = aws_lambda_function.this.function_name
  action         = "lambda:InvokeFunction"
  principal      = "secretsmanager.amazonaws.com"
  source_account = local.account
}
