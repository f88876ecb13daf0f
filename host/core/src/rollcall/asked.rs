//! What grants name, on the plugin's side and on the operator's: settings that can be read, secrets,
//! and addresses that can be called as it is written.

use std::collections::BTreeSet;

use super::{Miss, RollScope, declarations, named};
use crate::client::address;
use crate::grants::HttpGrant;
use crate::registry::nearest;
use crate::settings::SettingType;

/// The keys of the settings that are declared, with their types.
fn declared<'a>(scope: &RollScope<'a>) -> impl Iterator<Item = (&'a str, SettingType)> {
    let settings = scope.definitions.settings.iter();
    settings.map(|(key, declared)| (key.as_str(), declared.value.kind))
}

/// The keys that can be read: a secret never can.
fn readable<'a>(scope: &RollScope<'a>) -> impl Iterator<Item = &'a str> {
    declared(scope).filter_map(|(key, kind)| (kind != SettingType::Secret).then_some(key))
}

fn is_secret(scope: &RollScope<'_>, key: &str) -> bool {
    declared(scope).any(|(known, kind)| known == key && kind == SettingType::Secret)
}

/// The miss of a key, or of the beginning of keys, that reads no setting.
pub(super) fn setting(scope: &RollScope<'_>, key: &str) -> Option<Miss> {
    let Some((prefix, rest)) = key.split_once('*') else {
        return one(scope, key);
    };
    if !rest.is_empty() {
        let problem = format!("`{key}` reads nothing: a `*` stands for a rest, at the end alone");
        return Some(Miss::new(
            problem,
            format!("write `{prefix}*`, or each key"),
        ));
    }
    if readable(scope).any(|known| known.starts_with(prefix)) {
        return None;
    }
    let groups: BTreeSet<String> = readable(scope)
        .filter_map(|known| Some(format!("{}.*", known.rsplit_once('.')?.0)))
        .collect();
    let problem = format!("no setting begins with `{prefix}`");
    Some(match nearest(key, groups.iter().map(String::as_str)) {
        Some(near) => Miss::new(problem, format!("write `{near}`")),
        None => Miss::new(
            problem,
            "remove it, or declare such a setting in settings.toml",
        ),
    })
}

fn one(scope: &RollScope<'_>, key: &str) -> Option<Miss> {
    if readable(scope).any(|known| known == key) {
        return None;
    }
    if is_secret(scope, key) {
        let problem = format!("`{key}` is a secret, and no plugin reads one");
        let mend = "remove it; to send it with requests, ask for it in `[[ask.credentials]]`";
        return Some(Miss::new(problem, mend));
    }
    let problem = format!("setting `{key}` is not declared");
    if let Some((mend, cause)) = declarations::meant(scope, key) {
        return Some(Miss::new(problem, mend).because(cause));
    }
    Some(match nearest(key, readable(scope)) {
        Some(near) => Miss::new(problem, format!("write `{near}`")),
        None => Miss::new(
            problem,
            format!("add to settings.toml:\n[\"{key}\"]\ntype = \"string\"\ndescription = \"…\""),
        ),
    })
}

/// The miss of a setting that is not declared, where one alike is and nothing says that this one was to be.
pub(super) fn misspelt(scope: &RollScope<'_>, key: &str) -> Option<Miss> {
    let known = declared(scope).any(|(known, _)| known == key);
    if known || declarations::meant(scope, key).is_some() {
        return None;
    }
    let near = nearest(key, readable(scope))?;
    let problem = format!("setting `{key}` is not declared");
    Some(Miss::new(problem, format!("write `{near}`")))
}

/// The miss of a credential that is no declared secret.
pub(super) fn credential(scope: &RollScope<'_>, name: &str) -> Option<Miss> {
    match declared(scope).find(|(known, _)| *known == name) {
        Some((_, SettingType::Secret)) => return None,
        Some((_, kind)) => {
            let problem = format!("the credential `{name}` is a setting of the type {kind}");
            let mend = if declarations::is_read(scope, name) {
                let secrets = declared(scope).filter(|(key, _)| is_secret(scope, key));
                let secrets = named(secrets.map(|(key, _)| key));
                format!(
                    "name a secret, of which there are {secrets}: those are put on the wire, and read by nobody"
                )
            } else {
                format!("write `type = \"secret\"` in [\"{name}\"] of settings.toml")
            };
            return Some(Miss::new(problem, mend));
        }
        None => {}
    }
    let problem = format!("the credential `{name}` is not declared");
    if let Some((mend, cause)) = declarations::meant(scope, name) {
        return Some(Miss::new(problem, mend).because(cause));
    }
    let secrets = declared(scope).filter(|(key, _)| is_secret(scope, key));
    Some(match nearest(name, secrets.map(|(key, _)| key)) {
        Some(near) => Miss::new(problem, format!("write `{near}`")),
        None => Miss::new(
            problem,
            format!(
                "write in settings.toml:\n[\"{name}\"]\ntype = \"secret\"\ndescription = \"…\""
            ),
        ),
    })
}

/// The miss of an address that cannot be called as it is written.
pub(super) fn address(grant: &HttpGrant, owner: &str) -> Option<Miss> {
    let host = grant.host.as_str();
    let not_public = address::host_not_public(host);
    if grant.host.is_wildcard() {
        let (problem, mend) = match not_public {
            Some(what) => (
                format!(
                    "`{host}` is many hosts that are not public ({what}), and `private` opens one at a time"
                ),
                "name each host that is called, with `private = true`, on both sides",
            ),
            None if grant.private => (
                format!("`private` opens one host, and `{host}` is many"),
                "remove `private`, or name the host",
            ),
            None => return None,
        };
        return Some(Miss::new(problem, mend));
    }
    let what = not_public.filter(|_| !grant.private)?;
    let problem = format!("`{host}` is not public ({what}), so no call of it is allowed");
    let private = HttpGrant {
        private: true,
        ..grant.clone()
    };
    let mend = format!(
        "add `private = true`, on both sides:\n{}",
        private.lines(owner)
    );
    Some(Miss::new(problem, mend))
}
