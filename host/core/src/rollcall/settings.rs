//! Settings and roles that handlers need, values that do not fit, and settings that are read
//! nowhere. Only handlers that a stage or policy names are asked.

use std::collections::BTreeSet;

use super::handlers::{Use, uses};
use super::{
    FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope, asked, component, declarations,
    unable,
};
use crate::handler::Contract;
use crate::model::role::{self, ProviderKind, Unresolved};
use crate::registry::nearest;
use crate::settings::{Declaration, SettingType, read_of};
use crate::workspace::{Defined, Place};

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for (contract, place) in needed(scope) {
        let referrer = Referrer::handler(&contract.name);
        let own = component::place_of(scope, contract);
        for key in &contract.needs.settings {
            let reference = Reference::new(&referrer, "settings", ReferenceKind::Setting, key);
            let slip = own.clone().zip(asked::misspelt(scope, key));
            let slip = slip.map(|(place, miss)| (place, Some(component::said(contract, miss))));
            let (place, miss) = slip.unwrap_or_else(|| {
                let miss = absent(scope, key, contract);
                let miss = miss.or_else(|| misread(scope, key, contract));
                (place.clone(), miss)
            });
            references.push(reference.at(place).missed(miss));
        }
        references.extend(credentials(scope, contract, &place));
        for role in &contract.needs.roles {
            let reference = Reference::new(&referrer, "roles", ReferenceKind::Role, role);
            let slip = own.clone().zip(undeclared(scope, role));
            let slip = slip.filter(|_| near_role(scope, role).is_some());
            let (place, miss) = match slip {
                Some((place, miss)) => (place, Some(component::said(contract, miss))),
                None => (place.clone(), unset(scope, role)),
            };
            references.push(reference.at(place).missed(miss));
        }
    }
    references.extend(uses(scope).iter().flat_map(|used| named(scope, used)));
    references.extend(awaited(scope));
    references.extend(half_roles(scope));
    references.extend(ways(scope));
    references.extend(unfit(scope));
    references.extend(unread(scope));
    references
}

/// Contracts of the handlers that are used, each once, with the first place that names it.
pub(super) fn needed<'a>(scope: &RollScope<'a>) -> Vec<(&'a Contract, Place)> {
    let mut seen = BTreeSet::new();
    let mut needed = Vec::new();
    for used in uses(scope) {
        if let Some(entry) = scope.registry.get(used.handler)
            && seen.insert(used.handler)
        {
            needed.push((&entry.contract, used.at(&["handler"])));
        }
    }
    needed
}

/// The secrets that a plugin has the host put on the wire. One that is required is there before anything runs;
/// of another that is not set it is told.
fn credentials(scope: &RollScope<'_>, contract: &Contract, place: &Place) -> Vec<Reference> {
    let entry = scope.registry.get(&contract.name);
    let plugin = entry.and_then(|entry| entry.origin.plugin());
    let plugin = plugin.and_then(|name| scope.definitions.plugins.get(name));
    let asked = plugin
        .into_iter()
        .flat_map(|it| &it.manifest.value.ask.credentials);
    let named: BTreeSet<&str> = asked.map(|grant| grant.name.as_str()).collect();
    let references = named.into_iter().filter_map(|key| {
        // One that is none is missed where the plugin asks for it.
        let declared = scope.definitions.settings.get(key)?;
        let is_there = declared.value.kind != SettingType::Secret || scope.settings.is_present(key);
        let miss = (!is_there).then(|| unsent(key, declared));
        let referrer = Referrer::handler(&contract.name);
        let reference = Reference::new(referrer, "credentials", ReferenceKind::Setting, key);
        Some(reference.at(place.clone()).missed(miss))
    });
    references.collect()
}

/// The miss of a secret that is not set.
fn unsent(key: &str, declared: &Defined<Declaration>) -> Miss {
    let mend = format!("callboard settings set {key} -");
    let place = declared.at(&[]);
    if declared.value.required {
        let problem = format!("secret `{key}` is required and not set ({place})");
        return Miss::new(problem, mend).because(stored(key)).unset([key]);
    }
    // Which of the plugin's handlers sends it is not known.
    let problem = format!("secret `{key}`, which is sent with requests, is not set ({place})");
    Miss::new(problem, mend).warning().unset([key])
}

fn set(key: &str) -> String {
    format!("callboard settings set {key} VALUE")
}

