//! Which services depend on a secret, found from what they run: every place and form of a reference, bystanders that look
//! alike, and every sort of service. The secret has no tag `keyroll:services`.

use rehearsal::aws::Service;
use serde_json::{Value, json};
use support::rig::{TIMEOUT, refused};
use support::scene::{SECRET, Scene, verdict, with_verdict};

/// The secret as a parameter of the Parameter Store of this Region and account.
fn parameter(region: &str, account: &str) -> String {
    format!("arn:aws:ssm:{region}:{account}:parameter/aws/reference/secretsmanager/{SECRET}")
}

#[tokio::test]
async fn every_place_that_can_name_a_secret_is_looked_at() {
    let scene = Scene::start().await;
    let arn = scene.arn.as_str();
    let options = json!({"logDriver": "splunk", "secretOptions": [{"name": "token", "valueFrom": arn}]});
    let plain = Scene::container(&[]);
    let container = |key: &str, value: &Value| {
        let mut container = plain.clone();
        container[key] = value.clone();
        json!({"containerDefinitions": [plain, container]})
    };
    scene.service("environment", &[arn]);
    scene.service("parameter", &[&format!("/aws/reference/secretsmanager/{SECRET}")]);
    scene.service("parameter-by-arn", &[&parameter("us-east-1", "123456789012")]);
    scene.service_of("log-driver", container("logConfiguration", &options));
    scene.service_of("registry", container("repositoryCredentials", &json!({"credentialsParameter": arn})));
    scene.service_of("registry-by-name", container("repositoryCredentials", &json!({"credentialsParameter": SECRET})));
    let authorization = json!({"credentialsParameter": arn, "domain": "example.com"});
    let windows = json!({"fileSystemId": "fs-0", "rootDirectory": "share", "authorizationConfig": authorization});
    let volume = json!({"name": "share", "fsxWindowsFileServerVolumeConfiguration": windows});
    scene.service_of("file-system", json!({"containerDefinitions": [plain], "volumes": [volume]}));
    let revision = scene.revision("mesh", &[]);
    let connect = json!({"enabled": true, "namespace": "shop", "logConfiguration": options});
    scene.service_with("mesh", json!({"taskDefinition": revision, "serviceConnectConfiguration": connect}));
    scene.service("bystander", &[]);
    let bystander = scene.seen("bystander");

    let report = scene.reconcile().await;
    let parameters = ["parameter", "parameter-by-arn"];
    let mut all = vec!["environment", "file-system", "log-driver", "mesh", "registry", "registry-by-name"];
    all.splice(4..4, parameters);
    assert_eq!(with_verdict(&report, "redeployed"), all, "{report:#}");
    assert_eq!(report["services"].as_array().unwrap().len(), all.len());
    assert!(all.iter().all(|name| scene.redeployed(name) == 1));
    assert_eq!(scene.seen("bystander"), bystander);
    assert!(!scene.is_open());
    // ECS shows tags only when asked.
    let described = scene.aws.function_calls().into_iter().find(|call| call.operation == "DescribeServices").unwrap();
    assert_eq!(described.request["include"], json!(["TAGS"]));
}

#[tokio::test]
async fn every_form_of_value_from_is_understood() {
    let scene = Scene::start().await;
    let version = scene.aws.holder(&scene.arn, "AWSCURRENT").unwrap();
    let mut expected = Vec::new();
    for (number, arn) in [scene.arn.clone(), scene.partial().to_owned()].iter().enumerate() {
        for (name, suffix, verdict, word) in [
            ("plain", String::new(), "redeployed", ""),
            ("key", ":password::".to_owned(), "redeployed", ""),
            ("current", "::AWSCURRENT:".to_owned(), "redeployed", ""),
            ("previous", "::AWSPREVIOUS:".to_owned(), "redeployed", ""),
            ("key-previous", ":password:AWSPREVIOUS:".to_owned(), "redeployed", ""),
            ("pending", "::AWSPENDING:".to_owned(), "redeployed", ""),
            ("label", ":password:BLUE:".to_owned(), "skipped", "labelled BLUE, which no rotation moves"),
            ("version", format!(":::{version}"), "skipped", version.as_str()),
            ("key-version", format!(":password::{version}"), "skipped", version.as_str()),
            ("all", format!(":password:AWSCURRENT:{version}"), "skipped", version.as_str()),
        ] {
            let name = format!("{name}-{number}");
            scene.service(&name, &[&format!("{arn}{suffix}")]);
            expected.push((name, verdict, word.to_owned()));
        }
    }
    let report = scene.reconcile().await;
    for (name, expected, word) in &expected {
        let (given, reason) = verdict(&report, name);
        assert_eq!(given, *expected, "{name}: {reason}");
        assert!(reason.contains(word.as_str()), "{name}: {reason}");
        assert_eq!(scene.redeployed(name), usize::from(given == "redeployed"), "{name}");
    }
    assert!(verdict(&report, "version-0").1.contains("pinned"), "{report:#}");
    // What no deployment changes keeps no rollout open.
    assert!(!scene.is_open());
}

