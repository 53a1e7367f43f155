//! Containers that take a password without its user name. A secret whose users alternate changes both with every rotation: a container
//! that takes the password from the secret and the name from elsewhere would log in with the new user's password and the
//! old user's name.
//!
//! Only what a container takes into its environment is judged, and only by the keys `password` and `username`. What a log
//! driver, a registry or a file system takes is not a login to the database.

use std::fmt;

use super::{Found, Key, Reference, Revision, WantedVersion};
use crate::api::{ServiceName, short};

/// A container that takes the password apart from the user name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    service: ServiceName,
    revision: String,
    container: String,
    /// By which label it takes the password.
    label: String,
    /// Which version's user name it takes instead, if any.
    username: Option<WantedVersion>,
}

/// The containers of a service that take the password of the secret of this ARN by a label that a rotation moves, and
/// neither `username` nor the whole value by the same label. `revision` gives what is known of a revision.
///
/// A service without tasks is no exception: it will have some. One that is being deleted is. A password pinned to a
/// version, or by a label that no rotation moves, stays the one that fits.
#[must_use]
pub fn apart<'a>(
    service: &ServiceName,
    found: &Found,
    arn: &str,
    revision: impl Fn(&str) -> Option<&'a Revision>,
) -> Vec<Apart> {
    let mut all = Vec::new();
    if !found.active {
        return all;
    }
    let (staying, _) = found.revisions();
    for name in staying {
        for container in revision(name).into_iter().flat_map(|known| &known.containers) {
            let takes: Vec<&Reference> = container.takes.iter().filter(|one| one.is_of(arn)).collect();
            all.extend(alone(&takes).into_iter().map(|(label, username)| Apart {
                service: service.clone(),
                revision: short(name).to_owned(),
                container: container.name.clone(),
                label: label.to_owned(),
                username: username.cloned(),
            }));
        }
    }
    all
}

