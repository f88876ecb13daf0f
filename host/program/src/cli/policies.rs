//! `policies`: the upkeep of the active revision.

use callboard_core::operations::policies::{self, LedgerEntry, PolicyView};
use callboard_core::shown::Shown;
use clap::Subcommand;
use jiff::Timestamp;

use super::output::{Answered, time};
use super::{Context, Failure, run};

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
            Policies::List => {
                let all = policies::list(&app).await?;
                Ok(list(context, &all))
            }
            Policies::Run { name } => {
                let run = policies::run(&app, &name).await?;
                let run = run::begin(&app, context, &run).await?;
                Ok(run::report(context, &run))
            }
        }
    }
}

fn list(context: &Context, all: &Vec<PolicyView>) -> Answered {
    let output = context.output;
    let header = ["policy", "handler", "table", "every", "last", "next"];
    let answered = output.show(&header, all.iter().map(row).collect(), all);
    let fares = all.iter().filter_map(|policy| {
        let entry = policy.ledger.as_ref()?;
        Some(fares(policy, entry))
    });
    let fares: Vec<_> = fares.collect();
    if !fares.is_empty() {
        output.say("");
        let header = ["policy", "last success", "last effect", "without effect"];
        output.table(&header, fares);
    }
    answered
}

fn row(policy: &PolicyView) -> Vec<Shown> {
    let ended = policy.last.as_ref().map_or_else(
        || Shown::line("never ran"),
        |last| Shown::below([last.status.clone(), time(last.finished_at)]),
    );
    let (cadence, next) = match policy.next_at {
        _ if !policy.enabled => ("off", "-".to_owned()),
        Some(at) => (policy.cadence.as_str(), time(at)),
        None => (policy.cadence.as_str(), "no worker yet".to_owned()),
    };
    vec![
        Shown::line(&policy.name),
        Shown::line(&policy.handler),
        Shown::line(&policy.table),
        Shown::line(cadence),
        ended,
        Shown::line(next),
    ]
}

/// The last success, the last one with an effect, and the successes since without one.
fn fares(policy: &PolicyView, entry: &LedgerEntry) -> Vec<String> {
    let at = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), time);
    vec![
        policy.name.clone(),
        at(entry.last_success),
        at(entry.last_effect),
        entry.without.to_string(),
    ]
}
