//! Grants as data: what a plugin asks for, what the operator allows, and what both give.

mod allow;
mod credential;
mod http;

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use self::allow::allow;
pub use self::credential::{CredentialGrant, Origin};
pub use self::http::{Host, HttpGrant, Method, Scheme};
use crate::schema;

/// What one side, the plugin's manifest or the operator's ceiling, has in mind. Nothing is
/// there that is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Lines into the trace of a run.
    #[serde(deserialize_with = "given")]
    pub log: bool,
    /// Matrices held by the host.
    #[serde(deserialize_with = "given")]
    pub vectors: bool,
    /// Tables.
    pub db: Vec<TableGrant>,
    /// Origins that may be called.
    pub http: Vec<HttpGrant>,
    /// Settings that may be read.
    #[serde(deserialize_with = "table")]
    pub settings: SettingsGrant,
    /// Models that may be asked.
    #[serde(deserialize_with = "table")]
    pub model: ModelGrant,
    /// Secrets that the host sends for it.
    pub credentials: Vec<CredentialGrant>,
}

/// A capability that is written is given: a `false` would take nothing away, as grants add up.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    if bool::deserialize(deserializer)? {
        return Ok(true);
    }
    Err(D::Error::custom(
        "`false` takes nothing away that `[grants.\"*\"]` gives, and what is not written is not given; \
         remove the line, expected `true`",
    ))
}

/// A table of keys: a list would be read as one without any.
fn table<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Table<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Table<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("one table of keys, in single brackets")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_map(Table(PhantomData))
}

/// A table and what may be done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableGrant {
    /// The table's name.
    pub table: String,
    /// What may be done with it.
    pub verbs: BTreeSet<Verb>,
}

impl TableGrant {
    /// The verbs of it that a grant can open.
    pub fn open(&self) -> impl Iterator<Item = Verb> {
        let verbs = self.verbs.iter().copied();
        verbs.filter(|verb| verb.can_be_granted(&self.table))
    }
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
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

    /// Whether any grant can open a table to a plugin for this.
    pub fn can_be_granted(self, table: &str) -> bool {
        let reads = self == Verb::Select;
        !schema::belongs_to_host(table) && (reads || !schema::is_read_only(table))
    }
}

/// Keys of settings; a `*` at the end stands for any rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsGrant {
    /// The keys.
    pub keys: BTreeSet<String>,
}

impl SettingsGrant {
    pub fn covers(&self, key: &str) -> bool {
        self.covering(key).is_some()
    }

    /// What covers `key`: the key itself, or the beginning of it.
    pub fn covering(&self, key: &str) -> Option<&str> {
        let covers = |pattern: &&String| match pattern.strip_suffix('*') {
            Some(prefix) => key.starts_with(prefix),
            None => *pattern == key,
        };
        self.keys.iter().find(covers).map(String::as_str)
    }
}

/// Roles whose models may be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelGrant {
    /// The roles.
    pub roles: BTreeSet<String>,
}

/// Something a manifest asks for that the ceiling does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRefusal {
    /// What is asked, for a person.
    pub asked: String,
    /// The keys that lead to it from the top of the grants; elements of lists are numbered.
    pub path: Vec<String>,
    /// What in `callboard.toml` would allow it; `None` if nothing can.
    pub mend: Option<GrantLines>,
}

/// What allows something, in the ceiling of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantLines {
    /// A capability that is on or off.
    Flag(String),
    /// A key among those of `settings`.
    Setting(String),
    /// A role among those of `model`.
    Role(String),
    /// One more element of a list of tables, in full.
    Element(String),
}

impl GrantRefusal {
    /// Whether it refuses `asked`, or a part of it: some of the verbs on a table.
    pub fn is_of(&self, asked: &GrantRefusal) -> bool {
        let of_table = self.path.first().is_some_and(|list| list == "db");
        self.path == asked.path && (of_table || self.asked == asked.asked)
    }
}

impl Grants {
    pub fn allows(&self, table: &str, verb: Verb) -> bool {
        self.db
            .iter()
            .any(|grant| grant.table == table && grant.verbs.contains(&verb))
    }

