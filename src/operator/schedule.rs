//! When a secret rotates, and by which function, for an operator to read.

use super::function::same_function;
use crate::api::ConfiguredRotation;
use crate::aws::secrets::Described;

/// Takes a secret's rotation from what `DescribeSecret` shows. `function` is this function's ARN.
pub(super) fn configured(described: &mut Described, function: &str) -> ConfiguredRotation {
    ConfiguredRotation {
        enabled: described.rotation_enabled,
        by_this_function: described.function.as_deref().is_some_and(|arn| same_function(arn, function)),
        function: described.function.take(),
        rules: described.rules.take(),
        last_rotated: described.last_rotated.map(|at| at.to_string()),
        next: described.next_rotation.map(|at| at.to_string()),
    }
}

/// What is odd about a secret's rotation, if anything.
pub(super) fn warning(rotation: &ConfiguredRotation) -> Option<String> {
    match (rotation.enabled, &rotation.function) {
        (None, _) => Some(
            "rotation is not configured for this secret: name this function in rotate-secret --rotation-lambda-arn"
                .to_owned(),
        ),
        (Some(true), Some(other)) if !rotation.by_this_function => {
            Some(format!("the secret is rotated by another function, {other}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "arn:aws:lambda:eu-west-1:000000000000:function:keyroll";

    #[test]
    fn a_rotation_by_nobody_or_somebody_else_is_a_warning() {
        for (enabled, function, expected) in [
            (Some(true), Some(OURS.to_owned()), None),
            (Some(true), Some(format!("{OURS}:live")), None),
            (Some(true), Some(OURS.replace("keyroll", "other")), Some("another function")),
            (None, None, Some("not configured")),
            (Some(false), Some(OURS.to_owned()), None),
        ] {
            let mut described = Described { rotation_enabled: enabled, function, ..Described::default() };
            let warning = warning(&configured(&mut described, OURS));
            assert_eq!(warning.is_some(), expected.is_some(), "{enabled:?} {warning:?}");
            assert!(expected.is_none_or(|word| warning.unwrap().contains(word)), "{enabled:?}");
        }
    }
}
