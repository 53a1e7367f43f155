# What Lambda itself does with the function's role, the role, and the schedule's role.

locals {
  network_changes = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
  ]
  network_looks = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]

  permissions_platform = concat(
    # Its own group, which exists: no logs:CreateLogGroup. Lambda names the streams.
    [{
      Sid      = "Logs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.name}:*"
    }],
    # Lambda makes and removes the interfaces by this role, and asks for all of them. A subnet or security group that is
    # shared with this account has the ARN of its owner's.
    var.vpc == null ? [] : [{
      Sid    = "Network"
      Effect = "Allow"
      Action = local.network_changes
      Resource = [
        "arn:${local.partition}:ec2:${local.region}:${local.account}:network-interface/*",
        "arn:${local.partition}:ec2:${local.region}:*:security-group/*",
        "arn:${local.partition}:ec2:${local.region}:*:subnet/*",
      ]
    }],
    # AWS takes no ARN here.
    var.vpc == null ? [] : [{
      Sid      = "LookAtNetwork"
      Effect   = "Allow"
      Action   = local.network_looks
      Resource = "*"
    }],
    # All of that is for Lambda: this key is there only when the function's own code calls.
    var.vpc == null ? [] : [{
      Sid       = "NoNetworkForTheCode"
      Effect    = "Deny"
      Action    = concat(local.network_changes, local.network_looks)
      Resource  = "*"
      Condition = { ArnEquals = { "lambda:SourceFunctionArn" = local.function_arn } }
    }],
    # AWS takes no ARN here.
    var.tracing == "PassThrough" ? [] : [{
      Sid      = "Traces"
      Effect   = "Allow"
      Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      Resource = "*"
    }],
    var.failure_queue == null ? [] : [{
      Sid      = "FailureQueue"
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = var.failure_queue.arn
    }],
  )

  # Encoded one by one: a list's elements must be of one type in HCL, and these are not.
  policy = "{\"Version\":\"2012-10-17\",\"Statement\":[${join(",", [for statement in concat(
    [for one in local.permissions_secrets : jsonencode(one)],
    [for one in local.permissions_services : jsonencode(one)],
    [for one in local.permissions_copies : jsonencode(one)],
    [for one in local.permissions_platform : jsonencode(one)],
  ) : statement])}]}"
}

resource "aws_iam_role" "function" {
  name        = "${var.name}-${local.region}"
  description = "What the function ${var.name} may do"
  tags        = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  name   = "keyroll"
  role   = aws_iam_role.function.id
  policy = local.policy

  lifecycle {
    precondition {
      condition     = length(local.policy) <= 10240
      error_message = "The role's policy has ${length(local.policy)} characters and AWS allows 10240: use the module twice, with some of the secrets each."
    }
  }
}

resource "aws_iam_role" "scheduler" {
  count = var.reconcile_schedule == null ? 0 : 1

  name        = "${var.name}-schedule-${local.region}"
  description = "Lets the schedule ${var.name}-reconcile invoke the function ${var.name}"
  tags        = var.tags

  # The account, so that no schedule of somebody else's can borrow the role.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  count = var.reconcile_schedule == null ? 0 : 1

  name = "keyroll"
  role = aws_iam_role.scheduler[0].id

  policy = var.failure_queue == null ? jsonencode({
    Version   = "2012-10-17"
    Statement = [local.schedule_invokes]
    }) : jsonencode({
    Version = "2012-10-17"
    Statement = [local.schedule_invokes, {
      Sid      = "FailureQueue"
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = var.failure_queue.arn
    }]
  })
}

locals {
  schedule_invokes = { Sid = "Invoke", Effect = "Allow", Action = "lambda:InvokeFunction", Resource = local.function_arn }
}
