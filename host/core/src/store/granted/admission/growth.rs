//! What PostgreSQL would make of any length. Wherever a value may grow, what is written calls a
//! function that the host made in its own schema (`callboard_…`, see the migrations), which holds
//! it against the plugin's `value_bytes`; and what the server collects in memory, of any number of
//! rows, is counted. SQLite does this by itself.
//!
//! What one row needs is in memory at once, so calls and columns are counted, too.

use sqlparser::ast::{
    BinaryOperator, DataType, Expr, LimitClause, Query, Select, SelectItem, SetExpr, TableFactor,
    TableWithJoins, Value,
};

use super::super::functions::FunctionResult;
use super::queries::is_column;
use super::{CheckResult, Rendering};
use crate::store::{Dialect, StoreError, StoreErrorKind};

/// Calls of functions, casts and the like that one row may need, each of which may make a value
/// of the largest size.
const CALLS: usize = 250;
/// What a call weighs that takes several times what it gives.
const HEAVY: usize = 5;
/// Columns that one row may need.
const COLUMNS: usize = 250;
/// Arguments of a function that takes any number.
const ARGUMENTS: usize = 32;
/// Bytes of a text that is not worth to be counted.
const SHORT: usize = 64;

/// Functions of the list whose value is another each time.
const VOLATILE: [&str; 2] = ["clock_timestamp", "random"];

/// What one row of a statement needs on PostgreSQL.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RowNeeds {
    calls: usize,
    columns: usize,
    /// Calls whose value is another each time.
    volatile: usize,
}

impl RowNeeds {
    /// What the larger one of two rows needs.
    pub(super) fn larger(self, other: Self) -> Self {
        Self {
            calls: self.calls.max(other.calls),
            columns: self.columns.max(other.columns),
            volatile: self.volatile.max(other.volatile),
        }
    }
}

/// Whether the server keeps the rows of a query in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Keeps {
    #[default]
    Nothing,
    /// Where it looks for duplicates.
    Distinct,
    Rows,
}

