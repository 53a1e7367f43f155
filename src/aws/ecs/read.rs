//! What ECS shows, in our terms.

use aws_sdk_ecs::operation::describe_services::DescribeServicesOutput;
use aws_sdk_ecs::types::{
    ContainerDefinition, Deployment as Shown, DeploymentConfiguration, DeploymentControllerType,
    DeploymentRolloutState, DeploymentStrategy, Failure, LogConfiguration, RepositoryCredentials, SchedulingStrategy,
    Secret, Service, ServiceDeploymentBrief, ServiceDeploymentStatus, ServiceEvent, TaskDefinition, TaskSet, Volume,
};

use crate::api::{ServiceName, short};
use crate::aws::date::timestamp;
use crate::dependents::{
    Container, Controller, Deployment, DeploymentState, Found, Outcome, Past, Reference, Revision, Sighting,
    floating_tag,
};
use crate::error::{Error, ErrorKind};

/// The tag by which a service names the secrets that it depends on.
const TAG: &str = "keyroll:secret";

/// Only ECS's own word MISSING proves that there is no such service.
pub(super) fn sighting(name: &ServiceName, described: &DescribeServicesOutput) -> Sighting {
    let names = |arn: Option<&str>| arn.is_some_and(|arn| short(arn) == name.service);
    let is = |service: &&Service| service.service_name() == Some(&name.service) || names(service.service_arn());
    if let Some(service) = described.services().iter().find(is) {
        return Sighting::Found(found(service));
    }
    match described.failures().iter().find(|failure| names(failure.arn())).and_then(Failure::reason) {
        Some("MISSING") => Sighting::NoService,
        reason => Sighting::Unseen(Error::new(
            ErrorKind::FailedAws,
            format!("ecs:DescribeServices shows nothing of {name} ({})", reason.unwrap_or("and no reason")),
            "run the step again",
        )),
    }
}

fn found(service: &Service) -> Found {
    let alone = service.deployments().len() <= 1;
    let mut deployments: Vec<Deployment> = service.deployments().iter().map(|shown| deployment(shown, alone)).collect();
    for deployment in deployments.iter_mut().filter(|deployment| deployment.primary) {
        rolled_back(deployment, service);
    }
    deployments.extend(service.task_sets().iter().filter(|set| set.status() != Some("DRAINING")).map(task_set));
    let staying = service.deployments().iter().filter(|shown| shown.status() == Some("PRIMARY"));
    let connect = staying.filter_map(Shown::service_connect_configuration);
    let tags = service.tags().iter().filter(|tag| tag.key() == Some(TAG));
    let configuration = service.deployment_configuration();
    let percent = configuration.and_then(|it| Some((it.maximum_percent()?, it.minimum_healthy_percent()?)));
    let strategy = configuration.and_then(DeploymentConfiguration::strategy);
    let rolling = strategy.is_none_or(|strategy| *strategy == DeploymentStrategy::Rolling);
    let daemon = service.scheduling_strategy() == Some(&SchedulingStrategy::Daemon);
    Found {
        active: service.status() == Some("ACTIVE"),
        desired: service.desired_count(),
        running: service.running_count(),
        controller: match service.deployment_controller().map(aws_sdk_ecs::types::DeploymentController::r#type) {
            Some(DeploymentControllerType::External) => Controller::External,
            Some(DeploymentControllerType::CodeDeploy) => Controller::CodeDeploy,
            // Absent means ECS, and a type added later is for ECS itself to refuse.
            _ => Controller::Ecs,
        },
        revision: service.task_definition().filter(|revision| !revision.is_empty()).map(str::to_owned),
        deployments,
        tagged: tags.filter_map(|tag| tag.value()).flat_map(Reference::tag).collect(),
        connect: connect.flat_map(|it| log_secrets(it.log_configuration())).collect(),
        // Daemons are replaced on each instance, one after the other, whatever the percentages.
        percent: if rolling && !daemon { percent } else { None },
        rolling,
    }
}

