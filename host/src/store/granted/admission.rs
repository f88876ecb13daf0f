//! The second look at a plugin's statement on PostgreSQL, below the role's own grants: one
//! SELECT, INSERT, UPDATE or DELETE on granted tables with functions from the list. What it
//! does not know, it refuses.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FromTable, Ident, ObjectName, ObjectNamePart, Query, Select, SetExpr, Statement,
    TableFactor, TableObject, Visit, Visitor,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::{denial, functions};
use crate::grants::{Grants, Verb};
use crate::store::{StoreError, StoreErrorKind};

/// Whether `sql` may run; `writes` says whether it may change rows.
pub(super) fn check(
    plugin: &str,
    grants: &Grants,
    sql: &str,
    writes: bool,
) -> Result<(), StoreError> {
    let refuse = |what: &str| Err(denial::denied(denial::statement(plugin, what)));
    if sql.len() > super::text::LENGTH {
        return refuse("more than 256 KiB of text");
    }
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, sql).map_err(|error| {
        let text = format!("the statement is not understood: {error}");
        StoreError::new(StoreErrorKind::Statement, text)
    })?;
    let [statement] = parsed.as_slice() else {
        return refuse("a text that is not one statement");
    };
    let mut look = Look {
        plugin,
        grants,
        names: BTreeSet::new(),
        target: None,
    };
    match statement {
        Statement::Query(_) => {}
        _ if !writes => return refuse("a change of rows where rows are asked for (use `execute`)"),
        changing => match target(changing) {
            Some((table, verb)) => look.target = Some((table, verb)),
            None => return refuse("a command on the schema or the database"),
        },
    }
    match statement.visit(&mut look) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(text) => Err(denial::denied(text)),
    }
}

