//! ECS: look at services, force a new deployment.

use aws_config::SdkConfig;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::operation::describe_services::DescribeServicesOutput;
use aws_sdk_ecs::types::{DeploymentControllerType, Failure, Service};

use super::error::{code, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::rollout::{Controller, Found, ServiceName, Sighting};

/// The client.
pub(crate) struct Ecs(Client);

impl Ecs {
    pub(crate) fn new(shared: &SdkConfig) -> Self {
        Self(Client::new(shared))
    }

    /// What ECS says of up to ten services of one cluster, in the order asked.
    pub(crate) async fn describe(&self, services: &[ServiceName]) -> Result<Vec<Sighting>> {
        let Some(cluster) = services.first().map(|name| name.cluster.as_str()) else { return Ok(Vec::new()) };
        let answer = self
            .0
            .describe_services()
            .cluster(cluster)
            .set_services(Some(services.iter().map(|name| name.service.clone()).collect()))
            .send()
            .await;
        let described = match answer {
            Ok(described) => described,
            Err(error) if code(&error) == Some("ClusterNotFoundException") => {
                return Ok(services.iter().map(|_| Sighting::NoCluster).collect());
            }
            Err(error) => {
                let names: Vec<String> = services.iter().map(ToString::to_string).collect();
                return Err(failed("ecs:DescribeServices", &format!("the services {}", names.join(", ")), &error));
            }
        };
        Ok(services.iter().map(|name| sighting(name, &described)).collect())
    }

    /// Forces a new deployment: the same task definition, the same everything, new tasks that read the secret as they
    /// start.
    ///
    /// Safe to repeat: another deployment of the same revision replaces the tasks once more and changes nothing else.
    pub(crate) async fn redeploy(&self, name: &ServiceName) -> Result<()> {
        self.0
            .update_service()
            .cluster(&name.cluster)
            .service(&name.service)
            .force_new_deployment(true)
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("ecs:UpdateService", &format!("the service {name}"), &error))
    }
}

/// Only ECS's own word MISSING proves that there is no such service.
fn sighting(name: &ServiceName, described: &DescribeServicesOutput) -> Sighting {
    // An ARN ends with the service's name, after the cluster's or, in the old form, directly.
    let names = |arn: Option<&str>| arn.is_some_and(|arn| arn.rsplit('/').next() == Some(&name.service));
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
    let primary = service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"));
    Found {
        active: service.status() == Some("ACTIVE"),
        desired: service.desired_count(),
        controller: match service.deployment_controller().map(aws_sdk_ecs::types::DeploymentController::r#type) {
            Some(DeploymentControllerType::External) => Controller::External,
            Some(DeploymentControllerType::CodeDeploy) => Controller::CodeDeploy,
            // Absent means ECS, and a type added later is for ECS itself to refuse.
            _ => Controller::Ecs,
        },
        deployed: primary.and_then(|deployment| deployment.created_at()).and_then(|date| date.to_millis().ok()),
    }
}
