//! `rails`: what judges drafts.

use callboard_core::shown::Shown;
use callboard_factory::operations::rails::{self, RailView};
use clap::Subcommand;

use super::output::Answered;
use super::{Context, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Rails {
    /// Every rail, and what it looks for.
    List,
}

impl Rails {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        match self {
            Rails::List => {
                let all = rails::list(&app).await?;
                let header = ["rail", "rule", "severity", "what it looks for"];
                let rows = all.iter().flat_map(rows).collect();
                Ok(context.output.show(&header, rows, &all))
            }
        }
    }
}

/// A rail, and a row for each of its rules.
fn rows(rail: &RailView) -> Vec<Vec<Shown>> {
    let from = match (&rail.plugin, &rail.role) {
        (Some(plugin), _) => format!("plugin {plugin}"),
        (None, Some(role)) => format!("role {role}"),
        (None, None) => "-".to_owned(),
    };
    let row = |rule: &str, severity: &str, what: &str| {
        [rail.name.as_str(), rule, severity, what]
            .map(Shown::line)
            .to_vec()
    };
    let own = row("-", &from, &rail.summary);
    let rules = rail.rules.iter().map(|rule| {
        let what = match rule.threshold {
            Some(threshold) => format!("{} (threshold {threshold})", rule.pattern),
            None => rule.pattern.clone(),
        };
        row(&rule.name, &rule.severity, &what)
    });
    std::iter::once(own).chain(rules).collect()
}
