//! The refusal of an event.

use crate::error::{Error, ErrorKind};

/// Refuses an event for this cause, and says what is taken.
pub(super) fn refused(cause: String) -> Error {
    Error::new(
        ErrorKind::RefusedEvent,
        cause,
        "send a rotation event {\"Step\", \"SecretId\", \"ClientRequestToken\"}, an operator event {\"Action\", \
         \"SecretId\"}, or an EventBridge event of aws.ecs, aws.secretsmanager or aws.ssm",
    )
}
