//! `findings`: what a person may want to know, until it is resolved.

use callboard_core::store::findings::{self, Finding};
use callboard_core::store::named::{self, LATEST};
use clap::Subcommand;
use serde_json::json;

use super::output::{Answered, time};
use super::{Context, Failure, find};

#[derive(Debug, Subcommand)]
pub(super) enum Findings {
    /// The open findings, oldest first.
    List {
        /// Those that were resolved, too; newest first.
        #[arg(long)]
        all: bool,
    },
    /// Resolve findings. What is noticed again opens again.
    Resolve {
        /// A key, the beginning that several have in common, or `latest`.
        key: String,
    },
}

impl Findings {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        match self {
            Findings::List { all } => {
                let found = if all {
                    findings::all(app.store()).await?
                } else {
                    findings::open(app.store()).await?
                };
                let header = ["key", "times", "first", "last", "state", "message"];
                let rows: Vec<Vec<String>> = found.iter().map(row).collect();
                Ok(context.output.show(&header, rows, &found))
            }
            Findings::Resolve { key } => {
                let mut resolved = 0;
                if key != LATEST {
                    resolved = findings::resolve(app.store(), &key).await?;
                }
                if resolved == 0 {
                    let key = find::key(app.store(), &named::FINDING, &key).await?;
                    resolved = u64::from(findings::close(app.store(), &key).await?);
                }
                context.output.say(format_args!("resolved {resolved}"));
                Ok(context.output.json(&json!({ "resolved": resolved })))
            }
        }
    }
}

fn row(finding: &Finding) -> Vec<String> {
    let state = if finding.resolved_at.is_some() {
        "resolved"
    } else {
        "open"
    };
    vec![
        finding.key.clone(),
        finding.times.to_string(),
        time(finding.first_at),
        time(finding.last_at),
        state.to_owned(),
        finding.message.clone(),
    ]
}
