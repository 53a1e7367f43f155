//! Whether two addresses belong to one database system, by what RDS shows of it: a primary and its read replicas, or a
//! cluster with its endpoints and members.
//!
//! The administrator of one server also changes accounts whose secret names another host of the same system. A person who can
//! write an account's secret chooses that host, and could choose one where an account of the same name lets them in: taken
//! for the same system, it would have the administrator change somebody else's account. So a name only says what to ask RDS
//! about; the address and the port that RDS answers decide. One conclusion is drawn from names: that of a member of a cluster,
//! which RDS forms from the endpoint that it shows (see [`Cluster::has_member_at`]).

use crate::arn::Arn;
use crate::error::{Error, ErrorKind, Result};

/// Where a server listens. Host names are compared without regard to case, as DNS does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

/// An instance, as `DescribeDBInstances` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) arn: String,
    /// Absent while RDS still creates it.
    pub(crate) address: Option<Address>,
    /// The cluster that it is a member of.
    pub(crate) cluster: Option<String>,
    /// The instance that it replicates: an identifier, or the ARN of one in another Region.
    pub(crate) source: Option<String>,
}

/// A cluster, as `DescribeDBClusters` shows it: Aurora, or Multi-AZ with readers. All its endpoints share one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cluster {
    pub(crate) id: String,
    pub(crate) port: Option<u16>,
    pub(crate) writer: Option<String>,
    pub(crate) reader: Option<String>,
    pub(crate) custom: Vec<String>,
    /// The identifiers of its instances.
    pub(crate) members: Vec<String>,
}

/// Whether to look for a cluster. `engines` is what the two secrets call their engine.
pub(crate) fn clustered(engines: [&str; 2], administrator: &Address, account: &Address) -> bool {
    engines.contains(&"aurora-postgresql") || administrator.names_cluster() || account.names_cluster()
}

/// The instance to ask RDS about next, where the account's host is a replica of it by its name. `region` is where RDS is
/// asked.
pub(crate) fn source<'a>(
    replica: &'a Instance,
    account: &Address,
    administrator: &Address,
    region: Option<&str>,
) -> Result<&'a str> {
    replica.listens_at(account)?;
    let Some(source) = replica.source.as_deref() else {
        return Err(refused(format!("RDS shows {:?} as no read replica", replica.id)));
    };
    // RDS shows an identifier within the Region, and an ARN otherwise.
    let arn = Arn::parse(source);
    if arn.is_some_and(|arn| Some(arn.region) != region) {
        return Err(refused(format!(
            "RDS shows {:?} as a read replica of {source}, in another Region, where keyroll does not ask",
            replica.id
        )));
    }
    let id = arn.map_or(Some(source), |arn| arn.resource_of("rds", "db")).unwrap_or_default();
    // The source may be looked at only if it can be the administrator's.
    if id.eq_ignore_ascii_case(administrator.label()) {
        Ok(source)
    } else {
        Err(refused(format!("RDS shows {:?} as a read replica of {id:?}", replica.id)))
    }
}

/// Whether the instance that `source` named is where the administrator logs in.
pub(crate) fn is_source(primary: &Instance, source: &str, administrator: &Address) -> Result<()> {
    let asked_for = source.eq_ignore_ascii_case(&primary.id) || source == primary.arn;
    if !asked_for {
        return Err(refused(format!("RDS shows {:?}, asked about {source:?}", primary.id)));
    }
    primary.listens_at(administrator)
}

/// Whether both addresses are the cluster's. `through` is the instance by whose name the cluster was found, where the
/// administrator's host does not name the cluster itself.
pub(crate) fn one_cluster(
    cluster: &Cluster,
    through: Option<&Instance>,
    administrator: &Address,
    account: &Address,
) -> Result<()> {
    let id = &cluster.id;
    let is = |endpoint: Option<&String>, host: &str| endpoint.is_some_and(|it| it.eq_ignore_ascii_case(host));
    let Some(port) = cluster.port else { return Err(unfinished(id)) };
    if let Some(wrong) = [administrator, account].into_iter().find(|address| address.port != port) {
        return Err(refused(format!("RDS shows cluster {id:?} at port {port}, not {}", wrong.port)));
    }
    // An instance is taken by the very address that RDS shows of it, too.
    let as_member = |it: &Instance| {
        let of_cluster = it.cluster.as_ref().is_some_and(|of| of.eq_ignore_ascii_case(id)) && cluster.has(&it.id);
        of_cluster && it.listens_at(administrator).is_ok()
    };
    // Reader and custom endpoints lead to one instance or another: nobody administers through them.
    if !is(cluster.writer.as_ref(), &administrator.host) && !through.is_some_and(as_member) {
        return Err(refused(format!(
            "RDS shows {} as neither the writer's endpoint nor a member of cluster {id:?}",
            administrator.host
        )));
    }
    let endpoints = cluster.custom.iter().chain(&cluster.reader).chain(&cluster.writer);
    if endpoints.into_iter().any(|it| it.eq_ignore_ascii_case(&account.host)) || cluster.has_member_at(account) {
        return Ok(());
    }
    Err(refused(format!("RDS shows {} as neither an endpoint nor a member of cluster {id:?}", account.host)))
}

impl Address {
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_ascii_lowercase(), port }
    }

    /// The first label of the host: the identifier of an instance or a cluster, in the names that RDS gives.
    pub(crate) fn label(&self) -> &str {
        self.split().0
    }

    /// Whether the host is one of a cluster's own endpoints by its name: `orders.cluster-abc…`, `orders.cluster-ro-abc…`.
    pub(crate) fn names_cluster(&self) -> bool {
        self.split().1.starts_with("cluster-")
    }

    /// Whether both are one host.
    pub(crate) fn shares_host(&self, other: &Self) -> bool {
        self.host == other.host
    }

    fn split(&self) -> (&str, &str) {
        self.host.split_once('.').unwrap_or((&self.host, ""))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Instance {
    fn listens_at(&self, address: &Address) -> Result<()> {
        match &self.address {
            Some(shown) if shown == address => Ok(()),
            Some(shown) => Err(refused(format!("RDS shows {:?} at {shown}, not at {address}", self.id))),
            None => Err(unfinished(&self.id)),
        }
    }
}

impl Cluster {
    fn has(&self, instance: &str) -> bool {
        self.members.iter().any(|member| member.eq_ignore_ascii_case(instance))
    }

    /// Instances of an account and Region share what follows the first label, `abc.eu-west-1.rds.amazonaws.com`, with the
    /// clusters' endpoints, where `cluster-` stands before it. So a member's name needs no question of its own.
    fn has_member_at(&self, address: &Address) -> bool {
        let (label, rest) = address.split();
        let writer = self.writer.as_deref().unwrap_or_default().to_ascii_lowercase();
        let suffix = writer.split_once('.').and_then(|(_, rest)| rest.strip_prefix("cluster-"));
        suffix.is_some_and(|suffix| !suffix.is_empty() && suffix == rest) && self.has(label)
    }
}

/// Another system, by what RDS shows.
pub(crate) fn refused(shown: String) -> Error {
    Error::new(
        ErrorKind::RefusedSetting,
        shown,
        "name the administrator of this secret's own server, of the primary that it replicates or of its cluster, by the host \
         that RDS shows, in keyroll:admin-secret; or correct the host",
    )
}

/// What RDS is still creating has no address.
pub(crate) fn unfinished(id: &str) -> Error {
    Error::new(
        ErrorKind::FailedAws,
        format!("RDS shows no endpoint for {id}"),
        "wait until the instance or cluster is available and run the step again",
    )
}

#[cfg(test)]
mod tests;
