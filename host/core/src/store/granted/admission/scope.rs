//! What a name stands for on PostgreSQL. To the server `source.name` is a call of the function
//! `name` where the source has no such column, so each such name has to be one of a column that
//! the source is known to have.
//!
//! Which of several sources of one name the server means is not followed: every one that may be
//! meant has to have the column. What is known of a source is never more than what it has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sqlparser::ast::{AccessExpr, ArrayElemTypeDef, CastKind, DataType, Expr, Ident, SelectItem};

use super::super::catalog::{Catalog, ColumnNames};
use super::{CheckResult, Rendering};
use crate::store::{Dialect, StoreError, StoreErrorKind};

/// One query, and what is seen of the names in it and in those inside of it.
#[derive(Default)]
pub(super) struct QueryScope {
    /// What it reads from, by the names under which it is read.
    sources: BTreeMap<String, ColumnNames>,
    /// The columns of all of them.
    pub(super) columns: BTreeSet<Arc<str>>,
    /// How many columns they have together.
    width: usize,
    /// Functions that give rows: a name of one alone stands for its value.
    functions: BTreeSet<String>,
    /// Names with the source that is written before them, and whether there was such a source.
    qualified: BTreeMap<(String, String), bool>,
    plain: BTreeSet<String>,
}

/// A subquery that WITH names, and its columns.
pub(super) struct NamedSubquery {
    pub(super) name: String,
    pub(super) columns: ColumnNames,
    /// Whether they are written after its name.
    pub(super) is_written: bool,
    /// How many it has, with those that are not known by a name.
    pub(super) width: usize,
}

