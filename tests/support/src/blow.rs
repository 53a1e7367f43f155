//! What happens at one call to AWS, and whoever looks on when it does.

use std::time::Duration;

use rehearsal::aws::{Call, Fault, Rule};
use rehearsal::driver::{self, Driver, Options};
use rehearsal::soak::Way;

use crate::rig::{Rig, TIMEOUT};

/// What happens at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    KilledBeforeTheCall,
    KilledAfterTheCall,
    AnswerLost,
    ConnectionReset,
    /// An error that no client repeats, of which nothing came.
    Refused,
    /// AWS's own failure, which every client repeats.
    ServerError,
}

impl Blow {
    pub const ALL: [Self; 6] = [
        Self::KilledBeforeTheCall,
        Self::KilledAfterTheCall,
        Self::AnswerLost,
        Self::ConnectionReset,
        Self::Refused,
        Self::ServerError,
    ];

    /// This one among those of a sweep.
    pub fn way(self, among: &[Self]) -> Way {
        Way { number: among.iter().position(|blow| *blow == self).unwrap(), of: among.len() }
    }

    /// The numbers of the calls that this blow, among those of a sweep, strikes of so many: the move of AWSCURRENT is struck by
    /// each.
    pub fn struck(self, among: &[Self], calls: usize, moved: usize) -> impl Iterator<Item = usize> {
        let way = self.way(among);
        (0..calls).filter(move |nth| *nth == moved || way.strikes(*nth))
    }
}

/// A lost answer or connection is nobody's business but the client's; all else ends the invocation without an answer.
pub const CUTS: [Blow; 2] = [Blow::AnswerLost, Blow::ConnectionReset];

/// Whoever looks, and keeps what it does not like: a panic in a hook would not end the test.
pub trait Look: Clone + Send + Sync + 'static {
    fn look(&self, when: &str);

    /// An engine that has it look after every step.
    fn engine(&self, rig: &Rig) -> Driver {
        let (function, witness) = (rig.function.clone(), self.clone());
        let invoker = driver::invoker(move |event| {
            let (function, witness) = (function.clone(), witness.clone());
            async move {
                let outcome = function.invoke(&event, TIMEOUT).await;
                witness.look("after a step");
                outcome
            }
        });
        Driver::new(&rig.aws, invoker)
    }
}

impl Rig {
    /// Aims a blow at the n-th call from now on, from 0.
    pub fn arm(&self, nth: usize, blow: Blow, witness: &impl Look) {
        let (aws, kill) = (&self.aws, self.function.kill_handle());
        // Dates tell what was redeployed after the move. No network is so quick that both fall into one millisecond, but
        // this stage is.
        aws.fault(Rule::on("DescribeServices", Fault::Delay(Duration::from_millis(3))));
        let [looks, before, later] = [(); 3].map(|()| witness.clone());
        let kill = move || {
            kill.kill();
            looks.look("after the kill");
        };
        let faults = match blow {
            Blow::KilledBeforeTheCall => vec![Fault::before(kill)],
            Blow::KilledAfterTheCall => vec![Fault::after(kill)],
            Blow::AnswerLost => vec![Fault::after(move || later.look("before the answer is lost")), Fault::LoseAnswer],
            Blow::ConnectionReset => vec![Fault::before(move || before.look("before the reset")), Fault::Reset],
            Blow::Refused => vec![Fault::error("AccessDeniedException", 400, "not authorized")],
            Blow::ServerError => vec![Fault::error("InternalServiceError", 500, "an internal error")],
        };
        for fault in faults {
            aws.fault(Rule::any(fault).nth(u64::try_from(nth).unwrap() + 1));
        }
    }

    /// Makes sure that the blow struck the call that it was meant for.
    pub fn disarm(&self, operation: &str) {
        let fired = self.aws.fired();
        let struck = fired.iter().find(|fired| fired.rule > 0).map(|fired| fired.operation.as_str());
        assert_eq!(struck, Some(operation), "{:?}", self.operations());
        self.aws.clear_faults();
    }
}

/// Whether a call moves AWSCURRENT.
pub fn is_the_move(call: &Call) -> bool {
    call.operation == "UpdateSecretVersionStage" && call.request["VersionStage"] == "AWSCURRENT"
}

/// Secrets Manager retries, whatever has moved.
pub fn persistent() -> Options {
    Options { retry_after_move: true, ..Options::default() }
}
