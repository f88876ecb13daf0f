//! The one reading of a plugin's statement, on either database: its text becomes a tree, the
//! tree is held against the grants, and what is sent is written from the tree. The guest's own
//! text never reaches a database, so no two readers can disagree about it.
//!
//! The code that writes a part of the tree names each of its fields: what is not known here cannot
//! be written, and is refused.

mod calls;
mod changes;
mod expressions;
mod growth;
mod literals;
mod names;
mod parameters;
mod queries;
mod scope;
mod tables;
#[cfg(test)]
mod tests;
mod tokens;

use self::growth::{Keeps, RowNeeds};
pub(super) use self::names::SUBQUERY;
pub(super) use self::parameters::texts;
use self::scope::{NamedSubquery, QueryScope};

use std::collections::BTreeSet;

use sqlparser::ast::Statement as Tree;
use sqlparser::dialect::{Dialect as Reader, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use super::catalog::Catalog;
use super::denial;
use crate::foreign_reader;
use crate::grants::{Grants, Verb};
use crate::near_name::nearest;
use crate::store::{Dialect, StoreError, StoreErrorKind};
use crate::value::{Statement, Value};

/// The most bytes of one statement, as a guest writes it.
pub(super) const LENGTH: usize = 256 * 1024;
/// Columns and parameters in the expressions of one statement of SQLite. It looks at the clock in
/// loops only, and a text of the largest size that is worked out as a number takes milliseconds.
const OPERANDS: usize = 1_000;
/// The stack on which a text is read: many times what [`tokens::DEPTH`] needs, and the stack of
/// a guest's call is small.
const STACK: usize = 16 << 20;

/// What the parts of a check give.
type CheckResult = Result<(), StoreError>;

/// A statement that may run. Only [`check`] and [`check_text`] make one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AdmittedStatement {
    statement: Statement,
    /// How many parameters it has, as its tree says.
    parameters: usize,
}

impl AdmittedStatement {
    /// What is sent to the database, and the only text that ever is.
    pub(super) fn statement(self) -> Statement {
        self.statement
    }

    pub(super) fn sql(&self) -> &str {
        &self.statement.sql
    }

    /// Whether it may give rows: by its words, which are written here and nowhere else.
    pub(super) fn gives_rows(&self) -> bool {
        let changes = ["INSERT ", "UPDATE ", "DELETE "];
        !changes.iter().any(|verb| self.sql().starts_with(verb))
            || self.sql().contains(" RETURNING ")
    }

    /// The same statement with parameters: as many as it has, none of more than `most` bytes.
    pub(super) fn with(&self, params: Vec<Value>, most: u64) -> Result<Self, StoreError> {
        fit(&params, most)?;
        parameters::counted(self.parameters, params.len())?;
        let statement = Statement {
            params,
            ..Statement::new(self.statement.sql.clone())
        };
        Ok(Self { statement, ..*self })
    }
}

/// Whose statement it is, and for which database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) dialect: Dialect,
    pub(super) plugin: &'a str,
    pub(super) grants: &'a Grants,
    /// The tables as they are, on PostgreSQL.
    pub(super) catalog: Option<&'a Catalog>,
    /// All tables there are, where it is asked why a table is not open.
    pub(super) there: Option<&'a BTreeSet<String>>,
    /// Bytes that one value may have.
    pub(super) most: u64,
}

/// Refuse a parameter of more than `most` bytes.
fn fit(params: &[Value], most: u64) -> CheckResult {
    let mut sizes = params.iter().map(Value::size);
    sizes.try_for_each(|size| growth::fits(size, most))
}

/// Read a statement and hold it against the grants; `writes` says whether it may change rows.
pub(super) fn check(
    asker: Asker<'_>,
    statement: Statement,
    writes: bool,
) -> Result<AdmittedStatement, StoreError> {
    check_text(asker, &statement.sql, writes)?.with(statement.params, asker.most)
}

/// The same for a statement whose parameters come later, or not at all.
pub(super) fn check_text(
    asker: Asker<'_>,
    sql: &str,
    writes: bool,
) -> Result<AdmittedStatement, StoreError> {
    let (sql, parameters) = read(asker, sql, writes, None)?;
    let statement = Statement::new(sql);
    Ok(AdmittedStatement {
        statement,
        parameters,
    })
}

/// The same for the inner function of a passage: the statement gives rows, and its parameters
/// are `$1`, an array of texts.
pub(super) fn check_for_passage(
    asker: Asker<'_>,
    statement: &Statement,
) -> Result<String, StoreError> {
    fit(&statement.params, asker.most)?;
    let params = statement.params.as_slice();
    let (sql, parameters) = read(asker, &statement.sql, true, Some(params))?;
    parameters::counted(parameters, params.len())?;
    Ok(sql)
}

/// On a stack of its own; a text that the parser breaks down on is none of its statements.
fn read(
    asker: Asker<'_>,
    sql: &str,
    writes: bool,
    params: Option<&[Value]>,
) -> Result<(String, usize), StoreError> {
    let read = || stacker::grow(STACK, || rendered(asker, sql, writes, params));
    foreign_reader::read("SQL", read)
        .unwrap_or_else(|broken| Err(wrong(asker, &broken.to_string())))
}

