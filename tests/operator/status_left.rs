//! What `Status` says is left where nobody will do it by itself, and what it says of tasks that no rotation changes.

use std::time::Duration;

use rehearsal::aws::Service;
use serde_json::{Value, json};
use support::scene::Scene;

use crate::status::{left, line, status};

#[tokio::test]
async fn what_is_left_of_a_secret_on_hold_begins_with_the_hold() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    for hold in ["black friday", "2101-01-01T00:00Z"] {
        scene.aws.set_tag(&scene.arn, "keyroll:hold", hold).unwrap();
        scene.aws.age_secret(&scene.arn, Duration::from_hours(1)).unwrap();
        let shown = status(&scene).await;
        let lines = shown["left"].as_array().unwrap();
        let first = lines[0].as_str().unwrap();
        assert!(first.starts_with("nothing is rotated or rolled while the secret is on hold: "), "{shown:#}");
        assert!(first.contains(hold), "{first}");
        // Then what waits for its end.
        let told = left(&shown);
        assert!(lines.len() == 3 && told.contains("redeploy prod/api") && told.contains("KEYROLL_ROLLOUT"), "{told}");
        assert_eq!(line(&shown, "api").2, &json!(false), "{shown:#}");
    }
    // A hold is told also where nothing waits for its end, and one that is over never.
    scene.aws.remove_label(&scene.arn, "KEYROLL_ROLLOUT").unwrap();
    let told = status(&scene).await["left"].clone();
    assert!(matches!(&told.as_array().unwrap()[..], [one] if one.to_string().contains("on hold")), "{told:#}");
    scene.aws.set_tag(&scene.arn, "keyroll:hold", "2001-01-01").unwrap();
    assert_eq!(status(&scene).await["left"], json!([]));
}

#[tokio::test]
async fn services_that_cannot_be_read_from_the_tag_are_left_and_so_is_the_mark() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    for unreadable in ["api", "prod/api worker", "prod/api none"] {
        scene.aws.set_tag(&scene.arn, "keyroll:services", unreadable).unwrap();
        let shown = status(&scene).await;
        let told = left(&shown);
        assert!(told.contains("keyroll:services"), "{shown:#}");
        assert!(!told.contains("KEYROLL_ROLLOUT") && !told.contains("close"), "{shown:#}");
        assert_eq!(shown["services"], json!([]), "{shown:#}");
        // Reconcile does as little.
        let message = scene.error(&scene.action("Reconcile"), "RefusedSetting").await;
        assert!(message.contains("keyroll:services") && scene.is_open(), "{message}");
    }
    scene.aws.set_tag(&scene.arn, "keyroll:services", "prod/api").unwrap();
    assert!(left(&status(&scene).await).contains("KEYROLL_ROLLOUT"));
}

#[tokio::test]
async fn tasks_that_no_rotation_changes_are_never_said_to_run_with_the_current_value() {
    let scene = Scene::start().await;
    let version = scene.aws.holder(&scene.arn, "AWSPREVIOUS").unwrap();
    let pinned = ["pinned-young", "pinned-old"];
    for name in pinned {
        scene.service(name, &[&format!("{}:password::{version}", scene.arn)]);
    }
    scene.service("labelled", &[&format!("{}:password:BLUE:", scene.arn)]);
    scene.service("reads", &[&scene.arn]);
    for name in ["pinned-young", "labelled", "reads"] {
        let deploy = |service: &mut Service| {
            service.deploy();
            service.settle();
        };
        scene.aws.with_service("prod", name, deploy).unwrap();
    }
    for open in [true, false] {
        if !open {
            scene.aws.remove_label(&scene.arn, "KEYROLL_ROLLOUT").unwrap();
        }
        let shown = status(&scene).await;
        for name in pinned {
            let (verdict, reason, runs) = line(&shown, name);
            assert_eq!((verdict, runs), ("skipped", &Value::Null), "{name} {open}");
            assert!(reason.contains(&format!("pinned to version {version}")), "{reason}");
        }
        let (verdict, reason, runs) = line(&shown, "labelled");
        assert_eq!((verdict, runs, reason.contains("BLUE")), ("skipped", &Value::Null, true), "{open}: {reason}");
        assert_eq!(line(&shown, "reads").2, &json!(true), "{open}: {shown:#}");
    }
}
