terraform {
  # 1.9: a validation may look at other variables. The examples need 1.11, for write-only attributes.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # Tested with 5.100. Nothing here uses what 6.x deprecates: the Region is read as `id`, which both have.
      version = ">= 5.100, < 7.0"
    }
  }
}