fn rendered(
    asker: Asker<'_>,
    sql: &str,
    writes: bool,
    params: Option<&[Value]>,
) -> Result<(String, usize), StoreError> {
    let refuse = |what: &str| Err(denial::denied(denial::statement(what)));
    if let Some(cast) = asker.catalog.and_then(|catalog| catalog.made_cast.as_ref()) {
        let text = denial::made_cast(cast);
        return Err(denial::denied(text));
    }
    if sql.len() > LENGTH {
        return refuse("more than 256 KiB of text");
    }
    let reader: &dyn Reader = match asker.dialect {
        Dialect::Sqlite => &SQLiteDialect {},
        Dialect::Postgres => &PostgreSqlDialect {},
    };
    let tokens = tokens::read(asker, reader, sql)?;
    let mut parser = Parser::new(reader).with_tokens_with_locations(tokens);
    let tree = parser
        .parse_statement()
        .map_err(|error| wrong(asker, &error.to_string()))?;
    let next = parser.peek_token();
    if next.token != sqlparser::tokenizer::Token::EOF {
        return Err(wrong(
            asker,
            &format!("{} was not expected{}", next.token, next.span.start),
        ));
    }
    let mut rendering = Rendering {
        asker,
        params,
        text: String::new(),
        named: Vec::new(),
        awaiting: None,
        levels: Vec::new(),
        operands: 0,
        parameters: BTreeSet::new(),
        needs: RowNeeds::default(),
        width: 0,
        keeps: Keeps::Nothing,
    };
    match &tree {
        Tree::Query(query) if !changes::is_change(query) => drop(rendering.query(query)?),
        Tree::Query(_) | Tree::Insert(_) | Tree::Update(_) | Tree::Delete(_) if !writes => {
            return refuse("a change of rows where rows are asked for (use `execute`)");
        }
        change => rendering.in_level(|this| this.change(change))?,
    }
    let parameters = rendering.parameters()?;
    Ok((rendering.text, parameters))
}

/// A text that is no statement.
fn wrong(asker: Asker<'_>, what: &str) -> StoreError {
    let database = match asker.dialect {
        Dialect::Sqlite => "SQLite",
        Dialect::Postgres => "PostgreSQL",
    };
    let what = what.strip_prefix("sql parser error: ").unwrap_or(what);
    let text = format!("the statement is not understood as one of {database}: {what}");
    StoreError::new(StoreErrorKind::Statement, text)
}

/// What is written from a tree, word by word with a space between any two, so that no two
/// of them become one and none begins a comment.
struct Rendering<'a> {
    asker: Asker<'a>,
    /// The parameters, where they are written as elements of an array.
    params: Option<&'a [Value]>,
    text: String,
    /// Names that the statement gives to subqueries with WITH, as far as they can be seen here.
    named: Vec<NamedSubquery>,
    /// The place of the subquery that may read what is given by what is written next.
    awaiting: Option<usize>,
    /// The query that is written and those that it is in.
    levels: Vec<QueryScope>,
    /// Columns and parameters in its expressions so far.
    operands: usize,
    /// The numbers of its parameters so far.
    parameters: BTreeSet<usize>,
    needs: RowNeeds,
    /// Columns of the query that was written last.
    width: usize,
    /// Whether the rows of the query that is written next are kept.
    keeps: Keeps,
}

impl Rendering<'_> {
    fn word(&mut self, word: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }

    /// Each of `items`, with a comma between any two.
    fn list<T>(
        &mut self,
        items: &[T],
        mut each: impl FnMut(&mut Self, &T) -> CheckResult,
    ) -> CheckResult {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.word(",");
            }
            each(self, item)?;
        }
        Ok(())
    }

    fn in_parentheses<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.word("(");
        let done = inside(self)?;
        self.word(")");
        Ok(done)
    }

    fn refuse<T>(what: &str) -> Result<T, StoreError> {
        Err(denial::denied(denial::statement(what)))
    }

    /// Refuse `what` if it is there.
    fn without(is_there: bool, what: &str) -> CheckResult {
        if is_there { Self::refuse(what) } else { Ok(()) }
    }

    /// Refuse `what` on SQLite, which does not know it.
    fn postgres_only(&self, what: &str) -> CheckResult {
        let missing = format!("{what}, which SQLite does not have,");
        Self::without(self.asker.dialect == Dialect::Sqlite, &missing)
    }

    /// A column or a parameter that something is worked out from.
    fn operand(&mut self) -> CheckResult {
        self.operands += 1;
        let many = self.operands > OPERANDS && self.asker.dialect == Dialect::Sqlite;
        let what = "more than 1,000 columns and parameters in its expressions (rows of VALUES do not count)";
        Self::without(many, what)
    }

    fn may(&self, table: &str, verb: Verb) -> CheckResult {
        if self.asker.grants.allows(table, verb) && verb.can_be_granted(table) {
            return Ok(());
        }
        // What belongs to the host or to the database itself is never granted, whether it is there or not.
        let there = self.asker.there.filter(|_| !denial::belongs_to_host(table));
        let has = |there: &BTreeSet<String>| there.iter().any(|it| it.eq_ignore_ascii_case(table));
        if let Some(there) = there.filter(|there| !has(there)) {
            let open = there.iter().filter(|name| !denial::belongs_to_host(name));
            let near = nearest(table, open.map(String::as_str));
            let near = near.map(|near| format!("; write `{near}`"));
            let text = format!("there is no table `{table}`{}", near.unwrap_or_default());
            return Err(StoreError::new(StoreErrorKind::Statement, text));
        }
        let text = denial::table(self.asker.plugin, table, verb);
        Err(denial::denied(text))
    }
}
