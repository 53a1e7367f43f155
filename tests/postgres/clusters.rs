//! An account that logs in at another endpoint of the cluster than its administrator. Two names of one server stand for the
//! two: the endpoints of a cluster share a port.

use rehearsal::aws::{ACCOUNT as AWS_ACCOUNT, DbCluster, DbInstance, Fault, REGION, Rule};
use serde_json::json;
use support::pair::ADMIN;

use crate::replicas::TwoHosts;

/// The account is of Aurora, and RDS shows the administrator's host as a member of the cluster `orders`.
async fn aurora() -> TwoHosts {
    let hosts = TwoHosts::of_one_server().await;
    hosts.stage.edit_current(&json!({"engine": "aurora-postgresql"}));
    hosts.stage.aws.put_db_instance(hosts.primary().member_of("orders"));
    hosts
}

/// The cluster `orders` with these members, and endpoints that are somewhere else.
fn orders(hosts: &TwoHosts, members: &[&str]) -> DbCluster {
    let reader_endpoint = Some("orders.cluster-ro-0.0.1".to_owned());
    let port = hosts.stage.postgres().port();
    DbCluster { reader_endpoint, ..DbCluster::new("orders", "orders.cluster-0.0.1", port, members) }
}

#[tokio::test]
async fn the_readers_a_custom_and_a_members_endpoint_are_of_the_administrators_cluster() {
    let hosts = aurora().await;
    let account = || "127.0.0.1".to_owned();
    let custom = vec!["reports.cluster-custom-0.0.1".to_owned(), account()];
    for cluster in [
        DbCluster { reader_endpoint: Some(account()), ..orders(&hosts, &["localhost"]) },
        DbCluster { custom_endpoints: custom, ..orders(&hosts, &["localhost"]) },
        // The writer's endpoint for the account, while the administrator comes by the instance.
        DbCluster { endpoint: account(), ..orders(&hosts, &["localhost"]) },
        // An instance, told by its name and by what follows `cluster-` in the writer's.
        orders(&hosts, &["localhost", "127"]),
        // The administrator comes by the writer's endpoint.
        DbCluster { endpoint: "localhost".to_owned(), reader_endpoint: Some(account()), ..orders(&hosts, &[]) },
    ] {
        hosts.stage.aws.put_db_cluster(cluster.clone());
        assert_eq!(hosts.rotates().await, [1, 1], "{cluster:?}");
    }
    // Two instances of a cluster whose secrets say `postgres`: RDS shows what they are.
    hosts.stage.edit_current(&json!({"engine": "postgres"}));
    hosts.stage.aws.put_db_cluster(orders(&hosts, &["localhost", "127"]));
    let account = DbInstance::new("127", "127.0.0.1", hosts.stage.postgres().port());
    hosts.stage.aws.put_db_instance(account.member_of("orders"));
    assert_eq!(hosts.rotates().await, [2, 1]);
}

#[tokio::test]
async fn a_host_that_is_not_of_the_administrators_cluster_is_refused() {
    let hosts = aurora().await;
    let (aws, token) = (&hosts.stage.aws, hosts.created().await);
    hosts.refused(&token, "RefusedSetting", "RDS knows no cluster \"orders\"").await;
    let reader = |cluster: DbCluster| DbCluster { reader_endpoint: Some("127.0.0.1".to_owned()), ..cluster };
    let of_none = "neither an endpoint nor a member of cluster \"orders\"";
    for (cluster, expected) in [
        (orders(&hosts, &["localhost", "128"]), of_none),
        // A member of that name, in another account or Region.
        (DbCluster { endpoint: "orders.cluster-0.0.2".to_owned(), ..orders(&hosts, &["localhost", "127"]) }, of_none),
        (reader(DbCluster { port: 1, ..orders(&hosts, &["localhost"]) }), "cluster \"orders\" at port 1, not"),
        // The administrator's host is what does not belong.
        (reader(orders(&hosts, &["127"])), "localhost as neither the writer's endpoint nor a member"),
    ] {
        aws.put_db_cluster(cluster);
        hosts.refused(&token, "RefusedSetting", expected).await;
    }
    // The host is another cluster's.
    aws.put_db_cluster(orders(&hosts, &["localhost"]));
    aws.put_db_cluster(DbCluster { id: "billing".to_owned(), ..reader(orders(&hosts, &["127"])) });
    hosts.refused(&token, "RefusedSetting", of_none).await;
    aws.put_db_instance(hosts.primary());
    hosts.refused(&token, "RefusedSetting", "\"localhost\" in no cluster").await;

    aws.put_db_instance(hosts.primary().member_of("orders"));
    aws.put_db_cluster(reader(orders(&hosts, &["localhost"])));
    aws.fault(Rule::on("DescribeDBClusters", Fault::Denied).times(1));
    let message = hosts.refused(&token, "RefusedPermission", "rds:DescribeDBClusters").await;
    let resource = format!("\"Resource\": \"arn:aws:rds:{REGION}:{AWS_ACCOUNT}:cluster:orders\"");
    assert!(message.contains(&resource), "{message}");
    hosts.finishes(&token).await;
}

#[tokio::test]
async fn an_administrator_whom_rds_manages_serves_the_readers_endpoint_too() {
    let hosts = aurora().await;
    let (stage, port) = (&hosts.stage, hosts.stage.postgres().port());
    let admin: serde_json::Value =
        serde_json::from_str(&stage.aws.value_of("orders/admin", "AWSCURRENT").unwrap()).unwrap();
    let managed = json!({"username": ADMIN, "password": admin["password"]});
    let cluster = format!("arn:aws:rds:{REGION}:{AWS_ACCOUNT}:cluster:orders");
    let arn = stage.aws.create_secret(
        "rds!cluster-orders",
        &managed.to_string(),
        &[("aws:rds:primaryDBClusterArn", &cluster)],
    );
    stage.aws.remove_tag(&stage.arn, "keyroll:admin-secret").unwrap();
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "single-user").unwrap();
    stage.edit_current(&json!({"masterarn": arn.unwrap()}));
    let cluster = DbCluster::new("orders", "localhost", port, &["localhost"]);
    stage.aws.put_db_cluster(DbCluster { reader_endpoint: Some("127.0.0.1".to_owned()), ..cluster.clone() });
    assert_eq!(hosts.rotates().await, [1, 2]);

    // RDS shows the account's host no more: the offer is not taken up, and the account changes its own password.
    stage.aws.put_db_cluster(cluster);
    let rotation = stage.rotated().await;
    let report = rotation.last("setSecret").unwrap().answer().unwrap();
    assert!(report["warnings"].to_string().contains("127.0.0.1 as neither an endpoint nor a member"), "{report}");
    assert!(!report["done"].to_string().contains(ADMIN), "{report}");
}
