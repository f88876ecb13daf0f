//! What a statement reads from: granted tables, its own subqueries, and functions that give rows.

use sqlparser::ast::{
    Ident, Join, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableAliasColumnDef,
    TableFactor, TableFunctionArgs, TableWithJoins,
};

use super::names::SUBQUERY;
use super::{Done, Rendering};
use crate::grants::Verb;
use crate::store::{Dialect, StoreError};

impl Rendering<'_> {
    pub(super) fn joined(&mut self, joined: &TableWithJoins) -> Done {
        let TableWithJoins { relation, joins } = joined;
        self.factor(relation)?;
        joins.iter().try_for_each(|join| self.join(join))
    }

    fn join(&mut self, join: &Join) -> Done {
        let Join {
            relation,
            global,
            join_operator,
        } = join;
        self.without(*global, "GLOBAL")?;
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

    fn factor(&mut self, factor: &TableFactor) -> Done {
        match factor {
            TableFactor::Table { .. } => self.table(factor),
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                sample: None,
            } => {
                self.lateral(*lateral)?;
                self.in_parentheses(|this| this.query(subquery))?;
                self.alias(alias.as_ref())
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                self.in_parentheses(|this| this.joined(table_with_joins))?;
                self.alias(alias.as_ref())
            }
            TableFactor::Function {
                lateral,
                name,
                args,
                with_ordinality,
                alias,
            } => {
                self.lateral(*lateral)?;
                self.callee(name)?;
                self.in_parentheses(|this| this.list(args, Self::argument))?;
                self.ordinality(*with_ordinality)?;
                self.alias(alias.as_ref())
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset: false,
                with_offset_alias: None,
                with_ordinality,
            } => {
                self.postgres_only("UNNEST")?;
                self.word("unnest");
                self.in_parentheses(|this| this.expressions(array_exprs))?;
                self.ordinality(*with_ordinality)?;
                self.alias(alias.as_ref())
            }
            _ => Self::refuse("this kind of table"),
        }
    }

    fn lateral(&mut self, lateral: bool) -> Done {
        if lateral {
            self.postgres_only("LATERAL")?;
            self.word("LATERAL");
        }
        Ok(())
    }

    fn ordinality(&mut self, with_ordinality: bool) -> Done {
        if with_ordinality {
            self.postgres_only("WITH ORDINALITY")?;
            self.word("WITH ORDINALITY");
        }
        Ok(())
    }

    /// A table, a subquery of this statement, or a function that gives rows.
    fn table(&mut self, factor: &TableFactor) -> Done {
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
        self.without(more, "a table with hints")?;
        match args {
            Some(TableFunctionArgs {
                args,
                settings: None,
            }) => {
                self.callee(name)?;
                self.in_parentheses(|this| this.list(args, Self::argument))?;
            }
            Some(_) => return Self::refuse("a function with settings"),
            None => self.relation(name, alias.as_ref())?,
        }
        self.ordinality(*with_ordinality)?;
        self.alias(alias.as_ref())
    }

    /// A table that is read, or a subquery of this statement.
    fn relation(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Done {
        let ident = self.plain(name)?;
        let name = self.stored(ident)?;
        if self.named.iter().any(|named| self.is_same(named, &name)) {
            self.quoted(&format!("{SUBQUERY}{}", self.declared(&name)));
            if alias.is_none() {
                self.word("AS");
                self.quoted(&name);
            }
            return Ok(());
        }
        self.granted(ident, Verb::Select)
    }

    /// A table that the grants give for `verb`, with its schema where that has one name.
    pub(super) fn granted(&mut self, ident: &Ident, verb: Verb) -> Done {
        let name = self.known(ident)?;
        self.may(&name, verb)?;
        if self.asker.dialect == Dialect::Sqlite {
            self.word("main");
            self.word(".");
        }
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

    /// The name of a subquery as WITH writes it.
    fn declared(&self, name: &str) -> String {
        let mut named = self.named.iter().rev();
        let declared = named.find(|named| self.is_same(named, name));
        declared.map_or_else(|| name.to_owned(), Clone::clone)
    }

    pub(super) fn alias(&mut self, alias: Option<&TableAlias>) -> Done {
        let Some(alias) = alias else {
            return Ok(());
        };
        let TableAlias {
            explicit: _,
            name,
            columns,
            at,
        } = alias;
        self.without(at.is_some(), "AT")?;
        self.word("AS");
        self.name(name)?;
        self.alias_columns(columns)
    }

    pub(super) fn alias_columns(&mut self, columns: &[TableAliasColumnDef]) -> Done {
        if columns.is_empty() {
            return Ok(());
        }
        self.in_parentheses(|this| {
            this.list(columns, |this, column| {
                this.without(column.data_type.is_some(), "columns with types")?;
                this.name(&column.name)
            })
        })
    }
}
