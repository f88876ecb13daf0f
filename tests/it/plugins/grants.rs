//! The database enforces the grants of a plugin, on both databases.

use std::time::{Duration, Instant};

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::outcome::Outcome;
use callboard_core::store::granted::{DeferredWriter, execute_deferred};
use callboard_core::store::{Dialect, Store, StoreErrorKind};
use callboard_core::value::{Statement, Value};
use futures_util::future::BoxFuture;
use serde_json::{Value as Json, json};

use super::bench::Bench;
use crate::support::database::{on_both, with_database};

/// Time enough.
const MINUTE: Duration = Duration::from_secs(60);

async fn tables(store: &Store) {
    for sql in [
        "CREATE TABLE scratch (id BIGINT PRIMARY KEY, name TEXT)",
        "CREATE TABLE other (id BIGINT PRIMARY KEY)",
        "INSERT INTO scratch VALUES (1, 'one')",
    ] {
        store.execute(Statement::new(sql)).await.expect(sql);
    }
}

async fn count(store: &Store) -> i64 {
    let rows = store
        .query(Statement::new("SELECT COUNT(*) AS n FROM scratch"))
        .await;
    rows.expect("rows")
        .first()
        .expect("a row")
        .integer("n")
        .expect("a number")
}

/// Denied; or not understood, where one database does not know the words of the other.
fn refused(kind: &Json) -> bool {
    kind == "denied" || kind == "statement"
}

on_both!(
    a_plugin_reaches_its_tables_and_no_others,
    async |store: Store, _url: String| {
        tables(&store).await;
        let bench = Bench::misbehave(Some(store.clone()), CallLimits::default()).await;
        let query = async |sql: &str| {
            bench
                .done("probe.queries", json!({ "statement": sql }))
                .await
        };
        let execute = async |sql: &str| {
            bench
                .done(
                    "probe.queries",
                    json!({ "statement": sql, "mode": "execute" }),
                )
                .await
        };
        let rows = query("SELECT id, name FROM scratch").await;
        assert_eq!(rows["rows"], json!([[1, "one"]]), "{rows}");
        assert_eq!(
            query("SELECT COUNT(*) AS n FROM scratch").await["rows"],
            json!([[1]])
        );
        let touched = execute("INSERT INTO scratch VALUES (2, 'two')").await;
        assert_eq!(touched["touched"], 1, "{touched}");
        let again = execute("INSERT INTO scratch VALUES (2, 'two')").await;
        assert_eq!(again["error_kind"], "constraint", "{again}");
        for sql in [
            "SELECT * FROM other",
            "SELECT COUNT(*) FROM settings",
            "SELECT 1 FROM plugin_logins",
            "SELECT * FROM sqlite_master",
            "SELECT * FROM pg_roles",
            "SELECT pg_sleep(1)",
            "SELECT load_extension('x')",
            "SELECT 1; SELECT 2",
        ] {
            let answer = query(sql).await;
            assert!(refused(&answer["error_kind"]), "{sql}: {answer}");
        }
        for sql in [
            "DELETE FROM other",
            "UPDATE scratch SET name = (SELECT value FROM settings LIMIT 1)",
            "DROP TABLE scratch",
            "BEGIN",
            "SET ROLE postgres",
            "PRAGMA query_only = off",
        ] {
            let answer = execute(sql).await;
            assert!(refused(&answer["error_kind"]), "{sql}: {answer}");
        }
        let denied = query("SELECT * FROM other").await;
        assert_eq!(denied["error_kind"], "denied", "{denied}");
        let lines = denied["error"].as_str().unwrap_or_default();
        assert!(lines.contains("[[grants.misbehave.db]]"), "{lines}");
        assert_eq!(count(&store).await, 2);
    }
);

on_both!(
    a_transaction_that_a_guest_leaves_open_rolls_back,
    async |store: Store, _url: String| {
        tables(&store).await;
        let bench = Bench::misbehave(Some(store.clone()), CallLimits::default()).await;
        for forget in [false, true] {
            let config = json!({ "statement": "DELETE FROM scratch", "forget": forget });
            let left = bench.call("probe.leaks_transaction", config).await;
            assert!(matches!(left, Outcome::Done(_)), "{left:?}");
            let insert = Statement::new("INSERT INTO other VALUES ($1)").bind(i64::from(forget));
            store
                .execute(insert)
                .await
                .expect("the host writes at once");
            assert_eq!(count(&store).await, 1);
        }
    }
);

