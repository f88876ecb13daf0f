//! What a handler says of itself: its schemas, the names it refers to, and what it does with
//! which rows of a table.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::settings::SettingType;

/// What the host knows about a handler, native or plugin, before it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// `<surface>.<name>`.
    pub name: String,
    pub summary: String,
    /// JSON Schema of the configuration.
    pub config: Json,
    /// JSON Schema of an object: its properties are the keys the handler reads.
    pub reads: Json,
    /// JSON Schema of an object: its properties are the keys the handler writes.
    pub writes: Json,
    pub needs: Needs,
    pub always_gives_a_verdict: bool,
    /// Whether it rules if a gate behind it has to ask a person. Of a plugin's handlers none does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decides: bool,
    /// Whether it may hand on what others refused, with a flag.
    #[serde(default)]
    pub may_flag: bool,
}

impl Contract {
    /// The family that it belongs to, one of [`SURFACES`](super::SURFACES).
    pub fn surface(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// Whether what it does is seen by the world, and cannot be taken back.
    pub fn publishes(&self) -> bool {
        self.surface() == super::PUBLISHES
    }

    /// The stages whose verdicts it cannot do without, as a configuration names them.
    pub fn verdicts(&self, config: &Json) -> Vec<String> {
        let configured = self.configured(config);
        let keys = self.needs.verdict_keys.iter();
        let lists = keys.filter_map(|key| configured.get(key)?.as_array());
        let names = lists.flatten().filter_map(Json::as_str);
        names.map(str::to_owned).collect()
    }

    /// A configuration as the handler sees it: with the defaults that its schema declares.
    pub fn configured(&self, config: &Json) -> Map<String, Json> {
        let properties = self.config.get("properties").and_then(Json::as_object);
        let declared = properties.into_iter().flatten();
        let mut configured: Map<String, Json> = declared
            .filter_map(|(key, property)| Some((key.clone(), property.get("default")?.clone())))
            .collect();
        configured.extend(config.as_object().cloned().unwrap_or_default());
        configured
    }

    /// The roles that it asks with a configuration: those it cannot do without, and those that
    /// the configuration names.
    pub fn roles(&self, config: &Json) -> Vec<String> {
        let configured = self.configured(config);
        let keys = self.needs.role_keys.iter();
        let named = keys.filter_map(|key| configured.get(key)?.as_str());
        let named = named.filter(|role| !role.is_empty()).map(str::to_owned);
        self.needs.roles.iter().cloned().chain(named).collect()
    }
}

/// References of a handler that the roll call has to see answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Needs {
    /// Keys of settings that it reads.
    pub settings: Vec<String>,
    /// The types that a setting it reads may have, by key, with the plainest first; of one without any, all.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub setting_types: BTreeMap<String, Vec<SettingType>>,
    /// Roles of models that it asks.
    pub roles: Vec<String>,
    /// Keys of the configuration that name a role which need not resolve.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub role_keys: Vec<String>,
    /// Whether it asks its roles for answers by a schema, which is beyond what is built in.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_schema: bool,
    /// Keys of the configuration that list stages whose verdicts it cannot do without.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdict_keys: Vec<String>,
    /// Prompts that it fills in.
    pub prompts: Vec<PromptNeed>,
    /// Tables that it uses.
    pub tables: Vec<TableNeed>,
    /// Keys that say what it acts on, which no plugin may write.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acts_on: Vec<String>,
    /// Keys that hold what was found out or judged before it, and that it goes by: no plugin may write them,
    /// and nobody who starts the run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub goes_by: Vec<String>,
    /// Keys that it reads as its own stage wrote them on an earlier visit: nobody else may write them, and
    /// nobody who starts the run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<String>,
}

/// A prompt, and the variables that its handler gives to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromptNeed {
    /// The name of the prompt.
    pub name: String,
    /// Variables that it has to use: without them the model is not told what it is about.
    pub needed: Vec<String>,
    /// Variables that it may use, besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<String>,
}

impl PromptNeed {
    /// The variables that the prompt may use.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        let given = self.needed.iter().chain(&self.optional);
        given.map(String::as_str)
    }
}

/// Which table is meant: always the same, or the one that a key of the configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TableName {
    /// Always this one.
    #[serde(rename = "table")]
    Fixed(String),
    /// The one that this key of the configuration names.
    #[serde(rename = "table_key")]
    Configured(String),
}

impl TableName {
    /// The table, with a configuration; `None` if it names none.
    pub fn of<'a>(&'a self, configured: &'a Map<String, Json>) -> Option<&'a str> {
        match self {
            TableName::Fixed(table) => Some(table),
            TableName::Configured(key) => configured.get(key)?.as_str(),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableName::Fixed(table) => f.write_str(table),
            TableName::Configured(key) => write!(f, "config.{key}"),
        }
    }
}

/// A table, the verbs used on it (`select`, `insert`, `update`, `delete`), and what is done with
/// its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableNeed {
    #[serde(flatten)]
    pub table: TableName,
    /// What it does there: `select`, `insert`, `update`, `delete`.
    pub verbs: Vec<String>,
    /// Keys of the configuration that name columns of the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub column_keys: Vec<String>,
    /// Keys of the configuration that name a column by which a row is found: no two rows have the same there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_keys: Vec<String>,
    /// Keys of the configuration that name a column which says how new a row is: a time, or a number that grows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub time_keys: Vec<String>,
    /// The key of the configuration that says of which source the rows are; rows of every
    /// source if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_key: Option<String>,
    /// What it does with which rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowUse>,
}