    /// What `self` asks for and `ceiling` does not allow, with the lines that would.
    pub fn refusals(&self, plugin: &str, ceiling: &Grants) -> Vec<GrantRefusal> {
        let mut refusals = Vec::new();
        let flags = [
            ("log", self.log, ceiling.log),
            ("vectors", self.vectors, ceiling.vectors),
        ];
        let refused = flags
            .iter()
            .filter(|(_, asked, allowed)| *asked && !allowed);
        refusals.extend(refused.map(|(name, _, _)| flag_refusal(name)));
        for (index, grant) in self.db.iter().enumerate() {
            let verbs = grant.verbs.iter().copied();
            let refused = verbs.filter(|verb| !ceiling.allows(&grant.table, *verb));
            let verbs: Vec<Verb> = refused.collect();
            if !verbs.is_empty() {
                refusals.push(table_refusal(plugin, index, &grant.table, &verbs));
            }
        }
        for (index, grant) in self.http.iter().enumerate() {
            if !ceiling.http.iter().any(|allowed| allowed.covers(grant)) {
                refusals.push(http_refusal(plugin, index, grant));
            }
        }
        let keys = self.settings.keys.iter();
        let refused = keys.filter(|key| !ceiling.settings.covers(key));
        refusals.extend(refused.map(|key| setting_refusal(key)));
        let roles = self.model.roles.difference(&ceiling.model.roles);
        refusals.extend(roles.map(|role| role_refusal(role)));
        for (index, grant) in self.credentials.iter().enumerate() {
            if !ceiling.credentials.contains(grant) {
                refusals.push(credential_refusal(plugin, index, grant));
            }
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
        texts.extend(self.http.iter().map(HttpGrant::text));
        texts.extend(
            self.settings
                .keys
                .iter()
                .map(|key| format!("setting {key}")),
        );
        let roles = self.model.roles.iter();
        texts.extend(roles.map(|role| format!("role {role}")));
        texts.extend(self.credentials.iter().map(ToString::to_string));
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
        self.model.roles.extend(other.model.roles.iter().cloned());
        self.credentials.extend(other.credentials.iter().cloned());
        self
    }
}

/// The path of an element of a list.
fn element(list: &str, index: usize) -> Vec<String> {
    vec![list.to_owned(), index.to_string()]
}

fn flag_refusal(name: &str) -> GrantRefusal {
    GrantRefusal {
        asked: name.to_owned(),
        path: vec![name.to_owned()],
        mend: Some(GrantLines::Flag(name.to_owned())),
    }
}

fn setting_refusal(key: &str) -> GrantRefusal {
    GrantRefusal {
        asked: format!("setting {key}"),
        path: vec!["settings".to_owned(), "keys".to_owned()],
        mend: Some(GrantLines::Setting(key.to_owned())),
    }
}

fn role_refusal(role: &str) -> GrantRefusal {
    GrantRefusal {
        asked: format!("role {role}"),
        path: vec!["model".to_owned(), "roles".to_owned()],
        mend: Some(GrantLines::Role(role.to_owned())),
    }
}

fn credential_refusal(plugin: &str, index: usize, grant: &CredentialGrant) -> GrantRefusal {
    GrantRefusal {
        asked: grant.to_string(),
        path: element("credentials", index),
        mend: Some(GrantLines::Element(
            grant.lines(&format!("grants.{plugin}")),
        )),
    }
}

fn table_refusal(plugin: &str, index: usize, table: &str, verbs: &[Verb]) -> GrantRefusal {
    let open = verbs.iter().all(|verb| verb.can_be_granted(table));
    let verbs: Vec<&str> = verbs.iter().map(|verb| verb.as_str()).collect();
    let quoted = verbs.join("\", \"");
    let mend = format!("[[grants.{plugin}.db]]\ntable = \"{table}\"\nverbs = [\"{quoted}\"]");
    GrantRefusal {
        asked: format!("{} on table {table}", verbs.join("/")),
        path: element("db", index),
        mend: open.then_some(GrantLines::Element(mend)),
    }
}

fn http_refusal(plugin: &str, index: usize, grant: &HttpGrant) -> GrantRefusal {
    GrantRefusal {
        asked: grant.text(),
        path: element("http", index),
        mend: Some(GrantLines::Element(
            grant.lines(&format!("grants.{plugin}")),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(text: &str) -> Grants {
        toml::from_str(text).expect("grants")
    }

    /// A "no" would be read as nothing, since grants add up: it is refused, and says so.
    #[test]
    fn a_grant_that_is_no_is_refused() {
        for text in ["log = false", "vectors = false"] {
            let error = toml::from_str::<Grants>(text).expect_err(text);
            let told = error.to_string();
            assert!(told.contains("takes nothing away"), "{told}");
        }
    }

    #[test]
    fn what_is_not_written_is_not_granted() {
        let ask = grants("log = true\n[[db]]\ntable = \"a\"\nverbs = [\"select\", \"delete\"]");
        let whole = ask.refusals("p", &Grants::default());
        assert_eq!(whole[1].asked, "select/delete on table a", "one cause");
        let Some(GrantLines::Element(mend)) = &whole[1].mend else {
            panic!("a table can be granted")
        };
        assert!(mend.ends_with("verbs = [\"select\", \"delete\"]"), "{mend}");
        let ceiling = grants("[[db]]\ntable = \"a\"\nverbs = [\"select\"]");
        let refusals = ask.refusals("p", &ceiling);
        assert_eq!(refusals[1].path, ["db", "0"]);
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
    fn a_credential_is_granted_for_its_origin_alone() {
        let grant = |to: &str| format!("[[credentials]]\nname = \"key\"\nto = \"{to}\"");
        let ceiling = grants(&grant("https://a.example"));
        assert!(
            grants(&grant("https://A.example:443/"))
                .refusals("p", &ceiling)
                .is_empty()
        );
        for to in [
            "http://a.example",
            "https://a.example:8443",
            "https://b.a.example",
        ] {
            let refusals = grants(&grant(to)).refusals("p", &ceiling);
            let Some(GrantLines::Element(mend)) = &refusals[0].mend else {
                panic!("no mend: {refusals:?}");
            };
            assert_eq!(refusals[0].path, ["credentials", "0"]);
            assert!(
                mend.contains("[[grants.p.credentials]]") && mend.contains(to),
                "{mend}"
            );
        }
        // The right to read settings is another one.
        let all = grants("[settings]\nkeys = [\"*\"]");
        assert_eq!(
            grants(&grant("https://a.example"))
                .refusals("p", &all)
                .len(),
            1
        );
    }

    #[test]
    fn the_hosts_own_tables_have_no_mend() {
        let ask = grants("[[db]]\ntable = \"settings\"\nverbs = [\"select\"]");
        assert_eq!(ask.refusals("p", &Grants::default())[0].mend, None);
    }
}