on_both!(
    a_deferred_write_runs_in_the_hosts_transaction_under_the_plugins_grants,
    async |store: Store, _url: String| {
        tables(&store).await;
        let bench = Bench::misbehave(Some(store.clone()), CallLimits::default()).await;
        let config = json!({ "statement": "DELETE FROM scratch WHERE id = $1", "params": [1] });
        let Outcome::Done(done) = bench.call("probe.defers_write", config).await else {
            panic!("it defers");
        };
        assert_eq!(count(&store).await, 1, "nothing has run yet");
        let write = done.writes.first().expect("a write").clone();
        let run = |grants: Grants, write: Statement| {
            store.write(move |transaction| {
                Box::pin(async move {
                    let touched =
                        execute_deferred(transaction, &writer("misbehave", grants), write, MINUTE)
                            .await?;
                    // The host is itself again within the same transaction.
                    transaction
                        .execute(Statement::new("INSERT INTO other VALUES (7)"))
                        .await?;
                    Ok(touched)
                })
            })
        };
        let error = run(Grants::default(), write.clone())
            .await
            .expect_err("not granted");
        assert_eq!(error.kind, StoreErrorKind::Denied);
        let other = Statement::new("DELETE FROM other");
        assert!(run(bench.plugin.grants().clone(), other).await.is_err());
        assert_eq!(
            run(bench.plugin.grants().clone(), write)
                .await
                .expect("granted"),
            1
        );
        assert_eq!(count(&store).await, 0);
    }
);

on_both!(
    a_transaction_within_another_is_an_error_at_once,
    async |store: Store, _url: String| {
        tables(&store).await;
        let bench = Bench::misbehave(Some(store.clone()), CallLimits::default()).await;
        let config = json!({ "statement": "UPDATE scratch SET name = 'two'" });
        let began = Instant::now();
        let answer = bench.done("probe.nests_transactions", config).await;
        let told = answer["rows"].as_array().expect("what was refused");
        assert_eq!(told.len(), 2, "{answer}");
        for error in told {
            let error = error[0].as_str().expect("a text");
            assert!(
                error.contains("a transaction of this call is open"),
                "{error}"
            );
            assert!(error.contains("stage `stage`"), "{error}");
        }
        assert_eq!(answer["touched"], 2, "{answer}");
        // The limit of a statement is ten seconds.
        assert!(began.elapsed() < Duration::from_secs(9));
    }
);

on_both!(
    an_error_names_plugin_stage_and_statement,
    async |store: Store, _url: String| {
        tables(&store).await;
        let bench = Bench::misbehave(Some(store.clone()), CallLimits::default()).await;
        for (sql, kind) in [
            ("SELECT id FROM other WHERE id > 1", "denied"),
            ("SELECT id FRM scratch", "statement"),
            ("SELEC 1", "statement"),
            ("SELECT no_such_column FROM scratch", "statement"),
        ] {
            let answer = bench
                .done("probe.queries", json!({ "statement": sql }))
                .await;
            assert_eq!(answer["error_kind"], kind, "{answer}");
            let error = answer["error"].as_str().expect("a text");
            let names = format!("plugin `misbehave`, stage `stage`, statement `{sql}`: ");
            assert!(error.starts_with(&names), "{error}");
            let named = error.matches("plugin `misbehave`").count();
            assert_eq!(named, 1, "it is named once: {error}");
        }
    }
);

on_both!(
    a_deferred_write_ends_with_the_time_of_its_stage,
    async |store: Store, _url: String| {
        tables(&store).await;
        let endless = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n) \
            INSERT INTO scratch SELECT i, 'x' FROM n WHERE i < 0";
        let work = store.write(move |transaction| {
            Box::pin(async move {
                let (write, second) = (Statement::new(endless), Duration::from_secs(1));
                execute_deferred(transaction, &writer("writer", insert()), write, second).await
            })
        });
        let bound = tokio::time::timeout(MINUTE, work).await;
        let error = bound.expect("it ends").expect_err("it is late");
        assert_eq!(error.kind, StoreErrorKind::Overdue, "{error}");
        assert_eq!(count(&store).await, 1);
    }
);

