//! Grants as data: what a plugin asks for, what the operator allows, and what both give.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::schema;

/// What one side, the plugin's manifest or the operator's ceiling, has in mind. Nothing is
/// there that is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Lines into the trace of a run.
    pub log: bool,
    /// Matrices held by the host.
    pub vectors: bool,
    pub db: Vec<TableGrant>,
    pub http: Vec<HttpGrant>,
    pub settings: SettingsGrant,
}

/// A table and what may be done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableGrant {
    pub table: String,
    pub verbs: BTreeSet<Verb>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    Select,
    Insert,
    Update,
    Delete,
}

impl Verb {
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Select => "select",
            Verb::Insert => "insert",
            Verb::Update => "update",
            Verb::Delete => "delete",
        }
    }
}

/// An origin that may be called. `host` is a name, an address, or `*.` and a suffix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpGrant {
    pub host: String,
    #[serde(default = "https")]
    pub scheme: String,
    /// The scheme's own port if absent.
    #[serde(default)]
    pub port: Option<u16>,
    #[serde(default = "get")]
    pub methods: BTreeSet<String>,
    /// Allows addresses that are not public, such as a model server on this machine.
    #[serde(default)]
    pub private: bool,
}

/// Keys of settings; a `*` at the end stands for any rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsGrant {
    pub keys: BTreeSet<String>,
}

fn https() -> String {
    "https".to_owned()
}

fn get() -> BTreeSet<String> {
    BTreeSet::from(["GET".to_owned()])
}

impl HttpGrant {
    /// The port, written or the scheme's own.
    pub fn port(&self) -> Option<u16> {
        self.port.or(match self.scheme.as_str() {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        })
    }

    /// Whether `host` (lower case, no trailing dot) is the one meant.
    pub fn covers_host(&self, host: &str) -> bool {
        match self.host.strip_prefix("*.") {
            Some(suffix) => host
                .strip_suffix(suffix)
                .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1),
            None => self.host == "*" || self.host == host,
        }
    }

    /// Whether everything `asked` wants is inside this grant.
    fn covers(&self, asked: &HttpGrant) -> bool {
        let host = match asked.host.as_str() {
            "*" => self.host == "*",
            wild if wild.starts_with("*.") => self.host == "*" || self.host == wild,
            exact => self.covers_host(exact),
        };
        host && self.scheme == asked.scheme
            && self.port() == asked.port()
            && asked.methods.is_subset(&self.methods)
            && (self.private || !asked.private)
    }
}

impl SettingsGrant {
    pub fn covers(&self, key: &str) -> bool {
        self.keys
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => key.starts_with(prefix),
                None => pattern == key,
            })
    }
}

/// Something a manifest asks for that the ceiling does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is asked, for a person.
    pub asked: String,
    /// The lines for `callboard.toml` that would allow it; `None` if nothing can.
    pub mend: Option<String>,
}

impl Grants {
    pub fn allows(&self, table: &str, verb: Verb) -> bool {
        self.db
            .iter()
            .any(|grant| grant.table == table && grant.verbs.contains(&verb))
    }

    /// What `self` asks for and `ceiling` does not allow, with the lines that would.
    pub fn refusals(&self, plugin: &str, ceiling: &Grants) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let flags = [
            ("log", self.log, ceiling.log),
            ("vectors", self.vectors, ceiling.vectors),
        ];
        for (name, _, _) in flags
            .iter()
            .filter(|(_, asked, allowed)| *asked && !allowed)
        {
            let mend = Some(format!("[grants.{plugin}]\n{name} = true"));
            refusals.push(Refusal {
                asked: (*name).to_owned(),
                mend,
            });
        }
        for grant in &self.db {
            for verb in grant
                .verbs
                .iter()
                .filter(|verb| !ceiling.allows(&grant.table, **verb))
            {
                refusals.push(table_refusal(plugin, &grant.table, *verb));
            }
        }
        for grant in self
            .http
            .iter()
            .filter(|asked| !ceiling.http.iter().any(|g| g.covers(asked)))
        {
            refusals.push(http_refusal(plugin, grant));
        }
        for key in self
            .settings
            .keys
            .iter()
            .filter(|key| !ceiling.settings.covers(key))
        {
            let mend = Some(format!("[grants.{plugin}.settings]\nkeys = [\"{key}\"]"));
            refusals.push(Refusal {
                asked: format!("setting {key}"),
                mend,
            });
        }
        refusals
    }

    /// Each grant as a short text for a person.
    pub fn texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        texts.extend(self.log.then(|| "log".to_owned()));
        texts.extend(self.vectors.then(|| "vectors".to_owned()));
        texts.extend(self.db.iter().map(|grant| {
            let verbs: Vec<_> = grant.verbs.iter().map(|verb| verb.as_str()).collect();
            format!("{} on {}", verbs.join("/"), grant.table)
        }));
        texts.extend(self.http.iter().map(|grant| {
            let methods: Vec<_> = grant.methods.iter().map(String::as_str).collect();
            format!("{} {}://{}", methods.join("/"), grant.scheme, grant.host)
        }));
        texts.extend(
            self.settings
                .keys
                .iter()
                .map(|key| format!("setting {key}")),
        );
        texts
    }

    /// The ceiling for one plugin: what is allowed to all and what is allowed to it.
    #[must_use]
    pub fn union(mut self, other: &Grants) -> Grants {
        self.log |= other.log;
        self.vectors |= other.vectors;
        self.db.extend(other.db.iter().cloned());
        self.http.extend(other.http.iter().cloned());
        self.settings
            .keys
            .extend(other.settings.keys.iter().cloned());
        self
    }
}

