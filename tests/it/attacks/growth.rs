//! A guest's SQL that has PostgreSQL itself make or keep something of any length: SQLite has a
//! limit for that, PostgreSQL has none.

mod texts;

use std::collections::BTreeSet;
use std::time::Duration;

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::store::granted::{
    DeferredWriter, FunctionResult, GrantedDatabase, QueryLimits, execute_deferred, functions,
};
use callboard_core::store::{Dialect, Store, StoreError, StoreErrorKind};
use callboard_core::value::{Query, Rows, Statement};

use self::texts::{COMPARING, GATHERING, HASHING, LARGE, SHORT};
use super::attacks;
use crate::support::database::with_database;

attacks! {
    a_value_of_any_length: "a value of many megabytes, made by each function, operator and cast of PostgreSQL that can" => {
        values_are_bounded
    };
    a_stored_value_of_any_length: "such a value stored, by a deferred write as well, and as a parameter or a text of the statement" => {
        stored_values_are_bounded
    };
    many_values_in_one_row: "hundreds of the largest values in one row" => { rows_need_little };
    what_many_rows_come_to: "aggregates of any number of rows, of one group or of many that grow" => {
        || kept_little(GATHERING, true)
    };
    what_is_compared_with: "subqueries whose rows PostgreSQL keeps to compare with, or to find duplicates" => {
        || kept_little(COMPARING, true)
    };
    what_is_hashed: "hash tables of one key, of groups that grow, and of sets" => { || kept_little(HASHING, false) };
    what_is_sorted: "sets that go to files of the server's by the gigabyte" => { files_are_bounded };
    a_function_nobody_looked_at: "a function of the list that makes more than the list says" => {
        the_list_is_true
    };
    what_is_short_stays: "what is in the bounds, by each of them" => { short_values_are_as_ever };
}

const MINUTE: Duration = Duration::from_secs(60);
/// What the server may take for a statement, in KiB, its shared buffers and a text of JSON as it is
/// read among it: each of the attacks took a gigabyte and more.
const MOST: u64 = 300 << 10;

fn grants() -> Grants {
    let text = "db = [{ table = \"scratch\", verbs = [\"select\", \"insert\", \"update\"] }, \
        { table = \"many\", verbs = [\"select\"] }]";
    toml::from_str(text).expect("grants")
}

fn limits() -> CallLimits {
    CallLimits {
        row_bytes: 8 << 20,
        statement_seconds: 60,
        ..CallLimits::default()
    }
}

async fn tables(store: &Store) -> GrantedDatabase {
    for sql in [
        "CREATE TABLE scratch (id BIGINT PRIMARY KEY, name TEXT)",
        "INSERT INTO scratch VALUES (1, repeat('v', 1000000))",
        "CREATE TABLE many AS SELECT i AS id, md5(CAST(i AS text)) AS name FROM generate_series(1, 100000) AS i",
        "ANALYZE",
    ] {
        store.execute(Statement::new(sql)).await.expect(sql);
    }
    let granted = store.granted("p", &grants(), &limits()).await;
    granted.expect("granted")
}

async fn query(database: &GrantedDatabase, sql: &str) -> Result<Rows, StoreError> {
    let limits = QueryLimits::of(&limits(), MINUTE);
    database.query(Statement::new(sql), limits).await
}

/// The most memory that the server's process for this plugin ever had, in KiB; nothing, where the
/// system does not tell.
async fn peak(store: &Store) -> Option<u64> {
    let sql = "SELECT pid::bigint AS n FROM pg_stat_activity WHERE application_name = 'callboard plugin p'";
    let rows = store.query(Statement::new(sql)).await.expect("sessions");
    let peaks = rows.iter().filter_map(|row| {
        let process = row.integer("n").expect("a number");
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    });
    peaks.max()
}

async fn took_little(store: &Store, sql: &str) {
    if let Some(peak) = peak(store).await {
        assert!(peak < MOST, "{peak} KiB: {sql}");
    }
}

fn too_large(answer: Result<Rows, StoreError>, sql: &str) {
    let error = answer.map(|rows| rows.rows.len()).expect_err(sql);
    assert_eq!(error.kind, StoreErrorKind::TooLarge, "{sql}: {error}");
    assert!(error.message.contains("value too large"), "{sql}: {error}");
    assert!(error.message.contains("[limits]"), "{sql}: {error}");
}