/// ECS, "How the Amazon ECS deployment circuit breaker detects failures": a rollback makes the deployment of before PRIMARY
/// again, under its old id and with a new date. Tasks that it never stopped run on, with what they read long ago.
fn rolled_back(primary: &mut Deployment, service: &Service) {
    let tells = |message: &&str| message.contains("rolling back") && message.contains(&primary.id);
    let told = service.events().iter().filter_map(ServiceEvent::message).find(tells).map(str::to_owned);
    let told = told.or_else(|| Some(primary.reason.clone()).filter(|reason| reason.contains("rolling back")));
    if let Some(reason) = told {
        primary.state = DeploymentState::Failed;
        primary.reason = reason;
    }
}

/// A service deployment. One that is still going on has no end.
pub(super) fn past(shown: &ServiceDeploymentBrief) -> Option<Past> {
    let outcome = match shown.status()? {
        ServiceDeploymentStatus::Successful => Outcome::Successful,
        ServiceDeploymentStatus::Pending | ServiceDeploymentStatus::InProgress => Outcome::Going,
        _ => Outcome::Undone,
    };
    Some(Past { created: timestamp(shown.created_at())?, finished: timestamp(shown.finished_at()), outcome })
}

/// `alone`: no other deployment stands beside it. ECS shows the state of rolling updates only.
fn deployment(shown: &Shown, alone: bool) -> Deployment {
    Deployment {
        id: shown.id().unwrap_or_default().to_owned(),
        primary: shown.status() == Some("PRIMARY"),
        created: timestamp(shown.created_at()),
        updated: timestamp(shown.updated_at()),
        state: match shown.rollout_state() {
            Some(DeploymentRolloutState::InProgress) => DeploymentState::InProgress,
            Some(DeploymentRolloutState::Failed) => DeploymentState::Failed,
            None if !alone => DeploymentState::InProgress,
            _ => DeploymentState::Completed,
        },
        reason: shown.rollout_state_reason().unwrap_or_default().to_owned(),
        revision: shown.task_definition().unwrap_or_default().to_owned(),
    }
}

fn task_set(shown: &TaskSet) -> Deployment {
    Deployment {
        id: shown.id().unwrap_or_default().to_owned(),
        primary: shown.status() == Some("PRIMARY"),
        created: timestamp(shown.created_at()),
        updated: timestamp(shown.updated_at()),
        state: DeploymentState::Completed,
        reason: String::new(),
        revision: shown.task_definition().unwrap_or_default().to_owned(),
    }
}

/// Every place of a task definition where a secret can stand.
pub(super) fn revision(definition: &TaskDefinition) -> Revision {
    let containers = definition.container_definitions();
    let mut elsewhere: Vec<Reference> = containers.iter().flat_map(around_container).collect();
    elsewhere.extend(definition.volumes().iter().filter_map(of_volume));
    let images = containers.iter().filter_map(ContainerDefinition::image);
    let mut floating_images: Vec<String> = images.filter(|image| floating_tag(image)).map(str::to_owned).collect();
    floating_images.sort_unstable();
    floating_images.dedup();
    Revision { containers: containers.iter().filter_map(of_container).collect(), elsewhere, floating_images }
}

/// What the container takes into its environment, if it takes any secret.
fn of_container(container: &ContainerDefinition) -> Option<Container> {
    let mut takes: Vec<Reference> = Vec::new();
    for reference in container.secrets().iter().filter_map(value_from) {
        // Host, port and the like of one secret are one and the same here.
        if !takes.contains(&reference) {
            takes.push(reference);
        }
    }
    takes.shrink_to_fit();
    let name = container.name().unwrap_or_default().to_owned();
    (!takes.is_empty()).then_some(Container { name, takes })
}

/// What its log driver and the registry of its image need.
fn around_container(container: &ContainerDefinition) -> Vec<Reference> {
    let registry = container.repository_credentials().map(RepositoryCredentials::credentials_parameter);
    let registry = registry.and_then(Reference::credentials);
    log_secrets(container.log_configuration()).chain(registry).collect()
}

fn log_secrets(log: Option<&LogConfiguration>) -> impl Iterator<Item = Reference> {
    log.map(LogConfiguration::secret_options).unwrap_or_default().iter().filter_map(value_from)
}

fn value_from(secret: &Secret) -> Option<Reference> {
    Reference::value_from(secret.value_from())
}

fn of_volume(volume: &Volume) -> Option<Reference> {
    let windows = volume.fsx_windows_file_server_volume_configuration()?;
    Reference::value_from(windows.authorization_config()?.credentials_parameter())
}
