//! What a rotation of MariaDB's two accounts costs, counted. AWS's own function: 14 calls, 3 to 4 logins of which 1 to 2 fail.

use support::costs::{Cost, assert_two_accounts_keep_to_their_budget, cost, cost_without};
use support::maria::{self, ADMIN, PARTNER};
use support::pair::account;
use support::stage::ACCOUNT;

#[tokio::test]
async fn each_step_keeps_to_its_budget_whosever_turn_it_is() {
    assert_two_accounts_keep_to_their_budget(&maria::alternating().await).await;
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
    assert_eq!(cost_without(&stage, "createSecret", &token, Some("AWSPREVIOUS")).await, expected);
    assert_eq!(account(&stage, "AWSPENDING"), ACCOUNT);
    // The two are alike: nothing more is asked.
    let expected = Cost { secrets: 3, ecs: 0, logins: [PARTNER, ADMIN].map(str::to_owned).into() };
    assert_eq!(cost(&stage, "setSecret", &token).await, expected);
}
