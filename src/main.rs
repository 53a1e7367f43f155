//! The Lambda function: cold start, then the runtime.

use std::process::ExitCode;

use keyroll::api::event::Payload;
use keyroll::{App, Clients, Config, Env};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("keyroll cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), Error> {
    let env = Env::real();
    keyroll::context::log::init(&env);
    keyroll::context::log::hide_panic_messages();
    let config = Config::from_env(&env)?;
    let clients = Clients::new(&config).await;
    let app = App::new(config, clients);
    let app = &app;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Payload>| app.handle(event))).await
}
