# Who is told. The alarms exist without a topic too: their state is the first thing to look at.

locals {
  alarm_actions = var.alarm_topic == null ? [] : [var.alarm_topic.arn]
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-errors"
  alarm_description   = "keyroll failed: a rotation step or the schedule's run. Its log, ${aws_cloudwatch_log_group.this.name}, says which secret, why, and what to do"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = var.name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  alarm_name          = "${var.name}-throttles"
  alarm_description   = "Lambda had no execution free for keyroll: the account's concurrency is used up, or the reserved one is too small"
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = var.name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

# In percent of the timeout, which reads the same whatever the timeout is: the metric is in milliseconds.
resource "aws_cloudwatch_metric_alarm" "duration" {
  alarm_name          = "${var.name}-duration"
  alarm_description   = "keyroll took more than 80 % of its timeout: raise it, or narrow the clusters that it searches"
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 80
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags

  metric_query {
    id          = "share"
    expression  = "duration / (${var.timeout} * 10)"
    label       = "Percent of the timeout"
    return_data = true
  }

  metric_query {
    id          = "duration"
    return_data = false
    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Duration"
      dimensions  = { FunctionName = var.name }
      stat        = "Maximum"
      period      = 300
    }
  }
}

# A rotation fails without a function error when Secrets Manager cannot call the function at all. CloudTrail delivers
# these events on a best-effort basis and only where a trail logs management events: this stands beside the alarm on
# errors, not in its place. Without a topic the rule would do nothing, so there is none.
resource "aws_cloudwatch_event_rule" "rotation_failed" {
  count = var.alarm_topic != null && length(var.secrets) > 0 ? 1 : 0

  name        = "${var.name}-rotation-failed"
  description = "Secrets Manager could not rotate a secret of ${var.name}"
  tags        = var.tags

  event_pattern = jsonencode({
    source        = ["aws.secretsmanager"]
    "detail-type" = ["AWS Service Event via CloudTrail"]
    detail = {
      eventSource         = ["secretsmanager.amazonaws.com"]
      eventName           = ["RotationFailed", "RotationAbandoned", "TestRotationFailed"]
      additionalEventData = { SecretId = values(var.secrets) }
    }
  })
}

resource "aws_cloudwatch_event_target" "rotation_failed" {
  count = length(aws_cloudwatch_event_rule.rotation_failed)

  rule      = aws_cloudwatch_event_rule.rotation_failed[0].name
  target_id = "topic"
  arn       = var.alarm_topic.arn
}
