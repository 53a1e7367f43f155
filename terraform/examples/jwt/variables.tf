variable "region" {
  description = "Region of all of it."
  type        = string
  default     = "eu-west-1"
}

variable "rotated" {
  description = "Whether each secret has been rotated once: then there are keys to start tasks with, and an AWSPREVIOUS."
  type        = bool
  default     = false
}

variable "bucket" {
  description = "Name of the bucket for the public keys; nobody else's in the world may have it."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the service."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the service."
  type        = list(string)
}

variable "image" {
  description = "Image of the service."
  type        = string
}

variable "package_path" {
  description = "The function's package."
  type        = string
  default     = "../../../dist/bootstrap-x86_64.zip"
}