#[tokio::test]
async fn names_that_begin_alike_other_accounts_and_plain_parameters_are_never_touched() {
    let scene = Scene::start().await;
    let (arn, partial) = (scene.arn.clone(), scene.partial().to_owned());
    let longer = scene.secret("orders/db2");
    let replica = scene.secret("orders/db-replica");
    let inner = scene.secret("team/orders/db");
    let shorter = scene.secret("orders/d");
    let strangers = [
        longer.clone(),
        longer[..longer.len() - 7].to_owned(),
        replica.clone(),
        replica[..replica.len() - 7].to_owned(),
        inner,
        shorter,
        format!("{partial}-Xy9Zw8"),
        format!("{arn}-Xy9Zw8"),
        arn.replace("us-east-1", "us-west-2"),
        arn.replace("123456789012", "210987654321"),
        arn.replace("arn:aws:", "arn:aws-cn:"),
        // These are parameters of Parameter Store that happen to be called so.
        SECRET.to_owned(),
        format!("/{SECRET}"),
        format!("arn:aws:ssm:us-east-1:123456789012:parameter/{SECRET}"),
        "/aws/reference/secretsmanager/orders/db2".to_owned(),
        "arn:aws:ssm:us-east-1:123456789012:parameter/aws/reference/secretsmanager/orders/db-replica".to_owned(),
        parameter("us-west-2", "123456789012"),
        parameter("us-east-1", "210987654321"),
        parameter("us-east-1", "123456789012").replace("arn:aws:", "arn:aws-cn:"),
    ];
    for (number, stranger) in strangers.iter().enumerate() {
        scene.service(&format!("stranger-{number}"), &[stranger]);
        let container = json!({
            "name": "app", "image": "app:1", "repositoryCredentials": {"credentialsParameter": longer},
            "logConfiguration": {"logDriver": "splunk", "secretOptions": [{"name": "t", "valueFrom": stranger}]},
        });
        scene.service_of(&format!("log-{number}"), json!({"containerDefinitions": [container]}));
    }
    for (name, tag) in [("tagged", "orders/db2"), ("tagged-alike", "orders/d"), ("tagged-empty", "")] {
        scene.service(name, &[]);
        let add = |service: &mut Service| service.tags.insert("keyroll:secret".to_owned(), tag.to_owned());
        scene.aws.with_service("prod", name, add).unwrap();
    }
    scene.service("other-tag", &[]);
    let add = |service: &mut Service| service.tags.insert("secret".to_owned(), SECRET.to_owned());
    scene.aws.with_service("prod", "other-tag", add).unwrap();
    let before = scene.aws.snapshot().ecs;
    let report = scene.reconcile().await;
    assert_eq!(report["services"], json!([]), "{report:#}");
    assert_eq!((scene.aws.snapshot().ecs, scene.calls("UpdateService")), (before, 0));
}

#[tokio::test]
async fn a_service_with_an_arn_of_the_old_form_is_found_in_its_cluster() {
    let scene = Scene::start().await;
    scene.aws.create_cluster("batch").unwrap();
    scene.service("api", &[&scene.arn]);
    let old = "arn:aws:ecs:us-east-1:123456789012:service/api";
    scene.aws.with_service("prod", "api", |service| old.clone_into(&mut service.arn)).unwrap();
    let report = scene.reconcile().await;
    assert_eq!((&report["services"][0]["cluster"], verdict(&report, "api").0), (&json!("prod"), "redeployed"));
}

#[tokio::test]
async fn a_service_may_name_the_secret_in_its_own_tag() {
    let scene = Scene::start().await;
    let tags = [
        ("by-name", SECRET.to_owned()),
        ("by-arn", scene.arn.clone()),
        ("by-partial-arn", scene.partial().to_owned()),
        ("by-list", format!("payments/db {SECRET}")),
    ];
    for (name, tag) in &tags {
        scene.service(name, &[]);
        let add = |service: &mut Service| service.tags.insert("keyroll:secret".to_owned(), tag.clone());
        scene.aws.with_service("prod", name, add).unwrap();
    }
    // A tag is somebody's word that the service depends on it, also where the task definition names one version.
    scene.service("pinned", &[&format!("{}:::some-version", scene.arn)]);
    let add = |service: &mut Service| service.tags.insert("keyroll:secret".to_owned(), SECRET.to_owned());
    scene.aws.with_service("prod", "pinned", add).unwrap();
    let report = scene.reconcile().await;
    let all = ["by-arn", "by-list", "by-name", "by-partial-arn", "pinned"];
    assert_eq!(with_verdict(&report, "redeployed"), all, "{report:#}");
    assert!(verdict(&report, "by-name").1.contains("its tag keyroll:secret names the secret"), "{report:#}");
}

#[tokio::test]
async fn a_service_on_the_way_out_and_one_without_tasks_are_skipped() {
    let scene = Scene::start().await;
    for name in ["draining", "idle", "inactive"] {
        scene.service(name, &[&scene.arn]);
    }
    for (name, status) in [("draining", "DRAINING"), ("inactive", "INACTIVE")] {
        scene.aws.with_service("prod", name, |service| status.clone_into(&mut service.status)).unwrap();
    }
    scene.aws.with_service("prod", "idle", |service| service.desired_count = 0).unwrap();
    let report = scene.reconcile().await;
    // ECS lists no INACTIVE service.
    assert_eq!(with_verdict(&report, "skipped"), ["draining", "idle"], "{report:#}");
    assert_eq!((scene.calls("UpdateService"), scene.is_open()), (0, false));
}

#[tokio::test]
async fn a_finish_that_comes_once_more_finds_and_rolls_as_reconcile_does() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    scene.service("bystander", &[]);
    let report = scene.answer(&scene.finish()).await;
    assert_eq!(with_verdict(&report, "redeployed"), ["api"], "{report:#}");
    assert_eq!((scene.redeployed("bystander"), scene.is_open()), (0, false));
    // A step of a version that is no longer current finds nothing to do with services.
    let old = scene.finish();
    scene.promote(&scene.arn);
    scene.aws.remove_label(&scene.arn, "KEYROLL_ROLLOUT").unwrap();
    let before = scene.aws.snapshot();
    refused("the event", scene.send_within(&old, TIMEOUT).await, "RefusedVersion");
    assert_eq!(scene.aws.snapshot(), before);
}
