# The database and its secret. One password is drawn while this is applied for the first time and given to both; it is
# ephemeral, and both attributes are write-only, so neither state nor plan ever holds it. From then on it is keyroll's: no
# later apply changes it, as long as the versions below stay as they are.

ephemeral "aws_secretsmanager_random_password" "first" {
  password_length     = 32
  exclude_punctuation = true
}

resource "aws_kms_key" "secrets" {
  description         = "Secrets of orders"
  enable_key_rotation = true
}

resource "aws_db_subnet_group" "this" {
  name       = "orders"
  subnet_ids = var.subnet_ids
}

resource "aws_db_instance" "this" {
  identifier             = "orders"
  engine                 = "postgres"
  engine_version         = "16"
  instance_class         = "db.t4g.micro"
  allocated_storage      = 20
  storage_encrypted      = true
  db_name                = "orders"
  username               = "orders_api"
  password_wo            = ephemeral.aws_secretsmanager_random_password.first.random_password
  password_wo_version    = 1
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.database.id]

  # For an example that you take down again.
  skip_final_snapshot = true
}

resource "aws_secretsmanager_secret" "database" {
  name        = "orders/db"
  description = "Login of orders-api; rotated by keyroll"
  kms_key_id  = aws_kms_key.secrets.arn

  tags = { "keyroll:services" = "${aws_ecs_cluster.this.name}/orders-api" }
}

resource "aws_secretsmanager_secret_version" "first" {
  secret_id                = aws_secretsmanager_secret.database.id
  version_stages           = ["AWSCURRENT", "SEED"]
  secret_string_wo_version = 1
  secret_string_wo = jsonencode({
    engine   = "postgres"
    host     = aws_db_instance.this.address
    port     = aws_db_instance.this.port
    dbname   = aws_db_instance.this.db_name
    username = aws_db_instance.this.username
    password = ephemeral.aws_secretsmanager_random_password.first.random_password
  })

  # AWS deletes versions that no label holds, and Terraform would put a deleted one back with a password that no database
  # has. The label of its own keeps this one, and where AWSCURRENT has gone since is none of Terraform's business.
  lifecycle {
    ignore_changes = [version_stages]
  }
}
