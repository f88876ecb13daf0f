//! INSERT, UPDATE and DELETE, perhaps after WITH.

use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Delete, DoUpdate, FromTable, Ident, Insert,
    ObjectName, OnConflict, OnConflictAction, OnInsert, Query, SelectItem, SetExpr,
    SqliteOnConflict, Statement, TableAliasWithoutColumns, TableFactor, TableObject,
    TableWithJoins, Update, UpdateTableFromKind,
};

use super::growth::Keeps;
use super::{CheckResult, Rendering};
use crate::grants::Verb;

/// Whether a query is a change of rows that WITH stands before.
pub(super) fn is_change(query: &Query) -> bool {
    matches!(
        *query.body,
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
    )
}

impl Rendering<'_> {
    pub(super) fn change(&mut self, change: &Statement) -> CheckResult {
        match change {
            Statement::Query(query) => self.change_with(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            _ => Self::refuse("a command on the schema or the database"),
        }
    }

    fn change_with(&mut self, query: &Query) -> CheckResult {
        let Query {
            with: Some(with),
            body,
            order_by: None,
            limit_clause: None,
            fetch: None,
            locks,
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators,
        } = query
        else {
            return Self::refuse("this kind of change");
        };
        Self::without(
            !locks.is_empty() || !pipe_operators.is_empty(),
            "this kind of change",
        )?;
        self.with(with)?;
        match &**body {
            SetExpr::Insert(change @ Statement::Insert(_))
            | SetExpr::Update(change @ Statement::Update(_))
            | SetExpr::Delete(change @ Statement::Delete(_)) => self.change(change),
            _ => Self::refuse("a change of rows inside a query"),
        }
    }

    fn insert(&mut self, insert: &Insert) -> CheckResult {
        let Insert {
            insert_token: _,
            optimizer_hints,
            or,
            ignore,
            into,
            table,
            table_alias,
            columns,
            overwrite,
            source,
            assignments,
            partitioned,
            after_columns,
            has_table_keyword,
            on,
            returning,
            output,
            replace_into,
            priority,
            insert_alias,
            settings,
            format_clause,
            multi_table_insert_type,
            multi_table_into_clauses,
            multi_table_when_clauses,
            multi_table_else_clause,
        } = insert;
        Self::without(*replace_into, "REPLACE (write ON CONFLICT … DO UPDATE)")?;
        let words = *ignore || !*into || *overwrite || *has_table_keyword || priority.is_some();
        let parts = !assignments.is_empty() || partitioned.is_some() || !after_columns.is_empty();
        let more = output.is_some() || insert_alias.is_some() || settings.is_some();
        let odd = format_clause.is_some() || !optimizer_hints.is_empty();
        let many = multi_table_insert_type.is_some() || multi_table_else_clause.is_some();
        let clauses = !multi_table_into_clauses.is_empty() || !multi_table_when_clauses.is_empty();
        Self::without(
            words || parts || more || odd || many || clauses,
            "this kind of INSERT",
        )?;
        let TableObject::TableName(name) = table else {
            return Self::refuse("an INSERT into what is no table");
        };
        let table = Self::plain(name)?;
        self.word("INSERT");
        self.or(*or)?;
        self.word("INTO");
        self.granted(table, Verb::Insert)?;
        self.inserted(table, table_alias.as_ref())?;
        self.rows_of(table_alias.as_ref(), columns, source.as_deref())?;
        match on {
            None => {}
            Some(OnInsert::OnConflict(conflict)) => self.on_conflict(table, conflict)?,
            Some(_) => return Self::refuse("ON DUPLICATE KEY (write ON CONFLICT … DO UPDATE)"),
        }
        self.returning(returning.as_deref())
    }

    /// What the names of an INSERT may be of: the row that is there, and the one that is not.
    fn inserted(&mut self, table: &Ident, alias: Option<&TableAliasWithoutColumns>) -> CheckResult {
        let columns = self.columns_of(&self.known(table)?);
        let name = alias.map_or(table, |alias| &alias.alias);
        let name = self.stored(name)?;
        self.source(Some(&name), &columns, columns.len());
        self.source(Some("excluded"), &columns, 0);
        Ok(())
    }

    /// What is inserted, and into which columns.
    fn rows_of(
        &mut self,
        alias: Option<&TableAliasWithoutColumns>,
        columns: &[ObjectName],
        source: Option<&Query>,
    ) -> CheckResult {
        if let Some(alias) = alias {
            self.word("AS");
            self.name(&alias.alias)?;
        }
        if !columns.is_empty() {
            self.in_parentheses(|this| this.list(columns, Self::own_column))?;
        }
        if let Some(source) = source {
            return self.query(source).map(drop);
        }
        self.word("DEFAULT VALUES");
        Ok(())
    }

    /// What SQLite does about a row that does not fit. REPLACE deletes rows without asking,
    /// and ROLLBACK would end a transaction that is not the plugin's.
    fn or(&mut self, or: Option<SqliteOnConflict>) -> CheckResult {
        match or {
            None => return Ok(()),
            Some(SqliteOnConflict::Ignore) => self.word("OR IGNORE"),
            Some(SqliteOnConflict::Abort) => self.word("OR ABORT"),
            Some(SqliteOnConflict::Replace) => {
                return Self::refuse("REPLACE (write ON CONFLICT … DO UPDATE)");
            }
            Some(SqliteOnConflict::Rollback) => return Self::refuse("OR ROLLBACK"),
            Some(SqliteOnConflict::Fail) => return Self::refuse("OR FAIL"),
        }
        Ok(())
    }

    fn on_conflict(&mut self, table: &Ident, conflict: &OnConflict) -> CheckResult {
        let OnConflict {
            conflict_target,
            action,
        } = conflict;
        self.word("ON CONFLICT");
        match conflict_target {
            None => {}
            Some(ConflictTarget::Columns(columns)) => {
                self.in_parentheses(|this| this.names(columns))?;
            }
            Some(ConflictTarget::OnConstraint(name)) => {
                self.postgres_only("ON CONSTRAINT")?;
                self.word("ON CONSTRAINT");
                self.own_column(name)?;
            }
        }
        match action {
            OnConflictAction::DoNothing => {
                self.word("DO NOTHING");
                Ok(())
            }
            OnConflictAction::DoUpdate(DoUpdate {
                assignments,
                selection,
            }) => {
                let table = self.known(table)?;
                self.may(&table, Verb::Update)?;
                self.word("DO UPDATE");
                self.assignments(assignments)?;
                self.filter("WHERE", selection.as_ref())
            }
        }
    }

    fn update(&mut self, update: &Update) -> CheckResult {
        let Update {
            update_token: _,
            optimizer_hints,
            table,
            assignments,
            from,
            selection,
            returning,
            output,
            or,
            order_by,
            limit,
        } = update;
        let more = !optimizer_hints.is_empty() || output.is_some();
        let odd = !order_by.is_empty() || limit.is_some();
        Self::without(more || odd, "this kind of UPDATE")?;
        self.word("UPDATE");
        self.or(*or)?;
        self.target(table, Verb::Update)?;
        self.assignments(assignments)?;
        match from {
            None => {}
            Some(UpdateTableFromKind::AfterSet(from)) => {
                self.word("FROM");
                self.list(from, Self::joined)?;
            }
            Some(UpdateTableFromKind::BeforeSet(_)) => {
                return Self::refuse("FROM before SET");
            }
        }
        self.condition(selection.as_ref())?;
        self.returning(returning.as_deref())
    }

    fn delete(&mut self, delete: &Delete) -> CheckResult {
        let Delete {
            delete_token: _,
            optimizer_hints,
            tables,
            from,
            using,
            selection,
            returning,
            output,
            order_by,
            limit,
        } = delete;
        let more = !optimizer_hints.is_empty() || !tables.is_empty() || output.is_some();
        let odd = !order_by.is_empty() || limit.is_some();
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = from;
        let [table] = from.as_slice() else {
            return Self::refuse("a DELETE from several tables");
        };
        Self::without(more || odd, "this kind of DELETE")?;
        self.word("DELETE FROM");
        self.target(table, Verb::Delete)?;
        if let Some(using) = using {
            self.postgres_only("DELETE … USING")?;
            self.word("USING");
            self.list(using, Self::joined)?;
        }
        self.condition(selection.as_ref())?;
        self.returning(returning.as_deref())
    }

    /// The one table that is changed.
    fn target(&mut self, table: &TableWithJoins, verb: Verb) -> CheckResult {
        let TableWithJoins { relation, joins } = table;
        Self::without(!joins.is_empty(), "a change of joined tables")?;
        let TableFactor::Table {
            name,
            alias,
            args: None,
            with_hints,
            version: None,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
        } = relation
        else {
            return Self::refuse("a change of what is no table");
        };
        let hints = !with_hints.is_empty() || !partitions.is_empty() || !index_hints.is_empty();
        Self::without(hints, "a table with hints")?;
        let table = Self::plain(name)?;
        self.granted(table, verb)?;
        let name = self.known(table)?;
        let columns = self.columns_of(&name);
        self.read(alias.as_ref(), Some(&name), (&columns, columns.len()))
    }

    fn assignments(&mut self, assignments: &[Assignment]) -> CheckResult {
        self.word("SET");
        self.list(assignments, |this, Assignment { target, value }| {
            match target {
                AssignmentTarget::ColumnName(name) => this.own_column(name)?,
                AssignmentTarget::Tuple(names) => {
                    this.in_parentheses(|this| this.list(names, Self::own_column))?;
                }
            }
            this.word("=");
            this.expression(value)
        })
    }

    fn returning(&mut self, returning: Option<&[SelectItem]>) -> CheckResult {
        match returning {
            Some(items) => {
                self.word("RETURNING");
                self.items(items, Keeps::Nothing)?;
                self.measure(items)
            }
            // A row for each that was touched.
            None if self.params.is_some() => {
                self.word("RETURNING 1");
                Ok(())
            }
            None => Ok(()),
        }
    }
}
