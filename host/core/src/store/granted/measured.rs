//! Rows of a plugin's query on PostgreSQL: the server measures each before it sends it. A row
//! comes whole, whatever is read of it, so one that is too large must not come at all: in its
//! place come NULLs and what it measures.
//!
//! What the server itself takes to work a row out is bounded where the statement is written
//! (`admission/growth.rs`).

use sqlx::{AssertSqlSafe, Column as _, Executor, PgConnection, SqlSafeStr, Statement as _};
use sqlx::{TypeInfo as _, postgres::PgColumn};

use super::role::quoted;
use crate::store::{StoreError, postgres};
use crate::value::Statement;

/// What a query gives, and how it is asked.
pub(super) struct Measured {
    pub(super) columns: Vec<String>,
    pub(super) statement: Statement,
    /// Whether what the row measures comes after its columns.
    pub(super) with_size: bool,
}

impl Measured {
    /// Have the server measure the rows of a statement, of which each may bring `most` bytes.
    pub(super) async fn of(
        connection: &mut PgConnection,
        statement: Statement,
        most: u64,
    ) -> Result<Self, StoreError> {
        let text = AssertSqlSafe(statement.sql.clone()).into_sql_str();
        let kinds = postgres::kinds(&statement.params);
        let prepared = connection.prepare_with(text, &kinds).await?;
        let columns = prepared.columns();
        for column in columns {
            postgres::known(column)?;
        }
        let sizes: Vec<_> = columns.iter().enumerate().filter_map(size).collect();
        let names = columns.iter().map(|column| column.name().to_owned());
        let names: Vec<String> = names.collect();
        if sizes.is_empty() {
            return Ok(Self {
                columns: names,
                statement,
                with_size: false,
            });
        }
        let sql = measuring(&statement.sql, &names, &sizes.join(" + "), most);
        Ok(Self {
            columns: names,
            statement: Statement { sql, ..statement },
            with_size: true,
        })
    }
}

/// What tells the size of a column, if it is not always about the same. Of texts and bytes the
/// server knows it without a look at them.
fn size((at, column): (usize, &PgColumn)) -> Option<String> {
    let value = match column.type_info().name() {
        "TEXT" | "VARCHAR" | "CHAR" | "BYTEA" => format!("c{at}"),
        "JSON" | "JSONB" => format!("CAST(c{at} AS text)"),
        _ => return None,
    };
    Some(format!(
        "COALESCE(CAST(octet_length({value}) AS bigint), 0)"
    ))
}

/// The statement as a part of one that measures. Nothing in it can see the names that are given
/// here, and its rows keep their order.
fn measuring(sql: &str, names: &[String], size: &str, most: u64) -> String {
    let own: Vec<_> = (0..names.len()).map(|at| format!("c{at}")).collect();
    let shown = names.iter().zip(&own).map(|(name, own)| {
        let name = quoted(name);
        format!("CASE WHEN bytes <= {most} THEN {own} END AS {name}")
    });
    let (shown, own) = (shown.collect::<Vec<_>>().join(", "), own.join(", "));
    format!(
        "WITH asked ({own}) AS MATERIALIZED ({sql}) SELECT {shown}, bytes \
        FROM (SELECT {own}, {size} AS bytes FROM asked OFFSET 0) AS measured"
    )
}
