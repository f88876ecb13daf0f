//! Values come back as they went in.

use std::sync::atomic::{AtomicU32, Ordering};

use callboard_core::store::{Dialect, Store, StoreErrorKind};
use callboard_core::value::{Rows, Value};
use futures_util::future::join_all;

use super::{execute, kind, sql};
use crate::support::database::on_both;

/// Store a value in a column of a type and read it back.
async fn round_trip(store: &Store, column: &str, value: Value) -> Value {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    let table = format!("one_{}", TABLES.fetch_add(1, Ordering::Relaxed));
    execute(store, &format!("CREATE TABLE {table} (v {column})")).await;
    let insert = sql(&format!("INSERT INTO {table} (v) VALUES ($1)")).bind(value);
    let inserted = store.execute(insert).await;
    inserted.unwrap_or_else(|error| panic!("{column}: {error}"));
    let rows = store.query(sql(&format!("SELECT v FROM {table}"))).await;
    let rows = rows.unwrap_or_else(|error| panic!("{column}: {error}"));
    let row = rows.first().expect("one row");
    row.value("v").expect("its column").clone()
}

on_both!(
    every_kind_of_value_comes_back_as_it_went_in,
    async |store: Store, _url| {
        let blob = if store.dialect() == Dialect::Sqlite {
            "BLOB"
        } else {
            "BYTEA"
        };
        for (column, value) in [
            ("BOOLEAN", Value::Boolean(true)),
            ("BOOLEAN", Value::Boolean(false)),
            ("BIGINT", Value::Integer(i64::MIN)),
            ("BIGINT", Value::Integer(i64::MAX)),
            ("INTEGER", Value::Integer(-1)),
            ("DOUBLE PRECISION", Value::Real(0.1)),
            ("DOUBLE PRECISION", Value::Real(1.0)),
            ("DOUBLE PRECISION", Value::Real(f64::MAX)),
            ("TEXT", Value::Text(String::new())),
            ("TEXT", Value::Text("żółć 🎭 'quoted' \\ \n".to_owned())),
            (blob, Value::Blob(Vec::new())),
            (blob, Value::Blob((0..=255).collect())),
        ] {
            assert_eq!(
                round_trip(&store, column, value.clone()).await,
                value,
                "{column}"
            );
        }
    }
);

on_both!(
    null_goes_into_a_column_of_any_type,
    async |store: Store, _url| {
        let blob = if store.dialect() == Dialect::Sqlite {
            "BLOB"
        } else {
            "BYTEA"
        };
        for column in [
            "BOOLEAN",
            "BIGINT",
            "INTEGER",
            "DOUBLE PRECISION",
            "TEXT",
            blob,
        ] {
            assert_eq!(
                round_trip(&store, column, Value::Null).await,
                Value::Null,
                "{column}"
            );
        }
    }
);

on_both!(
    a_vector_comes_back_as_its_bytes,
    async |store: Store, _url| {
        let blob = if store.dialect() == Dialect::Sqlite {
            "BLOB"
        } else {
            "BYTEA"
        };
        let vector = vec![1.5, -0.0, f32::MIN_POSITIVE];
        let stored = round_trip(&store, blob, Value::Vector(vector.clone())).await;
        assert_eq!(stored, Value::Blob(Value::vector_bytes(&vector)));
    }
);

