//! Cell by cell: one true system of each sort, then everything that is different about one that is not.

use super::*;

const REGION: &str = "eu-west-1";
const PRIMARY: &str = "orders.abc.eu-west-1.rds.amazonaws.com";
const REPLICA: &str = "orders-r.abc.eu-west-1.rds.amazonaws.com";
const WRITER: &str = "orders.cluster-abc.eu-west-1.rds.amazonaws.com";
const READER: &str = "orders.cluster-ro-abc.eu-west-1.rds.amazonaws.com";
const CUSTOM: &str = "reports.cluster-custom-abc.eu-west-1.rds.amazonaws.com";
const ONE: &str = "orders-1.abc.eu-west-1.rds.amazonaws.com";

fn at(host: &str) -> Address {
    Address::new(host, 5432)
}

fn instance(host: &str) -> Instance {
    let address = at(host);
    let id = address.label().to_owned();
    let arn = format!("arn:aws:rds:{REGION}:000000000000:db:{id}");
    Instance { id, arn, address: Some(address), cluster: None, source: None }
}

fn replica_of(source: &str) -> Instance {
    Instance { source: Some(source.to_owned()), ..instance(REPLICA) }
}

fn cluster() -> Cluster {
    Cluster {
        id: "orders".to_owned(),
        port: Some(5432),
        writer: Some(WRITER.to_owned()),
        reader: Some(READER.to_owned()),
        custom: vec![CUSTOM.to_owned()],
        members: vec!["orders-1".to_owned(), "orders-2".to_owned()],
    }
}

fn member(host: &str) -> Instance {
    Instance { cluster: Some("orders".to_owned()), ..instance(host) }
}

#[track_caller]
fn refused_with(answer: Result<impl std::fmt::Debug>, expected: &str) {
    let error = answer.expect_err(expected);
    assert_eq!(error.kind(), ErrorKind::RefusedSetting, "{error}");
    assert!(error.cause().contains(expected), "{error}");
}

#[test]
fn a_replica_leads_to_its_source_by_name_or_arn_in_any_case() {
    let (replica, primary) = (at(REPLICA), at(PRIMARY));
    for named in ["orders", "Orders", "arn:aws:rds:eu-west-1:000000000000:db:orders"] {
        assert_eq!(source(&replica_of(named), &replica, &primary, Some(REGION)).unwrap(), named);
        is_source(&instance(PRIMARY), named, &primary).unwrap();
    }
    let shouted = Instance { address: Some(at(&REPLICA.to_ascii_uppercase())), ..replica_of("orders") };
    source(&shouted, &at("Orders-R.ABC.eu-west-1.rds.amazonaws.com"), &primary, Some(REGION)).unwrap();
    // Names without a dot and addresses are treated alike.
    let local = Instance { source: Some("localhost".to_owned()), ..instance("127.0.0.1") };
    assert_eq!(source(&local, &at("127.0.0.1"), &at("localhost"), None).unwrap(), "localhost");
    is_source(&instance("localhost"), "localhost", &at("localhost")).unwrap();
}

#[test]
fn the_accounts_host_must_be_the_very_address_that_rds_shows() {
    let ask =
        |shown: &Instance, account: &Address| source(shown, account, &at(PRIMARY), Some(REGION)).map(str::to_owned);
    for host in [
        "orders-r",
        "orders-r.evil.example",
        "orders-r.xyz.eu-west-1.rds.amazonaws.com",
        "orders-r.abc.us-east-1.rds.amazonaws.com",
        "orders-r.abc.eu-west-1.rds.amazonaws.com.evil.example",
        "orders-r.abc.eu-west-1.rds.amazonaws.com.",
        "x.orders-r.abc.eu-west-1.rds.amazonaws.com",
    ] {
        refused_with(
            ask(&replica_of("orders"), &at(host)),
            "\"orders-r\" at orders-r.abc.eu-west-1.rds.amazonaws.com:5432, not at",
        );
    }
    refused_with(ask(&replica_of("orders"), &Address::new(REPLICA, 5433)), "not at");
    let creating = ask(&Instance { address: None, ..replica_of("orders") }, &at(REPLICA)).unwrap_err();
    assert_eq!(creating.kind(), ErrorKind::FailedAws);
}

#[test]
fn the_source_must_be_the_administrators_instance() {
    let ask = |shown: &Instance| source(shown, &at(REPLICA), &at(PRIMARY), Some(REGION)).map(str::to_owned);
    refused_with(ask(&instance(REPLICA)), "no read replica");
    refused_with(ask(&replica_of("billing")), "a read replica of \"billing\"");
    refused_with(ask(&replica_of("")), "a read replica of \"\"");
    refused_with(ask(&replica_of("arn:aws:rds:eu-west-1:000000000000:db:billing")), "a read replica of \"billing\"");
    refused_with(ask(&replica_of("arn:aws:rds:us-east-1:000000000000:db:orders")), "in another Region");
    let abroad = replica_of("arn:aws:rds:us-east-1:000000000000:db:orders");
    refused_with(source(&abroad, &at(REPLICA), &at(PRIMARY), None), "in another Region");
    // The same first label is not the same host: the source is looked at, too.
    for host in ["orders.xyz.eu-west-1.rds.amazonaws.com", "orders.evil.example", "orders"] {
        refused_with(is_source(&instance(PRIMARY), "orders", &at(host)), "not at");
    }
    refused_with(is_source(&instance(PRIMARY), "orders", &Address::new(PRIMARY, 5433)), "not at");
    refused_with(is_source(&instance(PRIMARY), "billing", &at(PRIMARY)), "asked about \"billing\"");
    let elsewhere = "arn:aws:rds:eu-west-1:111111111111:db:orders";
    refused_with(is_source(&instance(PRIMARY), elsewhere, &at(PRIMARY)), "asked about");
    let creating = is_source(&Instance { address: None, ..instance(PRIMARY) }, "orders", &at(PRIMARY)).unwrap_err();
    assert_eq!(creating.kind(), ErrorKind::FailedAws);
}

