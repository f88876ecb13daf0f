//! What a plugin asks for is inside the operator's ceiling, and what its handlers need is
//! inside what it asks for.

use super::handlers::{Use, uses};
use super::schema::LiveSchema;
use super::settings::undeclared;
use super::{
    FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope, addition, asked, bounds,
    component, granted_roles,
};
use crate::config::Config;
use crate::grants::{
    CredentialGrant, GrantLines, GrantRefusal, Grants, HttpGrant, TableGrant, Verb,
};
use crate::handler::{Contract, TableName, TableNeed};
use crate::registry::{HandlerOrigin, nearest};
use crate::workspace::{Defined, Place, PluginFiles};

pub(super) fn list(scope: &RollScope<'_>, schema: &LiveSchema) -> Vec<Reference> {
    let mut references = ceilings(scope, schema);
    for (name, plugin) in &scope.definitions.plugins {
        references.extend(asks(scope, name, plugin));
        references.extend(named(scope, name, plugin));
        references.extend(credentials(scope, name, plugin));
        for contract in contracts(scope, name, plugin) {
            references.extend(tables(schema, (name, plugin), contract));
            references.extend(settings(scope, plugin, contract));
            references.extend(granted_roles::list(scope, plugin, contract));
            references.extend(bounds::list(scope, name, contract));
        }
    }
    for used in uses(scope) {
        references.extend(configured(scope, schema, &used));
    }
    references
}

/// What the operator allows is there and can be given: tables of the live schema, and secrets.
fn ceilings(scope: &RollScope<'_>, schema: &LiveSchema) -> Vec<Reference> {
    let config = &scope.definitions.config;
    let mut references = Vec::new();
    for (name, grants) in &config.value.grants {
        let reference = |list: &str, index: usize, kind, target: &str, miss| {
            let place = config.at(&["grants", name, list, &index.to_string()]);
            let referrer = Referrer::Ceiling(name.clone());
            let key = format!("grants.{name}.{list}");
            Reference::new(referrer, key, kind, target)
                .at(place)
                .missed(miss)
        };
        let tables = grants.db.iter().enumerate();
        references.extend(tables.map(|(index, grant)| {
            let miss = schema.no_table(&grant.table).or_else(|| beyond(grant));
            reference("db", index, ReferenceKind::Table, &grant.table, miss)
        }));
        let credentials = grants.credentials.iter().enumerate();
        references.extend(credentials.map(|(index, grant)| {
            let miss = asked::credential(scope, &grant.name);
            reference(
                "credentials",
                index,
                ReferenceKind::Setting,
                &grant.name,
                miss,
            )
        }));
        let http = grants.http.iter().enumerate();
        references.extend(http.map(|(index, grant)| {
            let miss = asked::address(grant, &format!("grants.{name}"));
            reference("http", index, ReferenceKind::Grant, &grant.text(), miss)
        }));
        references.extend(grants.settings.keys.iter().map(|key| {
            let referrer = Referrer::Ceiling(name.clone());
            let path = format!("grants.{name}.settings");
            Reference::new(referrer, path, ReferenceKind::Setting, key)
                .at(config.at(&["grants", name, "settings", "keys"]))
                .missed(asked::setting(scope, key))
        }));
        references.extend(grants.model.roles.iter().map(|role| {
            let referrer = Referrer::Ceiling(name.clone());
            let path = format!("grants.{name}.model");
            Reference::new(referrer, path, ReferenceKind::Role, role)
                .at(config.at(&["grants", name, "model", "roles"]))
                .missed(no_role(scope, role))
        }));
    }
    references
}

/// The miss of verbs that no grant opens.
fn beyond(grant: &TableGrant) -> Option<Miss> {
    let verbs = grant.verbs.iter();
    let beyond = verbs.filter(|verb| !verb.can_be_granted(&grant.table));
    let verbs: Vec<_> = beyond.map(|verb| verb.as_str()).collect();
    let (table, verbs) = (&grant.table, verbs.join("/"));
    (!verbs.is_empty()).then(|| {
        Miss::new(
            format!("no grant opens {verbs} on table `{table}`: plugins may read it"),
            "write `verbs = [\"select\"]`",
        )
    })
}

