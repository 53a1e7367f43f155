# One database that you have, one secret for it, rotated every 30 days; the ECS services that use it are found and named,
# and the ones in `services` are redeployed.
#
#   make build
#   TF_VAR_password=… terraform apply         # the password that the database has now
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
  description = "Login of orders-api; rotated by keyroll"
}

# The first value, and the only one that comes from here: it is sent and forgotten, so neither state nor plan holds it.
# Leave the version at 1. Raising it would put the old password back over whatever has been rotated since.
resource "aws_secretsmanager_secret_version" "first" {
  secret_id                = aws_secretsmanager_secret.database.id
  version_stages           = ["AWSCURRENT", "SEED"]
  secret_string_wo_version = 1
  secret_string_wo = jsonencode({
    engine   = "postgres"
    host     = var.host
    port     = 5432
    dbname   = "orders"
    username = "orders_api"
    password = var.password
  })

  # AWS deletes versions that no label holds, and Terraform would put a deleted one back, password and all. The label of
  # its own keeps this one, and where AWSCURRENT has gone since is none of Terraform's business.
  lifecycle {
    ignore_changes = [version_stages]
  }
}

module "keyroll" {
  source = "../.."

  package_path = var.package_path
  services     = var.services

  # The version's `arn` is the secret's. By way of the version, because turning rotation on runs a test that needs a value.
  secrets = { orders = aws_secretsmanager_secret_version.first.arn }
}

variable "region" {
  description = "Region of all of it."
  type        = string
  default     = "eu-west-1"
}

variable "host" {
  description = "Host of the database, as its certificate names it."
  type        = string
}

variable "password" {
  description = "The password that the database has now; once the secret exists, any text."
  type        = string
  ephemeral   = true
}

variable "services" {
  description = "ARNs of the ECS services to redeploy."
  type        = list(string)
  default     = []
}

variable "package_path" {
  description = "The function's package."
  type        = string
  default     = "../../../dist/bootstrap-x86_64.zip"
}

output "watch" {
  description = "What a rotation does and says."
  value       = "aws logs tail ${module.keyroll.log_group_name} --follow"
}
