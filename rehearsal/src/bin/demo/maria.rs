//! MariaDB: secrets with an administrator, each rotated twice while clients log in all the time and one keeps its session.

use std::time::Duration;

use anyhow::{Context as _, Result};
use rehearsal::aws::{CURRENT, PREVIOUS};
use rehearsal::mariadb::{Login, Mark, identifier, literal};
use serde_json::{Value, json};

use crate::clients::{Clients, Place, Server};
use crate::command;
use crate::promises::{deployments, function_log, password};
use crate::screen::Screen;
use crate::stage::{self, CLUSTER, Stage};
use crate::timeline::{Rotation, Run};
use crate::turns::{hidden, user, value};

/// A secret, and whom it lets in.
struct Case {
    heading: &'static str,
    secret: &'static str,
    admin_secret: &'static str,
    service: &'static str,
    database: &'static str,
    admin: &'static str,
    /// The account of the first value, and that of the next: the same one where it has two passwords at a time.
    accounts: [&'static str; 2],
}

/// What is shown.
const CASES: [Case; 2] = [
    Case {
        heading: "MariaDB: two passwords of one account",
        secret: "shop/prod/catalog-db",
        admin_secret: "shop/prod/catalog-admin",
        service: "catalog-api",
        database: "catalog",
        admin: "catalog_admin",
        accounts: ["catalog_app"; 2],
    },
    Case {
        heading: "MariaDB: two accounts that take turns",
        secret: "shop/prod/ledger-db",
        admin_secret: "shop/prod/ledger-admin",
        service: "ledger-api",
        database: "ledger",
        admin: "ledger_admin",
        accounts: ["ledger_app", "ledger_app_clone"],
    },
];

/// Rotates each secret twice, and shows what came of it.
pub(crate) async fn play(screen: &mut Screen, stage: &Stage) -> Result<()> {
    for case in CASES {
        screen.heading(case.heading);
        case.play(screen, stage).await?;
    }
    Ok(())
}

impl Case {
    async fn play(&self, screen: &mut Screen, stage: &Stage) -> Result<()> {
        let administrator = self.set(screen, stage).await?;
        let first = value(stage, self.secret, CURRENT)?;
        let mut passwords = vec![administrator, password(&first).to_owned()];
        screen
            .line(screen.bold(&format!("$ aws secretsmanager rotate-secret --secret-id {} ...   twice", self.secret)));

        let mark = stage.mariadb.mark();
        let mut session = stage.mariadb.hold(user(&first), password(&first), self.database)?;
        let server = Server::MariaDb(stage.mariadb.clone());
        let place = Place { server, secret: self.secret, database: self.database, acts_as: None };
        let clients = Clients::start(&stage.aws, place);
        let mut answers = String::new();
        let mut promises: Vec<(bool, String)> = Vec::new();
        let [base, next] = self.accounts;
        for (number, (from, to)) in [(base, next), (next, base)].into_iter().enumerate() {
            clients.go_on().await?;
            let before = deployments(stage, &[self.service]).await?;
            let (run, logins) = self.turn(screen, stage, &clients, number + 1).await?;
            if !run.succeeded() {
                screen.line(screen.bad(run.answers().trim_end()));
                screen.promise(false, format!("rotation {}: no step failed", number + 1));
                return Ok(());
            }
            let (new, old) = (value(stage, self.secret, CURRENT)?, value(stage, self.secret, PREVIOUS)?);
            let renewed = user(&new) == to && user(&old) == from && password(&new) != password(&old);
            passwords.push(password(&new).to_owned());
            answers.push_str(&run.answers());
            let text = format!("rotation {}: no step failed, and the function needed {logins} logins", number + 1);
            promises.push((renewed && logins > 0, text));
            let both = self.logs_in(stage, &new)? && self.logs_in(stage, &old)?;
            let whose = if to == from { to.to_owned() } else { format!("{to} and {from}") };
            promises.push((both, format!("the passwords in AWSCURRENT and in AWSPREVIOUS both log in, as {whose}")));
            let redeployed =
                run.verdict(self.service).0 == "redeployed" && deployments(stage, &[self.service]).await? != before;
            promises.push((redeployed, format!("{CLUSTER}/{} runs a new deployment", self.service)));
            // The tasks of the deployment before are gone now.
            clients.replace(&stage.aws, self.secret);
        }
        clients.go_on().await?;
        let ([fresh, holding], failed) = (clients.worked(), clients.failed());
        drop(clients);

        failed.iter().take(3).for_each(|error| screen.line(screen.bad(&hidden(error, &passwords))));
        for (kept, text) in promises {
            screen.promise(kept, text);
        }
        let text = format!("{fresh} and {holding} logins of two clients meanwhile, {} of them failed", failed.len());
        screen.promise(failed.is_empty(), text);
        screen.promise(session.is_open(), "the third client's session, opened before the first rotation, goes on");
        let turned_away = stage.mariadb.logins_since(mark).failed.len();
        screen.promise(turned_away == 0, format!("the server turned away {turned_away} logins, whoever's"));
        let ended = !self.logs_in(stage, &first)?;
        screen.promise(ended, "the first password, which the second rotation replaced, is turned away now");
        self.check_logs(screen, stage, &passwords, &answers).await
    }

