//! `Reconcile` of several secrets at once: the account is searched once, and a service that takes two of them is redeployed
//! once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use support::scene::{Scene, with_verdict};

const SECRETS: usize = 6;

/// Six secrets with open marks, each with a service of its own in `prod`; `shared` takes two of them.
struct Many {
    scene: Scene,
    secrets: Vec<String>,
}

impl Many {
    async fn start() -> Self {
        let scene = Scene::start().await;
        let mut secrets = vec![scene.arn.clone()];
        for number in 1..SECRETS {
            let secret = scene.secret(&format!("s{number}/db"));
            scene.promote(&secret);
            scene.aws.age_secret(&secret, Duration::from_hours(1)).unwrap();
            secrets.push(secret);
        }
        for (number, secret) in secrets.iter().enumerate() {
            scene.service(&own(number), &[secret]);
        }
        scene.service("shared", &[&secrets[2], &secrets[4]]);
        // With these there are eleven services in `prod`, one in `batch`, none in `empty`.
        let plain = scene.revision("plain", &[]);
        for number in 0..4 {
            scene.service_with(&format!("plain{number}"), json!({"taskDefinition": plain}));
        }
        for cluster in ["batch", "empty"] {
            scene.aws.create_cluster(cluster).unwrap();
        }
        scene.aws.create_service("batch", "job", &scene.revision("job", &[&secrets[0]])).unwrap();
        scene.aws.age_service("batch", "job", Duration::from_hours(24)).unwrap();
        Self { scene, secrets }
    }

    fn name_services(&self, secret: usize, services: &str) {
        self.scene.aws.set_tag(&self.secrets[secret], "keyroll:services", services).unwrap();
        self.scene.aws.age_secret(&self.secrets[secret], Duration::from_hours(1)).unwrap();
    }

    /// Reconciles all, sees that each dependent was redeployed once and every mark is gone, and gives the answer.
    async fn reconcile(&self) -> Value {
        let answer = self.scene.answer(&json!({"Action": "Reconcile"})).await;
        let mut all: Vec<String> = (0..SECRETS).map(own).collect();
        all.extend(["shared".to_owned()]);
        assert!(all.iter().all(|name| self.scene.redeployed(name) == 1), "{answer:#}");
        all.extend(["job".to_owned()]);
        all.sort();
        assert_eq!(with_verdict(&answer, "redeployed"), all, "{answer:#}");
        assert_eq!(with_verdict(&answer, "alreadyCurrent"), ["shared"], "{answer:#}");
        assert_eq!(answer["services"].as_array().unwrap().len(), all.len() + 1, "{answer:#}");
        let lines = answer["services"].as_array().unwrap().iter();
        let [second] = lines.filter(|line| line["verdict"] == "alreadyCurrent").collect::<Vec<_>>()[..] else {
            panic!("{answer:#}")
        };
        assert_eq!(second["reason"], "it was redeployed a moment ago, for another secret");
        let holder = |secret: &String| self.scene.aws.holder(secret, "KEYROLL_ROLLOUT");
        assert!(self.secrets.iter().all(|secret| holder(secret).is_none()), "{answer:#}");
        answer
    }

    fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.scene.operations() {
            *counts.entry(call).or_insert(0) += 1;
        }
        counts
    }
}

fn own(number: usize) -> String {
    format!("own{number}")
}

fn expected(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counts.iter().map(|(call, count)| ((*call).to_owned(), *count)).collect()
}

#[tokio::test]
async fn many_secrets_take_one_search_and_a_service_of_two_of_them_one_deployment() {
    let many = Many::start().await;
    let answer = many.reconcile().await;
    assert_eq!((&answer["lookedAt"], answer["secrets"].as_array().unwrap().len()), (&json!(SECRETS), SECRETS));
    let calls = [
        ("ListSecrets", 1),
        ("ListClusters", 1),
        ("ListServices", 3),
        ("DescribeServices", 2 + 1),
        ("DescribeTaskDefinition", SECRETS + 3),
        ("DescribeSecret", SECRETS),
        ("UpdateService", SECRETS + 2),
        ("UpdateSecretVersionStage", SECRETS),
    ];
    assert_eq!(many.counts(), expected(&calls));
    // A second one has nothing to search for.
    many.scene.aws.clear();
    many.scene.answer(&json!({"Action": "Reconcile"})).await;
    assert_eq!(many.scene.operations(), ["ListSecrets"]);
}

#[tokio::test]
async fn a_service_that_one_secret_names_and_another_finds_is_redeployed_once() {
    // Whichever of the two comes first.
    for named in [2, 4] {
        let many = Many::start().await;
        many.name_services(named, &format!("prod/shared prod/{}", own(named)));
        many.reconcile().await;
        let calls = [
            ("ListSecrets", 1),
            ("ListClusters", 1),
            ("ListServices", 3),
            ("DescribeServices", 2 + 1 + 1),
            ("DescribeTaskDefinition", SECRETS + 3),
            ("DescribeSecret", SECRETS),
            ("UpdateService", SECRETS + 2),
            ("UpdateSecretVersionStage", SECRETS),
        ];
        assert_eq!(many.counts(), expected(&calls), "{named}");
    }
}

#[tokio::test]
async fn secrets_that_all_name_their_services_take_no_search() {
    let many = Many::start().await;
    for number in 0..SECRETS {
        let more = match number {
            0 => " batch/job",
            2 | 4 => " prod/shared",
            _ => "",
        };
        many.name_services(number, &format!("prod/{}{more}", own(number)));
    }
    many.reconcile().await;
    let calls = [
        ("ListSecrets", 1),
        ("DescribeServices", SECRETS + 1),
        ("DescribeSecret", SECRETS),
        ("UpdateService", SECRETS + 2),
        ("UpdateSecretVersionStage", SECRETS),
    ];
    assert_eq!(many.counts(), expected(&calls));
}
