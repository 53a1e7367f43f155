//! The ARN of a function, with or without a version or alias behind its name.

/// Whether two ARNs name the same function, be it with or without a version or alias behind its name.
pub(super) fn same_function(one: &str, other: &str) -> bool {
    is_function(one) && unqualified(one) == unqualified(other)
}

pub(super) fn is_function(arn: &str) -> bool {
    unqualified(arn).len() == FUNCTION_PARTS
}

/// The parts of `arn:partition:lambda:region:account:function:NAME`.
const FUNCTION_PARTS: usize = 7;

fn unqualified(arn: &str) -> Vec<&str> {
    arn.split(':').take(FUNCTION_PARTS).collect()
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
