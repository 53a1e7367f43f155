output "function_arn" {
  description = "ARN of the function, for `aws secretsmanager rotate-secret --rotation-lambda-arn`. Known when Secrets Manager may call it."
  value       = aws_lambda_function.this.arn
  depends_on  = [aws_lambda_permission.secrets_manager]
}

output "function_name" {
  description = "Name of the function, for `aws lambda invoke` and `aws logs tail /aws/lambda/NAME`."
  value       = aws_lambda_function.this.function_name
}

output "role_arn" {
  description = "ARN of the function's role, for the policies of keys, buckets and secrets in other accounts."
  value       = aws_iam_role.function.arn
}

output "role_name" {
  description = "Name of the function's role."
  value       = aws_iam_role.function.name
}

output "log_group_name" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "alarm_arns" {
  description = "ARNs of the alarms, for a composite alarm or a dashboard."
  value = [
    aws_cloudwatch_metric_alarm.errors.arn,
    aws_cloudwatch_metric_alarm.throttles.arn,
    aws_cloudwatch_metric_alarm.duration.arn,
  ]
}
