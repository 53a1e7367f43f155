//! The part of RDS that an administrator meets: instances and clusters, and what they say of themselves.

mod query;

use serde_json::{Value, json};

use super::wire::{Answer, ApiError, Fields as _};
pub(crate) use query::{decoded, reply};

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbInstance {
    /// `DBInstanceIdentifier`.
    pub id: String,
    /// The host and the port of its endpoint; none while it is created.
    pub endpoint: Option<(String, u16)>,
    /// `postgres`, `aurora-postgresql`.
    pub engine: String,
    /// The cluster that it is a member of.
    pub cluster: Option<String>,
    /// The instance that it replicates: an identifier in the same Region, an ARN in another.
    pub source: Option<String>,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbCluster {
    /// `DBClusterIdentifier`.
    pub id: String,
    /// `aurora-postgresql`, or `postgres` for Multi-AZ with readers.
    pub engine: String,
    /// The writer's endpoint.
    pub endpoint: String,
    /// The readers' endpoint.
    pub reader_endpoint: Option<String>,
    /// Endpoints that somebody made for a choice of instances.
    pub custom_endpoints: Vec<String>,
    /// The port of all endpoints.
    pub port: u16,
    /// Its instances; the first one writes.
    pub members: Vec<String>,
}

/// Everything in RDS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rds {
    region: String,
    account: String,
    instances: Vec<DbInstance>,
    clusters: Vec<DbCluster>,
}

impl DbInstance {
    /// A PostgreSQL instance that stands alone.
    #[must_use]
    pub fn new(id: &str, host: &str, port: u16) -> Self {
        let endpoint = Some((host.to_owned(), port));
        Self { id: id.to_owned(), endpoint, engine: "postgres".to_owned(), cluster: None, source: None }
    }

    /// The same as a read replica.
    #[must_use]
    pub fn replica_of(self, source: &str) -> Self {
        Self { source: Some(source.to_owned()), ..self }
    }

    /// The same as a member of an Aurora cluster, which has to name it, too.
    #[must_use]
    pub fn member_of(self, cluster: &str) -> Self {
        Self { cluster: Some(cluster.to_owned()), engine: "aurora-postgresql".to_owned(), ..self }
    }
}

impl DbCluster {
    /// An Aurora cluster with its writer's endpoint and its members.
    #[must_use]
    pub fn new(id: &str, endpoint: &str, port: u16, members: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            engine: "aurora-postgresql".to_owned(),
            endpoint: endpoint.to_owned(),
            reader_endpoint: None,
            custom_endpoints: Vec::new(),
            port,
            members: members.iter().map(|&member| member.to_owned()).collect(),
        }
    }
}

impl Rds {
    pub(crate) fn new(region: &str, account: &str) -> Self {
        Self { region: region.to_owned(), account: account.to_owned(), instances: Vec::new(), clusters: Vec::new() }
    }

    /// Makes an instance, or replaces the one of that name.
    pub(crate) fn put_instance(&mut self, instance: DbInstance) {
        self.instances.retain(|other| !other.id.eq_ignore_ascii_case(&instance.id));
        self.instances.push(instance);
    }

    /// Makes a cluster, or replaces the one of that name.
    pub(crate) fn put_cluster(&mut self, cluster: DbCluster) {
        self.clusters.retain(|other| !other.id.eq_ignore_ascii_case(&cluster.id));
        self.clusters.push(cluster);
    }

    /// Answers one call, in the shape of the XML that [`reply`] writes.
    pub(crate) fn answer(&self, operation: &str, request: &Value) -> Answer {
        match operation {
            "DescribeDBInstances" => {
                let asked = request.text("DBInstanceIdentifier");
                let found: Vec<Value> = self
                    .instances
                    .iter()
                    .filter(|it| asked.is_none_or(|asked| self.is(asked, "db", &it.id)))
                    .map(|it| self.instance(it))
                    .collect();
                match asked {
                    Some(id) if found.is_empty() => {
                        let message = format!("DBInstance {id} not found.");
                        Err(ApiError { status: 404, ..ApiError::new("DBInstanceNotFound", message) })
                    }
                    _ => Ok(json!({ "DBInstances": { "DBInstance": found } })),
                }
            }
            "DescribeDBClusters" => {
                let asked = request.text("DBClusterIdentifier");
                let found: Vec<Value> = self
                    .clusters
                    .iter()
                    .filter(|it| asked.is_none_or(|asked| self.is(asked, "cluster", &it.id)))
                    .map(|it| self.cluster(it))
                    .collect();
                match asked {
                    Some(id) if found.is_empty() => {
                        let message = format!("DBCluster {id} not found.");
                        Err(ApiError { status: 404, ..ApiError::new("DBClusterNotFoundFault", message) })
                    }
                    _ => Ok(json!({ "DBClusters": { "DBCluster": found } })),
                }
            }
            unknown => Err(ApiError::new("InvalidAction", format!("Could not find operation {unknown}"))),
        }
    }

