//! A guest's SQL: texts that two readers read differently, and texts that are too deep.

use std::time::Duration;

use callboard_core::config::CallLimits;
use callboard_core::store::granted::{DeferredWriter, authorise, execute_deferred};
use callboard_core::store::{Dialect, Store};
use callboard_core::value::Statement;
use serde_json::json;

use super::attacks;
use crate::plugins::bench::Bench;
use crate::support::database::with_database;

attacks! {
    an_operator_and_a_comment: "an operator that begins a comment for the server (`||--`, `</*`) and hides where a text ends" => {
        both |dialect| nothing_of_it_runs(dialect, AFTER_AN_OPERATOR)
    };
    a_comment_that_one_reader_ends: "comments that one reader ends sooner than the other (`/*/`, nested, `--` with a return)" => {
        both |dialect| nothing_of_it_runs(dialect, COMMENTS)
    };
    a_text_that_one_reader_ends: "texts in the quotes of one reader: E'', dollars, U&, parameters named `$a(')`" => {
        both |dialect| nothing_of_it_runs(dialect, TEXTS)
    };
    a_subquery_called_like_a_table: "a name that WITH gives elsewhere stands for a table of the host" => {
        both |dialect| nothing_of_it_runs(dialect, SUBQUERIES)
    };
    a_replacement: "rows are deleted with the right to insert, by OR REPLACE and OR ROLLBACK" => {
        both |dialect| nothing_of_it_runs(dialect, REPLACEMENTS)
    };
    a_hundred_thousand_terms: "1+1+… and whatever else becomes a deep tree" => { both too_deep };
}

const MINUTE: Duration = Duration::from_secs(60);

const AFTER_AN_OPERATOR: &[&str] = &[
    "SELECT 1 ||-- ' \n set_config('statement_timeout', '0', false) -- '",
    "SELECT '1' >--'\n, pg_notify('a', 'b'), '",
    "SELECT 1 </*' , pg_advisory_lock(1) -- '*/ 2",
    "DELETE FROM scratch WHERE name <> '' ||--'\n OR EXISTS (SELECT 1 FROM settings) --'",
    "SELECT 1 @--'\n, lo_create(0) --'",
];

const COMMENTS: &[&str] = &[
    "SELECT /*/ 1 */ name FROM settings /*/ */",
    "SELECT 1 /* /* */ , (SELECT count(*) FROM settings) -- */",
    "SELECT 1 --\r , (SELECT count(*) FROM settings)",
    "DELETE /**/ FROM scratch",
    "SELECT 1 -- nothing more",
];

const TEXTS: &[&str] = &[
    "SELECT E'\\', (SELECT count(*) FROM settings), '\\''",
    "SELECT $a$'$a$, (SELECT count(*) FROM settings) --'",
    "SELECT $a('), (SELECT count(*) FROM settings); DELETE FROM scratch; --')",
    "SELECT U&'!'' UESCAPE '!', (SELECT count(*) FROM settings) --'",
    "SELECT 1; DELETE FROM scratch",
    "SELECT \"a\\\", (SELECT count(*) FROM settings) --\"",
];

const SUBQUERIES: &[&str] = &[
    "SELECT (WITH pg_stat_activity AS (SELECT 1) SELECT 1), * FROM pg_stat_activity",
    "SELECT (WITH settings AS (SELECT 1) SELECT 1), count(*) FROM settings",
    "WITH settings AS (SELECT * FROM settings) SELECT * FROM settings",
    "WITH one AS (SELECT count(*) FROM settings), settings AS (SELECT 1) SELECT * FROM one",
    "SELECT * FROM (WITH other AS (SELECT 1) SELECT * FROM other) AS x, other",
];

const REPLACEMENTS: &[&str] = &[
    "INSERT OR REPLACE /*/ ( */ INTO scratch VALUES (1, 'x')",
    "INSERT OR REPLACE INTO scratch VALUES (1, 'x')",
    "REPLACE INTO scratch VALUES (1, 'x')",
    "INSERT OR ROLLBACK INTO scratch VALUES (1, 'x')",
    "UPDATE OR REPLACE scratch SET name = 'x'",
];

/// Tables with a row each, and a guest that is granted one of them.
async fn bench(store: &Store) -> Bench {
    for sql in [
        "CREATE TABLE scratch (id BIGINT PRIMARY KEY, name TEXT)",
        "CREATE TABLE other (id BIGINT PRIMARY KEY)",
        "INSERT INTO scratch VALUES (1, 'one')",
        "INSERT INTO other VALUES (1)",
    ] {
        store.execute(Statement::new(sql)).await.expect(sql);
    }
    Bench::misbehave(Some(store.clone()), CallLimits::default()).await
}

async fn unchanged(store: &Store) {
    let rows = store.query(Statement::new("SELECT id, name FROM scratch"));
    let rows = rows.await.expect("rows");
    let row = rows.first().expect("the row is there");
    assert_eq!(rows.rows.len(), 1);
    assert_eq!(row.text("name").expect("a name"), "one");
}

/// Each is refused as a query, as a change, in a transaction's stead and as a deferred write.
fn nothing_of_it_runs(dialect: Dialect, texts: &'static [&'static str]) {
    with_database(dialect, async |store: Store, _url: String| {
        let bench = bench(&store).await;
        for sql in texts.iter().copied() {
            for mode in ["query", "execute"] {
                let config = json!({ "statement": sql, "mode": mode });
                let answer = bench.done("probe.queries", config).await;
                let kind = &answer["error_kind"];
                assert!(kind == "denied" || kind == "statement", "{sql}: {answer}");
            }
            let writer = DeferredWriter {
                grants: bench.plugin.grants().clone(),
                ..DeferredWriter::unknown("misbehave")
            };
            let deferred = store.write(move |transaction| {
                let write = Statement::new(sql);
                Box::pin(async move { execute_deferred(transaction, &writer, write, MINUTE).await })
            });
            assert!(deferred.await.is_err(), "{sql}");
            let (grants, limits) = (bench.plugin.grants(), CallLimits::default());
            let explained = authorise(&store, "misbehave", grants, &limits, sql).await;
            assert!(explained.is_err(), "{sql}");
        }
        unchanged(&store).await;
    });
}

fn too_deep(dialect: Dialect) {
    with_database(dialect, async |store: Store, _url: String| {
        let bench = bench(&store).await;
        for (start, part, times) in [
            ("SELECT 1", "+1", 45_000),
            ("SELECT 1", " IS NULL", 20_000),
            ("SELECT ", "NOT ", 40_000),
            ("SELECT ", "(", 100_000),
            ("SELECT 1", " UNION SELECT 1, 2", 10_000),
            (
                "SELECT 1",
                " FROM scratch WHERE 1 = 1 AND f(1, 2) = 1",
                5_000,
            ),
            ("SELECT ", "CASE WHEN ", 20_000),
            ("SELECT * FROM ", "(", 100_000),
        ] {
            let sql = format!("{start}{}", part.repeat(times));
            let config = json!({ "statement": sql });
            let answer = bench.done("probe.queries", config).await;
            assert_eq!(answer["error_kind"], "statement", "{start}{part}");
            let error = answer["error"].as_str().unwrap_or_default();
            assert!(error.contains("too deep"), "{start}{part}: {error}");
            assert!(
                error.len() < 1_000,
                "the text is not told whole: {}",
                error.len()
            );
        }
        unchanged(&store).await;
    });
}
