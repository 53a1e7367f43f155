# The service that signs: ECS reads the secrets when a task starts, which is why a rotation must redeploy it.

resource "aws_ecs_cluster" "this" {
  name = "prod"
}

resource "aws_ecs_task_definition" "api" {
  family                   = "auth-api"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn

  container_definitions = jsonencode([{
    name      = "api"
    image     = var.image
    essential = true
    secrets = concat(
      [
        { name = "JWT_KEYS", valueFrom = aws_secretsmanager_secret.ring.arn },
        { name = "JWT_SECRET", valueFrom = aws_secretsmanager_secret.jwt.arn },
      ],
      # What was signed before the last rotation verifies with this one. Not earlier: ECS starts no task while no version is
      # labelled AWSPREVIOUS, and none is before the first rotation. A ring needs no such thing: it has its previous key in it.
      var.rotated ? [{ name = "JWT_SECRET_PREVIOUS", valueFrom = "${aws_secretsmanager_secret.jwt.arn}::AWSPREVIOUS:" }] : [],
    )
  }])
}

resource "aws_ecs_service" "api" {
  name            = "auth-api"
  cluster         = aws_ecs_cluster.this.arn
  task_definition = aws_ecs_task_definition.api.arn
  desired_count   = var.rotated ? 2 : 0
  launch_type     = "FARGATE"

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = var.security_group_ids
  }

  # A rollout that cannot become healthy goes back to the tasks before it.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
}

resource "aws_iam_role" "execution" {
  name = "auth-api-execution"

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
  name = "secrets"
  role = aws_iam_role.execution.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = [aws_secretsmanager_secret.jwt.arn, aws_secretsmanager_secret.ring.arn]
    }]
  })
}