fn table_refusal(plugin: &str, table: &str, verb: Verb) -> Refusal {
    let verb = verb.as_str();
    let open = !schema::belongs_to_host(table);
    let mend = format!("[[grants.{plugin}.db]]\ntable = \"{table}\"\nverbs = [\"{verb}\"]");
    Refusal {
        asked: format!("{verb} on table {table}"),
        mend: open.then_some(mend),
    }
}

fn http_refusal(plugin: &str, grant: &HttpGrant) -> Refusal {
    let methods: Vec<_> = grant
        .methods
        .iter()
        .map(|method| format!("\"{method}\""))
        .collect();
    let mut mend = format!(
        "[[grants.{plugin}.http]]\nhost = \"{}\"\nscheme = \"{}\"\nmethods = [{}]",
        grant.host,
        grant.scheme,
        methods.join(", ")
    );
    if let Some(port) = grant.port {
        mend += &format!("\nport = {port}");
    }
    if grant.private {
        mend += "\nprivate = true";
    }
    let methods: Vec<_> = grant.methods.iter().map(String::as_str).collect();
    let asked = format!("{} {}://{}", methods.join("/"), grant.scheme, grant.host);
    Refusal {
        asked,
        mend: Some(mend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(text: &str) -> Grants {
        toml::from_str(text).expect("grants")
    }

    #[test]
    fn what_is_not_written_is_not_granted() {
        let ask = grants("log = true\n[[db]]\ntable = \"a\"\nverbs = [\"select\", \"delete\"]");
        let ceiling = grants("[[db]]\ntable = \"a\"\nverbs = [\"select\"]");
        let refusals = ask.refusals("p", &ceiling);
        let asked: Vec<_> = refusals
            .iter()
            .map(|refusal| refusal.asked.as_str())
            .collect();
        assert_eq!(asked, ["log", "delete on table a"]);
        assert!(ask.refusals("p", &ask).is_empty());
    }

    #[test]
    fn a_wildcard_covers_names_below_it_only() {
        let grant = &grants("[[http]]\nhost = \"*.example.com\"").http[0];
        assert!(grant.covers_host("api.example.com"));
        assert!(!grant.covers_host("example.com"));
        assert!(!grant.covers_host("evilexample.com"));
    }

    #[test]
    fn a_plugin_cannot_ask_past_the_ceiling() {
        let ceiling = grants("[[http]]\nhost = \"a.example\"\nmethods = [\"GET\"]");
        for ask in [
            "[[http]]\nhost = \"*\"",
            "[[http]]\nhost = \"a.example\"\nscheme = \"http\"",
            "[[http]]\nhost = \"a.example\"\nport = 8443",
            "[[http]]\nhost = \"a.example\"\nmethods = [\"POST\"]",
            "[[http]]\nhost = \"a.example\"\nprivate = true",
        ] {
            assert_eq!(grants(ask).refusals("p", &ceiling).len(), 1, "{ask}");
        }
    }

    #[test]
    fn the_hosts_own_tables_have_no_mend() {
        let ask = grants("[[db]]\ntable = \"settings\"\nverbs = [\"select\"]");
        assert_eq!(ask.refusals("p", &Grants::default())[0].mend, None);
    }
}
