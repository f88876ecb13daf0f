//! The live schema: the tables that handlers and plugins name are in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::handlers::{Use, uses};
use super::settings::needed;
use super::{FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope, component, named};
use crate::grants::Verb;
use crate::handler::{RowAct, RowUse, TableName, TableNeed};
use crate::registry::nearest;
use crate::schema;
use crate::store::rights::MissingRights;
use crate::store::{ColumnFacts, StoreError};

/// Tables with their columns, as the database says now.
pub(super) struct LiveSchema {
    tables: BTreeMap<String, Vec<ColumnFacts>>,
    /// Those with which the user of the database may not do what it has to.
    denied: BTreeMap<String, MissingRights>,
}

impl LiveSchema {
    pub(super) async fn live(scope: &RollScope<'_>) -> Result<Self, StoreError> {
        let mut tables = BTreeMap::new();
        for name in scope.store.tables().await? {
            let columns = scope.store.column_facts(&name).await?;
            tables.insert(name, columns);
        }
        let denied = scope.store.denied_tables().await?;
        Ok(Self { tables, denied })
    }

    /// The miss of a table that no handler may touch, that is not there, or not the host's to use.
    pub(super) fn no_table(&self, table: &str) -> Option<Miss> {
        if schema::belongs_to_host(table) {
            return Some(self.hosts(table));
        }
        if let Some(lacking) = self.denied.get(table) {
            return Some(Miss::new(lacking.problem(), lacking.mend()));
        }
        if self.tables.contains_key(table) {
            return None;
        }
        let problem = format!("the database has no table `{table}`");
        Some(match nearest(table, self.open()) {
            Some(near) => Miss::new(problem, format!("write `{near}`, or create the table")),
            None => Miss::new(
                problem,
                format!(
                    "create it in the database, which `callboard apply` makes before it calls the roll, or name one of {}",
                    named(self.open())
                ),
            ),
        })
    }

    fn hosts(&self, table: &str) -> Miss {
        let open = named(self.open());
        let mend = match table {
            "history" | "open_runs" | "runs" | "stage_runs" => format!(
                "name one of {open}; how long ended runs are kept is `history` of [engine] in callboard.toml"
            ),
            _ => format!("name one of {open}"),
        };
        Miss::new(schema::hosts_own(table), mend)
    }

    /// Tables that are there and open to handlers.
    fn open(&self) -> impl Iterator<Item = &str> {
        let tables = self.tables.keys().map(String::as_str);
        tables.filter(|name| !schema::belongs_to_host(name))
    }

    /// The miss of a column that is not there. A table that is not there is not said again.
    pub(super) fn no_column(&self, table: &str, column: &str) -> Option<Miss> {
        let columns = self.tables.get(table)?;
        let known = || columns.iter().map(|it| it.name.as_str());
        if known().any(|name| name == column) {
            return None;
        }
        let problem = format!("table `{table}` has no column `{column}`");
        Some(match nearest(column, known()) {
            Some(near) => Miss::new(problem, format!("write `{near}`")),
            None => Miss::new(problem, format!("name one of {}", named(known()))),
        })
    }

    /// The miss of a column that two rows may share, where it is to find one.
    fn no_id(&self, table: &str, column: &str) -> Option<Miss> {
        let columns = self.tables.get(table)?;
        if columns.iter().any(|it| it.name == column && it.is_unique) {
            return None;
        }
        let problem = format!(
            "two rows of table `{table}` may have the same `{column}`, and it is to say which row is meant"
        );
        let unique = columns.iter().filter(|it| it.is_unique);
        let unique: Vec<&str> = unique.map(|it| it.name.as_str()).collect();
        let mend = if unique.is_empty() {
            format!("give the table a primary key, or a unique index of `{column}` alone")
        } else {
            format!("name one of {}", named(unique))
        };
        Some(Miss::new(problem, mend))
    }

    /// The miss of a column that says nothing of how new a row is.
    fn no_time(&self, table: &str, column: &str) -> Option<Miss> {
        let columns = self.tables.get(table)?;
        let known = columns.iter().find(|it| it.name == column)?;
        if known.is_time() {
            return None;
        }
        let problem = format!(
            "column `{column}` of table `{table}` is {}, which does not say how new a row is",
            known.kind
        );
        let times = columns.iter().filter(|it| it.is_time());
        let times: Vec<&str> = times.map(|it| it.name.as_str()).collect();
        let mend = if times.is_empty() {
            "name a column of the type bigint or timestamp".to_owned()
        } else {
            format!("name one of {}", named(times))
        };
        Some(Miss::new(problem, mend))
    }
}

/// Tables of the handlers that are used, with the columns that configurations name, and tables
/// that plugins ask for.
pub(super) fn list(scope: &RollScope<'_>, schema: &LiveSchema) -> Vec<Reference> {
    let mut references = Vec::new();
    for (contract, place) in needed(scope) {
        for need in &contract.needs.tables {
            let TableName::Fixed(table) = &need.table else {
                continue;
            };
            let miss = schema.no_table(table).or_else(|| no_verb(need));
            let own = component::place_of(scope, contract);
            let miss = match &own {
                Some(_) => miss.map(|miss| {
                    let asked = asked_of(scope, &contract.name, table);
                    component::said(contract, miss).because(asked)
                }),
                None => miss,
            };
            let place = own.unwrap_or_else(|| place.clone());
            let referrer = Referrer::handler(&contract.name);
            let reference = Reference::new(referrer, "tables", ReferenceKind::Table, table);
            references.push(reference.at(place).missed(miss));
        }
    }
    for used in uses(scope) {
        references.extend(configured(scope, schema, &used));
    }
    for (name, plugin) in &scope.definitions.plugins {
        let manifest = &plugin.manifest;
        for (index, grant) in manifest.value.ask.db.iter().enumerate() {
            let reference = Reference::new(
                Referrer::plugin(name),
                "ask.db",
                ReferenceKind::Table,
                &grant.table,
            );
            let place = manifest.at(&["ask", "db", &index.to_string(), "table"]);
            references.push(reference.at(place).missed(schema.no_table(&grant.table)));
        }
    }
    references
}