#[test]
fn a_cluster_is_looked_for_by_engine_and_by_name() {
    for (engines, administrator, account, expected) in [
        (["postgres", "postgres"], PRIMARY, REPLICA, false),
        (["postgres", "aurora-postgresql"], PRIMARY, REPLICA, true),
        (["aurora-postgresql", "postgres"], PRIMARY, REPLICA, true),
        (["postgres", "postgres"], WRITER, ONE, true),
        (["postgres", "postgres"], ONE, READER, true),
        (["postgres", "postgres"], ONE, "Reports.CLUSTER-custom-abc.eu-west-1.rds.amazonaws.com", true),
        (["postgres", "postgres"], "cluster-orders.abc", "127.0.0.1", false),
    ] {
        assert_eq!(clustered(engines, &at(administrator), &at(account)), expected, "{administrator} {account}");
    }
}

#[test]
fn every_endpoint_and_member_of_a_cluster_belongs_to_it() {
    let one = member(ONE);
    for account in [WRITER, READER, CUSTOM, ONE, "orders-2.abc.eu-west-1.rds.amazonaws.com"] {
        for account in [account.to_owned(), account.to_ascii_uppercase()] {
            one_cluster(&cluster(), None, &at(WRITER), &at(&account)).unwrap();
            one_cluster(&cluster(), Some(&one), &at(ONE), &at(&account)).unwrap();
        }
    }
    // The stage's names: an instance that RDS itself places, and endpoints without a second label.
    let local = Cluster { writer: Some("LocalHost".to_owned()), reader: Some("127.0.0.1".to_owned()), ..cluster() };
    one_cluster(&local, None, &at("localhost"), &at("127.0.0.1")).unwrap();
    one_cluster(&Cluster { reader: None, custom: Vec::new(), ..cluster() }, None, &at(WRITER), &at(ONE)).unwrap();
}

#[test]
fn a_stranger_to_the_cluster_is_refused() {
    for account in [
        "billing.cluster-abc.eu-west-1.rds.amazonaws.com",
        "orders.cluster-xyz.eu-west-1.rds.amazonaws.com",
        "orders.cluster-custom-abc.eu-west-1.rds.amazonaws.com",
        "orders.abc.eu-west-1.rds.amazonaws.com",
        "billing-1.abc.eu-west-1.rds.amazonaws.com",
        "orders-1.xyz.eu-west-1.rds.amazonaws.com",
        "orders-1.abc.us-east-1.rds.amazonaws.com",
        "orders-1.cluster-abc.eu-west-1.rds.amazonaws.com",
        "orders-1.abc.eu-west-1.rds.amazonaws.com.evil.example",
        "orders-1",
        "127.0.0.1",
    ] {
        refused_with(one_cluster(&cluster(), None, &at(WRITER), &at(account)), "neither an endpoint nor a member");
    }
    // Without the mark of a cluster in the writer's name, nothing is known of the members' names.
    for writer in ["orders", "orders.abc.eu-west-1.rds.amazonaws.com", "orders.cluster-"] {
        let odd = Cluster { writer: Some(writer.to_owned()), ..cluster() };
        refused_with(one_cluster(&odd, None, &at(writer), &at(ONE)), "neither an endpoint nor a member");
        refused_with(one_cluster(&odd, None, &at(writer), &at("orders-1")), "neither an endpoint nor a member");
    }
}

#[test]
fn an_administrator_comes_by_the_writers_endpoint_or_by_a_member() {
    for host in [READER, CUSTOM, "orders.cluster-xyz.eu-west-1.rds.amazonaws.com", "orders.evil.example", ONE] {
        refused_with(
            one_cluster(&cluster(), None, &at(host), &at(WRITER)),
            "neither the writer's endpoint nor a member",
        );
    }
    let stranger = member("billing-1.abc.eu-west-1.rds.amazonaws.com");
    let of_another = Instance { cluster: Some("billing".to_owned()), ..member(ONE) };
    let of_none = instance(ONE);
    let elsewhere = Instance { address: Some(Address::new(ONE, 5433)), ..member(ONE) };
    let creating = Instance { address: None, ..member(ONE) };
    for (through, host) in [
        (stranger, "billing-1.abc.eu-west-1.rds.amazonaws.com"),
        (of_another, ONE),
        (of_none, ONE),
        (elsewhere, ONE),
        (creating, ONE),
        (member(ONE), "orders-1.xyz.eu-west-1.rds.amazonaws.com"),
    ] {
        let answer = one_cluster(&cluster(), Some(&through), &at(host), &at(READER));
        refused_with(answer, "neither the writer's endpoint nor a member");
    }
}

#[test]
fn both_ports_are_the_clusters() {
    let other = |host| Address::new(host, 5433);
    refused_with(one_cluster(&cluster(), None, &at(WRITER), &other(READER)), "at port 5432, not 5433");
    refused_with(one_cluster(&cluster(), None, &other(WRITER), &at(READER)), "at port 5432, not 5433");
    let creating = one_cluster(&Cluster { port: None, ..cluster() }, None, &at(WRITER), &at(READER)).unwrap_err();
    assert_eq!(creating.kind(), ErrorKind::FailedAws);
}