/// The table that a statement changes, and how.
fn target(statement: &Statement) -> Option<(String, Verb)> {
    match statement {
        Statement::Insert(insert) => match &insert.table {
            TableObject::TableName(name) => Some((plain(name)?, Verb::Insert)),
            _ => None,
        },
        Statement::Update(update) if update.table.joins.is_empty() => {
            Some((factor(&update.table.relation)?, Verb::Update))
        }
        Statement::Delete(delete) if delete.tables.is_empty() => {
            let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
            match from.as_slice() {
                [only] if only.joins.is_empty() => Some((factor(&only.relation)?, Verb::Delete)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn factor(table: &TableFactor) -> Option<String> {
    match table {
        TableFactor::Table {
            name, args: None, ..
        } => plain(name),
        _ => None,
    }
}

/// A name without a schema, as the database stores it.
fn plain(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Some(stored(ident)),
        _ => None,
    }
}

fn stored(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

struct Look<'a> {
    plugin: &'a str,
    grants: &'a Grants,
    /// Names that the statement itself gives to subqueries.
    names: BTreeSet<String>,
    /// The table that is changed; its first mention is not a read.
    target: Option<(String, Verb)>,
}

impl Look<'_> {
    fn statement(&self, what: &str) -> ControlFlow<String> {
        ControlFlow::Break(denial::statement(self.plugin, what))
    }

    fn function(&self, name: &ObjectName) -> ControlFlow<String> {
        match plain(name) {
            Some(name) if functions::is_allowed(&name) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(denial::function(self.plugin, &name.to_string())),
        }
    }

    fn table(&self, table: &str, verb: Verb) -> ControlFlow<String> {
        if self.grants.allows(table, verb) && !denial::belongs_to_host(table) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(denial::table(self.plugin, table, verb))
        }
    }
}

impl Visitor for Look<'_> {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        if let Some(with) = &query.with {
            self.names.extend(
                with.cte_tables
                    .iter()
                    .map(|table| stored(&table.alias.name)),
            );
        }
        if !query.locks.is_empty() {
            return self.statement("FOR UPDATE or FOR SHARE");
        }
        body(&query.body).map_or(ControlFlow::Continue(()), |what| self.statement(what))
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        match &select.into {
            Some(_) => self.statement("SELECT INTO"),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<String> {
        let Some(table) = plain(relation) else {
            return self.statement("the name of a schema");
        };
        if let Some((_, verb)) = self.target.take_if(|(target, _)| *target == table) {
            return self.table(&table, verb);
        }
        if self.names.contains(&table)
            || functions::is_allowed(&table) && !self.grants.allows(&table, Verb::Select)
        {
            return ControlFlow::Continue(());
        }
        self.table(&table, Verb::Select)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<String> {
        match factor {
            TableFactor::Table {
                name,
                args: Some(_),
                ..
            }
            | TableFactor::Function { name, .. } => self.function(name),
            TableFactor::Table { .. }
            | TableFactor::Derived { .. }
            | TableFactor::UNNEST { .. }
            | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            _ => self.statement("this kind of table"),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        match expr {
            Expr::Function(function) => self.function(&function.name),
            Expr::BinaryOp {
                op: sqlparser::ast::BinaryOperator::PGCustomBinaryOperator(_),
                ..
            } => self.statement("OPERATOR()"),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<String> {
        match statement {
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_) => ControlFlow::Continue(()),
            _ => self.statement("a command on the schema or the database"),
        }
    }
}

/// What is wrong with the body of a query, if anything is.
fn body(body: &SetExpr) -> Option<&'static str> {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => None,
        SetExpr::SetOperation { left, right, .. } => self::body(left).or_else(|| self::body(right)),
        SetExpr::Table(_) => Some("TABLE (write SELECT * FROM)"),
        _ => Some("a change of rows inside a query"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants() -> Grants {
        toml::from_str(
            "[[db]]\ntable = \"a\"\nverbs = [\"select\", \"update\"]\n[[db]]\ntable = \"b\"\nverbs = [\"insert\", \"delete\"]",
        )
        .expect("grants")
    }

    #[test]
    fn plain_statements_on_granted_tables_pass() {
        for sql in [
            "SELECT count(*), lower(x) FROM a WHERE id = $1 AND t < now()",
            "WITH c AS (SELECT * FROM a) SELECT * FROM c JOIN a USING (id)",
            "SELECT * FROM a WHERE id IN (SELECT id FROM a) ORDER BY id LIMIT 3",
            "UPDATE a SET x = $1 WHERE id = $2",
            "INSERT INTO b (id) SELECT id FROM a",
            "INSERT INTO b (id) VALUES ($1) ON CONFLICT DO NOTHING",
            "DELETE FROM b",
            "SELECT * FROM json_array_elements($1) e",
            "SELECT sum(x) OVER (PARTITION BY y) FROM \"a\"",
        ] {
            let checked = check("p", &grants(), sql, true);
            assert!(checked.is_ok(), "{sql}: {checked:?}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for sql in [
            "SELECT * FROM b",
            "SELECT * FROM settings",
            "SELECT * FROM pg_roles",
            "SELECT * FROM pg_catalog.pg_roles",
            "SELECT * FROM public.a",
            "SELECT * FROM \"A\"",
            "TABLE b",
            "SELECT 1; DELETE FROM b",
            "DELETE FROM b WHERE id IN (SELECT id FROM b)",
            "DELETE FROM b USING c",
            "DELETE FROM a",
            "INSERT INTO a (id) VALUES (1)",
            "UPDATE a SET x = (SELECT password FROM plugin_logins)",
            "WITH d AS (DELETE FROM b RETURNING *) SELECT * FROM d",
            "SELECT pg_sleep(10)",
            "SELECT pg_catalog.pg_read_file('x')",
            "SELECT * FROM dblink('x', 'y')",
            "SELECT * INTO c FROM a",
            "SELECT * FROM a FOR UPDATE",
            "SELECT set_config('role', 'x', false)",
            "SELECT lo_import('/etc/passwd')",
            "COPY a TO PROGRAM 'x'",
            "COPY (SELECT 1) TO STDOUT",
            "SET ROLE postgres",
            "RESET ROLE",
            "CREATE TABLE x (a int)",
            "DROP TABLE a",
            "TRUNCATE b",
            "GRANT ALL ON a TO p",
            "DO $$ BEGIN END $$",
            "CALL x()",
            "LISTEN x",
            "BEGIN",
            "COMMIT",
            "EXPLAIN ANALYZE DELETE FROM b",
            "PREPARE x AS SELECT 1",
            "VACUUM",
            "MERGE INTO b USING a ON true WHEN MATCHED THEN DELETE",
            "",
        ] {
            assert!(check("p", &grants(), sql, true).is_err(), "{sql}");
        }
    }

    #[test]
    fn rows_are_asked_for_without_changing_any() {
        assert!(check("p", &grants(), "DELETE FROM b", false).is_err());
        assert!(check("p", &grants(), "SELECT 1", false).is_ok());
    }
}
