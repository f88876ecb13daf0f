//! What a plugin asks for is inside the operator's ceiling, and what its handlers need is
//! inside what it asks for.

use super::handlers::{Use, uses};
use super::{Kind, Miss, Reference, Referrer, Roster};
use crate::grants::{Grants, Refusal, Verb};
use crate::handler::{Contract, TableName, TableNeed};
use crate::registry::Origin;
use crate::workspace::{Place, PluginFiles};

pub(super) fn list(roster: &Roster<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for (name, plugin) in &roster.definitions.plugins {
        references.extend(asks(roster, name, plugin));
        for contract in contracts(roster, name, plugin) {
            references.extend(tables(name, plugin, contract));
            references.extend(settings(name, plugin, contract));
        }
    }
    for used in uses(roster) {
        references.extend(configured(roster, &used));
    }
    references
}

/// Everything a plugin asks for, with the lines that would allow it where it is refused.
fn asks(roster: &Roster<'_>, name: &str, plugin: &PluginFiles) -> Vec<Reference> {
    let ask = &plugin.manifest.value.ask;
    let refused = ask.refusals(name, &roster.definitions.config.value.ceiling(name));
    // Against nothing, everything asked for is refused: the list of it all.
    let asked = ask.refusals(name, &Grants::default());
    asked
        .into_iter()
        .map(|asked| {
            let place = written(plugin, &asked);
            let miss = refused.contains(&asked).then(|| refusal(name, &asked));
            Reference::new(Referrer::plugin(name), "ask", Kind::Grant, asked.asked)
                .at(place)
                .missed(miss)
        })
        .collect()
}

fn refusal(plugin: &str, refusal: &Refusal) -> Miss {
    let problem = format!(
        "the plugin asks for {}, which is not allowed",
        refusal.asked
    );
    match &refusal.mend {
        Some(lines) => Miss::new(problem, format!("add to callboard.toml:\n{lines}")),
        None => Miss::new(
            problem,
            format!("nothing can allow it; remove it from [ask] in plugins/{plugin}/plugin.toml"),
        ),
    }
}

/// Where a manifest asks for something.
fn written(plugin: &PluginFiles, asked: &Refusal) -> Place {
    let manifest = &plugin.manifest;
    let ask = &manifest.value.ask;
    if asked.asked.starts_with("setting ") {
        return manifest.at(&["ask", "settings", "keys"]);
    }
    if let Some((_, table)) = asked.asked.split_once(" on table ") {
        let index = ask
            .db
            .iter()
            .position(|grant| grant.table == table)
            .unwrap_or_default();
        return manifest.at(&["ask", "db", &index.to_string()]);
    }
    if let Some((_, origin)) = asked.asked.split_once(' ') {
        let matches = |host: &str, scheme: &str| origin == format!("{scheme}://{host}");
        let index = ask
            .http
            .iter()
            .position(|grant| matches(&grant.host, &grant.scheme));
        return manifest.at(&["ask", "http", &index.unwrap_or_default().to_string()]);
    }
    manifest.at(&["ask", &asked.asked])
}

/// What the plugin says of its handlers: as applied, or as loaded.
fn contracts<'a>(roster: &Roster<'a>, plugin: &str, files: &'a PluginFiles) -> Vec<&'a Contract> {
    if let Some(contracts) = &files.contracts {
        return contracts.iter().collect();
    }
    let entries = roster.registry.iter();
    entries
        .filter(|entry| matches!(&entry.origin, Origin::Plugin { name, .. } if name == plugin))
        .map(|entry| &entry.contract)
        .collect()
}

fn tables(name: &str, plugin: &PluginFiles, contract: &Contract) -> Vec<Reference> {
    let needs = contract.needs.tables.iter();
    let fixed = needs.filter_map(|need| match &need.table {
        TableName::Fixed(table) => Some((table, need)),
        TableName::Configured(_) => None,
    });
    fixed
        .map(|(table, need)| {
            let miss = unasked(name, plugin, contract, (table, need));
            let referrer = Referrer::handler(&contract.name);
            let reference = Reference::new(referrer, "tables", Kind::Grant, table);
            reference
                .at(plugin.manifest.at(&["ask", "db"]))
                .missed(miss)
        })
        .collect()
}

/// Tables that stages and policies name for the handlers of plugins.
fn configured(roster: &Roster<'_>, used: &Use<'_>) -> Vec<Reference> {
    let entry = roster.registry.get(used.handler);
    let plugin = entry.and_then(|entry| {
        let (name, plugin) = roster
            .definitions
            .plugins
            .get_key_value(entry.origin.plugin()?)?;
        Some((&entry.contract, name, plugin))
    });
    let Some((contract, name, plugin)) = plugin else {
        return Vec::new();
    };
    let config = contract.configured(used.config);
    let needs = contract.needs.tables.iter();
    let configured = needs.filter_map(|need| match &need.table {
        TableName::Fixed(_) => None,
        TableName::Configured(key) => Some((key, need.table.of(&config)?, need)),
    });
    configured
        .map(|(key, table, need)| {
            let miss = unasked(name, plugin, contract, (table, need));
            used.configured(key, Kind::Grant, table).missed(miss)
        })
        .collect()
}

/// The miss of verbs on a table that a handler needs and its manifest does not ask for.
fn unasked(
    name: &str,
    plugin: &PluginFiles,
    contract: &Contract,
    (table, need): (&str, &TableNeed),
) -> Option<Miss> {
    let ask = &plugin.manifest.value.ask;
    let missing: Vec<&str> = [Verb::Select, Verb::Insert, Verb::Update, Verb::Delete]
        .into_iter()
        .filter(|verb| need.verbs.iter().any(|name| name == verb.as_str()))
        .filter(|verb| !ask.allows(table, *verb))
        .map(Verb::as_str)
        .collect();
    (!missing.is_empty()).then(|| {
        let (verbs, quoted) = (missing.join(", "), missing.join("\", \""));
        let problem = format!(
            "handler `{}` needs {verbs} on table `{table}`, which the plugin does not ask for",
            contract.name
        );
        let mend = format!(
            "add to plugins/{name}/plugin.toml:\n[[ask.db]]\ntable = \"{table}\"\nverbs = [\"{quoted}\"]"
        );
        Miss::new(problem, mend)
    })
}

fn settings(name: &str, plugin: &PluginFiles, contract: &Contract) -> Vec<Reference> {
    let manifest = &plugin.manifest;
    let needs = contract.needs.settings.iter();
    needs
        .map(|key| {
            let miss = (!manifest.value.ask.settings.covers(key)).then(|| {
                let problem = format!(
                    "handler `{}` reads setting `{key}`, which the plugin does not ask for",
                    contract.name
                );
                Miss::new(
                    problem,
                    format!(
                        "add to plugins/{name}/plugin.toml:\n[ask.settings]\nkeys = [\"{key}\"]"
                    ),
                )
            });
            let referrer = Referrer::handler(&contract.name);
            Reference::new(referrer, "settings", Kind::Grant, key)
                .at(manifest.at(&["ask", "settings"]))
                .missed(miss)
        })
        .collect()
}
