# The function's role: what it does and no more. Each statement below is one `permissions_…` list that is empty where its
# inputs are. They are `jsonencode`d and not `aws_iam_policy_document`s: those are unknown until apply as soon as one ARN
# is, and what cannot be read in a plan cannot be reviewed or tested there.

locals {
  through_secrets_manager = "secretsmanager.${local.region}.amazonaws.com"

  # What the secrets' keys are used for, by the kind of secret. Secrets Manager puts the secret's ARN into the encryption
  # context, so that a key shared with other secrets opens none of those.
  kms_uses = [
    { sid = "KeysOfRotatedSecrets", actions = ["kms:Decrypt", "kms:GenerateDataKey"], secrets = values(var.secrets) },
    { sid = "KeysOfAdminSecrets", actions = ["kms:Decrypt"], secrets = var.admin_secret_arns },
    { sid = "KeysOfRdsAdminSecrets", actions = ["kms:Decrypt"], secrets = var.rds_admin_secret_arns },
    { sid = "KeysOfDryRunSecrets", actions = ["kms:Decrypt"], secrets = var.dry_run_secret_arns },
  ]

  permissions_secrets = concat(
    # Only while the secret's rotation points at this function. AWS lets it go as soon as it points elsewhere.
    length(var.secrets) == 0 ? [] : [{
      Sid    = "RotatedSecrets"
      Effect = "Allow"
      Action = [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:ListSecretVersionIds",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
      ]
      Resource  = values(var.secrets)
      Condition = { ArnEquals = { "secretsmanager:resource/AllowRotationLambdaArn" = local.function_arn } }
    }],
    # For the schedule, which names no secret. AWS takes no ARN here; the answer holds names and tags, never values.
    var.reconcile_schedule == null ? [] : [{
      Sid      = "FindSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:ListSecrets"]
      Resource = "*"
    }],
    length(var.admin_secret_arns) == 0 ? [] : [{
      Sid      = "AdminSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = var.admin_secret_arns
    }],
    # Their JSON has no host: RDS's tags on the secret name the server, and RDS its address.
    length(var.rds_admin_secret_arns) == 0 ? [] : [{
      Sid      = "RdsAdminSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
      Resource = var.rds_admin_secret_arns
    }],
    length(var.rds_instance_arns) == 0 ? [] : [{
      Sid      = "RdsInstances"
      Effect   = "Allow"
      Action   = ["rds:DescribeDBInstances"]
      Resource = var.rds_instance_arns
    }],
    length(var.rds_cluster_arns) == 0 ? [] : [{
      Sid      = "RdsClusters"
      Effect   = "Allow"
      Action   = ["rds:DescribeDBClusters"]
      Resource = var.rds_cluster_arns
    }],
    # Not attached to this function, so the condition above could never be met.
    length(var.dry_run_secret_arns) == 0 ? [] : [{
      Sid      = "DryRunSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:ListSecretVersionIds"]
      Resource = var.dry_run_secret_arns
    }],
    [for use in local.kms_uses : {
      Sid      = use.sid
      Effect   = "Allow"
      Action   = use.actions
      Resource = var.kms_key_arns
      Condition = { StringEquals = {
        "kms:ViaService"                  = local.through_secrets_manager
        "kms:EncryptionContext:SecretARN" = use.secrets
      } }
    } if length(var.kms_key_arns) > 0 && length(use.secrets) > 0],
  )

  in_clusters = length(var.clusters) == 0 ? {} : { ArnEquals = { "ecs:cluster" = var.clusters } }

  permissions_services = concat(
    length(var.services) == 0 ? [] : [merge({
      Sid      = "Services"
      Effect   = "Allow"
      Action   = concat(["ecs:UpdateService"], var.discovery ? [] : ["ecs:DescribeServices", "ecs:ListServiceDeployments"])
      Resource = var.services
    }, length(var.clusters) == 0 ? {} : { Condition = local.in_clusters })],
    var.discovery && length(var.clusters) == 0 ? [{
      Sid      = "FindClusters"
      Effect   = "Allow"
      Action   = ["ecs:ListClusters"]
      Resource = "*"
    }] : [],
    # The search reads services by the ten before it knows which it wants; the clusters are the bound. ListServices takes
    # no ARN.
    var.discovery ? [
      merge({
        Sid      = "FindServices"
        Effect   = "Allow"
        Action   = ["ecs:ListServices"]
        Resource = "*"
      }, length(var.clusters) == 0 ? {} : { Condition = local.in_clusters }),
      merge({
        Sid      = "LookAtServices"
        Effect   = "Allow"
        Action   = ["ecs:DescribeServices", "ecs:ListServiceDeployments"]
        Resource = "arn:${local.partition}:ecs:${local.region}:${local.account}:service/*"
      }, length(var.clusters) == 0 ? {} : { Condition = local.in_clusters }),
    ] : [],
    # Also without the search where there is an administrator: with alternating users the user name changes, and a
    # container that takes the password without it must be seen before. AWS takes neither an ARN nor the cluster here.
    var.discovery || length(var.admin_secret_arns) + length(var.rds_admin_secret_arns) > 0 ? [{
      Sid      = "LookAtTaskDefinitions"
      Effect   = "Allow"
      Action   = ["ecs:DescribeTaskDefinition"]
      Resource = "*"
    }] : [],
  )

  permissions_copies = concat(
    # Without GetParameter: what is written is the value of AWSCURRENT, and writing it again is harmless, so there is
    # nothing to read first; and a role that cannot read parameters cannot leak one.
    length(var.copy_parameter_arns) == 0 ? [] : [{
      Sid      = "CopiesInParameters"
      Effect   = "Allow"
      Action   = ["ssm:PutParameter"]
      Resource = var.copy_parameter_arns
    }],
    # SSM encrypts standard parameters by Encrypt and advanced ones by GenerateDataKey.
    length(var.copy_parameter_kms_key_arns) == 0 || length(var.copy_parameter_arns) == 0 ? [] : [{
      Sid      = "KeysOfParameters"
      Effect   = "Allow"
      Action   = ["kms:Encrypt", "kms:GenerateDataKey"]
      Resource = var.copy_parameter_kms_key_arns
      Condition = { StringEquals = {
        "kms:ViaService"                      = "ssm.${local.region}.amazonaws.com"
        "kms:EncryptionContext:PARAMETER_ARN" = var.copy_parameter_arns
      } }
    }],
    length(var.copy_object_arns) == 0 ? [] : [{
      Sid      = "CopiesInObjects"
      Effect   = "Allow"
      Action   = ["s3:PutObject"]
      Resource = var.copy_object_arns
    }],
    # By service only: with a bucket key the encryption context names the bucket, without one the object.
    length(var.copy_object_kms_key_arns) == 0 || length(var.copy_object_arns) == 0 ? [] : [{
      Sid       = "KeysOfObjects"
      Effect    = "Allow"
      Action    = ["kms:GenerateDataKey"]
      Resource  = var.copy_object_kms_key_arns
      Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
    }],
  )
}
