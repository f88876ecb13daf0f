//! `plugins`: what they give, what they ask for, what they may do.

use callboard_core::operations::plugins::{self, ExplanationView, PluginView};
use clap::Subcommand;

use super::exit::Exit;
use super::output::Answered;
use super::{Context, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Plugins {
    /// Every plugin of the active revision.
    List,
    /// One plugin: handlers, grants, limits.
    Show {
        /// Its name.
        name: String,
    },
    /// Say whether a plugin may call an address, read a setting, use an interface or run a
    /// statement, and by which line. Nothing is run.
    Explain {
        /// The plugin.
        name: String,
        /// An address such as `https://api.example.com/` or `api.example.com:443`, the key of a
        /// setting, the name of an interface such as `vectors`, or an SQL text.
        target: String,
    },
}

impl Plugins {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        match self {
            Plugins::List => {
                let all = plugins::list(&app).await?;
                let header = ["plugin", "version", "component", "handlers", "granted"];
                let rows = all.iter().map(row).collect();
                Ok(context.output.show(&header, rows, &all))
            }
            Plugins::Show { name } => {
                let plugin = plugins::show(&app, &name).await?;
                Ok(show(context, &plugin))
            }
            Plugins::Explain { name, target } => {
                let answer = plugins::explain(&app, &name, &target).await?;
                Ok(explained(context, &answer))
            }
        }
    }
}

fn row(plugin: &PluginView) -> Vec<String> {
    vec![
        plugin.name.clone(),
        plugin.version.clone(),
        plugin.digest.chars().take(12).collect(),
        plugin.handlers.join(", "),
        plugin.granted.join("; "),
    ]
}

fn show(context: &Context, plugin: &PluginView) -> Answered {
    let output = context.output;
    let PluginView {
        name,
        version,
        description,
        component,
        digest,
        ..
    } = plugin;
    output.labelled(&format!("{name} {version}: "), description);
    let line = |name: &str, text: &str| output.labelled(&format!("{name:<11}"), text);
    line("component", &format!("{component} ({digest})"));
    line("handlers", &plugin.handlers.join(", "));
    for grant in &plugin.granted {
        line("granted", grant);
    }
    for limit in &plugin.limits {
        line("limit", &format!("{} {}", limit.key, limit.value));
    }
    output.json(plugin)
}

fn explained(context: &Context, answer: &ExplanationView) -> Answered {
    let verdict = match (answer.allowed, answer.wrong) {
        (true, _) => "allowed",
        (false, false) => "denied",
        (false, true) => "wrong",
    };
    let output = context.output;
    output.text(format_args!("{verdict}: {}", answer.why));
    let answered = output.json(answer);
    if answer.allowed {
        answered
    } else {
        answered.with(Exit::Failed)
    }
}
