//! What was called: the `CloudTrail` of the stage.

use std::time::Duration;

use serde_json::Value;

/// One call, as it arrived and as it was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The service: `secretsmanager`, `ecs`, or the service the request was signed for.
    pub service: String,
    /// The operation; method and path for REST services.
    pub operation: String,
    /// When it arrived, since the stage started.
    pub at: Duration,
    /// The request; null when it is neither JSON nor a form.
    pub request: Value,
    /// The HTTP status of the answer; none when it was never answered.
    pub status: Option<u16>,
    /// The error code of the answer.
    pub error: Option<String>,
    /// The number of the TCP connection it came by, from 1.
    pub connection: u64,
    /// The access key the request was signed with; empty when it was not.
    pub access_key: String,
    /// Whether the model (or the upstream) did what was asked; a lost answer leaves `true` here and no status.
    pub applied: bool,
}

#[derive(Default)]
pub(crate) struct Record {
    calls: Vec<Call>,
    /// Numbers stay true when the list is cleared while calls are under way.
    cleared: usize,
    connections: u64,
}

impl Record {
    pub(crate) fn connection(&mut self) -> u64 {
        self.connections += 1;
        self.connections
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections
    }

    /// Notes a call's arrival and gives the number under which its end is noted.
    pub(crate) fn arrived(&mut self, call: Call) -> usize {
        self.calls.push(call);
        self.cleared + self.calls.len() - 1
    }

    pub(crate) fn applied(&mut self, number: usize) {
        if let Some(call) = self.entry(number) {
            call.applied = true;
        }
    }

    pub(crate) fn answered(&mut self, number: usize, status: u16, error: Option<String>) {
        if let Some(call) = self.entry(number) {
            call.status = Some(status);
            call.error = error;
        }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.clone()
    }

    pub(crate) fn clear(&mut self) {
        self.cleared += self.calls.len();
        self.calls.clear();
    }

    fn entry(&mut self, number: usize) -> Option<&mut Call> {
        self.calls.get_mut(number.checked_sub(self.cleared)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_a_call_that_was_cleared_does_not_land_on_another() {
        let call = |operation: &str| Call {
            service: "ecs".into(),
            operation: operation.into(),
            at: Duration::ZERO,
            request: Value::Null,
            status: None,
            error: None,
            connection: 1,
            access_key: String::new(),
            applied: false,
        };
        let mut record = Record::default();
        let first = record.arrived(call("a"));
        record.clear();
        let second = record.arrived(call("b"));
        record.answered(first, 500, None);
        assert_eq!(record.calls()[0].status, None);
        record.applied(second);
        record.answered(second, 200, None);
        assert_eq!((record.calls()[0].status, record.calls()[0].applied), (Some(200), true));
    }
}