fn values_are_bounded() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        let database = tables(&store).await;
        for value in LARGE {
            let value = value.replace("LARGE", "name");
            let sql = format!("SELECT {value} IS NULL FROM scratch");
            too_large(query(&database, &sql).await, &sql);
            took_little(&store, &sql).await;
        }
        for (sql, what) in [
            ("SELECT format('%900000000s', 'x')", "`format`"),
            ("SELECT CAST('x' AS char(10485760))", "char"),
            ("SELECT jsonb('1')", "`jsonb`"),
            (
                "SELECT percentile_disc(ARRAY[0.1, 0.2]) WITHIN GROUP (ORDER BY name) FROM scratch",
                "`percentile_disc`",
            ),
        ] {
            let error = query(&database, sql).await.expect_err(sql);
            assert_eq!(error.kind, StoreErrorKind::Denied, "{sql}: {error}");
            assert!(
                error.message.to_lowercase().contains(what),
                "{sql}: {error}"
            );
        }
    });
}

fn stored_values_are_bounded() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        let database = tables(&store).await;
        let large = "y".repeat((1 << 20) + 1);
        let update = "UPDATE scratch SET name = ";
        let statements = [
            Statement::new(format!("{update} name || name")),
            Statement::new(format!("{update} repeat('y', 900000000) WHERE id = 1")),
            Statement::new(format!("{update} $1")).bind(large.as_str()),
            Statement::new("INSERT INTO scratch (id, name) VALUES (2, $1)")
                .bind(large.as_bytes().to_vec()),
            Statement::new(
                "INSERT INTO scratch (id, name) SELECT 2, string_agg(name, '') FROM scratch, generate_series(1, 5)",
            ),
        ];
        for statement in statements {
            let sql = statement.sql.clone();
            let direct = database.execute(statement.clone(), MINUTE).await;
            let deferred = store
                .write(move |transaction| {
                    Box::pin(async move {
                        let writer = DeferredWriter {
                            plugin: "p".to_owned(),
                            grants: grants(),
                            limits: limits(),
                        };
                        execute_deferred(transaction, &writer, statement, MINUTE).await
                    })
                })
                .await;
            for answer in [direct, deferred] {
                too_large(answer.map(|_| Rows::default()), &sql);
            }
        }
        let many = vec![vec![large.as_str().into()]];
        let answer = database.execute_many("INSERT INTO scratch (name) VALUES ($1)", many, MINUTE);
        too_large(answer.await.map(|_| Rows::default()), "many");
        // As much as this plugin may have, and no more, wherever it stands.
        let short = CallLimits {
            value_bytes: 100,
            ..limits()
        };
        let other = store
            .granted("p", &grants(), &short)
            .await
            .expect("granted");
        for (text, fits) in [("x".repeat(100), true), ("x".repeat(101), false)] {
            let found = query(&other, &format!("SELECT '{text}' AS x")).await;
            assert_eq!(found.is_ok(), fits, "{found:?}");
            let found = query(&other, &format!("SELECT repeat('x', {})", text.len())).await;
            assert_eq!(found.is_ok(), fits, "{found:?}");
        }
    });
}

fn rows_need_little() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        let database = tables(&store).await;
        let many = |value: &str, times: usize, with: &str| vec![value; times].join(with);
        for sql in [
            format!(
                "SELECT {} FROM scratch",
                many("length(lower(name))", 126, ", ")
            ),
            format!("SELECT {} FROM scratch", many("length(name)", 251, ", ")),
            format!("SELECT length({}) FROM scratch", many("name", 260, " || ")),
            format!("SELECT {} FROM scratch", many("name -> 'a'", 251, ", ")),
            format!(
                "SELECT {} FROM scratch",
                many("CAST(id AS text)", 251, ", ")
            ),
            format!(
                "SELECT CAST(ROW({}) AS text) FROM scratch",
                many("name", 251, ", ")
            ),
            format!("SELECT cardinality(ARRAY[{}])", many("$1", 251, ", ")),
            format!("SELECT json_build_array({})", many("$1", 33, ", ")),
            format!(
                "SELECT count(*) FROM (SELECT DISTINCT * FROM {}) AS d",
                many("scratch", 126, ", ")
                    .split(", ")
                    .enumerate()
                    .map(|(at, name)| format!("{name} AS s{at}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            format!(
                "WITH w AS (SELECT {} FROM scratch) SELECT count(*) FROM (SELECT DISTINCT a.*, b.*, c.* \
                FROM w AS a, w AS b, w AS c) AS d",
                many("name || 'x'", 100, ", ")
            ),
        ] {
            let error = query(&database, &sql).await.expect_err(&sql);
            assert!(
                matches!(
                    error.kind,
                    StoreErrorKind::Denied | StoreErrorKind::TooLarge
                ),
                "{error}"
            );
            took_little(&store, &sql).await;
        }
        // Rows of values come one after the other.
        let rows = vec!["(lower($1))"; 1_000].join(", ");
        let sql = format!("SELECT count(*) FROM (VALUES {rows}) AS v (x)");
        let limits = QueryLimits::of(&limits(), MINUTE);
        let rows = database.query(Statement::new(sql).bind("X"), limits).await;
        assert_eq!(rows.expect("rows").rows.len(), 1);
    });
}

