//! `policies`: the upkeep of the active revision.

use callboard_core::app::App;
use callboard_core::outcome::Patch;
use callboard_core::policy::{self, Policy};
use callboard_core::shown::Shown;
use callboard_core::store::effects::{self, Entry};
use callboard_core::store::policy_runs;
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;

use super::output::{Answered, time};
use super::schedules::Clock;
use super::{Context, Failure, find, run};

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
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        match self {
            Policies::List => list(&app, context).await,
            Policies::Run { name } => {
                let company = app.active().await?;
                let policies = &company.definitions.policies;
                if !policies.contains_key(&name) {
                    let known = policies.keys().map(String::as_str);
                    let list = "callboard policies list";
                    return Err(find::unknown("policy", &name, known, list));
                }
                let pipeline = policy::pipeline(&name);
                let run = run::start(&app, context, &pipeline, Patch::new()).await?;
                Ok(run::report(context, &run))
            }
        }
    }
}

async fn list(app: &App, context: &Context) -> Result<Answered, Failure> {
    let company = app.active().await?;
    let last = policy_runs::all(app.store()).await?;
    let clock = Clock::of(app).await?;
    let ledger = effects::all(app.store()).await?;
    let next = |name: &str| clock.next_of(&policy::pipeline(name));
    let policies = company.definitions.policies.values();
    let policies = policies.map(|defined| &defined.value);
    let rows = policies.clone().map(|policy| {
        let name = policy.name.get_ref();
        let ended = last.get(name).map_or_else(
            || Shown::line("never ran"),
            |last| Shown::below([last.status.clone(), time(last.finished_at)]),
        );
        let (cadence, next) = match next(name) {
            _ if !policy.enabled => ("off".to_owned(), "-".to_owned()),
            Some(at) => (policy.cadence(), time(at)),
            None => (policy.cadence(), "no worker yet".to_owned()),
        };
        let (handler, table) = (policy.handler.get_ref(), policy.table.get_ref());
        vec![
            Shown::line(name),
            Shown::line(handler),
            Shown::line(table),
            Shown::line(cadence),
            ended,
            Shown::line(next),
        ]
    });
    let json = policies.clone().map(|policy| {
        let name = policy.name.get_ref();
        json!({
            "name": name, "handler": policy.handler.get_ref(),
            "table": policy.table.get_ref(), "every": policy.every,
            "cadence": policy.cadence(), "enabled": policy.enabled,
            "last": last.get(name), "next": next(name), "ledger": entry(&ledger, policy),
        })
    });
    let header = ["policy", "handler", "table", "every", "last", "next"];
    let json: Vec<_> = json.collect();
    let answered = context.output.show(&header, rows.collect(), &json);
    let fares = policies.filter_map(|policy| Some(fares(policy, entry(&ledger, policy)?)));
    let fares: Vec<_> = fares.collect();
    if !fares.is_empty() {
        context.output.say("");
        let header = ["policy", "last success", "last effect", "without effect"];
        context.output.table(&header, fares);
    }
    Ok(answered)
}

/// What the ledger says of a policy, if it ever ran by itself or by hand.
fn entry<'l>(ledger: &'l [Entry], policy: &Policy) -> Option<&'l Entry> {
    let pipeline = policy::pipeline(policy.name.get_ref());
    let handler = policy.handler.get_ref();
    let mut entries = ledger.iter();
    entries.find(|entry| entry.pipeline == pipeline && entry.handler == *handler)
}

/// The last success, the last one with an effect, and the successes since without one.
fn fares(policy: &Policy, entry: &Entry) -> Vec<String> {
    let at = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), time);
    vec![
        policy.name.get_ref().clone(),
        at(entry.last_success),
        at(entry.last_effect),
        entry.without.to_string(),
    ]
}
