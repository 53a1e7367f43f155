# MariaDB with alternating users, as AWS's multi-user function has it: after a rotation the account before goes on
# working, so that no login fails while the services' tasks are replaced. Where one account can have two passwords, the example
# mariadb-overlap is simpler. The database, its administrator and the administrator's secret are yours; docs/mariadb.md says
# which rights the administrator needs.
#
#   make build
#   TF_VAR_password=… terraform apply         # the password that the account has now
#   TF_VAR_password=unused terraform apply    # ever after: it is sent with the first version only

terraform {
  required_version = ">= 1.11" # write-only attributes and ephemeral variables

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

resource "aws_secretsmanager_secret" "database" {
  name        = "orders/db"
  description = "Login of orders-api; rotated by keyroll, as orders_api and orders_api_clone in turn"

  tags = { "keyroll:services" = "${local.cluster}/orders-api" }
}

# Its containers take the user name and the password, for both change:
#
#   { name = "DB_USER", valueFrom = "SECRET-ARN:username::" }, { name = "DB_PASSWORD", valueFrom = "SECRET-ARN:password::" }
#
# The first value only; see the minimal example for why it stays at version 1.
resource "aws_secretsmanager_secret_version" "first" {
  secret_id                = aws_secretsmanager_secret.database.id
  version_stages           = ["AWSCURRENT", "SEED"]
  secret_string_wo_version = 1
  secret_string_wo = jsonencode({
    engine   = "mariadb"
    host     = var.host
    port     = 3306
    dbname   = "orders"
    username = "orders_api"
    password = var.password
    # Users alternate because this is here, as with AWS's multi-user function.
    masterarn = var.admin_secret_arn
  })

  lifecycle {
    ignore_changes = [version_stages]
  }
}

locals {
  cluster = element(split("/", var.cluster_arn), 1)
  # The service's ARN without asking ECS; the tag names the same one.
  service = "${replace(var.cluster_arn, ":cluster/", ":service/")}/orders-api"
}

module "keyroll" {
  source = "../.."

  package_path = var.package_path
  secrets      = { orders = aws_secretsmanager_secret_version.first.arn }
  clusters     = [var.cluster_arn]
  services     = [local.service]
  discovery    = false # the secret's tag names the service

  # A secret that RDS manages holds a name and a password; RDS tells the rest.
  admin_secret_arns     = var.db_instance_arn == null ? [var.admin_secret_arn] : []
  rds_admin_secret_arns = var.db_instance_arn == null ? [] : [var.admin_secret_arn]
  rds_instance_arns     = var.db_instance_arn == null ? [] : [var.db_instance_arn]
}

variable "region" {
  description = "Region of all of it."
  type        = string
  default     = "eu-west-1"
}

variable "host" {
  description = "Host of the database, as its certificate names it and as the administrator's secret does."
  type        = string
}

variable "admin_secret_arn" {
  description = "Secret of an administrator on that host, with engine, host, username and password; or one that RDS manages."
  type        = string
}

variable "db_instance_arn" {
  description = "The instance whose master password RDS manages in `admin_secret_arn`; null for a secret of your own."
  type        = string
  default     = null
}

variable "password" {
  description = "The password that orders_api has now; once the secret exists, any text."
  type        = string
  ephemeral   = true
}

variable "cluster_arn" {
  description = "The cluster of the service orders-api."
  type        = string
}

variable "package_path" {
  description = "The function's package."
  type        = string
  default     = "../../../dist/bootstrap-x86_64.zip"
}

output "rehearse" {
  description = "What a rotation would do, and what would stop it, as a command."
  value = join(" ", [
    "aws lambda invoke --function-name ${module.keyroll.function_name} --cli-binary-format raw-in-base64-out",
    "--payload '${jsonencode({ Action = "DryRun", SecretId = aws_secretsmanager_secret.database.name })}' /dev/stdout",
  ])
}
