//! What a forced deployment may do that nobody expects of one that changes no setting. Told as warnings: the value has
//! moved, and staying on the old one is worse.

use super::{Dependence, DeploymentState, Found, Revision, WantedVersion};
use crate::api::ServiceName;

/// The hazards of redeploying a service. `revision` is what is known of the revision that would start.
#[must_use]
pub fn hazards(name: &ServiceName, how: &Dependence, found: &Found, arn: &str, revision: &Revision) -> Vec<String> {
    let mut hazards = Vec::new();
    if let Some(primary) = found.primary().filter(|primary| primary.state == DeploymentState::InProgress) {
        let since = primary.created.map(|created| format!(" since {created}")).unwrap_or_default();
        hazards.push(format!("{name}: the deployment {} is in progress{since}; a forced one replaces it", primary.id));
    }
    hazards.extend(found.percent.and_then(|(most, least)| no_room(name, found.desired, most, least)));
    if !found.rolling {
        hazards.push(format!(
            "{name}: its deployments are not rolling updates: old tasks run on, with the old value, until the new ones have \
             taken over and the bake time has passed"
        ));
    }
    for image in &revision.floating_images {
        hazards.push(format!(
            "{name}: the tag of its image {image} names no build, so that a new deployment may start other code"
        ));
    }
    let pinned = revision.references().filter(|one| one.is_of(arn)).find_map(|one| match &one.version {
        WantedVersion::Version(id) if *how == Dependence::Reads => Some(id),
        _ => None,
    });
    hazards
        .extend(pinned.map(|id| format!("{name}: it also takes version {id}, which a new deployment does not change")));
    hazards
}

/// ECS, "Deployment configuration": while a rolling update runs there are at most `desired x maximumPercent`, rounded
/// down, and at least `desired x minimumHealthyPercent`, rounded up.
fn no_room(name: &ServiceName, desired: i32, most: i32, least: i32) -> Option<String> {
    let (desired, most, least) = (i64::from(desired), i64::from(most), i64::from(least));
    let above = desired * most / 100 - desired;
    let below = desired - (desired * least + 99) / 100;
    let percents = format!("maximumPercent {most} and minimumHealthyPercent {least} with {desired} task(s)");
    if desired == 0 || above > 0 {
        None
    } else if below <= 0 {
        Some(format!("{name}: {percents} leave no room to replace a task: the deployment cannot proceed"))
    } else if below >= desired {
        Some(format!("{name}: {percents}: every task may stop before a new one runs"))
    } else {
        None
    }
}

/// Whether an image's tag names no build: none, or one without a digit (`latest`, `main`, `prod`). A digest always does.
#[must_use]
pub fn floating_tag(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').is_none_or(|(_, tag)| !tag.bytes().any(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_without_a_digit_names_no_build() {
        for (image, floating) in [
            ("app", true),
            ("app:latest", true),
            ("registry.example:5000/team/app", true),
            ("registry.example:5000/team/app:prod", true),
            ("app:1.4.2", false),
            ("app:2f9c1e0", false),
            ("app:latest@sha256:0000", false),
            ("000000000000.dkr.ecr.eu-west-1.amazonaws.com/app:main", true),
        ] {
            assert_eq!(floating_tag(image), floating, "{image}");
        }
    }

    #[test]
    fn room_is_counted_as_ecs_rounds() {
        let name = ServiceName::known("prod", "api");
        for (desired, percent, expected) in [
            (1, (200, 100), None),
            (1, (100, 0), Some("every task may stop")),
            (1, (100, 100), Some("cannot proceed")),
            (1, (150, 100), Some("cannot proceed")),
            (2, (150, 50), None),
            (2, (100, 50), None),
            (4, (100, 0), Some("every task may stop")),
            (0, (100, 0), None),
        ] {
            let found = no_room(&name, desired, percent.0, percent.1);
            assert_eq!(found.is_some(), expected.is_some(), "{desired} {percent:?} {found:?}");
            assert!(expected.is_none_or(|text| found.unwrap().contains(text)), "{desired} {percent:?}");
        }
    }
}