/// Everything a plugin asks for, with the lines that would allow it where it is refused.
fn asks(scope: &RollScope<'_>, name: &str, plugin: &PluginFiles) -> Vec<Reference> {
    let ask = &plugin.manifest.value.ask;
    let config = &scope.definitions.config;
    let refused = ask.refusals(name, &config.value.ceiling(name));
    // Against nothing, everything asked for is refused: the list of it all.
    let asked = ask.refusals(name, &Grants::default());
    let reference = |asked: GrantRefusal| {
        let same = |refusal: &&GrantRefusal| refusal.is_of(&asked);
        let refused = refused.iter().find(same);
        let miss = refused.map(|refused| refusal(name, config, refused));
        // What is not there, or cannot be given, is missed where it is named.
        let wrong = asked_thing(ask, &asked)
            .map(|(key, target)| FirstMiss::new(Referrer::plugin(name), key).with_target(&target));
        let miss = miss.map(|miss| miss.because(misnamed(scope, name)).because(wrong));
        let open = uncallable(scope, name, ask, &asked);
        let miss = miss.map(|miss| miss.because(open));
        Reference::new(
            Referrer::plugin(name),
            "ask",
            ReferenceKind::Grant,
            &asked.asked,
        )
        .at(written(plugin, &asked))
        .missed(miss)
    };
    asked.into_iter().map(reference).collect()
}

/// The grant of the ceiling that was to allow an address, and that no call can be made by as it is written.
fn uncallable(
    scope: &RollScope<'_>,
    plugin: &str,
    ask: &Grants,
    asked: &GrantRefusal,
) -> Option<FirstMiss> {
    let wanted = ask.http.get(index(asked, "http")?)?;
    let own = scope.definitions.config.value.grants.get(plugin)?;
    let there = |it: &&HttpGrant| {
        (&it.host, &it.scheme, it.port) == (&wanted.host, &wanted.scheme, wanted.port)
    };
    let owner = format!("grants.{plugin}");
    let mut allowed = own.http.iter().filter(there);
    let open = allowed.find(|it| asked::address(it, &owner).is_some())?;
    let cause = FirstMiss::new(
        Referrer::Ceiling(plugin.to_owned()),
        format!("{owner}.http"),
    );
    Some(cause.with_target(&open.text()))
}

/// The grants that were to be those of a plugin, and are of a name that no plugin has.
fn misnamed(scope: &RollScope<'_>, plugin: &str) -> Option<FirstMiss> {
    let grants = &scope.definitions.config.value.grants;
    let plugins = &scope.definitions.plugins;
    let strangers = grants.keys().filter(|name| !plugins.contains_key(*name));
    let near = nearest(plugin, strangers.map(String::as_str))?;
    Some(FirstMiss::new(
        Referrer::Ceiling(near.to_owned()),
        format!("grants.{near}"),
    ))
}

fn refusal(plugin: &str, config: &Defined<Config>, refusal: &GrantRefusal) -> Miss {
    let asked = &refusal.asked;
    let problem = format!("the plugin asks for {asked}, which is not allowed");
    let Some(grant) = &refusal.mend else {
        let mend =
            format!("nothing can allow it; remove it from [ask] in plugins/{plugin}/plugin.toml");
        return Miss::new(problem, mend);
    };
    let mend = match grant {
        GrantLines::Flag(name) => addition::of(config, &format!("grants.{plugin}"), name, "true"),
        GrantLines::Setting(key) => {
            addition::element(config, &format!("grants.{plugin}.settings"), "keys", key)
        }
        GrantLines::Role(role) => {
            addition::element(config, &format!("grants.{plugin}.model"), "roles", role)
        }
        GrantLines::Element(lines) => format!("add to callboard.toml:\n{lines}"),
    };
    Miss::new(problem, mend)
}

/// Under which key something that is asked for is a reference of its own, and its target.
fn asked_thing(ask: &Grants, asked: &GrantRefusal) -> Option<(&'static str, String)> {
    if let Some(grant) = index(asked, "db").and_then(|index| ask.db.get(index)) {
        return Some(("ask.db", grant.table.clone()));
    }
    if let Some(grant) = index(asked, "http").and_then(|index| ask.http.get(index)) {
        return Some(("ask.http", grant.text()));
    }
    if let Some(grant) = index(asked, "credentials").and_then(|index| ask.credentials.get(index)) {
        return Some(("credentials", grant.name.clone()));
    }
    match &asked.mend {
        Some(GrantLines::Setting(key)) => Some(("ask.settings", key.clone())),
        Some(GrantLines::Role(role)) => Some(("ask.model", role.clone())),
        _ => None,
    }
}

