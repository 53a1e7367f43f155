# When the function runs, and who is told when it fails.

variable "rotation_days" {
  description = "Days between rotations; null: 30, unless `rotation_schedule_expression` is given. Never both: AWS takes one."
  type        = number
  default     = null

  validation {
    condition     = var.rotation_days == null ? true : var.rotation_days >= 1 && var.rotation_days <= 1000
    error_message = "rotation_days: 1 to 1000."
  }

  validation {
    condition     = var.rotation_days == null || var.rotation_schedule_expression == null
    error_message = "rotation_days and rotation_schedule_expression exclude each other: give one."
  }
}

variable "rotation_schedule_expression" {
  description = "Instead of days: `rate(10 days)` or `cron(0 3 1 * ? *)`, in UTC, at most every four hours."
  type        = string
  default     = null

  validation {
    condition     = var.rotation_schedule_expression == null ? true : can(regex("^(rate|cron)\\(.+\\)$", var.rotation_schedule_expression))
    error_message = "rotation_schedule_expression: rate(…) or cron(…)."
  }
}

variable "rotation_window" {
  description = "Length of the window in which a rotation starts, such as `3h`; null: AWS's, a day, or up to the next rotation."
  type        = string
  default     = null

  validation {
    condition     = var.rotation_window == null ? true : can(regex("^([1-9]|1[0-9]|2[0-4])h$", var.rotation_window))
    error_message = "rotation_window: 1h to 24h."
  }
}

variable "rotate_immediately" {
  description = <<-EOT
    Whether AWS rotates as soon as this is applied. False: it only runs `testSecret`, which tells in the log what a
    rotation would lack, and the first rotation comes by schedule. AWS's own default is true.
  EOT
  type        = bool
  default     = false
}

variable "reconcile_schedule" {
  description = "How often to finish what a failed rotation left undone, by `rate(…)` or `cron(…)`; null: never by itself."
  type        = string
  default     = "rate(15 minutes)"

  validation {
    condition     = var.reconcile_schedule == null ? true : can(regex("^(rate|cron)\\(.+\\)$", var.reconcile_schedule))
    error_message = "reconcile_schedule: rate(…) or cron(…)."
  }
}

variable "maximum_retry_attempts" {
  description = <<-EOT
    How often Lambda repeats a failed scheduled invocation, 0 to 2. None: the next run of the schedule is the retry, and
    an error that a person must mend would ring three times. Secrets Manager's own calls are not concerned.
  EOT
  type        = number
  default     = 0

  validation {
    condition     = contains([0, 1, 2], var.maximum_retry_attempts)
    error_message = "maximum_retry_attempts: 0, 1 or 2."
  }
}

variable "maximum_event_age" {
  description = <<-EOT
    Seconds that a scheduled invocation may wait for a free execution. As long as the default interval: Lambda's own six
    hours would let old ones pile up and then run all at once.
  EOT
  type        = number
  default     = 900

  validation {
    condition     = var.maximum_event_age >= 60 && var.maximum_event_age <= 21600
    error_message = "maximum_event_age: 60 to 21600 seconds."
  }
}

variable "failure_queue" {
  description = <<-EOT
    SQS queue for scheduled invocations that failed or could not be made: `{ arn = … }`. Secrets Manager calls
    synchronously and never sends here. One with a customer-managed key needs `kms:GenerateDataKey` and `kms:Decrypt`
    for both roles in its key's policy.
  EOT
  type        = object({ arn = string })
  default     = null
}

variable "alarm_topic" {
  description = <<-EOT
    SNS topic to tell when something fails: `{ arn = … }`. Its policy must let `cloudwatch.amazonaws.com` and
    `events.amazonaws.com` publish, and if it is encrypted, a customer-managed key must let them use it (the key
    `alias/aws/sns` cannot). None is created here: a topic without subscribers looks like an alarm and wakes nobody.
  EOT
  type        = object({ arn = string })
  default     = null
}
