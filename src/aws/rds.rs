//! RDS: where an administrator's secret that RDS manages belongs. Such a secret holds a user name and a password only;
//! the instance or cluster stands in its tags.

use aws_config::SdkConfig;
use aws_sdk_rds::Client;

use super::error::failed;
use crate::error::{Error, ErrorKind, Result};

/// The tags by which RDS says what its secret opens, and whether that is a cluster. AWS's templates compare them without
/// regard to case.
const TAGS: [(&str, bool); 2] = [("aws:rds:primaryDBInstanceArn", false), ("aws:rds:primaryDBClusterArn", true)];

/// The address of a database server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) engine: String,
}

/// The client.
pub(crate) struct Rds(Client);

impl Rds {
    pub(crate) fn new(shared: &SdkConfig) -> Self {
        Self(Client::new(shared))
    }

    /// The server that an RDS-managed secret with these tags belongs to.
    pub(crate) async fn endpoint(&self, tags: &[(String, String)]) -> Result<Endpoint> {
        let tagged = TAGS.iter().find_map(|(tag, cluster)| {
            let (_, arn) = tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(tag))?;
            Some((arn.as_str(), *cluster))
        });
        match tagged {
            Some((arn, true)) => self.cluster(arn).await,
            Some((arn, false)) => self.instance(arn).await,
            None => Err(Error::new(
                ErrorKind::RefusedSetting,
                "the administrator's secret names no host, and no tag of RDS says where it belongs",
                "name an administrator's secret with engine, host, username and password, or one that RDS manages",
            )),
        }
    }

    async fn instance(&self, arn: &str) -> Result<Endpoint> {
        let answer = self.0.describe_db_instances().db_instance_identifier(arn).send().await;
        let answer = answer.map_err(|error| failed("rds:DescribeDBInstances", arn, &error))?;
        let instance = answer.db_instances().first();
        let endpoint = instance.and_then(|instance| instance.endpoint());
        complete(
            arn,
            endpoint.and_then(|endpoint| endpoint.address()),
            endpoint.and_then(aws_sdk_rds::types::Endpoint::port),
            instance.and_then(|instance| instance.engine()),
        )
    }

    async fn cluster(&self, arn: &str) -> Result<Endpoint> {
        let answer = self.0.describe_db_clusters().db_cluster_identifier(arn).send().await;
        let answer = answer.map_err(|error| failed("rds:DescribeDBClusters", arn, &error))?;
        let cluster = answer.db_clusters().first();
        complete(
            arn,
            cluster.and_then(|cluster| cluster.endpoint()),
            cluster.and_then(aws_sdk_rds::types::DbCluster::port),
            cluster.and_then(|cluster| cluster.engine()),
        )
    }
}

fn complete(arn: &str, host: Option<&str>, port: Option<i32>, engine: Option<&str>) -> Result<Endpoint> {
    let found =
        || Some(Endpoint { host: host?.to_owned(), port: u16::try_from(port?).ok()?, engine: engine?.to_owned() });
    found().ok_or_else(|| {
        Error::new(
            ErrorKind::FailedAws,
            format!("RDS shows no endpoint for {arn}"),
            "wait until the instance or cluster is available and run the step again",
        )
    })
}
