# When the function runs: the rotation of each secret, and the schedule that finishes what was left undone.

locals {
  rotation_days = var.rotation_schedule_expression != null ? null : coalesce(var.rotation_days, 30)
}

# Turning rotation on says nothing about the value: no version is ever created, changed or read by this module, so no
# plan of it can overwrite a credential that has been rotated since.
resource "aws_secretsmanager_secret_rotation" "this" {
  for_each = var.secrets

  secret_id           = each.value
  rotation_lambda_arn = aws_lambda_function.this.arn
  rotate_immediately  = var.rotate_immediately

  rotation_rules {
    automatically_after_days = local.rotation_days
    schedule_expression      = var.rotation_schedule_expression
    duration                 = var.rotation_window
  }

  # AWS tries the function while this is applied, and refuses the rotation when it may not call it.
  depends_on = [
    aws_lambda_permission.secrets_manager,
    aws_iam_role_policy.function,
  ]
}

# Scheduler and not an EventBridge rule: it calls by a role of its own that can invoke this one function, so that the
# function's own policy names Secrets Manager and nobody else. It invokes asynchronously, which is what the retries and
# the queue below are about.
resource "aws_scheduler_schedule" "reconcile" {
  count = var.reconcile_schedule == null ? 0 : 1

  name                = "${var.name}-reconcile"
  description         = "Finishes what a failed rotation left undone"
  schedule_expression = var.reconcile_schedule

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = local.function_arn
    role_arn = aws_iam_role.scheduler[0].arn
    input    = jsonencode({ Action = "Reconcile" })

    # This is about handing the event to Lambda. The next run does the same work.
    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = var.maximum_event_age
    }

    dynamic "dead_letter_config" {
      for_each = var.failure_queue == null ? [] : [var.failure_queue]
      content {
        arn = dead_letter_config.value.arn
      }
    }
  }

  depends_on = [aws_lambda_function.this, aws_iam_role_policy.scheduler]
}

# And this is about running it. Secrets Manager calls synchronously: nothing here concerns its calls, which it repeats
# by itself.
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_retry_attempts       = var.maximum_retry_attempts
  maximum_event_age_in_seconds = var.maximum_event_age

  dynamic "destination_config" {
    for_each = var.failure_queue == null ? [] : [var.failure_queue]
    content {
      on_failure {
        destination = destination_config.value.arn
      }
    }
  }
}
