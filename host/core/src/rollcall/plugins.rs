//! Plugins: the component is there and is the one applied, its WIT contract is served, and
//! what it gives is what it said.

use super::{FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope};
use crate::handler::Contract;
use crate::plugin::manifest::{WIT, served};
use crate::registry::{HandlerEntry, HandlerOrigin, nearest};
use crate::store::{StoreError, granted};
use crate::workspace::PluginFiles;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for (name, plugin) in &scope.definitions.plugins {
        references.push(component(name, plugin));
        references.push(wit(name, plugin));
        references.push(loaded(scope, name, plugin));
        references.extend(contracts(scope, name, plugin));
    }
    for refused in scope.refused {
        if !scope.definitions.plugins.contains_key(&refused.plugin) {
            let miss = Miss::new(refused.problem.clone(), refused.mend.clone());
            let reference = Reference::new(
                Referrer::plugin(&refused.plugin),
                "name",
                ReferenceKind::Plugin,
                &refused.plugin,
            );
            references.push(reference.missed(Some(miss)));
        }
    }
    references.extend(strangers(scope));
    references
}

/// The database of plugins that ask for tables: a login role of their own, on PostgreSQL.
pub(super) async fn logins(scope: &RollScope<'_>) -> Result<Option<Reference>, StoreError> {
    let mut plugins = scope.definitions.plugins.iter();
    let asks = plugins.find(|(_, plugin)| !plugin.manifest.value.ask.db.is_empty());
    let Some((name, plugin)) = asks else {
        return Ok(None);
    };
    let miss = match granted::without_logins(scope.store).await? {
        None => match without_schema(scope).await? {
            None => without_passages(scope).await?,
            miss => miss,
        },
        Some(user) => {
            let problem = format!(
                "`{user}`, the database user of callboard, may not create the login roles that plugins have their tables by"
            );
            let quoted = user.replace('"', "\"\"");
            let mend =
                format!("let a superuser run `ALTER ROLE \"{quoted}\" CREATEROLE`, or use SQLite");
            Some(Miss::new(problem, mend))
        }
    };
    let reference = Reference::new(
        Referrer::plugin(name),
        "ask.db",
        ReferenceKind::Grant,
        "login roles",
    );
    let place = plugin.manifest.at(&["ask", "db"]);
    Ok(Some(reference.at(place).missed(miss)))
}

/// The miss of a schema that is another user's, who did not say that plugins may be let in.
async fn without_schema(scope: &RollScope<'_>) -> Result<Option<Miss>, StoreError> {
    let Some((user, schema)) = granted::without_schema(scope.store).await? else {
        return Ok(None);
    };
    let problem = format!(
        "`{user}`, the database user of callboard, may not let plugins into the schema `{schema}`"
    );
    let [user, schema] = [user, schema].map(|name| name.replace('"', "\"\""));
    let mend = format!(
        "let its owner run `GRANT CREATE, USAGE ON SCHEMA \"{schema}\" TO \"{user}\" WITH GRANT OPTION`, \
         or make `{user}` the owner of the database"
    );
    Ok(Some(Miss::new(problem, mend)))
}

/// The miss of a schema for the functions by which deferred writes run.
async fn without_passages(scope: &RollScope<'_>) -> Result<Option<Miss>, StoreError> {
    let Some((user, database, place)) = granted::without_passages(scope.store).await? else {
        return Ok(None);
    };
    let problem = format!(
        "`{user}`, the database user of callboard, has no schema `{place}` for the functions by which \
        plugins' deferred writes run, and may not make it"
    );
    let [user, database] = [user, database].map(|name| name.replace('"', "\"\""));
    let mend = format!(
        "let a superuser run `GRANT CREATE ON DATABASE \"{database}\" TO \"{user}\"`, or \
        `CREATE SCHEMA \"{place}\" AUTHORIZATION \"{user}\"`; one that is another user's is in the way"
    );
    Ok(Some(Miss::new(problem, mend)))
}

fn component(name: &str, plugin: &PluginFiles) -> Reference {
    let path = format!(
        "plugins/{name}/{}",
        plugin.manifest.value.component.get_ref()
    );
    let miss = plugin.component.is_none().then(|| {
        Miss::new(
            format!("the component {path} is not there"),
            format!("build the plugin and copy its component to {path}"),
        )
    });
    Reference::new(
        Referrer::plugin(name),
        "component",
        ReferenceKind::Component,
        path,
    )
    .at(plugin.manifest.at(&["component"]))
    .missed(miss)
}

fn wit(name: &str, plugin: &PluginFiles) -> Reference {
    let wit = plugin.manifest.value.wit.get_ref();
    let miss = (!served(wit)).then(|| {
        let problem = format!("the plugin is built for WIT {wit}, and this host serves {WIT}");
        Miss::new(problem, format!("build it against wit/{WIT} and write `wit = \"{WIT}\"`, or run a callboard that serves {wit}"))
    });
    Reference::new(Referrer::plugin(name), "wit", ReferenceKind::Wit, wit)
        .at(plugin.manifest.at(&["wit"]))
        .missed(miss)
}

