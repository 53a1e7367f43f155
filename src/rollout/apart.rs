//! Before a rotation that changes the user name with the password: would a container go on with the old name beside the
//! new password? Nothing has changed yet, and nothing must be changed while one would. What cannot be looked at stops no
//! rotation: it is a warning.

use std::time::Duration;

use super::discovery::{look_at, search_within};
use crate::api::listed;
use crate::config::{Dependents, Settings};
use crate::context::{Clock, Context};
use crate::dependents::Apart;
use crate::error::{Error, ErrorKind};

/// The look takes at most the time left divided by this: the rotation itself comes after it.
const PARTS: usize = 3;
/// And no more than this, however much is left: 400 task definitions at ECS's rate.
const MOST: Duration = Duration::from_secs(20);

/// Looks at every dependent for containers that take the password of the secret of this ARN without its user name. Gives
/// the refusal, where there are any, and a warning for everything that could not be checked.
pub(crate) async fn find(context: &Context<'_>, arn: &str, settings: &Settings) -> (Option<Error>, Vec<String>) {
    let clock = within(context);
    let (apart, unseen) = match &settings.dependents {
        Dependents::Named(names) => {
            let estate = look_at(context, clock, names).await;
            (estate.apart(arn), [estate.unseen, estate.unread].concat())
        }
        Dependents::Discovered => {
            search_within(context, clock, |estate| (estate.apart(arn), estate.unseen.clone())).await
        }
        Dependents::Unreadable(error) => (Vec::new(), vec![error.clone()]),
    };
    (refusal(arn, &apart), unseen.iter().map(unchecked).collect())
}

/// The time that a look before a rotation may take.
pub(super) fn within(context: &Context<'_>) -> Clock {
    let third = context.clock.part(PARTS);
    third.leaving(third.left().saturating_sub(MOST))
}

fn refusal(arn: &str, apart: &[Apart]) -> Option<Error> {
    (!apart.is_empty()).then(|| {
        Error::new(
            ErrorKind::RefusedSetting,
            format!(
                "a rotation that alternates users changes the user name with the password, and these would log in with the \
                 new password and the old name: {}",
                listed(apart)
            ),
            format!(
                "let each of these containers take username from the secret too (\"valueFrom\": \"{arn}:username::\" beside \
                 its password, with the same label), deploy the service, then rotate again; or tag the secret \
                 keyroll:strategy=single-user"
            ),
        )
    })
}

fn unchecked(error: &Error) -> String {
    let remedy = match error.kind() {
        // More time helps only so far, and what has been read is remembered.
        ErrorKind::FailedDeadline => "it may take a third of the time that is left, and 20 s at most".into(),
        _ => error.remedy(),
    };
    format!(
        "whether every container that takes the password takes the user name with it could not be checked: {}; {remedy}",
        error.cause()
    )
}

#[cfg(test)]
mod tests;
