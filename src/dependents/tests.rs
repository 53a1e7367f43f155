//! Which services depend on a secret.

use super::sample::{deployment, found};
use super::*;

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf";

/// A deployment of a revision.
fn running(revision: &str, primary: bool) -> Deployment {
    Deployment { revision: revision.to_owned(), ..deployment(Some(1000), primary, DeploymentState::Completed) }
}

fn revision(value_from: &[&str]) -> Revision {
    let takes = value_from.iter().filter_map(|text| Reference::value_from(text)).collect();
    Revision { containers: vec![Container { name: "app".to_owned(), takes }], ..Revision::default() }
}

#[test]
fn the_reference_that_a_rotation_changes_counts_most() {
    let pinned = format!("{ARN}:::v1");
    let labelled = format!("{ARN}::BLUE:");
    let previous = format!("{ARN}:password:AWSPREVIOUS:");
    for (value_from, expected) in [
        (vec![ARN], Some(Dependence::Reads)),
        (vec![previous.as_str()], Some(Dependence::Reads)),
        (vec![pinned.as_str(), ARN], Some(Dependence::Reads)),
        (vec![pinned.as_str()], Some(Dependence::Pinned("v1".to_owned()))),
        (vec![labelled.as_str()], Some(Dependence::OtherLabel("BLUE".to_owned()))),
        (vec!["/orders/db"], None),
        (vec![], None),
    ] {
        let revision = revision(&value_from);
        let service = found(vec![running("a:1", true)]);
        assert_eq!(service.dependence(ARN, |_| Some(&revision)), expected, "{value_from:?}");
    }
}

#[test]
fn of_two_deployments_the_one_that_stays_decides() {
    let (reads, none) = (revision(&[ARN]), revision(&[]));
    let service = found(vec![running("a:2", true), running("a:1", false)]);
    for (new, old, expected) in
        [(&reads, &none, Some(Dependence::Reads)), (&none, &reads, Some(Dependence::Outgoing)), (&none, &none, None)]
    {
        let found = service.dependence(ARN, |name| Some(if name == "a:2" { new } else { old }));
        assert_eq!(found, expected);
    }
}

#[test]
fn a_service_may_opt_in_by_its_tag_and_by_service_connect() {
    let none = revision(&[]);
    let mut service = found(vec![running("a:1", true)]);
    service.tagged = Reference::tag("orders/db").collect();
    assert_eq!(service.dependence(ARN, |_| Some(&none)), Some(Dependence::Tagged));
    service.tagged = Reference::tag("orders/db2").collect();
    assert_eq!(service.dependence(ARN, |_| Some(&none)), None);
    service.connect = Reference::value_from(ARN).into_iter().collect();
    assert_eq!(service.dependence(ARN, |_| Some(&none)), Some(Dependence::Reads));
}

#[test]
fn a_service_that_runs_nothing_known_depends_on_nothing() {
    assert_eq!(found(vec![]).dependence(ARN, |_| None), None);
}
