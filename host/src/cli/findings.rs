//! `findings`: what a person may want to know, until it is resolved.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::output::time;
use super::{Context, Failure};
use crate::store::findings::{self, Finding};

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
        /// A key, or the beginning that several have in common.
        key: String,
    },
}

impl Findings {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let app = context.app().await?;
        match self {
            Findings::List { all } => {
                let found = if all {
                    findings::all(app.store()).await?
                } else {
                    findings::open(app.store()).await?
                };
                let header = ["key", "times", "first", "last", "state", "message"];
                let rows = found.iter().map(row).collect();
                context.output.show(&header, rows, &found);
            }
            Findings::Resolve { key } => {
                let resolved = findings::resolve(app.store(), &key).await?;
                if resolved == 0 {
                    return Err(Failure::usage(format!("there is no open finding `{key}`"))
                        .help("`callboard findings list` names them"));
                }
                context.output.say(format_args!("resolved {resolved}"));
                if context.output.is_json() {
                    context.output.json(&json!({ "resolved": resolved }));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
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