impl Rendering<'_> {
    fn bounded_here(&self) -> bool {
        self.asker.dialect == Dialect::Postgres
    }

    /// Count something of which each may make a value.
    pub(super) fn needs_calls(&mut self, calls: usize) -> CheckResult {
        self.needs.calls += calls;
        let many = self.bounded_here() && self.needs.calls > CALLS;
        let what = "more than 250 calls of functions, casts, `||` and elements of arrays (those that build JSON, `concat` and casts to arrays count five each)";
        Self::without(many, what)
    }

    pub(super) fn needs_columns(&mut self, columns: usize) -> CheckResult {
        self.needs.columns += columns;
        let many = self.bounded_here() && self.needs.columns > COLUMNS;
        Self::without(many, "more than 250 columns in its expressions")
    }

    /// A value that stands in the statement, or a parameter.
    pub(super) fn fits(&self, bytes: usize) -> CheckResult {
        fits(bytes, self.asker.most)
    }

    /// Whether what is called gives another value each time.
    pub(super) fn varies(&mut self, name: &str) {
        self.needs.volatile += usize::from(VOLATILE.contains(&name));
    }

    /// The name of a function that the host made.
    pub(super) fn hosts(&mut self, name: &str) {
        let schema = self.catalog().map(|catalog| catalog.schema.clone());
        self.quoted(&schema.unwrap_or_default());
        self.word(".");
        self.quoted(&format!("callboard_{name}"));
    }

    /// A call of a function that the host made.
    fn through(
        &mut self,
        name: &str,
        inside: impl FnOnce(&mut Self) -> CheckResult,
    ) -> CheckResult {
        self.hosts(name);
        self.in_parentheses(inside)
    }

    /// A call of a function, measured when it is done if that has to be.
    pub(super) fn made(
        &mut self,
        (makes, arguments): (FunctionResult, usize),
        call: impl FnOnce(&mut Self) -> CheckResult,
    ) -> CheckResult {
        if !self.bounded_here() {
            return call(self);
        }
        let measured = matches!(makes, FunctionResult::Measured | FunctionResult::Gathered);
        self.needs_calls(if measured { HEAVY } else { 1 })?;
        let many = makes == FunctionResult::Measured && arguments > ARGUMENTS;
        Self::without(many, "more than 32 arguments of a function")?;
        if measured {
            return self.through("bounded", call);
        }
        call(self)
    }

    /// An expression of which the server keeps a value for each row, of any number of rows.
    pub(super) fn kept(&mut self, expression: &Expr) -> CheckResult {
        if !self.bounded_here() {
            return self.expression(expression);
        }
        self.needs.volatile += 1;
        self.through("kept", |this| this.expression(expression))
    }

    /// One of several that are kept together. Beside the first a short text needs no count.
    pub(super) fn kept_beside(&mut self, expression: &Expr) -> CheckResult {
        match expression {
            Expr::Value(value) if is_short(&value.value) => self.expression(expression),
            _ => self.kept(expression),
        }
    }

    /// A template, which is not long.
    pub(super) fn template(&mut self, expression: &Expr) -> CheckResult {
        if !self.bounded_here() {
            return self.expression(expression);
        }
        self.through("template", |this| this.expression(expression))
    }

    /// `||`, as tightly bound with its schema as without.
    pub(super) fn concatenation(&mut self) {
        let schema = self.catalog().map(|catalog| catalog.schema.clone());
        let Some(schema) = schema.filter(|_| self.bounded_here()) else {
            return self.word("||");
        };
        self.word("OPERATOR (");
        self.quoted(&schema);
        self.word(".");
        self.word("||");
        self.word(")");
    }

    /// A cast to `to`. What is cast is in the statement itself if `is_there`.
    pub(super) fn converted(
        &mut self,
        to: &DataType,
        is_there: bool,
        of: impl FnOnce(&mut Self) -> CheckResult,
    ) -> CheckResult {
        if !self.bounded_here() || is_there {
            return self.cast(to, of);
        }
        let is_array = matches!(to, DataType::Array(_));
        self.needs_calls(if is_array { HEAVY } else { 1 })?;
        match to {
            // Many times as much is needed to read it, and is gone when the function is done.
            DataType::JSON => self.through("as_json", of),
            DataType::JSONB => self.through("as_jsonb", of),
            DataType::Array(_)
            | DataType::Text
            | DataType::Varchar(_)
            | DataType::CharacterVarying(_)
            | DataType::Bytea => self.through("bounded", |this| this.cast(to, of)),
            _ => self.cast(to, of),
        }
    }

    /// An array of these elements.
    pub(super) fn elements(
        &mut self,
        elements: &[Expr],
        named: bool,
        array: impl FnOnce(&mut Self) -> CheckResult,
    ) -> CheckResult {
        let made = elements.iter().filter(|part| !matches!(part, Expr::Value(value) if !matches!(value.value, Value::Placeholder(_))));
        let made = made.count();
        self.needs_calls(made)?;
        if named && made > 0 && self.bounded_here() {
            return self.through("bounded", array);
        }
        array(self)
    }

    /// Whether all that a query reads is one table, whose rows are stored already.
    pub(super) fn is_of_one_table(&self, select: &Select) -> bool {
        let [
            TableWithJoins {
                relation: TableFactor::Table { name, args, .. },
                joins,
            },
        ] = select.from.as_slice()
        else {
            return false;
        };
        let name = Self::plain(name).and_then(|name| self.stored(name));
        let is_named = name.is_ok_and(|name| self.named.iter().any(|named| named.name == name));
        joins.is_empty() && args.is_none() && !is_named
    }

    /// The same of one that gives nothing but columns.
    pub(super) fn gives_what_is_stored(&self, select: &Select) -> bool {
        let mut items = select.projection.iter();
        self.is_of_one_table(select)
            && items.all(|item| match item {
                SelectItem::UnnamedExpr(of) | SelectItem::ExprWithAlias { expr: of, .. } => {
                    is_column(of)
                }
                _ => false,
            })
    }

    /// A condition on the rows of a query or a change.
    pub(super) fn condition(&mut self, condition: Option<&Expr>) -> CheckResult {
        let Some(condition) = condition else {
            return Ok(());
        };
        self.word("WHERE");
        self.conjunct(condition)
    }

    fn conjunct(&mut self, condition: &Expr) -> CheckResult {
        match condition {
            Expr::BinaryOp {
                left,
                op: BinaryOperator::And,
                right,
            } => {
                self.conjunct(left)?;
                self.word("AND");
                self.conjunct(right)
            }
            Expr::Nested(inner) => self.in_parentheses(|this| this.conjunct(inner)),
            Expr::Exists { subquery, negated } => self.exists(subquery, *negated, true),
            _ => self.expression(condition),
        }
    }

    /// A subquery of which only is asked whether it has rows. Where all rows depend on the answer
    /// it is `joined`. Else the server may compare with what it keeps of them, but not of one
    /// that is cut by OFFSET.
    pub(super) fn exists(&mut self, subquery: &Query, negated: bool, joined: bool) -> CheckResult {
        self.word(if negated { "NOT EXISTS" } else { "EXISTS" });
        self.in_parentheses(|this| this.asked(subquery, joined))
    }

    fn asked(&mut self, subquery: &Query, joined: bool) -> CheckResult {
        let before = self.needs;
        self.query(subquery)?;
        let is_plain = subquery.with.is_none();
        let is_stored = match &*subquery.body {
            SetExpr::Select(select) => {
                is_plain && self.needs.calls == before.calls && self.is_of_one_table(select)
            }
            _ => false,
        };
        let is_joined = joined && is_plain && self.needs.volatile == before.volatile;
        let is_cut = match &subquery.limit_clause {
            None => false,
            Some(LimitClause::LimitOffset { offset, .. }) => offset.is_some(),
            Some(LimitClause::OffsetCommaLimit { .. }) => true,
        };
        if self.bounded_here() && !is_stored && !is_joined && !is_cut {
            self.word("OFFSET 0");
        }
        Ok(())
    }
}

/// Whether a value is one that a plugin may have.
pub(super) fn fits(bytes: usize, most: u64) -> Result<(), StoreError> {
    if bytes as u64 <= most {
        return Ok(());
    }
    let text = format!(
        "value too large: {bytes} bytes, of {most} that a value of a plugin may have; \
         divide it, or raise `value_bytes` under [limits] in callboard.toml"
    );
    Err(StoreError::new(StoreErrorKind::TooLarge, text))
}

fn is_short(value: &Value) -> bool {
    match value {
        Value::SingleQuotedString(text) => text.len() <= SHORT,
        Value::Null | Value::Boolean(_) | Value::Number(..) => true,
        _ => false,
    }
}
