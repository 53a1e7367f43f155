//! The administrator who changes passwords of others, where a secret names one.
//!
//! Two rules guard against being used as somebody's deputy: the account's own stored credential must have logged in
//! before (the caller sees to that), and the administrator's login goes only to the server that its own secret, or RDS,
//! names. A writer of a secret can thus neither send the administrator's password to a server of their own nor have
//! it change an account that is not theirs.

use serde_json::json;

use crate::aws::rds::Rds;
use crate::aws::rds::topology::{self, Address};
use crate::aws::secrets::Lookup;
use crate::config::{Settings, Strategy};
use crate::context::Context;
use crate::database::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{AWSCURRENT, Document, SecretId, Sensitive};

/// What the search for an administrator came to.
pub(crate) struct Search {
    /// The administrator's credential, known to belong to the account's server, or to the one that it replicates.
    pub(crate) found: Option<Credential>,
    /// Whether the tag orders it; otherwise it is an offer, and one that fails is only a warning.
    pub(crate) ordered: bool,
    /// What an operator should know about the search.
    pub(crate) warnings: Vec<String>,
}

/// Finds the administrator for an account.
///
/// The tag `keyroll:admin-secret` is an order: if it cannot be followed, the rotation stops. So is `masterarn` with
/// alternating users, of whom neither can change the other. `masterarn` beside the tag
/// `keyroll:strategy` = `single-user` is an offer (and the one way to name a secret that RDS manages: its name has a
/// character that no tag may hold): if it cannot be used, the account changes its own password. Where single user is the
/// function's default (`KEYROLL_STRATEGY`), `masterarn` means nothing, as to AWS's single-user function.
pub(crate) async fn find(context: &Context<'_>, settings: &Settings, account: &Credential) -> Result<Search> {
    if let Some(secret) = &settings.admin_secret {
        let found = Some(usable(context, secret, account).await?);
        return Ok(Search { found, ordered: true, warnings: Vec::new() });
    }
    if account.alternates() {
        let found = Some(named(context, settings, account).await?);
        return Ok(Search { found, ordered: true, warnings: Vec::new() });
    }
    let Some(secret) = account.offered_administrator(settings) else {
        return Ok(Search { found: None, ordered: false, warnings: Vec::new() });
    };
    Ok(match usable(context, &secret, account).await {
        Ok(administrator) => Search { found: Some(administrator), ordered: false, warnings: Vec::new() },
        Err(error) => Search { found: None, ordered: false, warnings: vec![unused(&error)] },
    })
}

/// The administrator, who has to be named: none of two accounts can change the other, and none can end a second password of
/// its own.
pub(crate) async fn named(context: &Context<'_>, settings: &Settings, account: &Credential) -> Result<Credential> {
    usable(context, &account.administrator(settings)?, account).await
}

/// The warning for an offered administrator who could not be used.
pub(crate) fn unused(error: &Error) -> String {
    format!("the administrator that masterarn names was not used: {}", error.cause())
}

async fn usable(context: &Context<'_>, secret: &SecretId, account: &Credential) -> Result<Credential> {
    let named = format!("the administrator's secret {}", secret.as_str());
    let administrator = read(context, secret).await.map_err(|error| error.at(&named))?;
    same_system(context, &administrator, account).await.map_err(|error| match error.kind() {
        ErrorKind::RefusedSetting => {
            let at = address(&administrator);
            error.map_cause(|cause| format!("{named} belongs to {at}, not to this secret's server: {cause}"))
        }
        _ => error
            .at(format!("{named} names another host than this secret, so RDS is asked whether both are one server")),
    })?;
    Ok(account.administered_by(administrator))
}

/// Refuses an administrator of another database system. At one address both are of one server; else RDS has to say so.
async fn same_system(context: &Context<'_>, administrator: &Credential, account: &Credential) -> Result<()> {
    let (at, asked) = (address(administrator), address(account));
    if administrator.kind != account.kind {
        return Err(topology::refused("it is of another kind".to_owned()));
    }
    if at == asked {
        return Ok(());
    }
    // One host of RDS has one port.
    if at.shares_host(&asked) {
        return Err(topology::refused(format!("this secret names {asked}")));
    }
    let engines = [administrator, account].map(|credential| credential.login.engine.as_str());
    let rds = &context.clients.rds;
    if topology::clustered(engines, &at, &asked) {
        return same_cluster(rds, &at, &asked).await;
    }
    let replica = rds.instance(asked.label()).await?.ok_or_else(|| unknown("instance", asked.label()))?;
    // Secrets of Aurora may say `postgres`, too, and the names of its instances do not tell.
    if replica.cluster.is_some() {
        return same_cluster(rds, &at, &asked).await;
    }
    let source = topology::source(&replica, &asked, &at, rds.region())?;
    let primary = rds.instance(source).await?.ok_or_else(|| unknown("instance", source))?;
    topology::is_source(&primary, source, &at)
}

async fn same_cluster(rds: &Rds, at: &Address, asked: &Address) -> Result<()> {
    let mut through = None;
    let mut id = at.label().to_owned();
    if !at.names_cluster() {
        let instance = rds.instance(&id).await?.ok_or_else(|| unknown("instance", &id))?;
        let Some(cluster) = instance.cluster.clone() else {
            return Err(topology::refused(format!("RDS shows {id:?} in no cluster")));
        };
        id = cluster;
        through = Some(instance);
    }
    let cluster = rds.cluster(&id).await?.ok_or_else(|| unknown("cluster", &id))?;
    topology::one_cluster(&cluster, through.as_ref(), at, asked)
}

fn address(credential: &Credential) -> Address {
    let (host, port) = credential.address();
    Address::new(&host, port)
}

fn unknown(what: &str, id: &str) -> Error {
    topology::refused(format!("RDS knows no {what} {id:?} in this Region and account"))
}

/// The error for an administrator whom the server rejects.
pub(crate) fn rejected(name: &str) -> Error {
    Error::new(
        ErrorKind::RefusedLogin,
        format!("the server rejects the administrator {name:?}"),
        "correct the login in the administrator's secret (keyroll:admin-secret or masterarn). Where RDS manages that secret \
         (rds!…), do not edit it: have RDS set the password anew (aws rds modify-db-instance or modify-db-cluster with \
         --rotate-master-user-password --apply-immediately)",
    )
}

async fn read(context: &Context<'_>, secret: &SecretId) -> Result<Credential> {
    let Lookup::Found(version) = context.clients.secrets.labelled(secret, AWSCURRENT).await? else {
        return Err(Error::new(
            ErrorKind::RefusedSetting,
            "the secret does not exist or has no AWSCURRENT value",
            "correct the tag keyroll:admin-secret",
        ));
    };
    let mut text = version.text()?;
    let document = Document::parse(text.clone())?;
    if document.keys().all(|key| key == "username" || key == "password") {
        text = managed_by_rds(context, secret, &document).await?;
    }
    // The administrator's secret has tags of its own, which say nothing about this rotation.
    Ok(Credential::read(text, &Settings::read([]), Some(Strategy::SingleUser))?.1)
}

/// RDS's own secrets hold a name and a password; RDS says where they belong. The whole is read like any other login.
async fn managed_by_rds(context: &Context<'_>, secret: &SecretId, document: &Document) -> Result<Sensitive> {
    let endpoint = context.clients.rds.endpoint(&context.clients.secrets.describe(secret).await?.tags).await?;
    let login = json!({
        "engine": endpoint.engine, "host": endpoint.host, "port": endpoint.port,
        "username": document.get("username")?, "password": document.get("password")?,
    });
    Ok(Sensitive::new(login.to_string()))
}
