# What the role may reach. Each ARN is one thing: a wildcard is refused, and a tag on a secret can choose among these
# only, never add to them.

variable "secrets" {
  description = <<-EOT
    The secrets that this function rotates: a name of your choice => the secret's full ARN, random suffix included. The
    module turns their rotation on and never creates or reads a version. IAM allows a role some 10,000 characters, enough
    for about 35 secrets; beyond that use the module twice.
  EOT
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for arn in values(var.secrets) : can(regex("^arn:[^:*?]+:secretsmanager:[^:*?]+:[0-9]{12}:secret:[^*?]+-[A-Za-z0-9]{6}$", arn))])
    error_message = "secrets: full ARNs of secrets, with the six characters that AWS adds, without wildcards."
  }
}

variable "admin_secret_arns" {
  description = "Administrators' secrets, read only: the ones that `keyroll:admin-secret` or `masterarn` name. Alternating users need one, and so do two passwords of a MariaDB account."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.admin_secret_arns : can(regex("^arn:[^:*?]+:secretsmanager:[^:*?]+:[0-9]{12}:secret:[^*?]+$", arn))])
    error_message = "admin_secret_arns: ARNs of secrets, without wildcards."
  }
}

variable "rds_admin_secret_arns" {
  description = "Administrators' secrets that RDS manages (`rds!…`), read only. Name their servers in `rds_instance_arns` or `rds_cluster_arns`."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.rds_admin_secret_arns : can(regex("^arn:[^:*?]+:secretsmanager:[^:*?]+:[0-9]{12}:secret:rds![^*?]+$", arn))])
    error_message = "rds_admin_secret_arns: ARNs of secrets whose name begins with rds!, without wildcards. Others belong in admin_secret_arns."
  }
}

variable "rds_instance_arns" {
  description = "Instances that the function asks RDS about: whose administrator's secret RDS manages; a read replica that an account logs in to, with its primary; an instance of Aurora that an administrator's secret names as its host."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.rds_instance_arns : can(regex("^arn:[^:*?]+:rds:[^:*?]+:[0-9]{12}:db:[^:*?]+$", arn))])
    error_message = "rds_instance_arns: ARNs of DB instances, without wildcards."
  }
}

variable "rds_cluster_arns" {
  description = "Clusters that the function asks RDS about: whose administrator's secret RDS manages, or where an account logs in at another endpoint than the administrator."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.rds_cluster_arns : can(regex("^arn:[^:*?]+:rds:[^:*?]+:[0-9]{12}:cluster:[^:*?]+$", arn))])
    error_message = "rds_cluster_arns: ARNs of DB clusters, without wildcards."
  }
}

variable "dry_run_secret_arns" {
  description = "Secrets that the function may rehearse on but not rotate, read only: those of `DryRun` before rotation is turned on."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.dry_run_secret_arns : can(regex("^arn:[^:*?]+:secretsmanager:[^:*?]+:[0-9]{12}:secret:[^*?]+$", arn))])
    error_message = "dry_run_secret_arns: ARNs of secrets, without wildcards."
  }
}

variable "services" {
  description = <<-EOT
    ECS services that the function may redeploy, by ARN with the cluster's name in it. A service that the search finds
    and this list lacks is reported as failed, with the permission that it needs, and left alone.
  EOT
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.services : can(regex("^arn:[^:*?]+:ecs:[^:*?]+:[0-9]{12}:service/[^/*?]+/[^/*?]+$", arn))])
    error_message = "services: ARNs such as arn:aws:ecs:eu-west-1:123456789012:service/prod/orders-api, without wildcards."
  }
}

variable "clusters" {
  description = "`KEYROLL_CLUSTERS`: ARNs of the clusters to look for dependent services in; none: all of the Region. Named ones also bound `services`."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.clusters : can(regex("^arn:[^:*?]+:ecs:[^:*?]+:[0-9]{12}:cluster/[^/*?]+$", arn))])
    error_message = "clusters: ARNs such as arn:aws:ecs:eu-west-1:123456789012:cluster/prod, without wildcards."
  }
}

variable "discovery" {
  description = <<-EOT
    Whether the role may look for dependent services by itself. It reads task definitions, and AWS has no way to allow
    some of those only: turn it off where every secret has the tag `keyroll:services`. With an
    administrator's secret the role keeps that one right: alternating users change the user name, and a container that
    takes the password without it has to be seen before that. For signing keys leave it on, to be told which containers
    do not take AWSPREVIOUS.
  EOT
  type        = bool
  default     = true
}

variable "kms_key_arns" {
  description = "Customer-managed keys of the secrets above. The role may use them through Secrets Manager and for these secrets only."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.kms_key_arns : can(regex("^arn:[^:*?]+:kms:[^:*?]+:[0-9]{12}:key/[^*?]+$", arn))])
    error_message = "kms_key_arns: ARNs of keys (not aliases), without wildcards."
  }
}

variable "copy_parameter_arns" {
  description = "SSM parameters that may hold a copy (`keyroll:copies`, `ssm:/…`). The role may write them and not read them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.copy_parameter_arns : can(regex("^arn:[^:*?]+:ssm:[^:*?]+:[0-9]{12}:parameter/[^*?]+$", arn))])
    error_message = "copy_parameter_arns: ARNs of parameters, without wildcards."
  }
}

variable "copy_parameter_kms_key_arns" {
  description = "Customer-managed keys of those parameters."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.copy_parameter_kms_key_arns : can(regex("^arn:[^:*?]+:kms:[^:*?]+:[0-9]{12}:key/[^*?]+$", arn))])
    error_message = "copy_parameter_kms_key_arns: ARNs of keys (not aliases), without wildcards."
  }
}

variable "copy_object_arns" {
  description = <<-EOT
    S3 objects that keyroll writes the public half of signing keys to (`keyroll:copies`, `s3://bucket/key`), each by its ARN,
    `arn:aws:s3:::bucket/key`. The role may write these and not read them; without any it has no right to S3 at all. The
    bucket lies in the function's Region.
  EOT
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.copy_object_arns : can(regex("^arn:[^:*?]+:s3:::[^/*?]+/[^*?]+$", arn))])
    error_message = "copy_object_arns: ARNs of objects, such as arn:aws:s3:::bucket/key, without wildcards."
  }
}

variable "copy_object_kms_key_arns" {
  description = "Customer-managed keys that the buckets of those objects encrypt with (SSE-KMS). The role may use them through S3 only."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.copy_object_kms_key_arns : can(regex("^arn:[^:*?]+:kms:[^:*?]+:[0-9]{12}:key/[^*?]+$", arn))])
    error_message = "copy_object_kms_key_arns: ARNs of keys (not aliases), without wildcards."
  }
}
