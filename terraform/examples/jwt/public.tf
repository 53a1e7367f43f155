# The public JWK Set, for services that only verify. keyroll writes the object, from the first rotation on; Terraform must not.
# Nobody but this account can read it: for others put CloudFront with an origin access control in front of the bucket, and let
# it obey the object's Cache-Control. The bucket lies in the function's Region.

locals {
  public_keys = ".well-known/jwks.json"
}

resource "aws_s3_bucket" "public_keys" {
  bucket = var.bucket
}

resource "aws_s3_bucket_public_access_block" "public_keys" {
  bucket = aws_s3_bucket.public_keys.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