/// The handlers of a plugin in the registry.
fn given<'a>(scope: &RollScope<'a>, plugin: &str) -> Vec<&'a HandlerEntry> {
    let entries = scope.registry.iter();
    entries
        .filter(
            |entry| matches!(&entry.origin, HandlerOrigin::Plugin { name, .. } if name == plugin),
        )
        .collect()
}

/// The plugin did load, from the component that is written down.
fn loaded(scope: &RollScope<'_>, name: &str, plugin: &PluginFiles) -> Reference {
    let refused = scope.refused.iter().find(|refused| refused.plugin == name);
    let other = given(scope, name)
        .into_iter()
        .find_map(|entry| match &entry.origin {
            HandlerOrigin::Plugin { digest, .. } if digest != plugin.digest() => Some(digest),
            _ => None,
        });
    let miss = match (refused, other) {
        (Some(refused), _) => {
            let miss = Miss::new(refused.problem.clone(), refused.mend.clone());
            Some(miss.because(refusal(scope, name, plugin)))
        }
        (None, Some(digest)) if plugin.component.is_some() => {
            let (loaded, applied) = (short(digest), short(plugin.digest()));
            let problem = format!("component {loaded} is loaded, and {applied} is the one applied");
            Some(Miss::new(problem, "callboard apply"))
        }
        _ => None,
    };
    let digest = format!("sha256:{}", short(plugin.digest()));
    Reference::new(
        Referrer::plugin(name),
        "name",
        ReferenceKind::Plugin,
        digest,
    )
    .at(plugin.manifest.at(&["name"]))
    .missed(miss)
}

/// The reference of a plugin without which it cannot load.
fn refusal(scope: &RollScope<'_>, name: &str, plugin: &PluginFiles) -> Option<FirstMiss> {
    let because = |key: &str| Some(FirstMiss::new(Referrer::plugin(name), key));
    let ceiling = scope.definitions.config.value.ceiling(name);
    if !plugin
        .manifest
        .value
        .ask
        .refusals(name, &ceiling)
        .is_empty()
    {
        return because("ask");
    }
    if plugin.component.is_none() {
        return because("component");
    }
    if !served(plugin.manifest.value.wit.get_ref()) {
        return because("wit");
    }
    None
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// What `describe` said when the workspace was applied is what the registry holds now.
fn contracts(scope: &RollScope<'_>, name: &str, plugin: &PluginFiles) -> Vec<Reference> {
    if scope.refused.iter().any(|refused| refused.plugin == name) {
        return Vec::new();
    }
    let given = given(scope, name);
    let Some(contracts) = &plugin.contracts else {
        return Vec::new();
    };
    let check = |contract: &Contract| {
        let entry = given
            .iter()
            .find(|entry| entry.contract.name == contract.name);
        match entry {
            None => Some(format!(
                "the plugin gave `{}` when it was applied, and does not now",
                contract.name
            )),
            Some(entry) if entry.contract != *contract => Some(format!(
                "`{}` says something else of itself than when it was applied",
                contract.name
            )),
            Some(_) => None,
        }
    };
    let contracts = contracts.iter();
    contracts
        .map(|contract| {
            let miss = check(contract).map(|problem| Miss::new(problem, "callboard apply"));
            Reference::new(
                Referrer::plugin(name),
                "handlers",
                ReferenceKind::Contract,
                &contract.name,
            )
            .at(plugin.manifest.at(&["name"]))
            .missed(miss)
        })
        .collect()
}

/// `[grants.X]` and `[limits.X]` are about a plugin that is there.
fn strangers(scope: &RollScope<'_>) -> Vec<Reference> {
    let config = &scope.definitions.config;
    let plugins = &scope.definitions.plugins;
    let grants = config.value.grants.keys().map(|name| ("grants", name));
    let named = grants.chain(config.value.limits.keys().map(|name| ("limits", name)));
    named
        .filter(|(_, name)| name.as_str() != "*")
        .map(|(table, name)| {
            let miss = (!plugins.contains_key(name)).then(|| {
                let problem = format!("there is no plugin `{name}`");
                match nearest(name, plugins.keys().map(String::as_str)) {
                    Some(near) => {
                        Miss::new(problem, format!("write `[{table}.{near}]`, or remove it"))
                    }
                    None => Miss::new(
                        problem,
                        format!("add plugins/{name}, or remove [{table}.{name}]"),
                    ),
                }
            });
            let granted = config.value.grants.contains_key(name) && table == "limits";
            let first =
                || FirstMiss::new(Referrer::Ceiling(name.clone()), format!("grants.{name}"));
            let miss = miss.map(|miss| miss.because(granted.then(first)));
            Reference::new(
                Referrer::Ceiling(name.clone()),
                format!("{table}.{name}"),
                ReferenceKind::Plugin,
                name,
            )
            .at(config.at(&[table, name]))
            .missed(miss)
        })
        .collect()
}
