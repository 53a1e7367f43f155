//! RDS: what it shows of instances and clusters. An administrator's secret that RDS manages holds a user name and a password
//! only, and its tags say where it belongs; and only RDS can tell which addresses belong to one database system.

pub(crate) mod topology;

use aws_config::SdkConfig;
use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbCluster, DbInstance};

use self::topology::{Address, Cluster, Instance, unfinished};
use crate::aws::error::{code, failed};
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

    /// The Region in which it asks.
    pub(crate) fn region(&self) -> Option<&str> {
        self.0.config().region().map(AsRef::as_ref)
    }

    /// The server that an RDS-managed secret with these tags belongs to.
    pub(crate) async fn endpoint(&self, tags: &[(String, String)]) -> Result<Endpoint> {
        let tagged = TAGS.iter().find_map(|(tag, cluster)| {
            let (_, arn) = tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(tag))?;
            Some((arn.as_str(), *cluster))
        });
        let Some((arn, is_cluster)) = tagged else {
            return Err(Error::new(
                ErrorKind::RefusedSetting,
                "the administrator's secret names no host, and no tag of RDS says where it belongs",
                "name an administrator's secret with engine, host, username and password, or one that RDS manages",
            ));
        };
        let (host, port, engine) = if is_cluster {
            let cluster = self.describe_cluster(arn).await?.ok_or_else(|| gone(arn))?;
            (cluster.endpoint, cluster.port, cluster.engine)
        } else {
            let instance = self.describe_instance(arn).await?.ok_or_else(|| gone(arn))?;
            let endpoint = instance.endpoint;
            let port = endpoint.as_ref().and_then(aws_sdk_rds::types::Endpoint::port);
            (endpoint.and_then(|endpoint| endpoint.address), port, instance.engine)
        };
        let found = || Some(Endpoint { host: host?, port: u16::try_from(port?).ok()?, engine: engine? });
        found().ok_or_else(|| unfinished(arn))
    }

    /// An instance by identifier or ARN, where there is one in this account and Region.
    pub(crate) async fn instance(&self, id: &str) -> Result<Option<Instance>> {
        Ok(self.describe_instance(id).await?.map(|shown| Instance {
            id: shown.db_instance_identifier.unwrap_or_default(),
            arn: shown.db_instance_arn.unwrap_or_default(),
            address: shown
                .endpoint
                .and_then(|endpoint| Some(Address::new(&endpoint.address?, u16::try_from(endpoint.port?).ok()?))),
            cluster: shown.db_cluster_identifier,
            source: shown.read_replica_source_db_instance_identifier,
        }))
    }

    /// A cluster by identifier, where there is one in this account and Region.
    pub(crate) async fn cluster(&self, id: &str) -> Result<Option<Cluster>> {
        Ok(self.describe_cluster(id).await?.map(|shown| Cluster {
            id: shown.db_cluster_identifier.unwrap_or_default(),
            port: shown.port.and_then(|port| u16::try_from(port).ok()),
            writer: shown.endpoint,
            reader: shown.reader_endpoint,
            custom: shown.custom_endpoints.unwrap_or_default(),
            members: shown
                .db_cluster_members
                .unwrap_or_default()
                .into_iter()
                .filter_map(|member| member.db_instance_identifier)
                .collect(),
        }))
    }

    async fn describe_instance(&self, id: &str) -> Result<Option<DbInstance>> {
        match self.0.describe_db_instances().db_instance_identifier(id).send().await {
            Ok(answer) => Ok(answer.db_instances.unwrap_or_default().into_iter().next()),
            Err(error) if knows_none(code(&error)) => Ok(None),
            Err(error) => Err(failed("rds:DescribeDBInstances", id, &error)),
        }
    }

    async fn describe_cluster(&self, id: &str) -> Result<Option<DbCluster>> {
        match self.0.describe_db_clusters().db_cluster_identifier(id).send().await {
            Ok(answer) => Ok(answer.db_clusters.unwrap_or_default().into_iter().next()),
            Err(error) if knows_none(code(&error)) => Ok(None),
            Err(error) => Err(failed("rds:DescribeDBClusters", id, &error)),
        }
    }
}

/// RDS tells by this that nothing has such an identifier, or that nothing could: an address begins with a digit.
fn knows_none(code: Option<&str>) -> bool {
    matches!(code, Some("DBInstanceNotFound" | "DBClusterNotFoundFault" | "InvalidParameterValue"))
}

fn gone(arn: &str) -> Error {
    Error::new(
        ErrorKind::RefusedSetting,
        format!("RDS knows no {arn}, which a tag of the administrator's secret names"),
        "name the secret of an instance or cluster that exists in this Region and account",
    )
}