    async fn check_logs(&self, screen: &mut Screen, stage: &Stage, passwords: &[String], answers: &str) -> Result<()> {
        let all = Mark::default();
        let server = stage.mariadb.log_since(all) + &stage.mariadb.binlog_since(all);
        let function = function_log(stage).await?;
        let leaks = |text: &str| passwords.iter().any(|password| text.contains(password.as_str()));
        let seen = server.contains("ALTER USER") && passwords.len() == 4;
        let text = "no password in the server's general, slow, error and binary log: only hashes";
        screen.promise(seen && !leaks(&server), text);
        screen.promise(!leaks(&function) && !leaks(answers), "no password in the function's log or answers");
        Ok(())
    }

    /// The accounts, the secrets and the service. Gives the administrator's password.
    async fn set(&self, screen: &Screen, stage: &Stage) -> Result<String> {
        let [base, next] = self.accounts;
        let [of_base, of_admin] = [stage::random_text(32)?, stage::random_text(32)?];
        let (account, admin) = (identifier(base), identifier(self.admin));
        let database = identifier(self.database);
        let sql = |statement: &str| stage.mariadb.sql(statement);
        sql(&format!("CREATE DATABASE {database}"))?;
        sql(&format!("CREATE USER {account}@'%' IDENTIFIED BY {}", literal(&of_base)))?;
        sql(&format!("GRANT ALL ON {database}.* TO {account}@'%'"))?;
        sql(&format!("CREATE USER {admin}@'%' IDENTIFIED BY {}", literal(&of_admin)))?;
        sql(&format!("GRANT CREATE USER ON *.* TO {admin}@'%'; GRANT SELECT ON mysql.* TO {admin}@'%'"))?;
        if base != next {
            // What an account has can be given to another one only by whoever has it.
            sql(&format!("GRANT ALL ON {database}.* TO {admin}@'%' WITH GRANT OPTION"))?;
        }

        let login = |username: &str, password: &str| {
            json!({
                "engine": "mariadb", "host": "localhost", "port": stage.mariadb.port(), "username": username,
                "password": password,
            })
        };
        let admin_arn = stage::create_secret(&stage.admin, self.admin_secret, &login(self.admin, &of_admin)).await?;
        let mut value = login(base, &of_base);
        value["dbname"] = json!(self.database);
        // The second rotation comes within seconds of the first, which cuts off nobody here: the clients are asked first.
        let mut tags = vec![json!({ "Key": "keyroll:min-age", "Value": "0" })];
        if base == next {
            tags.push(json!({ "Key": "keyroll:admin-secret", "Value": self.admin_secret }));
        } else {
            value["masterarn"] = json!(admin_arn);
        }
        let arn = stage::create_secret(&stage.admin, self.secret, &value).await?;
        stage.admin.secrets("TagResource", &json!({ "SecretId": arn, "Tags": tags })).await?;
        stage::put_policy(&stage.admin, &stage::policy(&[&arn], Some(&admin_arn))).await?;
        self.create_service(stage, &arn).await?;

        screen.row("secret", format!("{}, with an administrator's: {}", self.secret, self.admin_secret));
        screen.row("administrator", format!("{}, who has CREATE USER and may read mysql.*", self.admin));
        screen.row("ECS service", format!("{} (1), which takes the user name and the password", self.service));
        screen.row("clients", "three: one reads the secret before each login, one keeps what it read until the");
        screen.row("", "service is redeployed, and one keeps its session");
        Ok(of_admin)
    }

    async fn create_service(&self, stage: &Stage, arn: &str) -> Result<()> {
        let take = |name: &str, key: &str| json!({ "name": name, "valueFrom": format!("{arn}:{key}::") });
        let container = json!({
            "name": "app", "image": "app:1", "essential": true, "memory": 64,
            "secrets": [take("DB_USER", "username"), take("DB_PASSWORD", "password")],
        });
        let definition = json!({ "family": self.service, "containerDefinitions": [container] });
        stage.admin.ecs("RegisterTaskDefinition", &definition).await?;
        let service = json!({
            "cluster": CLUSTER, "serviceName": self.service, "taskDefinition": self.service, "desiredCount": 1,
        });
        stage.admin.ecs("CreateService", &service).await.map(drop)
    }

    /// One rotation, and how often the function logged in for it.
    async fn turn(&self, screen: &Screen, stage: &Stage, clients: &Clients, number: usize) -> Result<(Run, usize)> {
        stage.aws.clear();
        let (mark, before) = (stage.mariadb.mark(), clients.worked());
        let rotation = Rotation::watch(stage);
        let ended = async {
            let run = tokio::time::timeout(Duration::from_mins(2), rotation.end()).await;
            run.context("the rotation was not over after two minutes")
        };
        let (run, ()) = tokio::try_join!(ended, command::rotate_secret(stage, self.secret))?;
        let calls = stage.aws.function_calls();
        let ecs = calls.iter().filter(|call| call.service == "ecs").count();
        // With what it was given before it was replaced, so far.
        clients.go_on().await?;
        // Every session of the function's begins with settings of its own.
        let logins = stage.mariadb.general_log_since(mark).matches("SET NAMES utf8mb4, SESSION sql_mode").count();
        let meanwhile: usize = clients.worked().iter().zip(before).map(|(now, then)| now - then).sum();
        screen.line(format!(
            "{:<33} {:>6.3} s: {} calls of AWS, {ecs} of them of ECS; {logins} logins, {meanwhile} of clients",
            format!("rotation {number}"),
            run.took().as_secs_f64(),
            calls.len(),
        ));
        Ok((run, logins))
    }

    fn logs_in(&self, stage: &Stage, value: &Value) -> Result<bool> {
        Ok(stage.mariadb.try_login(user(value), password(value), self.database)? == Login::Accepted)
    }
}
