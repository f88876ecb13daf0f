//! What a plugin asks for is inside the operator's ceiling, and what its handlers need is
//! inside what it asks for.

use super::handlers::{Use, uses};
use super::{Kind, Miss, Reference, Referrer, Roster};
use crate::grants::{CredentialGrant, Grants, Refusal, Verb};
use crate::handler::{Contract, TableName, TableNeed};
use crate::registry::Origin;
use crate::settings::SettingType;
use crate::workspace::{Place, PluginFiles};

pub(super) fn list(roster: &Roster<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for (name, plugin) in &roster.definitions.plugins {
        references.extend(asks(roster, name, plugin));
        references.extend(credentials(roster, name, plugin));
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
            let refused = refused.iter().find(|refused| refused.is_of(&asked));
            let miss = refused.map(|refused| refusal(name, refused));
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
    let path: Vec<_> = ["ask"]
        .into_iter()
        .chain(asked.path.iter().map(String::as_str))
        .collect();
    plugin.manifest.at(&path)
}

/// A credential is a secret that is declared, and goes where the plugin may call.
fn credentials(roster: &Roster<'_>, name: &str, plugin: &PluginFiles) -> Vec<Reference> {
    let ask = &plugin.manifest.value.ask;
    let asked = ask.credentials.iter().enumerate();
    asked
        .map(|(index, grant)| {
            let place = plugin
                .manifest
                .at(&["ask", "credentials", &index.to_string()]);
            let miss = undeclared(roster, &grant.name).or_else(|| out_of_reach(name, ask, grant));
            Reference::new(
                Referrer::plugin(name),
                "credentials",
                Kind::Setting,
                &grant.name,
            )
            .at(place)
            .missed(miss)
        })
        .collect()
}

fn undeclared(roster: &Roster<'_>, credential: &str) -> Option<Miss> {
    let declared = roster.definitions.settings.get(credential);
    let kind = declared.map(|declared| declared.value.kind);
    let problem = match kind {
        Some(SettingType::Secret) => return None,
        Some(kind) => format!("the credential `{credential}` is a setting of the type {kind}"),
        None => format!("the credential `{credential}` is not declared"),
    };
    let mend = format!(
        "write in settings.toml:\n[\"{credential}\"]\ntype = \"secret\"\ndescription = \"…\""
    );
    Some(Miss::new(problem, mend))
}

fn out_of_reach(plugin: &str, ask: &Grants, grant: &CredentialGrant) -> Option<Miss> {
    if ask.http.iter().any(|http| http.opens(&grant.to)) {
        return None;
    }
    let (to, scheme) = (&grant.to, grant.to.scheme());
    let problem = format!("the {grant} goes where the plugin does not ask to call");
    let mend = format!(
        "add to plugins/{plugin}/plugin.toml:\n[[ask.http]]\nhost = \"{}\"\nscheme = \"{scheme}\"\nport = {}",
        to.host(),
        to.port()
    );
    Some(Miss::new(problem, mend))
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
            let ask = &manifest.value.ask;
            let named = ask.credentials.iter().any(|grant| grant.name == *key);
            let miss = (!named && !ask.settings.covers(key)).then(|| {
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
