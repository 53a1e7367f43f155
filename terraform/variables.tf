# The function itself. Who may be reached is in variables_access.tf, when and how loudly in variables_operations.tf.

variable "name" {
  description = "Name of the function; the role, log group, schedule and alarms are named after it."
  type        = string
  default     = "keyroll"

  validation {
    condition     = can(regex("^[a-zA-Z0-9-_]{1,40}$", var.name))
    error_message = "name: 1 to 40 letters, digits, hyphens and underscores. AWS allows 64 for a role, and its name ends with the Region's."
  }
}

variable "package_path" {
  description = "The package that `make build` wrote, `dist/bootstrap-x86_64.zip` or `dist/bootstrap-arm64.zip`."
  type        = string
}

variable "architecture" {
  description = "Instruction set of the package: `x86_64` or `arm64`."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture: x86_64 or arm64."
  }
}

variable "memory_size" {
  description = "Memory in MB. A rotation peaks at some 10 MB; 128 is the least that Lambda has."
  type        = number
  default     = 128

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "memory_size: 128 to 10240."
  }
}

variable "timeout" {
  description = <<-EOT
    Seconds for one invocation. A step takes well under one second; what grows is the search for dependent services: ECS
    answers 20 reads of task definitions a second, so 20 services more are one second more. 120 leaves room for retries
    of AWS calls and some 1,000 services.
  EOT
  type        = number
  default     = 120

  validation {
    condition     = var.timeout >= 30 && var.timeout <= 900
    error_message = "timeout: 30 to 900 seconds, 900 being Lambda's limit."
  }
}

variable "layers" {
  description = "ARNs of layer versions, at most five; the place for a CA file that `ca_bundle` names."
  type        = list(string)
  default     = []
}

variable "vpc" {
  description = <<-EOT
    Subnets and security groups, for a database in a VPC. The subnets need a way (NAT or VPC endpoints) to Secrets
    Manager and ECS, and to every other AWS service that is used: RDS for administrators whose secret it manages or
    names another host than the account's, SSM and S3 for copies.
  EOT
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null
}

variable "tracing" {
  description = "`Active` lets Lambda send traces to X-Ray, and gives the role the permission; `PassThrough` does neither."
  type        = string
  default     = "PassThrough"

  validation {
    condition     = contains(["Active", "PassThrough"], var.tracing)
    error_message = "tracing: Active or PassThrough."
  }
}

variable "reserved_concurrency" {
  description = <<-EOT
    Reserved concurrent executions; null reserves none. A reservation takes from what all other functions of the account
    share, and one that is too small makes Secrets Manager's calls fail, so there is none unless you ask for it.
  EOT
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null ? true : var.reserved_concurrency >= 1
    error_message = "reserved_concurrency: 1 or more, or null. With 0 nothing would ever rotate."
  }
}

variable "log_level" {
  description = "The function's log level. No level shows a secret."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"], var.log_level)
    error_message = "log_level: TRACE, DEBUG, INFO, WARN, ERROR or FATAL."
  }
}

variable "log_retention_days" {
  description = "Days that the log is kept. A year tells who rotated what since the last rotation of even a yearly secret."
  type        = number
  default     = 365
}

variable "log_kms_key_arn" {
  description = "Customer-managed key for the log group; its key policy must let CloudWatch Logs use it. Null: CloudWatch's own."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource that can have them."
  type        = map(string)
  default     = {}
}

variable "ca_bundle" {
  description = "`KEYROLL_CA_BUNDLE`: path of a PEM file in a layer (`/opt/…`) with CAs to trust for databases; empty: Amazon RDS."
  type        = string
  default     = ""
}

variable "strategy" {
  description = "`KEYROLL_STRATEGY`: strategy of secrets that name none, `single-user` or `alternating-users`; empty: by secret."
  type        = string
  default     = ""

  validation {
    condition     = contains(["", "single-user", "alternating-users"], var.strategy)
    error_message = "strategy: single-user, alternating-users or empty."
  }
}

variable "min_age" {
  description = "`KEYROLL_MIN_AGE`: minutes since the last rotation within which another is put off; null: the function's default, 10."
  type        = number
  default     = null
}

variable "password" {
  description = <<-EOT
    What passwords look like, by the variables of AWS's own rotation functions (`PASSWORD_LENGTH`, `EXCLUDE_CHARACTERS`,
    `EXCLUDE_NUMBERS`, …). What is left out keeps the function's default: 32 of letters, digits and `-_.`.
  EOT
  type = object({
    length                     = optional(number)
    exclude_characters         = optional(string)
    exclude_numbers            = optional(bool)
    exclude_punctuation        = optional(bool)
    exclude_uppercase          = optional(bool)
    exclude_lowercase          = optional(bool)
    require_each_included_type = optional(bool)
  })
  default = {}
}

variable "secrets_manager_endpoint" {
  description = "`SECRETS_MANAGER_ENDPOINT`, as AWS's own functions have it; empty: the Region's."
  type        = string
  default     = ""
}
