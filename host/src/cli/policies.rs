//! `policies`: the upkeep of the active revision.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::output::time;
use super::schedules::Clock;
use super::{Context, Failure, run};
use crate::app::App;
use crate::outcome::Patch;
use crate::store::policy_runs;

#[derive(Debug, Subcommand)]
pub(super) enum Policies {
    /// Every policy and how it last ended.
    List,
    /// Run a policy now, whatever its cadence.
    Run {
        /// Its name.
        name: String,
    },
}

impl Policies {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let app = context.app().await?;
        match self {
            Policies::List => list(&app, context).await,
            Policies::Run { name } => {
                if !app.active().await?.definitions.policies.contains_key(&name) {
                    return Err(Failure::usage(format!("there is no policy `{name}`"))
                        .help("`callboard policies list` names them"));
                }
                let pipeline = format!("policy:{name}");
                let run = run::start(&app, context, &pipeline, Patch::new()).await?;
                Ok(run::report(context, &run))
            }
        }
    }
}

async fn list(app: &App, context: &Context) -> Result<ExitCode, Failure> {
    let company = app.active().await?;
    let last = policy_runs::all(app.store()).await?;
    let clock = Clock::of(app).await?;
    let next = |name: &str| clock.next_of(&format!("policy:{name}"));
    let policies = company.definitions.policies.values();
    let policies = policies.map(|defined| &defined.value);
    let rows = policies.clone().map(|policy| {
        let name = policy.name.get_ref();
        let ended = last.get(name).map_or_else(
            || "never ran".to_owned(),
            |last| format!("{}\n{}", last.status, time(last.finished_at)),
        );
        let (cadence, next) = match next(name) {
            _ if !policy.enabled => ("off".to_owned(), "-".to_owned()),
            Some(at) => (policy.cadence(), time(at)),
            None => (policy.cadence(), "no worker yet".to_owned()),
        };
        let (handler, table) = (policy.handler.get_ref(), policy.table.get_ref());
        vec![
            name.clone(),
            handler.clone(),
            table.clone(),
            cadence,
            ended,
            next,
        ]
    });
    let json = policies.clone().map(|policy| {
        let name = policy.name.get_ref();
        json!({
            "name": name, "handler": policy.handler.get_ref(),
            "table": policy.table.get_ref(), "every": policy.every,
            "cadence": policy.cadence(), "enabled": policy.enabled,
            "last": last.get(name), "next": next(name),
        })
    });
    let header = ["policy", "handler", "table", "every", "last", "next"];
    let json: Vec<_> = json.collect();
    context.output.show(&header, rows.collect(), &json);
    Ok(ExitCode::SUCCESS)
}