on_both!(
    a_deferred_write_takes_parameters_of_every_kind,
    async |store: Store, _url: String| {
        let (moment, document) = match store.dialect() {
            Dialect::Sqlite => ("BIGINT", "TEXT"),
            Dialect::Postgres => ("TIMESTAMPTZ", "JSONB"),
        };
        let (bytes, real) = match store.dialect() {
            Dialect::Sqlite => ("BLOB", "REAL"),
            Dialect::Postgres => ("BYTEA", "DOUBLE PRECISION"),
        };
        let create = format!(
            "CREATE TABLE scratch (n BIGINT, r {real}, t TEXT, b {bytes}, f BOOLEAN, \
                m {moment}, j {document}, v {bytes}, e TEXT)"
        );
        store
            .execute(Statement::new(create))
            .await
            .expect("a table");
        let params = vec![
            Value::Integer(-7),
            Value::Real(0.1),
            Value::Text("it's \\ \"two\" {,} NULL".to_owned()),
            Value::Blob(vec![0, 255, 92]),
            Value::Boolean(true),
            Value::Timestamp(1_600_000_000_123_456),
            Value::Json("{\"a\": [1]}".to_owned()),
            Value::Vector(vec![1.0, -0.5]),
            Value::Null,
        ];
        let sql = "INSERT INTO scratch VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let (direct, grants) = (
            Statement {
                params: params.clone(),
                ..Statement::new(sql)
            },
            insert(),
        );
        let work = store.write(move |transaction| {
            Box::pin(async move {
                transaction.execute(direct).await?;
                let write = Statement {
                    params,
                    ..Statement::new(sql)
                };
                execute_deferred(transaction, &writer("writer", grants), write, MINUTE).await
            })
        });
        assert_eq!(work.await.expect("it is written"), 1);
        let rows = store
            .query(Statement::new("SELECT * FROM scratch"))
            .await
            .expect("rows");
        assert_eq!(rows.rows.len(), 2);
        assert_eq!(
            rows.rows[0], rows.rows[1],
            "as if they were bound one by one"
        );
    }
);

/// May insert into the scratch table.
fn insert() -> Grants {
    toml::from_str("db = [{ table = \"scratch\", verbs = [\"insert\"] }]").expect("grants")
}

/// A deferred write of this row, in a transaction of its own that also does `besides`.
async fn defers(store: &Store, row: i64, besides: BoxFuture<'static, ()>) {
    let write = Statement::new("INSERT INTO scratch VALUES ($1, 'deferred')").bind(row);
    let done = store.write(move |transaction| {
        Box::pin(async move {
            execute_deferred(transaction, &writer("writer", insert()), write, MINUTE).await?;
            besides.await;
            Ok(())
        })
    });
    done.await.expect("it is written");
}

/// The version of what the database knows of the scratch table and who may reach it.
async fn version(store: &Store) -> i64 {
    let sql = "SELECT CAST(CAST(xmin AS text) AS bigint) AS n FROM pg_class \
        WHERE oid = 'scratch'::regclass";
    let rows = store.query(Statement::new(sql)).await.expect("a row");
    rows.first().expect("a row").integer("n").expect("a number")
}

#[test]
fn deferred_writes_of_a_plugin_do_not_wait_for_each_other() {
    with_database(Dialect::Postgres, async |store: Store, _url: String| {
        tables(&store).await;
        defers(&store, 10, Box::pin(async {})).await;
        let before = version(&store).await;
        let other = store.clone();
        // The second commits while the first has its transaction open.
        let second = async move {
            let second = defers(&other, 12, Box::pin(async {}));
            let bound = std::time::Duration::from_secs(60);
            tokio::time::timeout(bound, second)
                .await
                .expect("it does not wait");
        };
        defers(&store, 11, Box::pin(second)).await;
        assert_eq!(count(&store).await, 4);
        assert_eq!(version(&store).await, before, "the grants were made anew");
    });
}

#[test]
fn a_table_that_was_made_anew_is_granted_again() {
    with_database(Dialect::Postgres, async |store: Store, _url: String| {
        tables(&store).await;
        defers(&store, 10, Box::pin(async {})).await;
        store
            .execute(Statement::new("DROP TABLE scratch"))
            .await
            .expect("it is dropped");
        let create = "CREATE TABLE scratch (id BIGINT PRIMARY KEY, name TEXT)";
        store
            .execute(Statement::new(create))
            .await
            .expect("a table");
        defers(&store, 10, Box::pin(async {})).await;
        assert_eq!(count(&store).await, 1);
    });
}

fn writer(plugin: &str, grants: Grants) -> DeferredWriter {
    DeferredWriter {
        grants,
        ..DeferredWriter::unknown(plugin)
    }
}

/// A column that counts by itself takes its number from a sequence, which is granted with the table.
#[test]
fn a_row_can_be_inserted_where_the_table_counts_by_itself() {
    with_database(Dialect::Postgres, async |store: Store, _url: String| {
        let create = "CREATE TABLE scratch (id BIGSERIAL PRIMARY KEY, name TEXT)";
        store
            .execute(Statement::new(create))
            .await
            .expect("a table");
        let bench = Bench::misbehave(Some(store.clone()), CallLimits::default()).await;
        let sql = "INSERT INTO scratch (name) VALUES ('one')";
        let asked = json!({ "statement": sql, "mode": "execute" });
        let touched = bench.done("probe.queries", asked).await;
        assert_eq!(touched["touched"], 1, "{touched}");
        assert_eq!(count(&store).await, 1);
    });
}