/// The settings, addresses and roles that a plugin asks for: each can be given.
fn named(scope: &RollScope<'_>, name: &str, plugin: &PluginFiles) -> Vec<Reference> {
    let (ask, manifest) = (&plugin.manifest.value.ask, &plugin.manifest);
    let settings = ask.settings.keys.iter().map(|key| {
        Reference::new(
            Referrer::plugin(name),
            "ask.settings",
            ReferenceKind::Setting,
            key,
        )
        .at(manifest.at(&["ask", "settings", "keys"]))
        .missed(asked::setting(scope, key))
    });
    let http = ask.http.iter().enumerate().map(|(index, grant)| {
        let place = manifest.at(&["ask", "http", &index.to_string()]);
        Reference::new(
            Referrer::plugin(name),
            "ask.http",
            ReferenceKind::Grant,
            grant.text(),
        )
        .at(place)
        .missed(asked::address(grant, "ask"))
    });
    let roles = ask.model.roles.iter().map(|role| {
        let kind = ReferenceKind::Role;
        Reference::new(Referrer::plugin(name), "ask.model", kind, role)
            .at(manifest.at(&["ask", "model", "roles"]))
            .missed(no_role(scope, role))
    });
    settings.chain(http).chain(roles).collect()
}

/// Which element of a list is asked for.
fn index(asked: &GrantRefusal, list: &str) -> Option<usize> {
    match asked.path.as_slice() {
        [known, index] if known == list => index.parse().ok(),
        _ => None,
    }
}

/// Where a manifest asks for something.
fn written(plugin: &PluginFiles, asked: &GrantRefusal) -> Place {
    let path: Vec<_> = ["ask"]
        .into_iter()
        .chain(asked.path.iter().map(String::as_str))
        .collect();
    plugin.manifest.at(&path)
}

/// A credential is a secret that is declared, and goes where the plugin may call.
fn credentials(scope: &RollScope<'_>, name: &str, plugin: &PluginFiles) -> Vec<Reference> {
    let ask = &plugin.manifest.value.ask;
    let asked = ask.credentials.iter().enumerate();
    asked
        .map(|(index, grant)| {
            let place = plugin
                .manifest
                .at(&["ask", "credentials", &index.to_string()]);
            let miss =
                asked::credential(scope, &grant.name).or_else(|| out_of_reach(scope, name, grant));
            Reference::new(
                Referrer::plugin(name),
                "credentials",
                ReferenceKind::Setting,
                &grant.name,
            )
            .at(place)
            .missed(miss)
        })
        .collect()
}

fn out_of_reach(scope: &RollScope<'_>, plugin: &str, grant: &CredentialGrant) -> Option<Miss> {
    let definitions = scope.definitions;
    let ask = &definitions.plugins.get(plugin)?.manifest.value.ask;
    if ask.http.iter().any(|http| http.opens(&grant.to)) {
        return None;
    }
    let (to, scheme) = (&grant.to, grant.to.scheme());
    let problem = format!("the {grant} goes where the plugin does not ask to call");
    // As the operator allows it, if that was said: with its methods, and whether it is private.
    let ceiling = definitions.config.value.ceiling(plugin);
    let mut allowed = ceiling.http.iter();
    let allowed = allowed.find(|http| !http.host.is_wildcard() && http.opens(to));
    let lines = allowed.map(|http| http.lines("ask"));
    let lines = lines.unwrap_or_else(|| {
        let (host, port) = (to.host(), to.port());
        format!("[[ask.http]]\nhost = \"{host}\"\nscheme = \"{scheme}\"\nport = {port}")
    });
    let mend = format!("add to plugins/{plugin}/plugin.toml:\n{lines}");
    Some(Miss::new(problem, mend))
}

/// What the plugin says of its handlers: as applied, or as loaded.
fn contracts<'a>(scope: &RollScope<'a>, plugin: &str, files: &'a PluginFiles) -> Vec<&'a Contract> {
    if let Some(contracts) = &files.contracts {
        return contracts.iter().collect();
    }
    let entries = scope.registry.iter();
    entries
        .filter(
            |entry| matches!(&entry.origin, HandlerOrigin::Plugin { name, .. } if name == plugin),
        )
        .map(|entry| &entry.contract)
        .collect()
}

