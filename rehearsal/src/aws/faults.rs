//! Faults: what goes wrong, at which call, how often; and the list of what did go wrong.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::wire::ApiError;

/// Something a test does at a point of a call, for example killing the function.
pub type Hook = Arc<dyn Fn() + Send + Sync>;

/// What goes wrong.
#[derive(Clone)]
pub enum Fault {
    /// The call is not applied and answers this error.
    Error(ApiError),
    /// The call is not applied: no policy of the function's role allows it.
    Denied,
    /// The connection is closed; the call is not applied.
    Reset,
    /// The call is applied and its answer never leaves: the connection is closed.
    LoseAnswer,
    /// The call is not applied and never answered.
    Hang,
    /// The call is applied late.
    Delay(Duration),
    /// The hook runs before the call is applied. A caller that does not survive it never made the call.
    Before(Hook),
    /// The hook runs after the call was applied and before it is answered.
    After(Hook),
}

/// A fault and the calls it strikes: all of them by default.
#[derive(Clone, Debug)]
pub struct Rule {
    operation: Option<String>,
    about: Option<String>,
    key: Option<String>,
    first: u64,
    times: u64,
    fault: Fault,
}

/// A rule that struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The rule's number, in the order in which rules were set.
    pub rule: usize,
    /// The operation it struck.
    pub operation: String,
    /// Which of the calls that the rule looks at it was, from 1.
    pub nth: u64,
}

/// Who calls what: all that a rule looks at.
pub(crate) struct Subject<'a> {
    pub(crate) operation: &'a str,
    pub(crate) access_key: &'a str,
    pub(crate) is_function: bool,
    pub(crate) request: &'a serde_json::Value,
}

#[derive(Default)]
pub(crate) struct Faults {
    rules: Vec<(Rule, u64)>,
    fired: Vec<Fired>,
}

impl Fault {
    /// An error as the service would answer it.
    #[must_use]
    pub fn error(code: &str, status: u16, message: &str) -> Self {
        Self::Error(ApiError { status, ..ApiError::new(code, message) })
    }

    /// Throttling, which every SDK retries.
    #[must_use]
    pub fn throttle() -> Self {
        Self::error("ThrottlingException", 400, "Rate exceeded")
    }

    /// Runs before the call is applied.
    pub fn before(hook: impl Fn() + Send + Sync + 'static) -> Self {
        Self::Before(Arc::new(hook))
    }

    /// Runs after the call was applied and before it is answered.
    pub fn after(hook: impl Fn() + Send + Sync + 'static) -> Self {
        Self::After(Arc::new(hook))
    }
}

impl Rule {
    /// Strikes every call the function makes.
    #[must_use]
    pub fn any(fault: Fault) -> Self {
        Self { operation: None, about: None, key: None, first: 1, times: u64::MAX, fault }
    }

    /// Strikes the function's calls of one operation.
    #[must_use]
    pub fn on(operation: &str, fault: Fault) -> Self {
        Self { operation: Some(operation.to_owned()), ..Self::any(fault) }
    }

    /// Only calls with this text somewhere in the request: a secret's name, a service.
    #[must_use]
    pub fn about(self, text: &str) -> Self {
        Self { about: Some(text.to_owned()), ..self }
    }

    /// Only the n-th of the calls it looks at, counted from 1 since the rule was set.
    #[must_use]
    pub fn nth(self, nth: u64) -> Self {
        Self { first: nth, times: 1, ..self }
    }

    /// At most so many times in a row (after [`Rule::nth`]: from that call on).
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    /// Calls made with this access key instead of all that are not the stage's own.
    #[must_use]
    pub fn by(self, access_key: &str) -> Self {
        Self { key: Some(access_key.to_owned()), ..self }
    }

    fn looks_at(&self, subject: &Subject<'_>) -> bool {
        let caller = self.key.as_ref().map_or(subject.is_function, |key| key == subject.access_key);
        let named = |text: &String| subject.request.to_string().contains(text.as_str());
        caller
            && self.operation.as_ref().is_none_or(|operation| operation == subject.operation)
            && self.about.as_ref().is_none_or(named)
    }
}

impl Faults {
    pub(crate) fn add(&mut self, rule: Rule) -> usize {
        self.rules.push((rule, 0));
        self.rules.len() - 1
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
        self.fired.clear();
    }

    pub(crate) fn fired(&self) -> Vec<Fired> {
        self.fired.clone()
    }

    /// The faults that strike this call, in the order in which they were set.
    pub(crate) fn strike(&mut self, subject: &Subject<'_>) -> Vec<Fault> {
        let mut struck = Vec::new();
        for (number, (rule, seen)) in self.rules.iter_mut().enumerate() {
            if !rule.looks_at(subject) {
                continue;
            }
            *seen += 1;
            if (rule.first..rule.first.saturating_add(rule.times)).contains(seen) {
                self.fired.push(Fired { rule: number, operation: subject.operation.to_owned(), nth: *seen });
                struck.push(rule.fault.clone());
            }
        }
        struck
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "Error({})", error.code),
            Self::Denied => f.write_str("Denied"),
            Self::Reset => f.write_str("Reset"),
            Self::LoseAnswer => f.write_str("LoseAnswer"),
            Self::Hang => f.write_str("Hang"),
            Self::Delay(by) => write!(f, "Delay({by:?})"),
            Self::Before(_) => f.write_str("Before"),
            Self::After(_) => f.write_str("After"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn strike(faults: &mut Faults, operation: &str, key: &str) -> usize {
        let request = json!({"SecretId": "app/db"});
        faults.strike(&Subject { operation, access_key: key, is_function: key == "F", request: &request }).len()
    }

    #[test]
    fn the_nth_call_counts_only_what_the_rule_looks_at() {
        let mut faults = Faults::default();
        faults.add(Rule::on("Put", Fault::Reset).nth(2));
        faults.add(Rule::any(Fault::Hang).nth(3).times(2));
        let struck: Vec<usize> =
            ["Put", "Get", "Put", "Put", "Put"].map(|operation| strike(&mut faults, operation, "F")).to_vec();
        assert_eq!(struck, [0, 0, 2, 1, 0]);
        let fired = |rule, nth| Fired { rule, operation: "Put".into(), nth };
        assert_eq!(faults.fired(), [fired(0, 2), fired(1, 3), fired(1, 4)]);
    }

    #[test]
    fn rules_strike_the_function_only_unless_a_key_is_named() {
        let mut faults = Faults::default();
        faults.add(Rule::any(Fault::Reset));
        faults.add(Rule::any(Fault::Reset).by("test"));
        assert_eq!(strike(&mut faults, "Get", "F"), 1);
        assert_eq!(strike(&mut faults, "Get", "test"), 1);
        assert_eq!(strike(&mut faults, "Get", "other"), 0);
        assert_eq!(faults.fired().iter().map(|fired| fired.rule).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn times_and_about_limit_a_rule_and_clearing_forgets() {
        let mut faults = Faults::default();
        faults.add(Rule::on("Get", Fault::Reset).about("app/db").times(2));
        faults.add(Rule::on("Get", Fault::Reset).about("other"));
        let struck: Vec<usize> = (0..4).map(|_| strike(&mut faults, "Get", "F")).collect();
        assert_eq!(struck, [1, 1, 0, 0]);
        faults.clear();
        let subject = Subject { operation: "Get", access_key: "F", is_function: true, request: &Value::Null };
        assert!(faults.strike(&subject).is_empty() && faults.fired().is_empty());
    }
}
