//! Declarations of settings: what the program reads is of the type that it reads it as, and a
//! declared name that is said nowhere else, while one alike is said and not declared, is a slip.

use std::collections::{BTreeMap, BTreeSet};

use super::handlers::uses;
use super::{FirstMiss, LISTED, Miss, Reference, ReferenceKind, Referrer, RollScope, named};
use crate::model::role;
use crate::registry::nearest;
use crate::settings::{Declaration, SettingRead, SettingType, read_of, reads};
use crate::workspace::Defined;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let (names, declared) = (Names::of(scope), scope.definitions.settings.iter());
    declared
        .filter_map(|(key, declared)| {
            let reference = |name: &str, miss| {
                let kind = declared.value.kind.to_string();
                let referrer = Referrer::Declaration(key.clone());
                Reference::new(referrer, name, ReferenceKind::Setting, kind).missed(miss)
            };
            if let Some(slip) = names.slip(key) {
                return Some(reference("key", Some(slip)).at(declared.at(&[])));
            }
            let read = read_of(key)?;
            let miss = misread(key, read, declared);
            Some(reference("type", miss).at(declared.at(&["type"])))
        })
        .collect()
}

/// The miss of a declaration whose type is another than that which the program reads.
fn misread(key: &str, read: &SettingRead, declared: &Defined<Declaration>) -> Option<Miss> {
    let kind = declared.value.kind;
    if read.kinds.contains(&kind) {
        return None;
    }
    let wanted = read.kinds[0];
    let problem = format!(
        "`{key}` is declared as {kind}, and {} reads it as {wanted}",
        read.reader
    );
    Some(Miss::new(problem, format!("write `type = \"{wanted}\"`")))
}

fn write(key: &str) -> String {
    format!("write `[\"{key}\"]`")
}

/// The names of settings in a workspace, worked out once: who says them, and which are not there.
struct Names<'a> {
    scope: &'a RollScope<'a>,
    /// All names said besides the declarations: by the program, handlers, plugins and the
    /// operator's grants.
    said: BTreeSet<&'a str>,
    /// Names that are not declared, and that are said where there is no slip: by the program, by a
    /// handler's contract, or by two of a plugin's side and the operator's. So many as are told.
    lost: BTreeSet<&'a str>,
    /// The roles that handlers ask, as they are configured.
    asked: BTreeSet<String>,
}

impl<'a> Names<'a> {
    fn of(scope: &'a RollScope<'a>) -> Self {
        let definitions = scope.definitions;
        let plugins = definitions.plugins.values();
        let plugins = plugins.map(|plugin| &plugin.manifest.value.ask);
        let mut said: BTreeMap<&str, usize> = BTreeMap::new();
        for grants in plugins.chain(definitions.config.value.grants.values()) {
            let names = grants.credentials.iter().map(|grant| &grant.name);
            for name in names.chain(&grants.settings.keys) {
                *said.entry(name).or_default() += 1;
            }
        }
        let contracts = scope.registry.iter().map(|entry| &entry.contract.needs);
        let read = contracts
            .flat_map(|needs| &needs.settings)
            .map(String::as_str);
        let read: BTreeSet<&str> = read.chain(reads().map(|read| read.key)).collect();
        let twice = said.iter().filter(|(_, times)| **times > 1);
        let sure = twice.map(|(name, _)| *name).chain(read.iter().copied());
        let is_lost =
            |name: &&str| !name.contains('*') && !definitions.settings.contains_key(*name);
        Self {
            scope,
            lost: sure.filter(is_lost).take(LISTED).collect(),
            said: said.into_keys().chain(read).collect(),
            asked: asked(scope),
        }
    }

    /// The miss of a declared name that was to be another.
    fn slip(&self, key: &str) -> Option<Miss> {
        if self.said.contains(key) {
            return None;
        }
        if let Some(miss) = self.role_slip(key).or_else(|| self.group_slip(key)) {
            return Some(miss);
        }
        // What the program reads is right as it is, whatever else is lost.
        if read_of(key).is_some() {
            return None;
        }
        let meant = nearest(key, self.lost.iter().copied())?;
        let problem = format!("nobody reads `{key}`, and `{meant}` is read and not declared");
        Some(Miss::new(problem, write(meant)))
    }

    fn is_declared(&self, role: &str, part: &str) -> bool {
        let key = format!("roles.{role}.{part}");
        self.scope.definitions.settings.contains_key(&key)
    }

    /// Whether a part of a role is declared, or a slip that is told was to be it.
    fn is_meant(&self, role: &str, part: &str) -> bool {
        let mut keys = self.scope.definitions.settings.keys();
        self.is_declared(role, part)
            || keys.any(|key| {
                let slip = key
                    .strip_prefix("roles.")
                    .and_then(|key| key.split_once('.'));
                slip.is_some_and(|(of, slip)| {
                    of == role
                        && !role::PARTS.contains(&slip)
                        && nearest(slip, role::PARTS.into_iter()) == Some(part)
                })
            })
    }