on_both!(
    times_and_documents_go_into_columns_of_their_own_types,
    async |store: Store, _url| {
        let time = Value::Timestamp(1_767_225_600_123_456);
        let document = Value::Json(r#"{"a": 1}"#.to_owned());
        // SQLite has neither type and keeps a number and a text.
        let sqlite = store.dialect() == Dialect::Sqlite;
        let kept = |there: &Value, here: Value| if sqlite { here } else { there.clone() };
        let stored = round_trip(&store, "TIMESTAMPTZ", time.clone()).await;
        assert_eq!(stored, kept(&time, Value::Integer(1_767_225_600_123_456)));
        for column in ["JSON", "JSONB"] {
            let stored = round_trip(&store, column, document.clone()).await;
            assert_eq!(
                stored,
                kept(&document, Value::Text(r#"{"a": 1}"#.to_owned())),
                "{column}"
            );
        }
    }
);

on_both!(
    the_same_text_takes_parameters_of_other_kinds_each_time,
    async |store: Store, _url| {
        execute(
            &store,
            "CREATE TABLE r (n BIGINT PRIMARY KEY, small INTEGER, real DOUBLE PRECISION)",
        )
        .await;
        // PostgreSQL prepares a text once a connection, for the kinds it met first.
        let insert = "INSERT INTO r (n, small, real) VALUES ($1, $2, $3)";
        let rows = [
            [Value::Integer(1), Value::Null, Value::Integer(1)],
            [Value::Integer(2), Value::Integer(7), Value::Real(1.5)],
            [Value::Integer(3), Value::Integer(8), Value::Null],
            [Value::Integer(4), Value::Null, Value::Real(2.5)],
        ];
        for [n, small, real] in rows {
            store
                .execute(sql(insert).bind(n).bind(small).bind(real))
                .await
                .expect("it fits");
        }
        let Rows { columns, rows } = store
            .query(sql("SELECT small, real FROM r ORDER BY n"))
            .await
            .expect("rows");
        assert_eq!(columns, ["small", "real"]);
        let expected = [
            [Value::Null, Value::Real(1.0)],
            [Value::Integer(7), Value::Real(1.5)],
            [Value::Integer(8), Value::Null],
            [Value::Null, Value::Real(2.5)],
        ];
        assert_eq!(rows, expected);
    }
);

on_both!(
    a_parameter_may_follow_a_comment_at_the_end_of_a_text,
    async |store: Store, _url| {
        let rows = store
            .query(sql("SELECT CAST($1 AS TEXT) AS v -- why").bind("a"))
            .await
            .expect("rows");
        assert_eq!(rows.first().expect("one").text("v").expect("a text"), "a");
    }
);

#[test]
fn a_postgres_type_without_a_value_names_the_column_and_the_cast() {
    crate::support::database::with_database(Dialect::Postgres, async |store, _url| {
        let error = store
            .query(sql("SELECT 1.5::numeric AS price"))
            .await
            .expect_err("no value");
        assert_eq!(error.kind, StoreErrorKind::Statement);
        assert!(
            error.message.contains("`price`") && error.message.contains("NUMERIC"),
            "{error}"
        );
    });
}

on_both!(
    the_columns_of_a_table_are_known_and_those_of_no_table_are_none,
    async |store: Store, _url| {
        let columns = store.columns("policy_runs").await.expect("columns");
        assert_eq!(columns, ["policy", "run", "status", "finished_at"]);
        assert_eq!(
            store.columns("nowhere").await.expect("columns"),
            Vec::<String>::new()
        );
        assert_eq!(
            store.columns("policy_runs'; --").await.expect("columns"),
            Vec::<String>::new()
        );
    }
);

on_both!(
    a_statement_prepares_only_if_the_live_schema_has_what_it_names,
    async |store: Store, _url| {
        store
            .prepare("SELECT policy FROM policy_runs WHERE run = $1")
            .await
            .expect("it fits");
        store
            .prepare("DELETE FROM policy_runs")
            .await
            .expect("it fits and does not run");
        for wrong in [
            "SELECT nothing FROM policy_runs",
            "SELECT * FROM nowhere",
            "SELEC 1",
        ] {
            assert_eq!(
                kind(store.prepare(wrong).await),
                StoreErrorKind::Statement,
                "{wrong}"
            );
        }
    }
);

on_both!(
    a_column_that_another_process_adds_harms_no_query_that_was_made_before,
    async |store: Store, url: String| {
        execute(&store, "CREATE TABLE t (n BIGINT)").await;
        let all = || sql("SELECT n FROM t ORDER BY n");
        let within = async || {
            store
                .write(move |transaction| Box::pin(transaction.query(all())))
                .await
        };
        // Every connection has met the query before.
        let asking = (0..40).map(async |_| {
            store.query(all()).await.expect("a reader answers");
            within().await.expect("a writer answers");
        });
        join_all(asking).await;
        let other = Store::open(&url).await.expect("a newer process");
        execute(&other, "ALTER TABLE t ADD COLUMN more TEXT").await;
        execute(&other, "INSERT INTO t (n, more) VALUES (1, 'a')").await;
        other.close().await;
        for _ in 0..40 {
            let rows = store.query(all()).await.expect("it is asked again");
            assert_eq!(
                rows.first().expect("one").integer("n").expect("its number"),
                1
            );
            let rows = match within().await {
                // The job can't be run again by the store, but by its caller.
                Err(error) if error.is_retryable() => continue,
                rows => rows.expect("it was asked again"),
            };
            assert_eq!(
                rows.first().expect("one").integer("n").expect("its number"),
                1
            );
        }
        within()
            .await
            .expect("no connection is left that remembers");
        // What the roll call asks follows too.
        execute(&store, "DROP TABLE t").await;
        let prepared = store.prepare("SELECT n FROM t").await;
        assert_eq!(kind(prepared), StoreErrorKind::Statement);
    }
);