impl Rendering<'_> {
    /// Where tables are, on PostgreSQL.
    pub(super) fn catalog(&self) -> Option<&Catalog> {
        self.asker.catalog
    }

    fn level(&mut self) -> Option<&mut QueryScope> {
        let followed = self.asker.dialect == Dialect::Postgres;
        self.levels.last_mut().filter(|_| followed)
    }

    /// Write a query, or a part of one whose sources are its own.
    pub(super) fn in_level<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.levels.push(QueryScope::default());
        let done = inside(self)?;
        self.leave()?;
        Ok(done)
    }

    /// Hold the names of a level against its sources. Those inside may be held against the
    /// sources outside as well, so they go on to there.
    fn leave(&mut self) -> CheckResult {
        let Some(mut level) = self.levels.pop() else {
            return Ok(());
        };
        for ((source, column), found) in &mut level.qualified {
            let Some(columns) = level.sources.get(source) else {
                continue;
            };
            if !columns.contains(column.as_str()) {
                return Err(no_column(source, column));
            }
            *found = true;
        }
        for name in &level.plain {
            let known = level.columns.contains(name.as_str()) || level.functions.contains(name);
            if level.sources.contains_key(name) && !known {
                return Self::refuse(&format!("`{name}`, a whole row (name its columns),"));
            }
        }
        if let Some(outer) = self.level() {
            for (name, found) in level.qualified {
                *outer.qualified.entry(name).or_default() |= found;
            }
            outer.plain.append(&mut level.plain);
            return Ok(());
        }
        match level.qualified.iter().find(|(_, found)| !**found) {
            Some(((source, column), _)) => Err(no_column(source, column)),
            None => Ok(()),
        }
    }

    /// Something that is read from, perhaps without a name.
    /// Of `width` columns, some of which may have names that are not known.
    pub(super) fn source(&mut self, name: Option<&str>, columns: &ColumnNames, width: usize) {
        let Some(level) = self.level() else {
            return;
        };
        level.width += width;
        for column in columns.iter() {
            if !level.columns.contains(column) {
                level.columns.insert(Arc::clone(column));
            }
        }
        let Some(name) = name else {
            return;
        };
        let all = level
            .sources
            .entry(name.to_owned())
            .or_insert_with(|| Arc::clone(columns));
        if all != columns {
            *all = Arc::new(all.intersection(columns).cloned().collect());
        }
    }

    /// A function that gives rows.
    pub(super) fn function_source(&mut self, name: &str, columns: &ColumnNames, width: usize) {
        self.source(Some(name), columns, width);
        if let Some(level) = self.level() {
            level.functions.insert(name.to_owned());
        }
    }

    /// A name in an expression, perhaps after that of its source.
    pub(super) fn seen(&mut self, source: Option<&Ident>, column: &Ident) -> CheckResult {
        let source = source.map(|source| self.stored(source)).transpose()?;
        let column = self.stored(column)?;
        let Some(level) = self.level() else {
            return Ok(());
        };
        match source {
            Some(source) => {
                level.qualified.entry((source, column)).or_default();
            }
            None => {
                level.plain.insert(column);
            }
        }
        Ok(())
    }

    /// The columns that the items of a query are known to give.
    pub(super) fn given(&mut self, items: &[SelectItem]) -> Result<ColumnNames, StoreError> {
        self.measure(items)?;
        let mut given = BTreeSet::new();
        for item in items {
            let label = match item {
                SelectItem::ExprWithAlias { expr: _, alias } => Some(self.stored(alias)?),
                SelectItem::UnnamedExpr(expression) => self.label(expression)?,
                SelectItem::Wildcard(_) => {
                    if let Some(level) = self.level() {
                        given.extend(level.columns.iter().cloned());
                    }
                    None
                }
                // Of a source outside, perhaps: not known.
                _ => None,
            };
            given.extend(label.map(Arc::from));
        }
        Ok(given.into())
    }

    /// How many columns the items of a query give.
    pub(super) fn measure(&mut self, items: &[SelectItem]) -> CheckResult {
        let all = self.level().map_or(0, |level| level.width);
        let starred = |item: &&SelectItem| {
            matches!(
                item,
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
            )
        };
        let stars = items.iter().filter(starred).count();
        self.width = stars * all + items.len() - stars;
        self.needs_columns(stars * all)
    }

    /// The name that the server gives to a column of this expression, where that is certain.
    pub(super) fn label(&self, expression: &Expr) -> Result<Option<String>, StoreError> {
        match expression {
            Expr::Identifier(name) => self.stored(name).map(Some),
            Expr::CompoundIdentifier(parts) => {
                parts.last().map(|name| self.stored(name)).transpose()
            }
            Expr::Function(function) => {
                let name = Self::plain(&function.name)?;
                Ok(Some(name.value.to_ascii_lowercase()))
            }
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => self.label(inner),
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr,
                data_type,
                ..
            } => Ok(self.label(expr)?.or_else(|| of_type(data_type))),
            Expr::Case {
                else_result: Some(otherwise),
                ..
            } if !matches!(**otherwise, Expr::Cast { .. }) => self.label(otherwise),
            Expr::Array(_) => Ok(Some("array".to_owned())),
            Expr::Overlay { .. } => Ok(Some("overlay".to_owned())),
            Expr::CompoundFieldAccess { root, access_chain } => {
                let plain = |access: &AccessExpr| matches!(access, AccessExpr::Subscript(_));
                if access_chain.iter().all(plain) {
                    self.label(root)
                } else {
                    Ok(None)
                }
            }
            _ => Ok(None),
        }
    }
}

/// The name of a column that is something cast, where only the type has a name. Others are
/// called as they are written.
fn of_type(kind: &DataType) -> Option<String> {
    let name = match kind {
        DataType::Text => "text",
        DataType::Varchar(_) | DataType::CharacterVarying(_) => "varchar",
        DataType::Bytea => "bytea",
        DataType::JSON => "json",
        DataType::JSONB => "jsonb",
        DataType::Array(ArrayElemTypeDef::SquareBracket(of, None)) => return of_type(of),
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => "int4",
        DataType::BigInt(None) | DataType::Int8(None) => "int8",
        DataType::DoublePrecision | DataType::Float8 => "float8",
        DataType::Real | DataType::Float4 => "float4",
        DataType::Bool | DataType::Boolean => "bool",
        _ => return None,
    };
    Some(name.to_owned())
}

fn no_column(source: &str, column: &str) -> StoreError {
    let text = format!(
        "`{source}.{column}` is no column that the statement is known to read: `{source}` has none of that name; \
         name the columns of subqueries with AS, and different tables differently"
    );
    StoreError::new(StoreErrorKind::Statement, text)
}
