//! What a plugin's grants allow, answered without running anything.

use std::collections::BTreeMap;

use url::Url;

use crate::capability::{self, Capability};
use crate::client::egress::Egress;
use crate::config::CallLimits;
use crate::grants::{Grants, HttpGrant, Origin};
use crate::settings::{Declaration, SettingType};
use crate::store::{Store, StoreErrorKind, granted};

/// Whether something is allowed, and by which line, or which line would allow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub allowed: bool,
    /// Whether the statement is none that the database takes, whatever is granted.
    pub wrong: bool,
    pub why: String,
}

/// What a plugin may do, and the declared settings.
pub struct ExplainedPlugin<'a> {
    pub plugin: &'a str,
    pub grants: &'a Grants,
    pub limits: &'a CallLimits,
    pub settings: &'a BTreeMap<String, Declaration>,
}

/// Explain `target`: an address, with a method before it or GET; a host and a port; the key of
/// a setting; the name of an interface; or a statement.
pub async fn explain(
    subject: &ExplainedPlugin<'_>,
    store: Option<&Store>,
    target: &str,
) -> Explanation {
    let target = target.trim();
    if let Some((method, url)) = request(target) {
        return explain_request(subject, &method, &url);
    }
    if let Some((method, urls)) = origin(target) {
        let answers = urls.map(|url| explain_request(subject, &method, &url));
        let [secure, plain] = answers;
        return if plain.allowed && !secure.allowed {
            plain
        } else {
            secure
        };
    }
    if let Some(capability) = capability::find(target)
        && !subject.settings.contains_key(target)
    {
        return explain_interface(subject, capability);
    }
    if is_key(target) {
        return explain_setting(subject, target);
    }
    explain_statement(subject, store, target).await
}

/// A method and what follows it, or GET and all of it.
fn method(target: &str) -> (String, &str) {
    let (method, rest) = target.split_once(' ').unwrap_or(("GET", target));
    (method.to_ascii_uppercase(), rest.trim())
}

/// A method and an address, if `target` is an address.
fn request(target: &str) -> Option<(String, Url)> {
    let (method, url) = method(target);
    let url = Url::parse(url).ok().filter(|_| url.contains("://"))?;
    Some((method, url))
}

/// A method and the two addresses that a host and a port may stand for, https first.
fn origin(target: &str) -> Option<(String, [Url; 2])> {
    let (method, place) = method(target);
    let (host, port) = place.rsplit_once(':')?;
    let number = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty();
    if !number
        || host.is_empty()
        || host.contains(|letter: char| letter.is_whitespace() || letter == '\'')
    {
        return None;
    }
    let url = |scheme: &str| Url::parse(&format!("{scheme}://{place}/")).ok();
    Some((method, [url("https")?, url("http")?]))
}

/// Whether `target` is a key, such as `mail.sender`: no statement is one word.
fn is_key(target: &str) -> bool {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    !target.is_empty() && target.bytes().all(known)
}

fn explain_interface(subject: &ExplainedPlugin<'_>, capability: &Capability) -> Explanation {
    let name = capability.interface;
    let denial = capability.denial(subject.plugin, subject.grants);
    Explanation {
        allowed: denial.is_none(),
        wrong: false,
        why: denial.unwrap_or_else(|| format!("the interface `{name}` is granted")),
    }
}

fn explain_setting(subject: &ExplainedPlugin<'_>, key: &str) -> Explanation {
    let ExplainedPlugin {
        plugin,
        grants,
        settings,
        ..
    } = subject;
    let denied = |why: String| Explanation {
        allowed: false,
        wrong: false,
        why,
    };
    let Some(declared) = settings.get(key) else {
        return denied(format!(
            "setting `{key}` is not declared; declare it in settings.toml, or write an address as https://{key}/ or {key}:443"
        ));
    };
    let readable = declared.kind != SettingType::Secret;
    match grants.settings.covering(key).filter(|_| readable) {
        Some(pattern) => Explanation {
            allowed: true,
            wrong: false,
            why: format!("allowed by the grant of settings `{pattern}`"),
        },
        None => denied(capability::denied::setting(plugin, key, Some(declared))),
    }
}

fn explain_request(subject: &ExplainedPlugin<'_>, method: &str, url: &Url) -> Explanation {
    let policy = Egress::new(subject.plugin, subject.grants);
    match policy.check(method, url) {
        Ok(allowed) => Explanation {
            allowed: true,
            wrong: false,
            why: line(allowed.grant, allowed.private) + &credentials(&policy, url),
        },
        Err(error) => Explanation {
            allowed: false,
            wrong: false,
            why: error.message,
        },
    }
}

