//! What a plugin's grants allow, answered without running anything.

use url::Url;

use crate::client::policy::Policy;
use crate::config::Limits;
use crate::grants::{Grants, HttpGrant, Origin};
use crate::store::{Store, granted};

/// Whether something is allowed, and by which line, or which line would allow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub allowed: bool,
    pub why: String,
}

/// Explain `target`: an address, with a method before it or GET, or a statement.
pub async fn explain(
    plugin: &str,
    grants: &Grants,
    limits: &Limits,
    store: Option<&Store>,
    target: &str,
) -> Explanation {
    match request(target) {
        Some((method, url)) => explain_request(plugin, grants, &method, &url),
        None => explain_statement(plugin, grants, limits, store, target).await,
    }
}

/// A method and an address, if `target` is an address.
fn request(target: &str) -> Option<(String, Url)> {
    let (method, url) = target
        .trim()
        .split_once(' ')
        .unwrap_or(("GET", target.trim()));
    let url = Url::parse(url.trim())
        .ok()
        .filter(|_| url.contains("://"))?;
    Some((method.to_ascii_uppercase(), url))
}

fn explain_request(plugin: &str, grants: &Grants, method: &str, url: &Url) -> Explanation {
    let policy = Policy::new(plugin, grants);
    match policy.check(method, url) {
        Ok(allowed) => Explanation {
            allowed: true,
            why: line(allowed.grant, allowed.private) + &credentials(&policy, url),
        },
        Err(error) => Explanation {
            allowed: false,
            why: error.message,
        },
    }
}

/// Which credentials may go with a request.
fn credentials(policy: &Policy, url: &Url) -> String {
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
    let methods: Vec<_> = grant.methods.iter().map(String::as_str).collect();
    let port = grant
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let place = if private {
        "any address"
    } else {
        "public addresses"
    };
    format!(
        "allowed by the grant of {} {}://{}{port}, at {place}",
        methods.join("/"),
        grant.scheme,
        grant.host
    )
}

async fn explain_statement(
    plugin: &str,
    grants: &Grants,
    limits: &Limits,
    store: Option<&Store>,
    sql: &str,
) -> Explanation {
    let Some(store) = store else {
        return Explanation {
            allowed: false,
            why: "there is no database to ask".to_owned(),
        };
    };
    match granted::authorise(store, plugin, grants, limits, sql).await {
        Ok(()) => Explanation {
            allowed: true,
            why: tables(grants),
        },
        Err(error) => Explanation {
            allowed: false,
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
    async fn an_address_is_explained_without_a_call() {
        let grants: Grants = toml::from_str("[[http]]\nhost = \"*.example.com\"").expect("grants");
        let ask = async |target| explain("p", &grants, &Limits::default(), None, target).await;
        let allowed = ask("https://api.example.com/x").await;
        assert!(
            allowed.allowed && allowed.why.contains("*.example.com"),
            "{allowed:?}"
        );
        assert!(allowed.why.ends_with("without a credential"), "{allowed:?}");
        let text = "[[http]]\nhost = \"*.example.com\"\n[[credentials]]\nname = \"key\"\n\
            to = \"https://api.example.com\"";
        let grants: Grants = toml::from_str(text).expect("grants");
        for (target, end) in [
            ("https://api.example.com/x", "with the credential `key`"),
            ("https://other.example.com/x", "without a credential"),
        ] {
            let answer = explain("p", &grants, &Limits::default(), None, target).await;
            assert!(answer.allowed && answer.why.ends_with(end), "{answer:?}");
        }
        let denied = ask("POST https://api.example.com/x").await;
        assert!(
            !denied.allowed && denied.why.contains("methods = [\"POST\"]"),
            "{denied:?}"
        );
    }
}