/// The miss of a setting that is not declared, or required and not there.
fn absent(scope: &RollScope<'_>, key: &str, contract: &Contract) -> Option<Miss> {
    let Some(declared) = scope.definitions.settings.get(key) else {
        let problem = format!("setting `{key}` is not declared");
        let known = scope.definitions.settings.keys().map(String::as_str);
        if let Some((mend, cause)) = declarations::meant(scope, key) {
            return Some(Miss::new(problem, mend).because(cause));
        }
        let near = nearest(key, known)
            .map(|near| format!(" (`{near}` is)"))
            .unwrap_or_default();
        let wanted = contract.needs.setting_types.get(key);
        let wanted = wanted.and_then(|types| types.first().copied());
        return Some(Miss::new(problem + &near, declared_as(key, wanted)));
    };
    let missing = declared.value.required && !scope.settings.is_present(key);
    missing.then(|| {
        let problem = format!(
            "setting `{key}` is required and not set ({})",
            declared.at(&[])
        );
        Miss::new(problem, set(key))
            .because(stored(key))
            .unset([key])
    })
}

/// The reference of a stored value, which is missed if it cannot be read.
fn stored(key: &str) -> FirstMiss {
    FirstMiss::new(Referrer::Value(key.to_owned()), key)
}

/// Roles that a configuration names. They need not resolve, but they are declared.
fn named(scope: &RollScope<'_>, used: &Use<'_>) -> Vec<Reference> {
    let Some(entry) = scope.registry.get(used.handler) else {
        return Vec::new();
    };
    let config = entry.contract.configured(used.config);
    let keys = entry.contract.needs.role_keys.iter();
    let named = keys.filter_map(|key| Some((key, config.get(key)?.as_str()?)));
    let named = named.filter(|(_, role)| !role.is_empty());
    named
        .map(|(key, role)| {
            let reference = used.configured(key, ReferenceKind::Role, role);
            reference.missed(undeclared(scope, role))
        })
        .collect()
}

/// The miss of a role whose settings are not declared.
pub(super) fn undeclared(scope: &RollScope<'_>, role: &str) -> Option<Miss> {
    let settings = &scope.definitions.settings;
    let keys = needed_keys(scope, role);
    let key = keys.iter().find(|key| !settings.contains_key(*key))?;
    let own = keys.iter().any(|key| settings.contains_key(key));
    if !own && role::fallbacks(scope.settings, role).is_ok_and(|named| !named.is_empty()) {
        return None;
    }
    let problem = format!("role `{role}` has no setting `{key}`");
    if let Some((mend, cause)) = declarations::meant(scope, key) {
        return Some(Miss::new(problem, mend).because(cause));
    }
    let declare = declaration(key);
    Some(match near_role(scope, role) {
        Some(near) => Miss::new(problem, format!("write `{near}`, or {declare}")),
        None => Miss::new(problem, declare),
    })
}

/// The declared role that another name may have been meant to be.
fn near_role<'a>(scope: &RollScope<'a>, role: &str) -> Option<&'a str> {
    let settings = &scope.definitions.settings;
    let roles = settings
        .keys()
        .filter_map(|key| key.strip_prefix("roles.")?.strip_suffix(".url"));
    let declared = |name: &&str| settings.contains_key(&format!("roles.{name}.model"));
    nearest(role, roles.filter(declared))
}

/// The miss of a setting that its handler reads as another type than it has.
fn misread(scope: &RollScope<'_>, key: &str, contract: &Contract) -> Option<Miss> {
    let declared = scope.definitions.settings.get(key)?;
    let (kind, wanted) = (declared.value.kind, contract.needs.setting_types.get(key)?);
    if wanted.contains(&kind) {
        return None;
    }
    let plainest = wanted.first()?;
    let problem = format!(
        "setting `{key}` is declared as {kind} ({}), and the handler reads it as {plainest}",
        declared.at(&["type"])
    );
    let mend = format!("write `type = \"{plainest}\"` in [\"{key}\"] of settings.toml");
    Some(Miss::new(problem, mend))
}

/// The lines that declare a setting.
fn declaration(key: &str) -> String {
    declared_as(key, None)
}

/// The lines that declare a setting of a type, if it is known which.
fn declared_as(key: &str, wanted: Option<SettingType>) -> String {
    if let Some(kind) = wanted {
        return format!(
            "add to settings.toml:\n[\"{key}\"]\ntype = \"{kind}\"\ndescription = \"…\""
        );
    }
    let kind = match key.rsplit_once('.') {
        Some((role, "url")) if role.starts_with("roles.") => "url",
        Some((role, "model")) if role.starts_with("roles.") => "model",
        _ => "string",
    };
    format!("add to settings.toml:\n[\"{key}\"]\ntype = \"{kind}\"\ndescription = \"…\"")
}