    fn is_whole(&self, role: &str) -> bool {
        let has = |part| self.is_meant(role, part);
        has("model") && (has("url") || has("provider"))
    }

    /// A setting that looks like one of a role, and whose first word is not that of roles.
    fn group_slip(&self, key: &str) -> Option<Miss> {
        let (group, rest) = key.split_once('.')?;
        let (_, part) = rest.split_once('.')?;
        let meant = format!("roles.{rest}");
        let mut plugins = self.scope.definitions.plugins.values();
        let is_one = group != "roles"
            && nearest(group, std::iter::once("roles")).is_some()
            && role::PARTS.contains(&part)
            && !self.scope.definitions.settings.contains_key(&meant)
            && !plugins.any(|plugin| plugin.manifest.value.ask.settings.covers(key));
        let problem = format!("nobody reads `{key}`: settings of roles begin with `roles.`");
        is_one.then(|| Miss::new(problem, write(&meant)))
    }

    /// A setting of a role: its last word is one that a role has, and the role is one that is asked,
    /// or at least a whole one.
    fn role_slip(&self, key: &str) -> Option<Miss> {
        let (role, part) = key.strip_prefix("roles.")?.split_once('.')?;
        let mut plugins = self.scope.definitions.plugins.values();
        if plugins.any(|plugin| plugin.manifest.value.ask.settings.covers(key)) {
            return None;
        }
        if !role::PARTS.contains(&part) {
            let near = nearest(part, role::PARTS.into_iter());
            let near = near.filter(|near| !self.is_declared(role, near));
            let problem = format!("a role has {}, and no `{part}`", named(role::PARTS));
            let mend = near.map(|near| write(&format!("roles.{role}.{near}")));
            return Some(Miss::new(problem, mend.unwrap_or("remove it".to_owned())));
        }
        if self.is_whole(role) || self.asked.contains(role) {
            return None;
        }
        let near = nearest(role, self.asked.iter().map(String::as_str));
        let near = near.filter(|near| !self.is_declared(near, part));
        let problem =
            format!("no handler asks a role `{role}`, and it lacks its `url` or its `model`");
        let mend = match near {
            Some(near) => write(&format!("roles.{near}.{part}")),
            None => format!("remove it, or declare `roles.{role}.url` and `roles.{role}.model`"),
        };
        Some(Miss::new(problem, mend))
    }
}

/// The roles that handlers ask, as they are configured, and those that plugins ask for.
fn asked(scope: &RollScope<'_>) -> BTreeSet<String> {
    let entries = scope.registry.iter();
    let none = serde_json::Value::Null;
    let mut asked: BTreeSet<String> = entries
        .flat_map(|entry| entry.contract.roles(&none))
        .collect();
    for used in uses(scope) {
        let entry = scope.registry.get(used.handler);
        let roles = entry.map(|entry| entry.contract.roles(used.config));
        asked.extend(roles.into_iter().flatten());
    }
    let plugins = scope.definitions.plugins.values();
    asked.extend(plugins.flat_map(|plugin| plugin.manifest.value.ask.model.roles.iter().cloned()));
    let led = asked.iter().map(|role| role::order(scope.settings, role));
    let led: Vec<_> = led.flatten().flatten().collect();
    asked.extend(led);
    asked
}

/// The cause of what follows from a declared name, if that name was to be another.
pub(super) fn slip_of(scope: &RollScope<'_>, key: &str) -> Option<FirstMiss> {
    Names::of(scope).slip(key)?;
    Some(FirstMiss::new(Referrer::Declaration(key.to_owned()), "key"))
}

/// The declaration that was to be of a name that is not declared: its mend, and the cause.
pub(super) fn meant(scope: &RollScope<'_>, key: &str) -> Option<(String, FirstMiss)> {
    let (names, wanted) = (Names::of(scope), write(key));
    let mut declared = scope.definitions.settings.iter();
    let (idle, declared) = declared.find(|(known, _)| {
        nearest(key, std::iter::once(known.as_str())).is_some()
            && names.slip(known).is_some_and(|slip| slip.mend == wanted)
    })?;
    let mend = format!("{wanted} for `[\"{idle}\"]` at {}", declared.at(&[]));
    Some((
        mend,
        FirstMiss::new(Referrer::Declaration(idle.clone()), "key"),
    ))
}

/// Whether the program or a handler reads a setting as a text, so that it cannot be made a secret.
pub(super) fn is_read(scope: &RollScope<'_>, key: &str) -> bool {
    let program = read_of(key).is_some_and(|read| !read.kinds.contains(&SettingType::Secret));
    let mut contracts = scope.registry.iter().map(|entry| &entry.contract.needs);
    // What does not load has no contract, and asks for what it reads.
    let mut plugins = scope.definitions.plugins.values();
    program
        || contracts.any(|needs| needs.settings.iter().any(|it| it == key))
        || plugins.any(|plugin| plugin.manifest.value.ask.settings.covers(key))
}