/// The grant by which the plugin of a handler asks for a table, too: one that both name is no slip of the
/// component's.
fn asked_of(scope: &RollScope<'_>, handler: &str, table: &str) -> Option<FirstMiss> {
    let plugin = scope.registry.get(handler)?.origin.plugin()?;
    let manifest = &scope.definitions.plugins.get(plugin)?.manifest.value;
    let mut asked = manifest.ask.db.iter();
    asked.find(|grant| grant.table == table)?;
    Some(FirstMiss::new(Referrer::plugin(plugin), "ask.db").with_target(table))
}

/// Tables and columns that a configuration names.
fn configured(scope: &RollScope<'_>, schema: &LiveSchema, used: &Use<'_>) -> Vec<Reference> {
    let Some(entry) = scope.registry.get(used.handler) else {
        return Vec::new();
    };
    let config = entry.contract.configured(used.config);
    let mut references = Vec::new();
    for need in &entry.contract.needs.tables {
        let Some(table) = need.table.of(&config) else {
            continue;
        };
        if let Some((key, source)) = source(need, &config) {
            let miss = schema
                .no_table(source)
                .or_else(|| no_source(scope, table, source));
            references.push(
                used.configured(key, ReferenceKind::Table, source)
                    .missed(miss),
            );
        }
        if let TableName::Configured(key) = &need.table {
            let miss = schema.no_table(table).or_else(|| no_verb(need));
            references.push(
                used.configured(key, ReferenceKind::Table, table)
                    .missed(miss),
            );
        }
        references.extend(columns(schema, used, need, (table, &config)));
    }
    references
}

/// Columns that a configuration names, each as what its handler takes it for.
fn columns(
    schema: &LiveSchema,
    used: &Use<'_>,
    need: &TableNeed,
    (table, config): (&str, &Map<String, Json>),
) -> Vec<Reference> {
    type Fits = fn(&LiveSchema, &str, &str) -> Option<Miss>;
    let any: Fits = |_, _, _| None;
    let kinds = [
        (&need.column_keys, any),
        (&need.id_keys, LiveSchema::no_id),
        (&need.time_keys, LiveSchema::no_time),
    ];
    let keys = kinds
        .into_iter()
        .flat_map(|(keys, fits)| keys.iter().map(move |key| (key, fits)));
    let references = keys.filter_map(|(key, fits)| {
        let column = config.get(key)?.as_str()?;
        let target = format!("{table}.{column}");
        let reference = used.configured(key, ReferenceKind::Column, &target);
        let miss = schema.no_column(table, column);
        Some(reference.missed(miss.or_else(|| fits(schema, table, column))))
    });
    references.collect()
}

/// The table of whose rows a configuration says that the rows are made, with its key.
fn source<'a>(need: &'a TableNeed, config: &'a Map<String, Json>) -> Option<(&'a str, &'a str)> {
    let key = need.source_key.as_ref()?;
    Some((key, config.get(key)?.as_str()?))
}

/// The miss of a table of whose rows no handler makes rows of `table`.
fn no_source(scope: &RollScope<'_>, table: &str, source: &str) -> Option<Miss> {
    let mut sources = BTreeSet::new();
    for entry in scope.registry.iter() {
        let needs = &entry.contract.needs.tables;
        let makes = |need: &TableNeed| {
            let originals = |rows: &RowUse| rows.act == RowAct::Writes && rows.class == "original";
            let inserts = need.verbs.iter().any(|verb| verb == Verb::Insert.as_str());
            need.table == TableName::Fixed(table.to_owned())
                && inserts
                && (need.rows.is_empty() || need.rows.iter().any(originals))
        };
        if !needs.iter().any(makes) {
            continue;
        }
        let before = sources.len();
        for need in needs.iter().filter(|need| !makes(need)) {
            match &need.table {
                TableName::Fixed(other) => sources.insert(other.as_str()),
                // Whatever it is told.
                TableName::Configured(_) => return None,
            };
        }
        if sources.len() == before {
            return None;
        }
    }
    (!sources.is_empty() && !sources.contains(source)).then(|| {
        let problem = format!("no handler makes rows of `{table}` from rows of `{source}`");
        Miss::new(problem, format!("name {}", named(sources)))
    })
}

/// The miss of a verb that no table knows.
fn no_verb(need: &TableNeed) -> Option<Miss> {
    let verbs = [Verb::Select, Verb::Insert, Verb::Update, Verb::Delete].map(Verb::as_str);
    let known = BTreeSet::from(verbs);
    let unknown = need
        .verbs
        .iter()
        .find(|verb| !known.contains(verb.as_str()))?;
    let problem = format!("`{unknown}` is nothing that a handler does with a table");
    Some(Miss::new(
        problem,
        format!("name some of {} in the handler", named(verbs)),
    ))
}
