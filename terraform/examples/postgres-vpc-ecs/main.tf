# A PostgreSQL of RDS in a VPC, the ECS service that uses it, and keyroll between them: its function in the same subnets,
# a customer-managed key, a queue for scheduled runs that failed, and a topic that tells about everything that fails.

terraform {
  required_version = ">= 1.11" # write-only attributes and ephemeral resources

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

module "keyroll" {
  source = "../.."

  package_path  = var.package_path
  kms_key_arns  = [aws_kms_key.secrets.arn]
  clusters      = [aws_ecs_cluster.this.arn]
  services      = [aws_ecs_service.api.id] # the id of a service is its ARN
  discovery     = false                    # the secret's tag names the service
  failure_queue = { arn = aws_sqs_queue.failures.arn }
  alarm_topic   = { arn = aws_sns_topic.alarms.arn }

  # The version's `arn` is the secret's. By way of the version, because turning rotation on runs a test that needs a value.
  secrets = { orders = aws_secretsmanager_secret_version.first.arn }

  rotation_schedule_expression = var.rotation_schedule_expression
  rotation_window              = "3h"

  vpc = {
    subnet_ids = var.subnet_ids
    # The group of that rule, so that the function has its way out before it is first called.
    security_group_ids = [aws_vpc_security_group_egress_rule.function["aws"].security_group_id]
  }
}

resource "aws_sqs_queue" "failures" {
  name                      = "keyroll-failures"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

# Subscribe whoever is on call. Not encrypted: the messages hold names of secrets and no values, and EventBridge and
# CloudWatch could not use the key alias/aws/sns.
resource "aws_sns_topic" "alarms" {
  name = "keyroll-alarms"
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
      # Without a condition, as in AWS's guide: one that EventBridge does not meet would silence the alarm.
      {
        Effect    = "Allow"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Principal = { Service = "events.amazonaws.com" }
      },
    ]
  })
}

output "watch" {
  description = "What a rotation does and says."
  value       = "aws logs tail ${module.keyroll.log_group_name} --follow"
}
