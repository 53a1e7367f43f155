# The service that uses the secret: ECS reads it when a task starts, which is why a rotation must redeploy it.

resource "aws_ecs_cluster" "this" {
  name = "prod"
}

resource "aws_ecs_task_definition" "api" {
  family                   = "orders-api"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn

  container_definitions = jsonencode([{
    name      = "api"
    image     = var.image
    essential = true
    # The whole JSON; `valueFrom = "ARN:password::"` would give the password alone.
    secrets = [{ name = "DATABASE_LOGIN", valueFrom = aws_secretsmanager_secret.database.arn }]
  }])
}

resource "aws_ecs_service" "api" {
  name            = "orders-api"
  cluster         = aws_ecs_cluster.this.arn
  task_definition = aws_ecs_task_definition.api.arn
  desired_count   = 2
  launch_type     = "FARGATE"

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = [aws_security_group.api.id]
  }

  # A rollout that cannot become healthy goes back to the tasks before it, which read the secret again.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  # Tasks can start when there is a value to start with.
  depends_on = [aws_secretsmanager_secret_version.first]
}

resource "aws_iam_role" "execution" {
  name = "orders-api-execution"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

# Besides what the image's registry needs.
resource "aws_iam_role_policy" "execution" {
  name = "secret"
  role = aws_iam_role.execution.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = aws_secretsmanager_secret.database.arn },
      { Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.secrets.arn },
    ]
  })
}