/// What a handler does with the rows of one class. A table with a column `is_summary` has two:
/// `original`, and `summary`, which stands for originals that are gone. Rows of a table without
/// classes are `original`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowUse {
    /// `original` or `summary`.
    pub class: String,
    /// What it does with them.
    pub act: RowAct,
    /// The key of the configuration that holds after how many days; at any age without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_key: Option<String>,
    /// Only rows whose source is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub orphans: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RowAct {
    Reads,
    Writes,
    Deletes,
}

impl fmt::Display for RowAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RowAct::Reads => "reads",
            RowAct::Writes => "writes",
            RowAct::Deletes => "deletes",
        })
    }
}

impl RowAct {
    /// The verbs of which the handler has to use one.
    pub fn verbs(self) -> &'static [&'static str] {
        match self {
            RowAct::Reads => &["select"],
            RowAct::Writes => &["insert", "update"],
            RowAct::Deletes => &["delete"],
        }
    }
}

impl RowUse {
    fn new(class: &str, act: RowAct) -> Self {
        Self {
            class: class.to_owned(),
            act,
            age_key: None,
            orphans: false,
        }
    }

    pub fn reads(class: &str) -> Self {
        Self::new(class, RowAct::Reads)
    }

    pub fn writes(class: &str) -> Self {
        Self::new(class, RowAct::Writes)
    }

    pub fn deletes(class: &str) -> Self {
        Self::new(class, RowAct::Deletes)
    }

    /// Those that are older than the days under a key of the configuration.
    #[must_use]
    pub fn after(mut self, age_key: &str) -> Self {
        self.age_key = Some(age_key.to_owned());
        self
    }

    /// Those whose source is gone.
    #[must_use]
    pub fn orphans(mut self) -> Self {
        self.orphans = true;
        self
    }
}

impl TableNeed {
    fn new(table: TableName, verbs: &[&str]) -> Self {
        Self {
            table,
            verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
            column_keys: Vec::new(),
            id_keys: Vec::new(),
            time_keys: Vec::new(),
            source_key: None,
            rows: Vec::new(),
        }
    }

    pub fn fixed(table: &str, verbs: &[&str]) -> Self {
        Self::new(TableName::Fixed(table.to_owned()), verbs)
    }

    /// The table that a key of the configuration names.
    pub fn configured(key: &str, verbs: &[&str]) -> Self {
        Self::new(TableName::Configured(key.to_owned()), verbs)
    }

    /// A key of the configuration that names a column of the table.
    #[must_use]
    pub fn column_key(mut self, key: &str) -> Self {
        self.column_keys.push(key.to_owned());
        self
    }

    /// A key of the configuration that names a column by which a row is found.
    #[must_use]
    pub fn id_key(mut self, key: &str) -> Self {
        self.id_keys.push(key.to_owned());
        self
    }

    /// A key of the configuration that names a column which says how new a row is.
    #[must_use]
    pub fn time_key(mut self, key: &str) -> Self {
        self.time_keys.push(key.to_owned());
        self
    }

    /// The key of the configuration that says of which source the rows are.
    #[must_use]
    pub fn source_key(mut self, key: &str) -> Self {
        self.source_key = Some(key.to_owned());
        self
    }

    #[must_use]
    pub fn rows(mut self, rows: RowUse) -> Self {
        self.rows.push(rows);
        self
    }
}

impl Needs {
    #[must_use]
    pub fn setting(mut self, key: &str) -> Self {
        self.settings.push(key.to_owned());
        self
    }

    #[must_use]
    pub fn role(mut self, name: &str) -> Self {
        self.roles.push(name.to_owned());
        self
    }

    /// A key of the configuration that names a role which need not resolve.
    #[must_use]
    pub fn role_key(mut self, key: &str) -> Self {
        self.role_keys.push(key.to_owned());
        self
    }

    /// It asks its roles for answers by a schema.
    #[must_use]
    pub fn by_schema(mut self) -> Self {
        self.by_schema = true;
        self
    }

    /// A key of the configuration that lists stages whose verdicts it cannot do without.
    #[must_use]
    pub fn verdict_key(mut self, key: &str) -> Self {
        self.verdict_keys.push(key.to_owned());
        self
    }

    /// A prompt, with the variables that it has to use and those that it may use.
    #[must_use]
    pub fn prompt(mut self, name: &str, needed: &[&str], optional: &[&str]) -> Self {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        self.prompts.push(PromptNeed {
            name: name.to_owned(),
            needed: all(needed),
            optional: all(optional),
        });
        self
    }

    /// A key that holds what was found out or judged before it.
    #[must_use]
    pub fn goes_by(mut self, key: &str) -> Self {
        self.goes_by.push(key.to_owned());
        self
    }

    /// A key that it reads as its own stage wrote it on an earlier visit.
    #[must_use]
    pub fn own(mut self, key: &str) -> Self {
        self.own.push(key.to_owned());
        self
    }

    /// A key that says what it acts on.
    #[must_use]
    pub fn acts_on(mut self, key: &str) -> Self {
        self.acts_on.push(key.to_owned());
        self
    }

    /// A table and what is done to it.
    #[must_use]
    pub fn table(self, table: &str, verbs: &[&str]) -> Self {
        self.on(TableNeed::fixed(table, verbs))
    }

    /// A table with what is done to its rows.
    #[must_use]
    pub fn on(mut self, need: TableNeed) -> Self {
        self.tables.push(need);
        self
    }
}
