//! ECS: find services, look at them, force new deployments.

mod pace;
mod read;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::error::SdkError;
use aws_sdk_ecs::operation::update_service::UpdateServiceError;
use aws_sdk_ecs::types::{CreatedAt, ServiceField};
use aws_smithy_types::DateTime;

use self::pace::{Pace, ThrottlingIsOurs};
use super::error::{code, failed};
use crate::api::ServiceName;
use crate::dependents::{Found, Past, Revision, Sighting};
use crate::error::{Error, ErrorKind, Result};
use crate::timestamp::Timestamp;

/// What `ListClusters` and `ListServices` give at most.
const PER_PAGE: i32 = 100;
/// How often a redeploy is tried whose answer never came.
const ATTEMPTS: usize = 3;

/// The client. Its calls wait for their turn and for ECS as long as they are let: the caller sets the limit.
pub(crate) struct Ecs {
    client: Client,
    /// ECS counts reads of clusters in a bucket of their own; there are few.
    services: Pace,
    definitions: Pace,
    changes: Pace,
}

/// The answer to a look into a cluster.
pub(crate) enum Listed {
    /// Its services, by ARN.
    Services(Vec<String>),
    /// There is no such cluster.
    NoCluster,
}

impl Ecs {
    pub(crate) fn new(shared: &SdkConfig) -> Self {
        let config = aws_sdk_ecs::config::Builder::from(shared).retry_classifier(ThrottlingIsOurs);
        Self {
            client: Client::from_conf(config.build()),
            services: Pace::new(50.0, 20.0),
            definitions: Pace::new(25.0, 20.0),
            changes: Pace::new(25.0, 5.0),
        }
    }

    /// How many calls ECS has throttled since the process started.
    pub(crate) fn throttled(&self) -> usize {
        [&self.services, &self.definitions, &self.changes].into_iter().map(Pace::throttled).sum()
    }