/// What is sorted or made distinct by the gigabyte goes to files of the server's, of which a session has its
/// bound, whoever the role is of.
fn files_are_bounded() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        let database = tables(&store).await;
        let sql = "SELECT current_setting('temp_file_limit') AS bound";
        let host = store.read_first(Query::<String>::new(sql)).await;
        assert_eq!(
            host.expect("an answer").as_deref(),
            Some("-1"),
            "the host has none"
        );
        let sql = "SELECT count(*) AS many FROM generate_series(1, 10) AS i";
        query(&database, sql)
            .await
            .expect("a session of the plugin's");
        let sql = "SELECT array_to_string(setconfig, ' ') AS bounds FROM pg_db_role_setting \
            JOIN pg_roles ON pg_roles.oid = setrole JOIN plugin_logins ON role = rolname";
        let bounds = store.read_first(Query::<String>::new(sql)).await;
        assert_eq!(
            bounds.expect("an answer").as_deref(),
            Some("temp_file_limit=2GB")
        );
    });
}

fn kept_little(statements: &'static [&'static str], refused: bool) {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        let database = tables(&store).await;
        for sql in statements {
            let answer = query(&database, sql).await;
            if refused {
                too_large(answer, sql);
            } else {
                answer.expect(sql);
            }
            took_little(&store, sql).await;
        }
    });
}

async fn names(store: &Store, sql: &str) -> BTreeSet<String> {
    let sql = format!(
        "SELECT DISTINCT proname::text AS name FROM pg_proc LEFT JOIN pg_aggregate ON aggfnoid = pg_proc.oid \
        JOIN pg_type ON pg_type.oid = prorettype WHERE {sql}"
    );
    let rows = store.query(Statement::new(sql)).await.expect("functions");
    rows.iter()
        .map(|row| row.text("name").expect("a name"))
        .collect()
}

/// What the server says of each function, against what the list says.
fn the_list_is_true() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        let servers = "pronamespace = 'pg_catalog'::regnamespace";
        let longer = names(
            &store,
            &format!("{servers} AND typlen = -1 AND typname <> 'numeric'"),
        )
        .await;
        let any = names(
            &store,
            &format!("{servers} AND provariadic = '\"any\"'::regtype AND aggfnoid IS NULL"),
        )
        .await;
        let gathering = names(
            &store,
            &format!(
                "{servers} AND aggkind = 'n' AND aggtranstype = 'internal'::regtype \
            AND (typlen = -1 OR typtype = 'p') AND typname <> 'numeric'"
            ),
        )
        .await;
        let hosts = names(&store, "proname LIKE 'callboard\\_%'").await;
        assert!(
            longer.contains("repeat") && any.contains("concat") && gathering.contains("array_agg")
        );
        for (name, makes) in functions() {
            let own = hosts.contains(&format!("callboard_{name}"));
            assert_eq!(own, makes == FunctionResult::Own, "{name}");
            match makes {
                FunctionResult::Fixed => assert!(
                    !longer.contains(name),
                    "{name} makes texts, arrays or the like"
                ),
                FunctionResult::Elsewhere | FunctionResult::Measured => {}
                _ => assert!(!any.contains(name), "{name} takes any number of values"),
            }
            if makes != FunctionResult::Elsewhere {
                assert_eq!(
                    gathering.contains(name),
                    makes == FunctionResult::Gathered,
                    "{name}"
                );
            }
        }
    });
}

fn short_values_are_as_ever() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        let database = tables(&store).await;
        for (sql, name, value) in SHORT {
            let rows = query(&database, sql)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
            assert_eq!(rows.columns, [*name], "{sql}");
            assert_eq!(format!("{:?}", rows.rows[0][0]), *value, "{sql}");
        }
    });
}
