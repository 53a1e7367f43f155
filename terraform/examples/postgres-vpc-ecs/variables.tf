variable "region" {
  description = "Region of all of it."
  type        = string
  default     = "eu-west-1"
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in at least two zones."
  type        = list(string)
}

variable "image" {
  description = "Image of the service."
  type        = string
}

variable "rotation_schedule_expression" {
  description = "When to rotate, in UTC; at 02:00 on the first Sunday of a month. Null: every 30 days."
  type        = string
  default     = "cron(0 2 ? * SUN#1 *)"
}

variable "package_path" {
  description = "The function's package."
  type        = string
  default     = "../../../dist/bootstrap-x86_64.zip"
}