fn unresolved(scope: &RollScope<'_>, role: &str) -> Option<Miss> {
    if let Some(miss) = undeclared(scope, role) {
        return Some(miss);
    }
    match role::chain(scope.settings, role) {
        Ok(chain) if !chain.is_empty() => return None,
        Err(error @ Unresolved::Circle(_)) => return Some(astray(&error, role, "fallback")),
        Err(error @ Unresolved::Provider { .. }) => return Some(astray(&error, role, "provider")),
        _ => {}
    }
    let keys = needed_keys(scope, role);
    let key = keys.iter().find(|key| !scope.settings.is_present(key))?;
    let unfit = scope.settings.unfit().any(|unfit| unfit.key == *key);
    let half = FirstMiss::new(Referrer::Role(role.to_owned()), half_key(scope, role));
    let because = if unfit { stored(key) } else { half };
    let problem = format!("role `{role}` does not resolve: `{key}` is not set");
    let missing = keys.iter().filter(|key| !scope.settings.is_present(key));
    let miss = Miss::new(problem, set(key)).because(because);
    Some(miss.unset(missing))
}

/// Roles that pipelines wait for. That one is declared is asked of the workspace; that it is set,
/// when a run is started.
fn awaited(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for (name, pipeline) in &scope.definitions.pipelines {
        for (index, role) in pipeline.value.roles.iter().enumerate() {
            let (referrer, role) = (Referrer::pipeline(name), role.get_ref());
            let miss = undeclared(scope, role).or_else(|| {
                let miss =
                    unset(scope, role).or_else(|| unable::miss(scope, &pipeline.value, role));
                miss.map(Miss::waiting)
            });
            let reference = Reference::new(referrer, "roles", ReferenceKind::Role, role);
            let place = pipeline.at(&["roles", &index.to_string()]);
            references.push(reference.at(place).missed(miss));
        }
    }
    references
}

/// The miss of a role that does not resolve, with all that has to be set.
fn unset(scope: &RollScope<'_>, role: &str) -> Option<Miss> {
    let miss = unresolved(scope, role)?;
    let keys = needed_keys(scope, role);
    let missing = keys.iter().filter(|key| !scope.settings.is_present(key));
    let missing: Vec<&String> = missing.collect();
    if missing.len() < 2 {
        return Some(miss);
    }
    let named = super::named(missing.iter().map(|key| key.as_str()));
    let problem = format!("role `{role}` does not resolve: {named} are not set");
    let mend: Vec<String> = missing.iter().map(|key| set(key)).collect();
    Some(Miss {
        problem,
        mend: mend.join("; "),
        ..miss
    })
}

/// The settings without which the own provider of a role does not resolve.
fn needed_keys(scope: &RollScope<'_>, role: &str) -> Vec<String> {
    let kind = role::kind(scope.settings, role).unwrap_or(ProviderKind::OpenAi);
    let needs = kind.needs().iter();
    needs.map(|part| role::key(role, part)).collect()
}

/// The key by which the roll call tells of the own provider of a role.
fn half_key(scope: &RollScope<'_>, role: &str) -> String {
    let url = role::key(role, "url");
    if scope.definitions.settings.contains_key(&url) {
        return url;
    }
    role::key(role, "provider")
}

/// The roles that are declared with a part.
fn declared_with<'a>(scope: &RollScope<'a>, parts: &[&str]) -> BTreeSet<&'a str> {
    let keys = scope.definitions.settings.keys();
    let roles = keys.filter_map(|key| role::of_key(key));
    let roles = roles.filter(|(_, part)| parts.contains(part));
    roles.map(|(role, _)| role).collect()
}

/// Roles that are set half: an address without a model, or a model without an address or a key.
fn half_roles(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for role in declared_with(scope, &["url", "provider"]) {
        let keys = needed_keys(scope, role);
        let present = |key: &&String| scope.settings.is_present(key);
        let missing = keys.iter().find(|key| !present(key));
        let miss = missing.zip(keys.iter().find(present));
        let miss = miss.map(|(key, other)| half(scope, role, key, other));
        let key = half_key(scope, role);
        let place = scope.definitions.settings.get(&key);
        let place = place.map(|declared| declared.at(&[]));
        let referrer = Referrer::Role(role.to_owned());
        let mut reference = Reference::new(referrer, key, ReferenceKind::Role, role).missed(miss);
        reference.place = place;
        references.push(reference);
    }
    references
}

/// The miss of a role of which `key` is not set, though `other` is.
fn half(scope: &RollScope<'_>, role: &str, key: &str, other: &str) -> Miss {
    let problem = format!("role `{role}` is set half: `{key}` is not set");
    let mend = if scope.settings.values().contains_key(other) {
        format!("{}, or callboard settings unset {other}", set(key))
    } else {
        format!(
            "{}, or remove the `default` of `{other}` in settings.toml",
            set(key)
        )
    };
    let slip = declarations::meant(scope, key).map(|(_, slip)| slip);
    let slip = slip.or_else(|| declarations::slip_of(scope, other));
    Miss::new(problem, mend)
        .because(slip)
        .because(stored(key))
        .unset([key])
}

