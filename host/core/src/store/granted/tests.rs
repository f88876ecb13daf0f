//! The grants of a plugin, held against SQLite.

use std::time::Duration;

use super::*;
use crate::store::Dialect;

const SECOND: Duration = Duration::from_secs(1);

async fn store(folder: &tempfile::TempDir) -> Store {
    let path = folder.path().join("test.db");
    let store = Store::open(&format!("sqlite:{}", path.display()))
        .await
        .expect("store");
    for sql in [
        "CREATE TABLE scratch (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
        "CREATE TABLE other (id INTEGER PRIMARY KEY)",
        "INSERT INTO scratch VALUES (1, 'one'), (2, 'two')",
    ] {
        store.execute(Statement::new(sql)).await.expect(sql);
    }
    store
}

fn grants(verbs: &str) -> Grants {
    toml::from_str(&format!("[[db]]\ntable = \"scratch\"\nverbs = [{verbs}]")).expect("grants")
}

async fn database(store: &Store, verbs: &str) -> GrantedDatabase {
    store
        .granted("p", &grants(verbs), &CallLimits::default())
        .await
        .expect("granted")
}

fn limits() -> QueryLimits {
    QueryLimits::of(&CallLimits::default(), Duration::from_secs(5))
}

#[tokio::test]
async fn what_is_granted_works() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store(&folder).await;
    let database = database(&store, "\"select\", \"insert\", \"update\", \"delete\"").await;
    assert_eq!(database.dialect(), Dialect::Sqlite);
    let rows = database
        .query(
            Statement::new("SELECT count(*) AS n, lower(max(name)) AS m FROM scratch"),
            limits(),
        )
        .await
        .expect("query");
    assert_eq!(rows.first().expect("row").integer("n").expect("n"), 2);
    for sql in [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n",
        "WITH n AS (SELECT 1) SELECT count(*) FROM n, SCRATCH",
        "WITH other AS (SELECT 1) SELECT count(*) FROM other",
        "SELECT value FROM json_each('[1, 2]')",
        "SELECT 1 FROM scratch WHERE EXISTS (SELECT 1 FROM scratch)",
        "SELECT name, json_extract('{\"a\": 1}', '$.a'), name ->> '$' IS NULL FROM scratch WHERE name LIKE 'x%'",
    ] {
        database
            .query(Statement::new(sql), limits())
            .await
            .expect(sql);
    }
    let params = vec![vec![Value::from("a")], vec![Value::from("b")]];
    let touched = database
        .execute_many("INSERT INTO scratch (name) VALUES ($1)", params, SECOND)
        .await;
    assert_eq!(touched.expect("inserts"), 2);
    let update = Statement::new("UPDATE scratch SET name = name || '!' WHERE id = $1").bind(1_i64);
    assert_eq!(database.execute(update, SECOND).await.expect("update"), 1);
    let gone = database
        .execute(Statement::new("DELETE FROM scratch"), SECOND)
        .await;
    assert_eq!(gone.expect("delete"), 4);
}

/// Statements that a plugin with `select` and `insert` on `scratch` may not run.
const DENIED: &[&str] = &[
    "DELETE FROM scratch",
    "UPDATE scratch SET name = 'x'",
    "INSERT OR REPLACE INTO scratch VALUES (1, 'x')",
    "REPLACE INTO scratch VALUES (1, 'x')",
    "INSERT INTO other VALUES (1)",
    "INSERT INTO scratch (name) SELECT name FROM sqlite_master",
    "SELECT * FROM other",
    "SELECT * FROM settings",
    "SELECT 1 FROM settings",
    "SELECT 1 FROM other",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM sqlite_schema",
    "SELECT * FROM pragma_table_info('settings')",
    "SELECT (SELECT count(*) FROM settings)",
    "SELECT count(*) FROM other",
    "SELECT count(*) FROM OTHER",
    "SELECT (WITH other AS (SELECT 1) SELECT 1), (SELECT count(*) FROM main.other)",
    "WITH x AS (SELECT 1) SELECT count(*) FROM pragma_table_list",
    "SELECT count(*) FROM pragma_database_list",
    "SELECT EXISTS (SELECT 1 FROM other)",
    "SELECT load_extension('x')",
    "SELECT 1; DROP TABLE scratch",
    "PRAGMA writable_schema = on",
    "PRAGMA journal_mode = delete",
    "ATTACH 'x.db' AS x",
    "ATTACH ? AS x",
    "VACUUM",
    "VACUUM INTO 'x.db'",
    "CREATE TABLE x (a)",
    "CREATE TEMP TABLE x (a)",
    "DROP TABLE scratch",
    "ALTER TABLE scratch ADD COLUMN x",
    "CREATE TRIGGER t AFTER INSERT ON scratch BEGIN DELETE FROM settings; END",
    "BEGIN",
    "COMMIT",
    "SAVEPOINT x",
    "ANALYZE",
    "REINDEX",
    "EXPLAIN SELECT * FROM settings",
];

/// A statement about a table that is not there is told as the operator is told who asks about it: no grant
/// opens such a table.
#[tokio::test]
async fn a_table_that_is_not_there_is_told_as_that() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store(&folder).await;
    let database = database(&store, "\"select\"").await;
    for sql in [
        "SELECT * FROM othr",
        "SELECT (SELECT count(*) FROM othr) FROM scratch",
    ] {
        let error = database.query(Statement::new(sql), limits()).await;
        let error = error.expect_err(sql);
        let told = (error.kind, error.message.as_str());
        let wanted = "there is no table `othr`; write `other`";
        assert_eq!(told, (StoreErrorKind::Statement, wanted), "{sql}");
    }
}

