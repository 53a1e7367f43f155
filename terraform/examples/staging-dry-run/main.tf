# Rehearse before you rotate: a function that may read one secret and nothing else of yours. It has no schedule, turns no
# rotation on, and its role has no right to write, so a staging copy of production's secret is safe with it.
#
#   make build
#   terraform apply -var secret_arn=…
#   eval "$(terraform output -raw rehearse)" && cat answer.json

terraform {
  required_version = ">= 1.9"

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

module "keyroll" {
  source = "../.."

  name                = "keyroll-dry-run"
  package_path        = var.package_path
  dry_run_secret_arns = [var.secret_arn]
  admin_secret_arns   = var.admin_secret_arns
  clusters            = var.clusters
  vpc                 = var.vpc
  reconcile_schedule  = null
}

variable "region" {
  description = "Region of all of it."
  type        = string
  default     = "eu-west-1"
}

variable "secret_arn" {
  description = "The secret to rehearse on."
  type        = string
}

variable "admin_secret_arns" {
  description = "The administrator's secret, where the rotation would use one."
  type        = list(string)
  default     = []
}

variable "clusters" {
  description = "ARNs of the clusters to look for dependent services in."
  type        = list(string)
}

variable "vpc" {
  description = "Subnets and security groups from which the database can be reached."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null
}

variable "package_path" {
  description = "The function's package."
  type        = string
  default     = "../../../dist/bootstrap-x86_64.zip"
}

output "rehearse" {
  description = "The dry run, as a command; its answer is written to answer.json."
  value = join(" ", [
    "aws lambda invoke --function-name ${module.keyroll.function_name} --cli-binary-format raw-in-base64-out",
    "--payload '${jsonencode({ Action = "DryRun", SecretId = var.secret_arn })}' answer.json",
  ])
}