fn tables(
    schema: &LiveSchema,
    (name, plugin): (&str, &PluginFiles),
    contract: &Contract,
) -> Vec<Reference> {
    let needs = contract.needs.tables.iter();
    let fixed = needs.filter_map(|need| match &need.table {
        TableName::Fixed(table) => Some((table, need)),
        TableName::Configured(_) => None,
    });
    fixed
        .map(|(table, need)| {
            let referrer = Referrer::handler(&contract.name);
            let known = FirstMiss::new(&referrer, "tables").with_target(table);
            // A table that is not there is nothing to ask for.
            let (at, miss) = match schema.no_table(table) {
                Some(absent) => {
                    let miss = component::said(contract, absent).because(known);
                    let asked = plugin.manifest.value.ask.db.iter();
                    let asked = asked.filter(|grant| grant.table == *table);
                    let asked = asked.map(|_| FirstMiss::new(Referrer::plugin(name), "ask.db"));
                    let asked = asked.map(|it| it.with_target(table)).next();
                    (["component"].as_slice(), Some(miss.because(asked)))
                }
                None => (
                    ["ask", "db"].as_slice(),
                    unasked(name, plugin, contract, (table, need)),
                ),
            };
            let reference = Reference::new(referrer, "tables", ReferenceKind::Grant, table);
            reference.at(plugin.manifest.at(at)).missed(miss)
        })
        .collect()
}

/// Tables that stages and policies name for the handlers of plugins.
fn configured(scope: &RollScope<'_>, schema: &LiveSchema, used: &Use<'_>) -> Vec<Reference> {
    let entry = scope.registry.get(used.handler);
    let plugin = entry.and_then(|entry| {
        let (name, plugin) = scope
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
    let tables = configured.map(|(key, table, need)| {
        let there = FirstMiss::new(&used.referrer, format!("config.{key}")).with_target(table);
        let miss = unasked(name, plugin, contract, (table, need));
        let there = schema.no_table(table).map(|_| there);
        let miss = miss.map(|miss| miss.because(there));
        used.configured(key, ReferenceKind::Grant, table)
            .missed(miss)
    });
    let keys = contract.needs.role_keys.iter();
    let roles = keys.filter_map(|key| Some((key, config.get(key)?.as_str()?)));
    // One that is not declared is missed as a role.
    let roles = roles.filter(|(_, role)| !role.is_empty() && undeclared(scope, role).is_none());
    let roles = roles.map(|(key, role)| {
        let miss = granted_roles::unasked(plugin, contract, role);
        used.configured(key, ReferenceKind::Grant, role)
            .missed(miss)
    });
    tables.chain(roles).collect()
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
    let never: Vec<&str> = [Verb::Insert, Verb::Update, Verb::Delete]
        .into_iter()
        .filter(|verb| missing.contains(&verb.as_str()) && !verb.can_be_granted(table))
        .map(Verb::as_str)
        .collect();
    if !never.is_empty() {
        let verbs = never.join("/");
        let problem = format!("no grant opens {verbs} on table `{table}`");
        return Some(component::said(contract, Miss::new(problem, "do without")));
    }
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

/// The miss of a role that cannot be granted: each is named.
fn no_role(scope: &RollScope<'_>, role: &str) -> Option<Miss> {
    if role.contains('*') {
        let problem = format!("`{role}` is no role: roles are granted one by one");
        return Some(Miss::new(problem, "name each role"));
    }
    undeclared(scope, role)
}

fn settings(scope: &RollScope<'_>, plugin: &PluginFiles, contract: &Contract) -> Vec<Reference> {
    let manifest = &plugin.manifest;
    let needs = contract.needs.settings.iter();
    needs
        .map(|key| {
            let referrer = Referrer::handler(&contract.name);
            let (at, miss) = match asked::misspelt(scope, key) {
                // A setting that is not there is nothing to ask for.
                Some(absent) => {
                    let known = FirstMiss::new(&referrer, "settings").with_target(key);
                    let miss = component::said(contract, absent).because(known);
                    (["component"].as_slice(), Some(miss))
                }
                None => (
                    ["ask", "settings"].as_slice(),
                    unread(plugin, contract, key),
                ),
            };
            let reference = Reference::new(referrer, "settings", ReferenceKind::Grant, key);
            reference.at(manifest.at(at)).missed(miss)
        })
        .collect()
}

/// The miss of a setting that a handler reads and its manifest does not ask for.
fn unread(plugin: &PluginFiles, contract: &Contract, key: &str) -> Option<Miss> {
    let (manifest, ask) = (&plugin.manifest, &plugin.manifest.value.ask);
    let named = ask.credentials.iter().any(|grant| grant.name == *key);
    (!named && !ask.settings.covers(key)).then(|| {
        let problem = format!(
            "handler `{}` reads setting `{key}`, which the plugin does not ask for",
            contract.name
        );
        let mend = addition::element(manifest, "ask.settings", "keys", key);
        Miss::new(problem, mend)
    })
}