/// The labels by which the password is taken and no user name, each once, with the user name that is taken otherwise.
fn alone<'a>(takes: &[&'a Reference]) -> Vec<(&'a str, Option<&'a WantedVersion>)> {
    let names = || takes.iter().filter(|one| matches!(one.key, Key::Username | Key::Whole)).map(|one| &one.version);
    let mut found: Vec<(&str, Option<&WantedVersion>)> = Vec::new();
    for password in takes.iter().filter(|one| one.key == Key::Password) {
        let Some(label) = password.version.moving() else { continue };
        let paired = names().any(|name| *name == password.version);
        if !paired && found.iter().all(|(known, _)| *known != label) {
            found.push((label, names().next()));
        }
    }
    found
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, revision, container, label, .. } = self;
        write!(f, "{service}: the container {container} of {revision} takes password by {label} and ")?;
        match &self.username {
            None => f.write_str("no username"),
            Some(WantedVersion::Label(other)) => write!(f, "username by {other}"),
            Some(WantedVersion::Version(id)) => write!(f, "username of version {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependents::sample::{deployment, found};
    use crate::dependents::{Container, Controller, Deployment, DeploymentState};

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf";

    /// Secrets by what follows the ARN; others by their whole text.
    fn container(name: &str, takes: &[&str]) -> Container {
        let text = |take: &&str| if take.starts_with([':', '!']) { format!("{ARN}{take}") } else { (*take).to_owned() };
        let takes = takes.iter().map(text).map(|text| text.replace('!', ""));
        Container { name: name.to_owned(), takes: takes.filter_map(|text| Reference::value_from(&text)).collect() }
    }

    fn revision(containers: Vec<Container>) -> Revision {
        Revision { containers, ..Revision::default() }
    }

    fn service() -> ServiceName {
        ServiceName::known("prod", "api")
    }

    fn running(revision: &str, primary: bool) -> Deployment {
        Deployment { revision: revision.to_owned(), ..deployment(Some(1000), primary, DeploymentState::Completed) }
    }

    /// The warnings about a service that runs one revision with these containers.
    fn told(containers: Vec<Container>) -> Vec<String> {
        let revision = revision(containers);
        let found = found(vec![running("arn:aws:ecs:eu-west-1:000000000000:task-definition/api:7", true)]);
        apart(&service(), &found, ARN, |_| Some(&revision)).iter().map(ToString::to_string).collect()
    }

    /// The ends of the lines of one container that takes this.
    fn ends(takes: &[&str]) -> Vec<String> {
        let start = "prod/api: the container app of api:7 takes password by ";
        told(vec![container("app", takes)]).iter().map(|line| line.strip_prefix(start).unwrap().to_owned()).collect()
    }

    #[test]
    fn the_rule_cell_by_cell() {
        let partial = ARN.strip_suffix("-AbCdEf").unwrap();
        let (password, username) = (format!("{partial}:password::"), format!("{partial}:username::"));
        let parameter = "/aws/reference/secretsmanager/orders/db";
        let previous = format!("{parameter}:AWSPREVIOUS");
        for (takes, expected) in [
            // No password, or none that changes.
            (vec![], vec![]),
            (vec!["!"], vec![]),
            (vec![":username::"], vec![]),
            (vec![":host::", ":Password::", ":passwords::", ":pw::"], vec![]),
            (vec![":password::v1"], vec![]),
            (vec![":password::v1", ":username::"], vec![]),
            (vec![":password:AWSCURRENT:v1"], vec![]),
            (vec![":password:BLUE:"], vec![]),
            (vec![":password:BLUE:", ":username:GREEN:"], vec![]),
            // A pair, whatever else there is.
            (vec![":password::", ":username::"], vec![]),
            (vec![":username::", ":password::"], vec![]),
            (vec![":password::", ":username:AWSCURRENT:"], vec![]),
            (vec![":password:AWSPREVIOUS:", ":username:AWSPREVIOUS:"], vec![]),
            (vec![":password:AWSPENDING:", "!::AWSPENDING:"], vec![]),
            (vec![":password::", "!"], vec![]),
            (vec![":password::", parameter], vec![]),
            (vec![":password:AWSPREVIOUS:", &previous], vec![]),
            (vec![&password, ":username::"], vec![]),
            (vec![":password::", &username], vec![]),
            (vec![":password::", ":username::v1", ":username::"], vec![]),
            (vec![":password::", ":password:AWSPREVIOUS:", ":username::", ":username:AWSPREVIOUS:"], vec![]),
            // The password alone.
            (vec![":password::"], vec!["AWSCURRENT and no username"]),
            (vec![":password:AWSCURRENT:"], vec!["AWSCURRENT and no username"]),
            (vec![":password:AWSPENDING:"], vec!["AWSPENDING and no username"]),
            (vec![":password:AWSPREVIOUS:"], vec!["AWSPREVIOUS and no username"]),
            (vec![&password], vec!["AWSCURRENT and no username"]),
            (vec![":password::", ":password:AWSCURRENT:"], vec!["AWSCURRENT and no username"]),
            (vec![":password::", ":user::", ":host::", ":Username::"], vec!["AWSCURRENT and no username"]),
            // The user name of another version.
            (vec![":password::", ":username::v1"], vec!["AWSCURRENT and username of version v1"]),
            (vec![":password::", "!:::v1"], vec!["AWSCURRENT and username of version v1"]),
            (vec![":password::", ":username:AWSPREVIOUS:"], vec!["AWSCURRENT and username by AWSPREVIOUS"]),
            (vec![":password::", &previous], vec!["AWSCURRENT and username by AWSPREVIOUS"]),
            (vec![":password::", ":username:BLUE:"], vec!["AWSCURRENT and username by BLUE"]),
            // Two labels, of which one or none is paired.
            (
                vec![":password::", ":username::", ":password:AWSPREVIOUS:"],
                vec!["AWSPREVIOUS and username by AWSCURRENT"],
            ),
            (
                vec![":password::", ":password:AWSPREVIOUS:"],
                vec!["AWSCURRENT and no username", "AWSPREVIOUS and no username"],
            ),
            (vec![":password::v1", ":password::"], vec!["AWSCURRENT and no username"]),
        ] {
            assert_eq!(ends(&takes), expected, "{takes:?}");
        }
    }

    #[test]
    fn what_is_taken_of_another_secret_pairs_nothing_and_matters_to_nobody() {
        let other = ARN.replace("orders/db", "orders/db2");
        let (password, username) = (format!("{other}:password::"), format!("{other}:username::"));
        assert_eq!(ends(&[&password]), Vec::<String>::new());
        assert_eq!(ends(&[":password::", &username]), ["AWSCURRENT and no username"]);
        assert_eq!(ends(&[":username::", &password]), Vec::<String>::new());
    }

    #[test]
    fn each_container_is_judged_for_itself() {
        let both = container("app", &[":password::", ":username::"]);
        let half = || container("sidecar", &[":password::"]);
        let line = "prod/api: the container sidecar of api:7 takes password by AWSCURRENT and no username";
        assert_eq!(told(vec![both, half()]), [line]);
        assert_eq!(told(vec![container("app", &[":username::"]), half()]), [line]);
        assert_eq!(told(vec![container("app", &["!"]), half()]), [line]);
        assert_eq!(told(vec![half(), container("proxy", &[":password::"])]).len(), 2);
    }

    #[test]
    fn what_is_taken_beside_the_environment_is_not_judged() {
        let taken = || Reference::value_from(&format!("{ARN}:password::")).into_iter().collect::<Vec<_>>();
        let revision = Revision { elsewhere: taken(), ..Revision::default() };
        let found = Found { connect: taken(), tagged: taken(), ..found(vec![running("api:7", true)]) };
        assert_eq!(apart(&service(), &found, ARN, |_| Some(&revision)), []);
        // Nor does it pair a password.
        let whole = Reference::value_from(ARN).into_iter().collect();
        let revision = Revision { elsewhere: whole, containers: vec![container("app", &[":password::"])], ..revision };
        assert_eq!(apart(&service(), &found, ARN, |_| Some(&revision)).len(), 1);
    }

    #[test]
    fn revisions_that_stay_count_and_services_that_go_do_not() {
        let (half, none) = (revision(vec![container("app", &[":password::"])]), revision(vec![]));
        let known = |name: &str| match name {
            "half:1" => Some(&half),
            "none:1" => Some(&none),
            _ => None,
        };
        let told = |found: &Found| -> usize { apart(&service(), found, ARN, known).len() };
        let both = |primary: &str, old: &str| found(vec![running(primary, true), running(old, false)]);
        assert_eq!(told(&both("half:1", "none:1")), 1);
        assert_eq!(told(&both("none:1", "half:1")), 0);
        assert_eq!(told(&both("unread:1", "half:1")), 0);
        // The one that a forced deployment would start.
        assert_eq!(told(&Found { revision: Some("half:1".to_owned()), ..both("none:1", "none:1") }), 1);
        // A task set that comes.
        assert_eq!(told(&Found { controller: Controller::CodeDeploy, ..both("none:1", "half:1") }), 1);
        assert_eq!(told(&Found { desired: 0, ..both("half:1", "none:1") }), 1);
        assert_eq!(told(&Found { active: false, ..both("half:1", "none:1") }), 0);
        assert_eq!(told(&found(vec![])), 0);
    }
}
