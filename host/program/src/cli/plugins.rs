//! `plugins`: what they give, what they ask for, what they may do.

use callboard_core::app::Company;
use callboard_core::plugin;
use callboard_core::workspace::PluginFiles;
use clap::Subcommand;
use serde_json::json;

use super::exit::Exit;
use super::output::Answered;
use super::{Context, Failure, find};

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
        let company = app.active().await?;
        match self {
            Plugins::List => Ok(list(context, &company)),
            Plugins::Show { name } => show(context, &company, &name),
            Plugins::Explain { name, target } => {
                let files = plugin_of(&company, &name)?;
                let limits = company.definitions.config.value.limits(&name);
                let grants = &files.manifest.value.ask;
                let subject = plugin::Subject {
                    plugin: &name,
                    grants,
                    limits: &limits,
                    settings: &company.definitions.declarations(),
                };
                let answer = plugin::explain(&subject, Some(app.store()), &target).await;
                let verdict = match (answer.allowed, answer.wrong) {
                    (true, _) => "allowed",
                    (false, false) => "denied",
                    (false, true) => "wrong",
                };
                context
                    .output
                    .text(format_args!("{verdict}: {}", answer.why));
                let json =
                    json!({ "allowed": answer.allowed, "wrong": answer.wrong, "why": answer.why });
                let answered = context.output.json(&json);
                Ok(if answer.allowed {
                    answered
                } else {
                    answered.with(Exit::Failed)
                })
            }
        }
    }
}

fn list(context: &Context, company: &Company) -> Answered {
    let plugins = &company.definitions.plugins;
    let rows = plugins.iter().map(|(name, files)| {
        let manifest = &files.manifest.value;
        vec![
            name.clone(),
            manifest.version.clone(),
            files.digest().chars().take(12).collect(),
            handlers(company, name).join(", "),
            manifest.ask.texts().join("; "),
        ]
    });
    let json: Vec<_> = plugins.keys().map(|name| to_json(company, name)).collect();
    let header = ["plugin", "version", "component", "handlers", "granted"];
    context.output.show(&header, rows.collect(), &json)
}

fn show(context: &Context, company: &Company, name: &str) -> Result<Answered, Failure> {
    let files = plugin_of(company, name)?;
    let manifest = &files.manifest.value;
    let head = format!("{name} {}: ", manifest.version);
    context.output.labelled(&head, &manifest.description);
    let line = |name: &str, text: &str| context.output.labelled(&format!("{name:<11}"), text);
    let (component, digest) = (manifest.component.get_ref(), files.digest());
    line("component", &format!("{component} ({digest})"));
    line("handlers", &handlers(company, name).join(", "));
    for grant in manifest.ask.texts() {
        line("granted", &grant);
    }
    let plugin = name;
    let limits = company.definitions.config.value.limits(plugin);
    for (name, value) in limits.list() {
        line("limit", &format!("{name} {value}"));
    }
    Ok(context.output.json(&to_json(company, plugin)))
}

fn plugin_of<'c>(company: &'c Company, name: &str) -> Result<&'c PluginFiles, Failure> {
    let plugins = &company.definitions.plugins;
    plugins.get(name).ok_or_else(|| {
        let known = plugins.keys().map(String::as_str);
        find::unknown("plugin", name, known, "callboard plugins list")
    })
}

fn handlers(company: &Company, plugin: &str) -> Vec<String> {
    let contracts = company.described.get(plugin).into_iter().flatten();
    contracts.map(|contract| contract.name.clone()).collect()
}

fn to_json(company: &Company, name: &str) -> serde_json::Value {
    let Some(files) = company.definitions.plugins.get(name) else {
        return json!(null);
    };
    let manifest = &files.manifest.value;
    json!({
        "name": name,
        "version": manifest.version,
        "description": manifest.description,
        "wit": manifest.wit.get_ref(),
        "digest": files.digest(),
        "handlers": handlers(company, name),
        "grants": manifest.ask,
    })
}
