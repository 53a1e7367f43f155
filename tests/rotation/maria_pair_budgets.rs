//! What a rotation of MariaDB's two accounts costs, counted. AWS's own function: 14 calls, 3 to 4 logins of which 1 to 2 fail.

use rehearsal::driver::STEPS;

use crate::maria::{self, ADMIN, PARTNER};
use crate::pair::account;
use crate::support::{ACCOUNT, Stage};

/// What one step takes: calls of Secrets Manager and of ECS, and logins.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    secrets: usize,
    ecs: usize,
    logins: Vec<String>,
}

/// Runs a step and counts.
async fn cost(stage: &Stage, step: &str, token: &str) -> Cost {
    stage.aws.clear();
    let mark = stage.server.mark();
    stage.answer(step, token).await;
    let (calls, logins) = (stage.aws.function_calls(), stage.server.logins_since(mark));
    // That there is no version before is an error, too.
    let failed = calls.iter().find(|call| call.error.is_some() && call.request["VersionStage"] != "AWSPREVIOUS");
    assert!(failed.is_none() && logins.failed.is_empty(), "{failed:#?} {logins:?}");
    let of = |service: &str| calls.iter().filter(|call| call.service == service).count();
    Cost { secrets: of("secretsmanager"), ecs: of("ecs"), logins: logins.accepted }
}

#[tokio::test]
async fn each_step_keeps_to_its_budget_whosever_turn_it_is() {
    let stage = maria::alternating().await;
    stage.rotate().await;
    // A new process reads the tags twice more, and the version before where the name alone does not tell whose turn it is;
    // and it has every revision of a task definition still to read.
    for (cold, secrets, ecs) in [(false, [3, 3, 1, 4], [1, 0, 0, 3]), (true, [3, 4, 2, 4], [2, 0, 0, 3])] {
        for _ in 0..2 {
            let [current, pending] = ["AWSCURRENT", "AWSPREVIOUS"].map(|label| account(&stage, label));
            let logins = [&[][..], &[&current, ADMIN], &[&pending], &[&pending]];
            let token = stage.stage();
            for (number, step) in STEPS.into_iter().enumerate() {
                if cold {
                    stage.function.cold().await;
                }
                let asked = usize::from(cold && step == "createSecret" && current == PARTNER);
                let logins = logins[number].iter().map(|account| (*account).to_owned()).collect();
                let expected = Cost { secrets: secrets[number] + asked, ecs: ecs[number], logins };
                assert_eq!(cost(&stage, step, &token).await, expected, "{step} from {current}, cold {cold}");
            }
        }
    }
}

#[tokio::test]
async fn a_partner_whose_version_before_is_gone_costs_two_logins_more() {
    let stage = maria::alternating().await;
    stage.rotate().await;
    stage.aws.remove_label(&stage.arn, "AWSPREVIOUS").unwrap();
    stage.function.cold().await;
    let token = stage.stage();
    // It does not see who else there is: the administrator does.
    let expected = Cost { secrets: 5, ecs: 2, logins: [PARTNER, ADMIN].map(str::to_owned).into() };
    assert_eq!(cost(&stage, "createSecret", &token).await, expected);
    assert_eq!(account(&stage, "AWSPENDING"), ACCOUNT);
    // The two are alike: nothing more is asked.
    let expected = Cost { secrets: 3, ecs: 0, logins: [PARTNER, ADMIN].map(str::to_owned).into() };
    assert_eq!(cost(&stage, "setSecret", &token).await, expected);
}
