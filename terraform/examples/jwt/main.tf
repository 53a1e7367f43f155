# Signing keys in the two forms that services take: a bare secret (JWT_SECRET) and a key ring (JWT_KEYS), one service that takes
# both, and the public half of the ring's keys in S3. Keep the form that you use. docs/signing-keys.md says how a service reads
# a ring.
#
#   make build
#   terraform apply                                          # no task runs yet: there is no key to sign with
#   aws secretsmanager rotate-secret --secret-id auth/jwt
#   aws secretsmanager rotate-secret --secret-id auth/jwt-keys
#   terraform apply -var rotated=true                        # and ever after; best as the default in variables.tf

terraform {
  required_version = ">= 1.11" # write-only attributes and ephemeral resources

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

data "aws_caller_identity" "current" {}

# The bare secret. Its first value is drawn while this is applied for the first time; it is ephemeral and write-only, so that
# neither state nor plan holds it. Every later one has the same form: 64 letters and digits.
#
# keyroll would take a placeholder here too. But after the first rotation AWSPREVIOUS would be that placeholder, and a service
# that verifies with AWSPREVIOUS would accept what anybody has signed with it.
ephemeral "aws_secretsmanager_random_password" "first" {
  password_length     = 64
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "jwt" {
  name        = "auth/jwt"
  description = "Signs tokens of auth-api; rotated by keyroll"

  tags = { "keyroll:kind" = "jwt" }
}

resource "aws_secretsmanager_secret_version" "jwt" {
  secret_id                = aws_secretsmanager_secret.jwt.id
  version_stages           = ["AWSCURRENT", "SEED"]
  secret_string_wo_version = 1
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.first.random_password

  # AWS deletes versions that no label holds, and Terraform would put a deleted one back, as AWSCURRENT. The label of its own
  # keeps this one, and where AWSCURRENT has gone since is none of Terraform's business. Leave the version at 1.
  lifecycle {
    ignore_changes = [version_stages]
  }
}

# The ring, without keys: the first rotation makes them, for the algorithm that stands here.
resource "aws_secretsmanager_secret" "ring" {
  name        = "auth/jwt-keys"
  description = "Key ring of auth-api; rotated by keyroll"

  tags = {
    "keyroll:kind"   = "jwt-keyring"
    "keyroll:copies" = "s3://${aws_s3_bucket.public_keys.bucket}/${local.public_keys}"
  }
}

resource "aws_secretsmanager_secret_version" "ring" {
  secret_id                = aws_secretsmanager_secret.ring.id
  version_stages           = ["AWSCURRENT", "SEED"]
  secret_string_wo_version = 1
  secret_string_wo         = jsonencode({ alg = "ES256", keys = [] })

  lifecycle {
    ignore_changes = [version_stages]
  }
}

module "keyroll" {
  source = "../.."

  package_path  = var.package_path
  rotation_days = 30

  # The versions' `arn` is the secrets'. By way of the versions, because turning rotation on runs a test that needs a value.
  secrets = {
    jwt  = aws_secretsmanager_secret_version.jwt.arn
    ring = aws_secretsmanager_secret_version.ring.arn
  }

  # Before a key goes, keyroll sees whether all tasks hold the next one, and who takes AWSPREVIOUS: the search (`discovery`)
  # stays on.
  clusters = [aws_ecs_cluster.this.arn]
  services = [aws_ecs_service.api.id] # the id of a service is its ARN

  # The one object of that tag, to write and not to read.
  copy_object_arns = ["${aws_s3_bucket.public_keys.arn}/${local.public_keys}"]
}

output "rehearse" {
  description = "What the next rotation of each secret would do, as commands."
  value = [for secret in [aws_secretsmanager_secret.jwt.name, aws_secretsmanager_secret.ring.name] : join(" ", [
    "aws lambda invoke --function-name ${module.keyroll.function_name} --cli-binary-format raw-in-base64-out",
    "--payload '${jsonencode({ Action = "DryRun", SecretId = secret })}' /dev/stdout",
  ])]
}
