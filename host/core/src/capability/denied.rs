//! Why a plugin is denied a setting or a credential: from the declaration if a person asks, and without
//! a word of it if the plugin does. No grant opens what is not declared, and no plugin reads a secret.

use crate::grants::{GrantLines, allow};
use crate::settings::{Declaration, SettingType};

/// The denial of a setting to the plugin itself: the same whether it is declared or not, and a secret or
/// not, which is no plugin's to know.
pub fn reading(plugin: &str, key: &str) -> String {
    format!(
        "plugin `{plugin}` may not read the setting `{key}`; if settings.toml declares it, and as no secret, {}",
        allow(plugin, &GrantLines::Setting(key.to_owned()))
    )
}

/// Why a plugin may not read a setting, for whoever may know what is declared.
pub fn setting(plugin: &str, key: &str, declared: Option<&Declaration>) -> String {
    let denied = format!("plugin `{plugin}` may not read the setting `{key}`");
    match declared.map(|declared| declared.kind) {
        Some(SettingType::Secret) => format!(
            "{denied}, which is a secret: no plugin reads one, it names it as the credential of a request"
        ),
        Some(_) => format!(
            "{denied}; {}",
            allow(plugin, &GrantLines::Setting(key.to_owned()))
        ),
        None => format!(
            "{denied}, which is not declared; correct the key, or declare it in settings.toml and, {}",
            allow(plugin, &GrantLines::Setting(key.to_owned()))
        ),
    }
}

/// The denial of a role whose model the plugin may not ask.
pub fn role(plugin: &str, role: &str) -> String {
    let lines = allow(plugin, &GrantLines::Role(role.to_owned()));
    format!("plugin `{plugin}` may not ask the role `{role}`; {lines}")
}

/// What to do before a grant of a credential helps: nothing, if it is a declared secret.
pub fn credential(key: &str, declared: Option<&Declaration>) -> Option<String> {
    match declared.map(|declared| declared.kind) {
        Some(SettingType::Secret) => None,
        Some(kind) => Some(format!(
            "setting `{key}` is of the type {kind}, and a credential is a secret; name one"
        )),
        None => Some(format!(
            "credential `{key}` is not declared; correct the key, or declare it in settings.toml with the \
             type `secret`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_offered_that_the_roll_would_refuse() {
        let declared = |kind| Declaration {
            kind,
            default: None,
            required: false,
            description: String::new(),
        };
        let (secret, text) = (declared(SettingType::Secret), declared(SettingType::String));
        let told = setting("p", "k", Some(&secret));
        assert!(
            told.contains("is a secret") && !told.contains("keys"),
            "{told}"
        );
        let told = setting("p", "k", Some(&text));
        let table = "add \"k\" to `keys` under [grants.p.settings] in callboard.toml";
        assert!(told.contains(table), "a table may be there already: {told}");
        assert!(setting("p", "k", None).contains("not declared; correct the key"));
        assert_eq!(credential("k", Some(&secret)), None);
        assert!(credential("k", Some(&text)).is_some_and(|told| told.contains("type string")));
        assert!(credential("k", None).is_some_and(|told| told.contains("correct the key")));
    }
}
