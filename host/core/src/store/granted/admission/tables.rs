//! What a statement reads from: granted tables, its own subqueries, and functions that give rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlparser::ast::{
    FunctionArg, Ident, Join, JoinConstraint, JoinOperator, ObjectName, TableAlias,
    TableAliasColumnDef, TableFactor, TableFunctionArgs, TableWithJoins,
};

use super::super::catalog::ColumnNames;
use super::super::functions;
use super::names::SUBQUERY;
use super::{CheckResult, Rendering};
use crate::grants::Verb;
use crate::store::{Dialect, StoreError};

impl Rendering<'_> {
    pub(super) fn joined(&mut self, joined: &TableWithJoins) -> CheckResult {
        let TableWithJoins { relation, joins } = joined;
        self.factor(relation)?;
        joins.iter().try_for_each(|join| self.join(join))
    }

    fn join(&mut self, join: &Join) -> CheckResult {
        let Join {
            relation,
            global,
            join_operator,
        } = join;
        Self::without(*global, "GLOBAL")?;
        let (words, constraint) = match join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) => ("JOIN", on),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => ("LEFT JOIN", on),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => ("RIGHT JOIN", on),
            JoinOperator::FullOuter(on) => ("FULL JOIN", on),
            JoinOperator::CrossJoin(on) => ("CROSS JOIN", on),
            _ => return Self::refuse("this kind of join"),
        };
        if *constraint == JoinConstraint::Natural {
            self.word("NATURAL");
        }
        self.word(words);
        self.factor(relation)?;
        match constraint {
            JoinConstraint::Natural | JoinConstraint::None => Ok(()),
            JoinConstraint::On(condition) => self.filter("ON", Some(condition)),
            JoinConstraint::Using(columns) => {
                self.word("USING");
                self.in_parentheses(|this| this.list(columns, Self::own_column))
            }
        }
    }

    fn factor(&mut self, factor: &TableFactor) -> CheckResult {
        match factor {
            TableFactor::Table { .. } => self.table(factor),
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                sample: None,
            } => {
                self.lateral(*lateral)?;
                let given = self.in_parentheses(|this| this.query(subquery))?;
                self.read(alias.as_ref(), None, (&given, self.width))
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                Self::without(alias.is_some(), "a join with a name of its own")?;
                self.in_parentheses(|this| this.joined(table_with_joins))
            }
            TableFactor::Function {
                lateral,
                name,
                args,
                with_ordinality,
                alias,
            } => {
                self.lateral(*lateral)?;
                self.rows(name, args, *with_ordinality, alias.as_ref())
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset: false,
                with_offset_alias: None,
                with_ordinality,
            } => {
                self.postgres_only("UNNEST")?;
                self.needs_calls(1)?;
                self.word("unnest");
                self.in_parentheses(|this| this.expressions(array_exprs))?;
                self.ordinality(*with_ordinality)?;
                let of = ("unnest", array_exprs.len());
                self.rows_alias(of, *with_ordinality, alias.as_ref())
            }
            _ => Self::refuse("this kind of table"),
        }
    }

    fn lateral(&mut self, lateral: bool) -> CheckResult {
        if lateral {
            self.postgres_only("LATERAL")?;
            self.word("LATERAL");
        }
        Ok(())
    }

    fn ordinality(&mut self, with_ordinality: bool) -> CheckResult {
        if with_ordinality {
            self.postgres_only("WITH ORDINALITY")?;
            self.word("WITH ORDINALITY");
        }
        Ok(())
    }

    /// A table, a subquery of this statement, or a function that gives rows.
    fn table(&mut self, factor: &TableFactor) -> CheckResult {
        let TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version: None,
            with_ordinality,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
        } = factor
        else {
            return Self::refuse("this kind of table");
        };
        let more = !with_hints.is_empty() || !partitions.is_empty() || !index_hints.is_empty();
        Self::without(more, "a table with hints")?;
        match args {
            Some(TableFunctionArgs {
                args,
                settings: None,
            }) => self.rows(name, args, *with_ordinality, alias.as_ref()),
            Some(_) => Self::refuse("a function with settings"),
            None => {
                Self::without(*with_ordinality, "WITH ORDINALITY after a table")?;
                self.relation(name, alias.as_ref())
            }
        }
    }

    /// A table that is read, or a subquery of this statement.
    fn relation(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> CheckResult {
        let ident = Self::plain(name)?;
        let name = self.stored(ident)?;
        let mut named = self.named.iter().rev();
        let named = named.find(|named| self.is_same(&named.name, &name));
        if let Some(named) = named {
            let (declared, columns) = (named.name.clone(), named.columns.clone());
            let width = named.width;
            self.quoted(&format!("{SUBQUERY}{declared}"));
            if alias.is_none() {
                self.word("AS");
                self.quoted(&name);
            }
            return self.read(alias, Some(&name), (&columns, width));
        }
        self.granted(ident, Verb::Select)?;
        let columns = self.columns_of(&name);
        self.read(alias, Some(&name), (&columns, columns.len()))
    }

    /// The columns of a table that is granted.
    pub(super) fn columns_of(&self, table: &str) -> ColumnNames {
        let catalog = self.catalog();
        catalog.map_or_else(ColumnNames::default, |catalog| catalog.columns(table))
    }

    /// Write the name that a source is given, and note what is read from it; without one it is
    /// read as `own`.
    pub(super) fn read(
        &mut self,
        alias: Option<&TableAlias>,
        own: Option<&str>,
        (columns, width): (&ColumnNames, usize),
    ) -> CheckResult {
        self.alias(alias)?;
        let Some(alias) = alias else {
            self.source(own, columns, width);
            return Ok(());
        };
        let name = self.stored(&alias.name)?;
        let written = self.written(&alias.columns)?;
        self.source(Some(&name), written.as_ref().unwrap_or(columns), width);
        Ok(())
    }

    /// The columns that are named after a source, if any are.
    pub(super) fn written(
        &self,
        columns: &[TableAliasColumnDef],
    ) -> Result<Option<ColumnNames>, StoreError> {
        let names = columns.iter().map(|column| self.stored(&column.name));
        let names = names.map(|name| name.map(Arc::from));
        let names = names.collect::<Result<BTreeSet<Arc<str>>, _>>()?;
        Ok((!names.is_empty()).then(|| names.into()))
    }

    /// A function that gives rows.
    fn rows(
        &mut self,
        name: &ObjectName,
        args: &[FunctionArg],
        with_ordinality: bool,
        alias: Option<&TableAlias>,
    ) -> CheckResult {
        let callee = self.callee(name)?;
        let (called, makes) = callee;
        self.made((makes, args.len()), |this| {
            this.function(callee);
            this.in_parentheses(|this| this.made_of(makes, args))
        })?;
        self.ordinality(with_ordinality)?;
        self.rows_alias((called, args.len()), with_ordinality, alias)
    }

    /// The names of what a function gives: written out on PostgreSQL, so that it has them.
    fn rows_alias(
        &mut self,
        (called, arguments): (&str, usize),
        with_ordinality: bool,
        alias: Option<&TableAlias>,
    ) -> CheckResult {
        if self.asker.dialect == Dialect::Sqlite {
            return self.alias(alias);
        }
        let name = match alias {
            Some(alias) => self.stored(&alias.name)?,
            None => called.to_owned(),
        };
        self.word("AS");
        self.quoted(&name);
        let mut columns = functions::columns(called, &name, arguments);
        if with_ordinality && !columns.is_empty() {
            columns.push("ordinality".to_owned());
        }
        let written = alias.map_or(&[][..], |alias| &alias.columns);
        for (at, column) in written.iter().enumerate() {
            let column = self.stored(&column.name)?;
            match columns.get_mut(at) {
                Some(own) => *own = column,
                None => columns.push(column),
            }
        }
        if !columns.is_empty() {
            self.in_parentheses(|this| {
                this.list(&columns, |this, column| {
                    this.quoted(column);
                    Ok(())
                })
            })?;
        }
        let width = columns.len().max(arguments);
        let columns = columns.into_iter().map(Arc::from);
        self.function_source(&name, &ColumnNames::new(columns.collect()), width);
        Ok(())
    }

    /// A table that the grants give for `verb`, with its schema.
    pub(super) fn granted(&mut self, ident: &Ident, verb: Verb) -> CheckResult {
        let name = self.known(ident)?;
        self.may(&name, verb)?;
        match self.catalog() {
            Some(catalog) => {
                let schema = catalog.schema.clone();
                self.quoted(&schema);
            }
            None => self.word("main"),
        }
        self.word(".");
        self.quoted(&name);
        Ok(())
    }

    /// The name of a table as the grants write it.
    pub(super) fn known(&self, ident: &Ident) -> Result<String, StoreError> {
        let name = self.stored(ident)?;
        let mut tables = self.asker.grants.db.iter().map(|grant| &grant.table);
        let known = tables.find(|table| self.is_same(table, &name));
        Ok(known.cloned().unwrap_or(name))
    }

    fn is_same(&self, one: &str, other: &str) -> bool {
        match self.asker.dialect {
            Dialect::Sqlite => one.eq_ignore_ascii_case(other),
            Dialect::Postgres => one == other,
        }
    }

    pub(super) fn alias(&mut self, alias: Option<&TableAlias>) -> CheckResult {
        let Some(alias) = alias else {
            return Ok(());
        };
        let TableAlias {
            explicit: _,
            name,
            columns,
            at,
        } = alias;
        Self::without(at.is_some(), "AT")?;
        self.word("AS");
        self.name(name)?;
        self.alias_columns(columns)
    }

    pub(super) fn alias_columns(&mut self, columns: &[TableAliasColumnDef]) -> CheckResult {
        if columns.is_empty() {
            return Ok(());
        }
        self.in_parentheses(|this| {
            this.list(columns, |this, column| {
                Self::without(column.data_type.is_some(), "columns with types")?;
                this.name(&column.name)
            })
        })
    }
}
