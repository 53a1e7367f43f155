//! testSecret alone, as Secrets Manager calls it when rotation is configured without rotating at once.

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::Options;

use crate::stage::Stage;
use crate::values::kinds;

const RING: &str = r#"{"alg":"ES256","keys":[]}"#;

#[tokio::test]
async fn a_preflight_passes_for_every_kind_and_writes_nothing() {
    for (kind, value) in kinds() {
        for rotated in [false, true] {
            let stage = Stage::start(kind, &value).await;
            if rotated {
                stage.rotate().await;
            }
            for test_with_current in [false, true] {
                let before = stage.aws.snapshot();
                let driver = stage.driver.clone().with(Options { test_with_current, ..Options::default() });
                let tested = driver.test_only(&stage.arn).await.unwrap();
                stage.heard(&format!("{:?}", tested.timeline));
                let mut after = stage.aws.snapshot();
                // Secrets Manager's own part: the temporary version comes and goes.
                for (arn, secret) in &mut after.secrets {
                    secret.changed = before.secrets[arn].changed;
                    secret.versions.clone_from(&before.secrets[arn].versions);
                }
                assert!(after == before, "the preflight wrote something");
                let report = tested.last("testSecret").unwrap().answer().cloned();
                let report = report.unwrap_or_else(|| panic!("{kind}, copied {test_with_current}: {tested:#?}"));
                assert!(report["done"].to_string().contains("a rotation would succeed"), "{report:#}");
            }
        }
    }
}

#[tokio::test]
async fn a_preflight_names_everything_that_a_rotation_would_lack() {
    let stage = Stage::start("jwt-keyring", RING).await;
    stage.rotate().await;
    stage.tag("keyroll:hold", "freeze");
    stage.tag("keyroll:copies", "ssm:/auth/jwks");
    stage.aws.fault(Rule::on("DescribeServices", Fault::Denied));
    for test_with_current in [false, true] {
        let driver = stage.driver.clone().with(Options { test_with_current, ..Options::default() });
        let tested = driver.test_only(&stage.arn).await.unwrap();
        let told = format!("{:?}", tested.timeline);
        for words in ["RefusedHold", "freeze", "ssm:/auth/jwks", "ecs:DescribeServices"] {
            assert!(told.contains(words), "{words}: {told}");
        }
        stage.heard(&told);
    }
}
