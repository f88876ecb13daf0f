//! `plugins`: what they give, what they ask for, what they may do.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{Context, Failure};
use crate::app::Company;
use crate::plugin;
use crate::workspace::PluginFiles;

#[derive(Debug, Subcommand)]
pub(super) enum Plugins {
    /// Every plugin of the active revision.
    List,
    /// One plugin: handlers, grants, limits.
    Show {
        /// Its name.
        name: String,
    },
    /// Say whether a plugin may call an address, read a setting or run a statement, and by
    /// which line. Nothing is run.
    Explain {
        /// The plugin.
        name: String,
        /// An address such as `https://api.example.com/` or `api.example.com:443`, the key of a
        /// setting, or an SQL text.
        target: String,
    },
}

impl Plugins {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let app = context.app().await?;
        let company = app.active().await?;
        match self {
            Plugins::List => list(context, &company),
            Plugins::Show { name } => show(context, &company, &name)?,
            Plugins::Explain { name, target } => {
                let files = find(&company, &name)?;
                let limits = company.definitions.config.value.limits(&name);
                let grants = &files.manifest.value.ask;
                let subject = plugin::Subject {
                    plugin: &name,
                    grants,
                    limits: &limits,
                    settings: &company.definitions.declarations(),
                };
                let answer = plugin::explain(&subject, Some(app.store()), &target).await;
                let verdict = if answer.allowed { "allowed" } else { "denied" };
                context
                    .output
                    .say(format_args!("{verdict}: {}", answer.why));
                if context.output.is_json() {
                    context
                        .output
                        .json(&json!({ "allowed": answer.allowed, "why": answer.why }));
                }
                if !answer.allowed {
                    return Ok(ExitCode::from(super::failure::FAILED));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(context: &Context, company: &Company) {
    let plugins = &company.definitions.plugins;
    let rows = plugins.iter().map(|(name, files)| {
        let manifest = &files.manifest.value;
        vec![
            name.clone(),
            manifest.version.clone(),
            files.digest[..12].to_owned(),
            handlers(company, name).join(", "),
            manifest.ask.texts().join("; "),
        ]
    });
    let json: Vec<_> = plugins.keys().map(|name| to_json(company, name)).collect();
    let header = ["plugin", "version", "component", "handlers", "granted"];
    context.output.show(&header, rows.collect(), &json);
}

fn show(context: &Context, company: &Company, name: &str) -> Result<(), Failure> {
    let files = find(company, name)?;
    if context.output.is_json() {
        context.output.json(&to_json(company, name));
        return Ok(());
    }
    let manifest = &files.manifest.value;
    context.output.say(format_args!(
        "{name} {}: {}",
        manifest.version, manifest.description
    ));
    context.output.say(format_args!(
        "component  {} ({})",
        manifest.component.get_ref(),
        files.digest
    ));
    context.output.say(format_args!(
        "handlers   {}",
        handlers(company, name).join(", ")
    ));
    for grant in manifest.ask.texts() {
        context.output.say(format_args!("granted    {grant}"));
    }
    let limits = company.definitions.config.value.limits(name);
    for (name, value) in limits.list() {
        context
            .output
            .say(format_args!("limit      {name} {value}"));
    }
    Ok(())
}

fn find<'c>(company: &'c Company, name: &str) -> Result<&'c PluginFiles, Failure> {
    company.definitions.plugins.get(name).ok_or_else(|| {
        Failure::usage(format!("there is no plugin `{name}`"))
            .help("`callboard plugins list` names them")
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
        "digest": files.digest,
        "handlers": handlers(company, name),
        "grants": manifest.ask,
    })
}