    fn instance(&self, it: &DbInstance) -> Value {
        let replicas = self.instances.iter().filter(|other| other.source.as_ref() == Some(&it.id));
        let replicas: Vec<&String> = replicas.map(|replica| &replica.id).collect();
        json!({
            "DBInstanceIdentifier": it.id.to_ascii_lowercase(),
            "DBInstanceArn": self.arn("db", &it.id),
            "DBInstanceStatus": if it.endpoint.is_some() { "available" } else { "creating" },
            "Engine": it.engine,
            "Endpoint": it.endpoint.as_ref().map(|(host, port)| json!({ "Address": host, "Port": port })),
            "DBClusterIdentifier": it.cluster,
            "ReadReplicaSourceDBInstanceIdentifier": it.source,
            "ReadReplicaDBInstanceIdentifiers": { "ReadReplicaDBInstanceIdentifier": replicas },
        })
    }

    fn cluster(&self, it: &DbCluster) -> Value {
        let members = it.members.iter().enumerate().map(|(index, member)| {
            json!({ "DBInstanceIdentifier": member, "IsClusterWriter": index == 0, "PromotionTier": 1 })
        });
        json!({
            "DBClusterIdentifier": it.id.to_ascii_lowercase(),
            "DBClusterArn": self.arn("cluster", &it.id),
            "Status": "available",
            "Engine": it.engine,
            "Endpoint": it.endpoint,
            "ReaderEndpoint": it.reader_endpoint,
            "CustomEndpoints": { "member": it.custom_endpoints },
            "Port": it.port,
            "DBClusterMembers": { "DBClusterMember": members.collect::<Vec<_>>() },
        })
    }

    /// Callers may name things by ARN as well.
    fn is(&self, asked: &str, kind: &str, id: &str) -> bool {
        asked.eq_ignore_ascii_case(id) || asked == self.arn(kind, id)
    }

    fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:aws:rds:{}:{}:{kind}:{}", self.region, self.account, id.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rds() -> Rds {
        let mut rds = Rds::new("us-east-1", "123456789012");
        rds.instances = vec![
            DbInstance::new("orders", "orders.example", 5432),
            DbInstance::new("orders-r", "orders-r.example", 5433).replica_of("orders"),
            DbInstance { endpoint: None, ..DbInstance::new("new", "", 0).member_of("shop") },
        ];
        rds.clusters = vec![DbCluster {
            reader_endpoint: Some("shop.cluster-ro-x".to_owned()),
            custom_endpoints: vec!["a.cluster-custom-x".to_owned(), "b.cluster-custom-x".to_owned()],
            ..DbCluster::new("shop", "shop.cluster-x", 5432, &["shop-1", "shop-2"])
        }];
        rds
    }

    #[test]
    fn an_instance_is_found_by_name_and_arn_and_shows_what_it_replicates() {
        let rds = rds();
        let one = |id: &str| {
            let answer = rds.answer("DescribeDBInstances", &json!({ "DBInstanceIdentifier": id })).unwrap();
            assert_eq!(answer["DBInstances"]["DBInstance"].as_array().unwrap().len(), 1);
            answer["DBInstances"]["DBInstance"][0].clone()
        };
        for id in ["orders-r", "Orders-R", "arn:aws:rds:us-east-1:123456789012:db:orders-r"] {
            let replica = one(id);
            assert_eq!(replica["Endpoint"], json!({ "Address": "orders-r.example", "Port": 5433 }));
            assert_eq!(replica["ReadReplicaSourceDBInstanceIdentifier"], "orders");
        }
        let listed = &one("orders")["ReadReplicaDBInstanceIdentifiers"]["ReadReplicaDBInstanceIdentifier"];
        assert_eq!(*listed, json!(["orders-r"]));
        assert_eq!((&one("new")["Endpoint"], &one("new")["DBClusterIdentifier"]), (&Value::Null, &json!("shop")));
        let all = rds.answer("DescribeDBInstances", &Value::Null).unwrap();
        assert_eq!(all["DBInstances"]["DBInstance"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn a_cluster_shows_its_endpoints_and_its_members() {
        let answer = rds().answer("DescribeDBClusters", &json!({ "DBClusterIdentifier": "shop" })).unwrap();
        let shop = &answer["DBClusters"]["DBCluster"][0];
        assert_eq!((&shop["Endpoint"], &shop["Port"]), (&json!("shop.cluster-x"), &json!(5432)));
        assert_eq!(shop["CustomEndpoints"]["member"][1], "b.cluster-custom-x");
        let members = &shop["DBClusterMembers"]["DBClusterMember"];
        assert_eq!((&members[0]["IsClusterWriter"], &members[1]["IsClusterWriter"]), (&json!(true), &json!(false)));
    }

    #[test]
    fn what_is_not_there_is_told_as_rds_words_it() {
        let refused = |operation: &str, request: Value| {
            let error = rds().answer(operation, &request).unwrap_err();
            (error.status, error.code, error.message)
        };
        let told = |status: u16, code: &str, message: &str| (status, code.to_owned(), message.to_owned());
        let answer = refused("DescribeDBInstances", json!({ "DBInstanceIdentifier": "shop" }));
        assert_eq!(answer, told(404, "DBInstanceNotFound", "DBInstance shop not found."));
        let answer = refused("DescribeDBClusters", json!({ "DBClusterIdentifier": "orders" }));
        assert_eq!(answer, told(404, "DBClusterNotFoundFault", "DBCluster orders not found."));
        assert_eq!(refused("ModifyDBInstance", Value::Null).1, "InvalidAction");
    }
}
