//! What a step costs, counted.

use rehearsal::aws::Call;
use rehearsal::driver::STEPS;

use crate::pair::{self, PARTNER};
use crate::stage::Stage;

/// What one step takes: calls of Secrets Manager and of ECS, and logins.
#[derive(Debug, PartialEq, Eq)]
pub struct Cost {
    pub secrets: usize,
    pub ecs: usize,
    pub logins: Vec<String>,
}

/// Runs a step and counts. Nothing of it fails.
pub async fn cost(stage: &Stage, step: &str, token: &str) -> Cost {
    cost_without(stage, step, token, None).await
}

/// The same where no version holds a label: that is told to whoever asks for it, as an error.
pub async fn cost_without(stage: &Stage, step: &str, token: &str, label: Option<&str>) -> Cost {
    stage.aws.clear();
    let mark = stage.server.mark();
    stage.answer(step, token).await;
    let (calls, logins) = (stage.aws.function_calls(), stage.server.logins_since(mark));
    let is_told = |call: &Call| label.is_some_and(|label| call.request["VersionStage"] == label);
    let failed = calls.iter().find(|call| call.error.is_some() && !is_told(call));
    assert!(failed.is_none() && logins.failed.is_empty(), "{failed:#?} {logins:?}");
    let of = |service: &str| calls.iter().filter(|call| call.service == service).count();
    Cost { secrets: of("secretsmanager"), ecs: of("ecs"), logins: logins.accepted }
}

/// Asserts what each step of two accounts that take turns costs, whosever turn it is.
pub async fn assert_two_accounts_keep_to_their_budget(stage: &Stage) {
    stage.rotate().await;
    // A new process reads the tags twice more, and the version before where the name alone does not tell whose turn it is;
    // and it has every revision of a task definition still to read.
    for (cold, secrets, ecs) in [(false, [3, 3, 1, 4], [1, 0, 0, 3]), (true, [3, 4, 2, 4], [2, 0, 0, 3])] {
        for _ in 0..2 {
            let [current, pending] = ["AWSCURRENT", "AWSPREVIOUS"].map(|label| pair::account(stage, label));
            let logins = [&[][..], &[&current, pair::ADMIN], &[&pending], &[&pending]];
            let token = stage.stage();
            for (number, step) in STEPS.into_iter().enumerate() {
                if cold {
                    stage.function.cold().await;
                }
                let asked = usize::from(cold && step == "createSecret" && current == PARTNER);
                let logins = logins[number].iter().map(|account| (*account).to_owned()).collect();
                let expected = Cost { secrets: secrets[number] + asked, ecs: ecs[number], logins };
                assert_eq!(cost(stage, step, &token).await, expected, "{step} from {current}, cold {cold}");
            }
        }
    }
}