/// Which credentials may go with a request.
fn credentials(policy: &Egress, url: &Url) -> String {
    let origin = Origin::of(url);
    let names = origin
        .iter()
        .flat_map(|origin| policy.credentials_to(origin));
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        return ", without a credential".to_owned();
    }
    format!(", with the credential {}", names.join(" or "))
}

fn line(grant: &HttpGrant, private: bool) -> String {
    let methods: Vec<_> = grant.methods.iter().map(|method| method.as_str()).collect();
    let port = grant.port();
    let place = if private {
        "any address"
    } else {
        "public addresses"
    };
    format!(
        "allowed by the grant of {} {}://{}:{port}, at {place}",
        methods.join("/"),
        grant.scheme,
        grant.host
    )
}

async fn explain_statement(
    subject: &ExplainedPlugin<'_>,
    store: Option<&Store>,
    sql: &str,
) -> Explanation {
    let ExplainedPlugin {
        plugin,
        grants,
        limits,
        ..
    } = subject;
    let Some(store) = store else {
        return Explanation {
            allowed: false,
            wrong: false,
            why: "there is no database to ask".to_owned(),
        };
    };
    match granted::authorise(store, plugin, grants, limits, sql).await {
        Ok(()) => Explanation {
            allowed: true,
            wrong: false,
            why: tables(grants),
        },
        Err(error) => Explanation {
            allowed: false,
            wrong: error.kind == StoreErrorKind::Statement,
            why: error.message,
        },
    }
}

fn tables(grants: &Grants) -> String {
    let table = |grant: &crate::grants::TableGrant| {
        let verbs: Vec<_> = grant.verbs.iter().map(|verb| verb.as_str()).collect();
        format!("{} on {}", verbs.join("/"), grant.table)
    };
    let tables: Vec<_> = grants.db.iter().map(table).collect();
    format!("allowed by the grants {}", tables.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_and_settings_are_explained_without_a_call() {
        let text = "http = [{ host = \"*.example.com\" }]\nsettings = { keys = [\"site.*\"] }";
        let grants: Grants = toml::from_str(text).expect("grants");
        let declared = |kind| Declaration {
            kind,
            default: None,
            required: false,
            description: String::new(),
        };
        let settings = BTreeMap::from([
            ("site.name".to_owned(), declared(SettingType::String)),
            ("site.token".to_owned(), declared(SettingType::Secret)),
            ("other".to_owned(), declared(SettingType::String)),
        ]);
        let subject = ExplainedPlugin {
            plugin: "p",
            grants: &grants,
            limits: &CallLimits::default(),
            settings: &settings,
        };
        for (target, allowed, part) in [
            ("https://api.example.com/x", true, "*.example.com"),
            (
                "POST https://api.example.com/x",
                false,
                "methods = [\"POST\"]",
            ),
            ("api.example.com:443", true, "*.example.com"),
            ("api.example.com:8443", false, "8443"),
            ("localhost:80", false, "localhost"),
            ("site.name", true, "`site.*`"),
            ("site.token", false, "is a secret"),
            ("other", false, "[grants.p.settings]"),
            ("site.nam", false, "is not declared"),
            ("http", true, "interface `http` is granted"),
            ("vectors", false, "`vectors = true` under [grants.p]"),
            ("SELECT 1", false, "no database"),
        ] {
            let answer = explain(&subject, None, target).await;
            assert_eq!(answer.allowed, allowed, "{target}: {answer:?}");
            assert!(answer.why.contains(part), "{target}: {answer:?}");
        }
    }

    #[tokio::test]
    async fn a_credential_is_named_where_it_goes() {
        let text = "[[http]]\nhost = \"*.example.com\"\n[[credentials]]\nname = \"key\"\n\
            to = \"https://api.example.com\"";
        let grants: Grants = toml::from_str(text).expect("grants");
        let subject = ExplainedPlugin {
            plugin: "p",
            grants: &grants,
            limits: &CallLimits::default(),
            settings: &BTreeMap::new(),
        };
        for (target, end) in [
            ("https://api.example.com/x", "with the credential `key`"),
            ("https://other.example.com/x", "without a credential"),
        ] {
            let answer = explain(&subject, None, target).await;
            assert!(answer.allowed && answer.why.ends_with(end), "{answer:?}");
        }
    }
}