    /// The ARNs of all clusters of the Region.
    pub(crate) async fn clusters(&self) -> Result<Vec<String>> {
        let mut clusters = Vec::new();
        let mut next = None;
        loop {
            let send = || self.client.list_clusters().max_results(PER_PAGE).set_next_token(next.clone()).send();
            let page = self.services.call(send).await;
            let page = page.map_err(|error| failed("ecs:ListClusters", "*", &error))?;
            clusters.extend(page.cluster_arns.ok_or_else(|| said_nothing("ecs:ListClusters"))?);
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(clusters);
            }
        }
    }

    /// The services of a cluster.
    pub(crate) async fn services(&self, cluster: &str) -> Result<Listed> {
        let mut services = Vec::new();
        let mut next = None;
        loop {
            let list = || self.client.list_services().cluster(cluster).max_results(PER_PAGE);
            let page = self.services.call(|| list().set_next_token(next.clone()).send()).await;
            let page = match page {
                Ok(page) => page,
                Err(error) if is_no_cluster(code(&error)) => return Ok(Listed::NoCluster),
                Err(error) => return Err(failed("ecs:ListServices", "*", &error)),
            };
            services.extend(page.service_arns.ok_or_else(|| said_nothing("ecs:ListServices"))?);
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(Listed::Services(services));
            }
        }
    }

    /// What ECS says of up to ten services of one cluster, in the order asked. `tags` asks for their tags too.
    pub(crate) async fn describe(&self, services: &[ServiceName], tags: bool) -> Result<Vec<Sighting>> {
        let Some(cluster) = services.first().map(|name| name.cluster.as_str()) else { return Ok(Vec::new()) };
        let names: Vec<String> = services.iter().map(|name| name.service.clone()).collect();
        let include = tags.then(|| vec![ServiceField::Tags]);
        let describe = || self.client.describe_services().cluster(cluster).set_include(include.clone());
        let answer = self.services.call(|| describe().set_services(Some(names.clone())).send()).await;
        match answer {
            Ok(described) => Ok(services.iter().map(|name| read::sighting(name, &described)).collect()),
            Err(error) if is_no_cluster(code(&error)) => Ok(services.iter().map(|_| Sighting::NoCluster).collect()),
            Err(error) => {
                let names: Vec<String> = services.iter().map(pattern).collect();
                Err(failed("ecs:DescribeServices", &names.join(", "), &error))
            }
        }
    }

    /// The service deployments that began after a time. ECS keeps ninety days of them, and tells of
    /// its own rolling and blue/green deployments only.
    pub(crate) async fn deployed(&self, name: &ServiceName, after: Timestamp) -> Result<Vec<Past>> {
        let after = CreatedAt::builder().after(DateTime::from_millis(after.millis())).build();
        let (mut all, mut next) = (Vec::new(), None);
        loop {
            let list = || self.client.list_service_deployments().cluster(&name.cluster).service(&name.service);
            let send = || list().created_at(after.clone()).set_next_token(next.clone()).send();
            let page = self.services.call(send).await;
            let page = page.map_err(|error| failed("ecs:ListServiceDeployments", &pattern(name), &error))?;
            all.extend(page.service_deployments().iter().filter_map(read::past));
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(all);
            }
        }
    }

    /// What matters of a revision of a task definition.
    pub(crate) async fn revision(&self, arn: &str) -> Result<Revision> {
        let answer = self.definitions.call(|| self.client.describe_task_definition().task_definition(arn).send()).await;
        let answer = answer.map_err(|error| failed("ecs:DescribeTaskDefinition", "*", &error))?;
        let definition = answer.task_definition().ok_or_else(|| said_nothing("ecs:DescribeTaskDefinition"))?;
        Ok(read::revision(definition))
    }

    /// Forces a new deployment in the place of the one that was PRIMARY when the service was looked at: the same task
    /// definition, the same everything, new tasks that read the secret as they start.
    ///
    /// Safe to repeat: another deployment of the same revision replaces the tasks once more and changes nothing else. An
    /// answer that never came is not taken for a failure: whether there is a new PRIMARY deployment tells.
    pub(crate) async fn redeploy(&self, name: &ServiceName, replaces: Option<&str>) -> Result<()> {
        let force = || {
            let update = self.client.update_service().cluster(&name.cluster).service(&name.service);
            let once = aws_sdk_ecs::Config::builder().retry_config(RetryConfig::disabled());
            update.force_new_deployment(true).customize().config_override(once).send()
        };
        let mut attempt = 1;
        loop {
            match self.changes.call(force).await {
                Ok(_) => return Ok(()),
                Err(error) if may_be_done(&error) => match self.has_replaced(name, replaces).await {
                    Ok(true) => return Ok(()),
                    Ok(false) if attempt < ATTEMPTS => attempt += 1,
                    // Not to know is a failure too: the next look at the dates tells.
                    Ok(false) | Err(_) => return Err(failed("ecs:UpdateService", &pattern(name), &error)),
                },
                Err(error) => return Err(failed("ecs:UpdateService", &pattern(name), &error)),
            }
        }
    }

    /// Redeploys a service unless an earlier call, which was cut off, has already replaced its PRIMARY deployment.
    pub(crate) async fn redeploy_unless_done(&self, name: &ServiceName, replaces: Option<&str>) -> Result<()> {
        if self.has_replaced(name, replaces).await? { Ok(()) } else { self.redeploy(name, replaces).await }
    }

    async fn has_replaced(&self, name: &ServiceName, old: Option<&str>) -> Result<bool> {
        let primary = |seen: &Found| seen.primary().map(|primary| primary.id.clone());
        let seen = self.describe(std::slice::from_ref(name), false).await?;
        Ok(matches!(&seen[..], [Sighting::Found(found)] if old.is_some() && primary(found).as_deref() != old))
    }
}

/// The service as a policy names it where its ARN is not at hand; a role is of one account anyway.
fn pattern(name: &ServiceName) -> String {
    format!("arn:*:ecs:*:*:service/{name}")
}

/// An answer without what it is for. An empty list would mean that nothing depends on the secret, and close its rollout.
fn said_nothing(operation: &str) -> Error {
    Error::new(
        ErrorKind::FailedAws,
        format!("{operation} was answered without what was asked for"),
        "check that nothing between the function and ECS answers in its place, and run the step again",
    )
}

fn is_no_cluster(code: Option<&str>) -> bool {
    code == Some("ClusterNotFoundException")
}

/// Whether ECS may have done what it did not answer to.
fn may_be_done(error: &SdkError<UpdateServiceError>) -> bool {
    match error {
        SdkError::ServiceError(answer) => answer.raw().status().is_server_error(),
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        _ => false,
    }
}
