//! The ARN of a function, with or without a version or alias behind its name.

use crate::arn::Arn;

/// Whether two ARNs name one function, be it with or without a version or alias behind its name.
pub(super) fn same_function(one: &str, other: &str) -> bool {
    unqualified(one).is_some_and(|one| unqualified(other) == Some(one))
}

pub(super) fn is_function(arn: &str) -> bool {
    unqualified(arn).is_some()
}

/// The ARN without version or alias: `arn:partition:lambda:region:account:function:NAME`, the resource being the name.
fn unqualified(text: &str) -> Option<Arn<'_>> {
    let arn = Arn::parse(text)?;
    let resource = arn.resource_of("lambda", "function")?.split(':').next()?;
    Some(Arn { resource, ..arn })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_the_same_under_each_of_its_names() {
        let arn = "arn:aws:lambda:eu-west-1:000000000000:function:keyroll";
        assert!(same_function(arn, arn));
        assert!(same_function(&format!("{arn}:live"), &format!("{arn}:3")));
        for other in [
            "arn:aws:lambda:eu-west-1:000000000000:function:keyroll-staging",
            "arn:aws:lambda:eu-west-2:000000000000:function:keyroll",
            "arn:aws:lambda:eu-west-1:000000000001:function:keyroll",
            "keyroll",
            "",
        ] {
            assert!(!same_function(arn, other), "{other}");
        }
        assert!(!same_function("", ""));
    }
}
