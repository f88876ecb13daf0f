//! [`Needs`]: the settings, roles and tables that a handler touches.

mod table;

pub use self::table::{Rows, Table};
use crate::bindings::exports::callboard::plugin::handlers::SettingNeed;
use crate::settings::FromSetting;

/// What a handler may do to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Read rows.
    Select,
    /// Add rows.
    Insert,
    /// Change rows.
    Update,
    /// Remove rows.
    Delete,
}

impl Verb {
    /// As it is written in `plugin.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Select => "select",
            Verb::Insert => "insert",
            Verb::Update => "update",
            Verb::Delete => "delete",
        }
    }
}

/// The settings, roles and tables that a handler touches. The roll call checks that each
/// is there and granted.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    pub(crate) settings: Vec<SettingNeed>,
    pub(crate) roles: Vec<String>,
    pub(crate) role_keys: Vec<String>,
    pub(crate) tables: Vec<Table>,
}

impl Needs {
    /// Nothing at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// A declared setting, and as what it is read.
    #[must_use]
    pub fn setting<T: FromSetting>(mut self, key: &str) -> Self {
        let key = key.to_owned();
        self.settings.push(SettingNeed { key, kind: T::KIND });
        self
    }

    /// A named use of a model.
    #[must_use]
    pub fn role(mut self, role: &str) -> Self {
        self.roles.push(role.to_owned());
        self
    }

    /// A key of the configuration that names a role which need not resolve.
    #[must_use]
    pub fn role_key(mut self, key: &str) -> Self {
        self.role_keys.push(key.to_owned());
        self
    }

    /// A table and what is done to it.
    #[must_use]
    pub fn table(self, table: &str, verbs: &[Verb]) -> Self {
        self.on(Table::named(table, verbs))
    }

    /// A table with what is done to its rows.
    #[must_use]
    pub fn on(mut self, table: Table) -> Self {
        self.tables.push(table);
        self
    }
}
