//! A guest's SQL that PostgreSQL reads as a call of a function: `source.name` where the source has
//! no such column, and functions of the operator's that are called like those of the server.

use std::time::Duration;

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::store::granted::{DeferredWriter, QueryLimits, authorise, execute_deferred};
use callboard_core::store::{Dialect, Store, StoreErrorKind};
use callboard_core::value::Statement;

use super::attacks;
use crate::support::database::with_database;

attacks! {
    every_function_by_a_dot: "each function and type of the server, written as a column of a table, a subquery and a function's rows" => {
        calls_by_a_dot
    };
    a_function_of_the_operators: "a function and an operator that the operator made, called by a dot or by a name on the list" => {
        calls_what_the_operator_made
    };
}

const MINUTE: Duration = Duration::from_secs(60);

/// Whatever a statement may read, with `NAME` where a column of it would be.
const SOURCES: &[&str] = &[
    "SELECT CAST(scratch.NAME AS text) AS x FROM scratch",
    "SELECT 1 FROM (SELECT * FROM scratch) AS d ORDER BY d.NAME",
    "WITH c AS (SELECT 'a' AS one) SELECT 1 FROM c WHERE c.NAME IS NULL",
    "SELECT count(v.NAME) FROM (VALUES (1)) AS v",
    "SELECT g.NAME FROM unnest(ARRAY[CAST(1 AS double precision)]) AS g",
    "SELECT (SELECT g.NAME) FROM generate_series(CAST(1 AS bigint), CAST(1 AS bigint)) AS g",
    "INSERT INTO scratch (id) VALUES (7) RETURNING scratch.NAME",
];

fn grants() -> Grants {
    let text = "db = [{ table = \"scratch\", verbs = [\"select\", \"insert\"] }]";
    toml::from_str(text).expect("grants")
}

async fn tables(store: &Store) {
    for sql in [
        "CREATE TABLE scratch (id BIGINT PRIMARY KEY, title TEXT)",
        "INSERT INTO scratch VALUES (1, 'one')",
        "CREATE TABLE ran (what TEXT)",
        "CREATE FUNCTION made(scratch) RETURNS text LANGUAGE sql SECURITY DEFINER \
            AS 'INSERT INTO ran VALUES (''made'') RETURNING what'",
        "CREATE FUNCTION lower(bigint) RETURNS text LANGUAGE sql SECURITY DEFINER \
            AS 'INSERT INTO ran VALUES (''lower'') RETURNING what'",
        "CREATE FUNCTION joined(text, text) RETURNS text LANGUAGE sql SECURITY DEFINER \
            AS 'INSERT INTO ran VALUES (''joined'') RETURNING what'",
        "CREATE OPERATOR + (LEFTARG = text, RIGHTARG = text, FUNCTION = joined)",
    ] {
        store.execute(Statement::new(sql)).await.expect(sql);
    }
}

async fn count(store: &Store, sql: &str) -> i64 {
    let rows = store.query(Statement::new(sql)).await.expect(sql);
    let row = rows.first().expect("a row");
    row.integer("n").expect("a number")
}

/// Names of functions that take one argument, and of types, to which a row may be cast.
async fn names(store: &Store) -> Vec<String> {
    let sql = "SELECT proname::text AS name FROM pg_proc \
        WHERE pronargs - pronargdefaults <= 1 AND pronargs > 0 AND proname ~ '^[a-z0-9_]+$' \
        UNION SELECT typname::text FROM pg_type WHERE typname ~ '^[a-z0-9_]+$'";
    let rows = store.query(Statement::new(sql)).await.expect("names");
    let names = rows.iter().map(|row| row.text("name").expect("a name"));
    // Columns.
    let names = names.filter(|name| !["id", "title"].contains(&name.as_str()));
    names.collect()
}

fn calls_by_a_dot() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        tables(&store).await;
        let names = names(&store).await;
        assert!(names.len() > 1_000, "{}", names.len());
        for name in ["pg_sleep", "lo_create", "made", "regclass", "to_json"] {
            assert!(names.iter().any(|found| found == name), "{name}");
        }
        let (grants, limits) = (grants(), CallLimits::default());
        let database = store.granted("p", &grants, &limits).await.expect("granted");
        for name in &names {
            for source in SOURCES {
                let sql = source.replace("NAME", &format!("\"{name}\""));
                let error = database.authorise(&sql).await.expect_err(&sql);
                assert!(error.message.contains("is no column"), "{sql}: {error}");
            }
        }
        for source in SOURCES {
            for name in ["pg_sleep", "lo_create", "made"] {
                refused(&store, &source.replace("NAME", name)).await;
            }
        }
        assert_eq!(count(&store, "SELECT count(*) AS n FROM ran").await, 0);
        let large = "SELECT count(*) AS n FROM pg_largeobject_metadata";
        assert_eq!(count(&store, large).await, 0);
        let limits = QueryLimits::of(&limits, MINUTE);
        // A column that is new is one at once.
        let add = "ALTER TABLE scratch ADD COLUMN pg_sleep TEXT DEFAULT 'a column'";
        store.execute(Statement::new(add)).await.expect("added");
        let sql = "SELECT scratch.pg_sleep AS x FROM scratch";
        let rows = database.query(Statement::new(sql), limits).await;
        let rows = rows.expect("a column");
        assert_eq!(
            rows.first().expect("a row").text("x").expect("x"),
            "a column"
        );
    });
}

/// In each way in which a statement may come.
async fn refused(store: &Store, sql: &str) {
    let (grants, limits) = (grants(), CallLimits::default());
    let explained = authorise(store, "p", &grants, &limits, sql).await;
    assert!(explained.is_err(), "{sql}");
    let database = store.granted("p", &grants, &limits).await.expect("granted");
    let query = database.query(Statement::new(sql), QueryLimits::of(&limits, MINUTE));
    assert!(query.await.is_err(), "{sql}");
    let executed = database.execute(Statement::new(sql), MINUTE).await;
    assert!(executed.is_err(), "{sql}");
    let (writer, statement) = (
        DeferredWriter {
            grants,
            ..DeferredWriter::unknown("p")
        },
        Statement::new(sql),
    );
    let deferred = store.write(move |transaction| {
        Box::pin(async move { execute_deferred(transaction, &writer, statement, MINUTE).await })
    });
    let error = deferred.await.expect_err(sql);
    assert_eq!(error.kind, StoreErrorKind::Statement, "{sql}: {error}");
}

fn calls_what_the_operator_made() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        tables(&store).await;
        for sql in [
            "SELECT lower(id) FROM scratch",
            "SELECT title + title FROM scratch",
            "SELECT scratch.made FROM scratch",
            "SELECT s.made FROM (SELECT * FROM scratch) AS s",
        ] {
            refused(&store, sql).await;
        }
        assert_eq!(count(&store, "SELECT count(*) AS n FROM ran").await, 0);
        let (grants, limits) = (grants(), CallLimits::default());
        let database = store.granted("p", &grants, &limits).await.expect("granted");
        let sql = "SELECT lower(upper(title)) || scratch.id AS x FROM scratch";
        let rows = database.query(Statement::new(sql), QueryLimits::of(&limits, MINUTE));
        let rows = rows.await.expect("what is on the list works");
        assert_eq!(rows.first().expect("a row").text("x").expect("x"), "one1");
    });
}
