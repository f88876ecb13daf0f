//! `findings`: what a person may want to know, until it is resolved.

use callboard_core::operations::findings::{self, Finding};
use clap::Subcommand;

use super::output::{Answered, time};
use super::{Context, Failure};

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
        let (app, output) = (context.app().await?, context.output);
        match self {
            Findings::List { all } => {
                let found = findings::list(&app, all).await?;
                let header = ["key", "times", "first", "last", "state", "message"];
                Ok(output.show(&header, found.iter().map(row).collect(), &found))
            }
            Findings::Resolve { key } => {
                let resolved = findings::resolve(&app, &key).await?;
                output.say(format_args!("resolved {}", resolved.resolved));
                Ok(output.json(&resolved))
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
