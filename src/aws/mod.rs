//! The thin edge to AWS: the only place that names SDK types. One client per service is made at cold start and kept, so
//! that a process opens one connection to each endpoint.

mod date;
pub(crate) mod ecs;
pub(crate) mod error;
pub(crate) mod rds;
pub(crate) mod s3;
pub(crate) mod secrets;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use self::ecs::Ecs;
use self::rds::Rds;
use self::s3::S3;
use self::secrets::Secrets;
use crate::config::Config;

/// One client per AWS service.
pub struct Clients {
    pub(crate) secrets: Secrets,
    pub(crate) ecs: Ecs,
    pub(crate) rds: Rds,
    pub(crate) s3: S3,
}

impl Clients {
    /// Makes the clients from the standard AWS variables and ours. Nothing is sent yet.
    pub async fn new(config: &Config) -> Self {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        Self::load(aws_config::defaults(BehaviorVersion::latest()).http_client(http), config).await
    }

    /// Makes the clients from what `loader` brings, with our limits.
    ///
    /// Two attempts of 4 s and the pause between fit, so that a step that meets a dead endpoint twice still answers within
    /// 20 s. Reads of one step follow each other over the one connection: a second connection costs a TLS handshake, which
    /// at 128 MB takes longer than the round trip that it would save.
    pub async fn load(loader: ConfigLoader, config: &Config) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(4))
            .operation_timeout(Duration::from_secs(9))
            .build();
        let retries = RetryConfig::standard().with_max_attempts(3);
        let shared = loader.timeout_config(timeouts).retry_config(retries).load().await;
        Self {
            secrets: Secrets::new(secrets_client(&shared, config)),
            ecs: Ecs::new(&shared),
            rds: Rds::new(&shared),
            s3: S3::new(&shared),
        }
    }
}

/// `SECRETS_MANAGER_ENDPOINT`, which AWS's templates demand, wins: it is set for this function.
fn secrets_client(shared: &SdkConfig, config: &Config) -> aws_sdk_secretsmanager::Client {
    let mut builder = aws_sdk_secretsmanager::config::Builder::from(shared);
    if let Some(endpoint) = &config.secrets_manager_endpoint {
        builder.set_endpoint_url(Some(endpoint.clone()));
    }
    aws_sdk_secretsmanager::Client::from_conf(builder.build())
}
