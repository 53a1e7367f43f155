//! Amazon Resource Names: `arn:partition:service:region:account:resource` (General Reference, "ARN format").

/// The parts of an ARN. Region and account may be empty, the resource may have colons and slashes of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov` and others.
    pub partition: &'a str,
    /// The service, as `secretsmanager`.
    pub service: &'a str,
    /// The Region, as `eu-west-1`.
    pub region: &'a str,
    /// The account's twelve digits.
    pub account: &'a str,
    /// The resource within the service, as `secret:orders/db-AbCdEf`.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes an ARN apart; any other text is none.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next();
        let ("arn", partition, service, region, account, resource) =
            (part()?, part()?, part()?, part()?, part()?, part()?)
        else {
            return None;
        };
        Some(Self { partition, service, region, account, resource })
    }

    /// What follows the type in a resource of this service, as `orders/db-AbCdEf` of the type `secret`.
    #[must_use]
    pub fn resource_of(self, service: &str, kind: &str) -> Option<&'a str> {
        let rest = self.resource.strip_prefix(kind).filter(|_| self.service == service)?;
        rest.strip_prefix([':', '/'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_has_six_parts_of_which_the_last_may_have_colons() {
        let secret =
            Arn::parse("arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf:password::").unwrap();
        assert_eq!((secret.partition, secret.region, secret.account), ("aws", "eu-west-1", "000000000000"));
        assert_eq!(secret.resource_of("secretsmanager", "secret"), Some("orders/db-AbCdEf:password::"));
        assert_eq!(secret.resource_of("ssm", "secret"), None);
        assert_eq!(secret.resource_of("secretsmanager", "sec"), None);
        let parameter = Arn::parse("arn:aws-cn:ssm:cn-north-1:000000000000:parameter/orders/db").unwrap();
        assert_eq!(parameter.resource_of("ssm", "parameter"), Some("orders/db"));
        assert_eq!(Arn::parse("arn:aws:s3:::bucket/key").unwrap().resource, "bucket/key");
        for text in
            ["", "orders/db", "arn:aws:ecs:eu-west-1:000000000000", "urn:aws:ecs:eu-west-1:000000000000:cluster/a"]
        {
            assert_eq!(Arn::parse(text), None, "{text:?}");
        }
    }
}
