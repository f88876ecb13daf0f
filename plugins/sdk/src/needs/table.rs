//! [`Table`]: a table that a handler touches, and what it does with which of its rows.

use super::Verb;
use crate::bindings::exports::callboard::plugin::handlers as wit;

/// A table that a handler touches. What it says about rows lets the roll call find policies
/// that would eat each other's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    name: Name,
    verbs: Vec<Verb>,
    column_keys: Vec<String>,
    id_keys: Vec<String>,
    time_keys: Vec<String>,
    source_key: Option<String>,
    rows: Vec<Rows>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Fixed(String),
    Configured(String),
}

/// The rows of one class, and what is done with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    class: String,
    act: Act,
    age_key: Option<String>,
    orphans: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Reads,
    Writes,
    Deletes,
}

impl Table {
    fn new(name: Name, verbs: &[Verb]) -> Self {
        Self {
            name,
            verbs: verbs.to_vec(),
            column_keys: Vec::new(),
            id_keys: Vec::new(),
            time_keys: Vec::new(),
            source_key: None,
            rows: Vec::new(),
        }
    }

    /// Always the same table.
    pub fn named(table: &str, verbs: &[Verb]) -> Self {
        Self::new(Name::Fixed(table.to_owned()), verbs)
    }

    /// The table that a key of the configuration names.
    pub fn configured(key: &str, verbs: &[Verb]) -> Self {
        Self::new(Name::Configured(key.to_owned()), verbs)
    }

    /// A key of the configuration that names a column of the table.
    #[must_use]
    pub fn column_key(mut self, key: &str) -> Self {
        self.column_keys.push(key.to_owned());
        self
    }

    /// A key of the configuration that names a column by which a row is found: the roll call wants it unique.
    #[must_use]
    pub fn id_key(mut self, key: &str) -> Self {
        self.id_keys.push(key.to_owned());
        self
    }

    /// A key of the configuration that names a column which says how new a row is: a time, or a number
    /// that grows.
    #[must_use]
    pub fn time_key(mut self, key: &str) -> Self {
        self.time_keys.push(key.to_owned());
        self
    }

    /// The key of the configuration that says of which source the rows are; without one, rows
    /// of every source are meant.
    #[must_use]
    pub fn source_key(mut self, key: &str) -> Self {
        self.source_key = Some(key.to_owned());
        self
    }

    /// Rows of a class, and what is done with them.
    #[must_use]
    pub fn rows(mut self, rows: Rows) -> Self {
        self.rows.push(rows);
        self
    }
}

impl Rows {
    fn new(class: &str, act: Act) -> Self {
        Self {
            class: class.to_owned(),
            act,
            age_key: None,
            orphans: false,
        }
    }

    /// Rows that the work is about: they have to be there when it is done.
    pub fn read(class: &str) -> Self {
        Self::new(class, Act::Reads)
    }

    /// Rows that are added or changed.
    pub fn written(class: &str) -> Self {
        Self::new(class, Act::Writes)
    }

    /// Rows that are removed.
    pub fn deleted(class: &str) -> Self {
        Self::new(class, Act::Deletes)
    }

    /// Only those older than the days under a key of the configuration.
    #[must_use]
    pub fn after(mut self, age_key: &str) -> Self {
        self.age_key = Some(age_key.to_owned());
        self
    }

    /// Only those whose source is gone.
    #[must_use]
    pub fn orphans(mut self) -> Self {
        self.orphans = true;
        self
    }
}

impl From<Table> for wit::TableNeed {
    fn from(table: Table) -> Self {
        let verbs = table.verbs.into_iter();
        Self {
            table: match table.name {
                Name::Fixed(table) => wit::TableName::Fixed(table),
                Name::Configured(key) => wit::TableName::Configured(key),
            },
            verbs: verbs.map(|verb| verb.as_str().to_owned()).collect(),
            column_keys: table.column_keys,
            id_keys: table.id_keys,
            time_keys: table.time_keys,
            source_key: table.source_key,
            rows: table.rows.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Rows> for wit::RowUse {
    fn from(rows: Rows) -> Self {
        Self {
            class: rows.class,
            act: match rows.act {
                Act::Reads => wit::RowAct::Reads,
                Act::Writes => wit::RowAct::Writes,
                Act::Deletes => wit::RowAct::Deletes,
            },
            age_key: rows.age_key,
            orphans: rows.orphans,
        }
    }
}