/// The protocols that roles name, and the roles that they fall back to.
fn ways(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    let mut add = |role: &str, part: &str, kind, target: &str, miss| {
        let key = role::key(role, part);
        let place = scope.definitions.settings.get(&key);
        let place = place.map(|declared| declared.at(&[]));
        let referrer = Referrer::Role(role.to_owned());
        let mut reference = Reference::new(referrer, key, kind, target).missed(miss);
        reference.place = place;
        references.push(reference);
    };
    for role in declared_with(scope, &["provider"]) {
        if let Err(error @ Unresolved::Provider { .. }) = role::kind(scope.settings, role) {
            let mend = format!(
                "callboard settings set {} openai",
                role::key(role, "provider")
            );
            let miss = Miss::new(error.to_string(), mend);
            add(
                role,
                "provider",
                ReferenceKind::Setting,
                "provider",
                Some(miss),
            );
        }
    }
    for role in declared_with(scope, &["fallback"]) {
        for named in role::fallbacks(scope.settings, role).unwrap_or_default() {
            let miss = led_astray(scope, role, &named);
            add(role, "fallback", ReferenceKind::Role, &named, miss);
        }
    }
    references
}

/// The miss of a role that another one falls back to: it is not declared, or leads back.
fn led_astray(scope: &RollScope<'_>, role: &str, named: &str) -> Option<Miss> {
    let key = role::key(role, "fallback");
    let roles = declared_with(scope, &role::PARTS).into_iter();
    let near = nearest(named, roles.filter(|known| *known != role));
    // One that is there and leads back is taken out.
    let near = near.filter(|_| !role::is_declared(scope.settings, named));
    let others = role::fallbacks(scope.settings, role).unwrap_or_default();
    let others = others.iter().map(String::as_str);
    let others = others.filter_map(|it| if it == named { near } else { Some(it) });
    let value = others.collect::<Vec<_>>().join(",");
    let mend = rewritten(scope, &key, &value);
    if !role::is_declared(scope.settings, named) {
        let problem =
            format!("role `{role}` falls back to `{named}`, of which nothing is declared");
        return Some(Miss::new(problem, mend));
    }
    match role::order(scope.settings, role) {
        Err(error @ Unresolved::Circle(_)) => Some(Miss::new(error.to_string(), mend)),
        _ => None,
    }
}

/// How a setting gets another value: where the one that counts is written.
fn rewritten(scope: &RollScope<'_>, key: &str, value: &str) -> String {
    let set = scope.settings.values().contains_key(key);
    match scope.definitions.settings.get(key) {
        Some(declared) if !set => {
            format!(
                "write `default = \"{value}\"` at {}",
                declared.at(&["default"])
            )
        }
        _ => format!("callboard settings set {key} \"{value}\""),
    }
}

/// The miss that follows from a part of a role.
fn astray(error: &Unresolved, role: &str, part: &str) -> Miss {
    let key = role::key(role, part);
    let mend = format!("callboard settings set {key} VALUE");
    let cause = FirstMiss::new(Referrer::Role(role.to_owned()), key);
    Miss::new(error.to_string(), mend).because(cause)
}

fn unfit(scope: &RollScope<'_>) -> Vec<Reference> {
    let unfit = scope.settings.unfit();
    unfit
        .map(|unfit| {
            let miss = Miss::new(unfit.problem.clone(), unfit.mend.clone());
            let meant = declarations::meant(scope, &unfit.key);
            let miss = miss.because(meant.map(|(_, slip)| slip));
            let declared = scope.definitions.settings.get(&unfit.key);
            let kind = declared.map_or("not declared".to_owned(), |declared| {
                declared.value.kind.to_string()
            });
            let mut reference = Reference::new(
                Referrer::Value(unfit.key.clone()),
                &unfit.key,
                ReferenceKind::Setting,
                kind,
            );
            reference.place = declared.map(|declared| declared.at(&["type"]));
            reference.missed(Some(miss))
        })
        .collect()
}

/// Notes on settings that no handler, no role and no plugin reads. Secrets are for the wire,
/// where the host puts them by name, so they are not asked.
fn unread(scope: &RollScope<'_>) -> Vec<Reference> {
    let contracts = || scope.registry.iter().map(|entry| &entry.contract.needs);
    let mut references = Vec::new();
    for (key, declared) in &scope.definitions.settings {
        let named = contracts().any(|needs| needs.settings.contains(key)) || read_of(key).is_some();
        let asked = scope.definitions.plugins.values();
        let mut asked = asked.map(|plugin| &plugin.manifest.value.ask.settings);
        if named || asked.any(|ask| ask.covers(key)) || declared.value.kind == SettingType::Secret {
            continue;
        }
        let note = Reference::new(
            Referrer::Declaration(key.clone()),
            key,
            ReferenceKind::Unread,
            "no handler and no plugin reads it",
        );
        references.push(note.at(declared.at(&[])));
    }
    references
}
