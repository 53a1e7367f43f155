//! Dates as the SDK gives them.

use aws_smithy_types::DateTime;

use crate::timestamp::Timestamp;

/// A date as a time; none where AWS shows none.
pub(super) fn timestamp(date: Option<&DateTime>) -> Option<Timestamp> {
    date?.to_millis().ok().map(Timestamp::from_millis)
}