#[tokio::test]
async fn what_is_not_granted_is_denied() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store(&folder).await;
    let database = database(&store, "\"select\", \"insert\"").await;
    for sql in DENIED.iter().copied() {
        let error = database
            .execute(Statement::new(sql), SECOND)
            .await
            .expect_err(sql);
        assert_eq!(error.kind, StoreErrorKind::Denied, "{sql}: {error}");
        assert!(database.authorise(sql).await.is_err(), "{sql}");
    }
    let error = database
        .query(
            Statement::new("INSERT INTO scratch (name) VALUES ('x')"),
            limits(),
        )
        .await;
    assert_eq!(error.expect_err("a change").kind, StoreErrorKind::Denied);
    let error = database
        .authorise("DELETE FROM scratch")
        .await
        .expect_err("denied")
        .to_string();
    for part in [
        "delete",
        "[[grants.p.db]]",
        "table = \"scratch\"",
        "[[ask.db]]",
        "callboard.toml",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let rows = store
        .query(Statement::new("SELECT count(*) AS n FROM scratch"))
        .await
        .expect("rows");
    assert_eq!(
        rows.first().expect("row").integer("n").expect("n"),
        2,
        "nothing happened"
    );
}

#[tokio::test]
async fn a_transaction_rolls_back_unless_it_is_committed() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store(&folder).await;
    let database = database(&store, "\"select\", \"insert\", \"delete\"").await;
    let mut transaction = database.begin(SECOND).await.expect("begin");
    let delete = || Statement::new("DELETE FROM scratch");
    assert_eq!(
        transaction.execute(delete(), SECOND).await.expect("delete"),
        2
    );
    assert!(
        transaction
            .execute(Statement::new("COMMIT"), SECOND)
            .await
            .is_err()
    );
    drop(transaction);
    // The writer of the host goes on at once.
    store
        .execute(Statement::new("INSERT INTO other VALUES (9)"))
        .await
        .expect("the host writes");
    let count = || Statement::new("SELECT count(*) AS n FROM scratch");
    let rows = database.query(count(), limits()).await.expect("rows");
    assert_eq!(rows.first().expect("row").integer("n").expect("n"), 2);
    let mut transaction = database.begin(SECOND).await.expect("begin");
    let sql = "INSERT INTO scratch (name) VALUES ('three') RETURNING id";
    let rows = transaction
        .query(Statement::new(sql), limits())
        .await
        .expect("insert");
    assert_eq!(rows.rows.len(), 1);
    transaction.commit().await.expect("commit");
    let rows = database.query(count(), limits()).await.expect("rows");
    assert_eq!(rows.first().expect("row").integer("n").expect("n"), 3);
    let mut spoiled = database.begin(SECOND).await.expect("begin");
    spoiled.execute(delete(), SECOND).await.expect("delete");
    let twice = Statement::new("INSERT INTO scratch VALUES (8, 'x'), (8, 'y')");
    assert!(spoiled.execute(twice, SECOND).await.is_err());
    assert!(
        spoiled.commit().await.is_err(),
        "all or nothing, on every database"
    );
    let rows = database.query(count(), limits()).await.expect("rows");
    assert_eq!(rows.first().expect("row").integer("n").expect("n"), 3);
    let mut idle = database
        .begin(Duration::from_millis(100))
        .await
        .expect("begin");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let error = idle.execute(delete(), SECOND).await.expect_err("too late");
    assert_eq!(error.kind, StoreErrorKind::Timeout);
}

#[tokio::test]
async fn budgets_hold() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store(&folder).await;
    let database = database(&store, "\"select\"").await;
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let short = QueryLimits {
        timeout: Duration::from_millis(200),
        ..limits()
    };
    let error = database
        .query(Statement::new(endless), short)
        .await
        .expect_err("endless");
    assert_eq!(error.kind, StoreErrorKind::Timeout, "{error}");
    let one = QueryLimits {
        rows: 1,
        ..limits()
    };
    let select = || Statement::new("SELECT name FROM scratch");
    let error = database.query(select(), one).await.expect_err("two rows");
    assert_eq!(error.kind, StoreErrorKind::TooLarge);
    let tiny = QueryLimits {
        bytes: 4,
        ..limits()
    };
    let error = database.query(select(), tiny).await.expect_err("six bytes");
    assert_eq!(error.kind, StoreErrorKind::TooLarge);
    assert!(
        database.query(select(), limits()).await.is_ok(),
        "the connection lives on"
    );
}

#[tokio::test]
async fn a_deferred_write_runs_under_the_grants_and_leaves_no_trace_of_them() {
    let folder = tempfile::tempdir().expect("folder");
    let store = store(&folder).await;
    let run = |verbs: &str, sql: &str| {
        let writer = DeferredWriter {
            grants: grants(verbs),
            ..DeferredWriter::unknown("p")
        };
        let statement = Statement::new(sql);
        store.write(move |transaction| {
            Box::pin(async move { execute_deferred(transaction, &writer, statement, SECOND).await })
        })
    };
    let delete = "DELETE FROM scratch WHERE id = 1";
    let error = run("\"select\"", delete).await.expect_err("not granted");
    assert_eq!(error.kind, StoreErrorKind::Denied);
    assert!(run("\"select\", \"delete\"", "COMMIT").await.is_err());
    assert_eq!(
        run("\"select\", \"delete\"", delete)
            .await
            .expect("granted"),
        1
    );
    store
        .execute(Statement::new("DELETE FROM scratch"))
        .await
        .expect("the host may again");
    store
        .execute(Statement::new("CREATE TABLE fresh (a)"))
        .await
        .expect("the host may again");
}
