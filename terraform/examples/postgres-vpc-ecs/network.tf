# Who may talk to whom. The subnets must have a way (NAT or VPC endpoints) to Secrets Manager, ECS and KMS.

resource "aws_security_group" "database" {
  name        = "orders-database"
  description = "The database of orders"
  vpc_id      = var.vpc_id
}

resource "aws_security_group" "function" {
  name        = "keyroll"
  description = "The function that rotates secrets"
  vpc_id      = var.vpc_id
}

resource "aws_security_group" "api" {
  name        = "orders-api"
  description = "The service that uses the database"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  for_each = { function = aws_security_group.function.id, api = aws_security_group.api.id }

  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

# To the database, and by TLS to AWS.
resource "aws_vpc_security_group_egress_rule" "function" {
  for_each = { database = 5432, aws = 443 }

  security_group_id = aws_security_group.function.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "api" {
  security_group_id = aws_security_group.api.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
