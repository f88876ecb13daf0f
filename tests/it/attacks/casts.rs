//! Casts with functions that were made in the database: no statement names one, and any could make
//! the server run it.

use std::time::Duration;

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::store::granted::{GrantedDatabase, QueryLimits};
use callboard_core::store::{Dialect, Store, StoreError, StoreErrorKind};
use callboard_core::value::{Rows, Statement};

use super::attacks;
use crate::support::database::with_database;

attacks! {
    a_cast_of_the_operators: "a cast with a function that somebody made, implicit, explicit and of a column's own type" => {
        made_casts_are_not_run
    };
}

const MINUTE: Duration = Duration::from_secs(60);

/// A cast, and how it is named.
const CASTS: &[(&str, &str)] = &[
    (
        "CREATE CAST (bigint AS json) WITH FUNCTION made(bigint) AS IMPLICIT",
        "bigint AS json",
    ),
    (
        "CREATE CAST (kind AS integer) WITH FUNCTION made(kind) AS IMPLICIT",
        "kind AS integer",
    ),
    (
        "CREATE CAST (text AS kind) WITH FUNCTION made(text) AS ASSIGNMENT",
        "text AS kind",
    ),
];

const MADE: &[&str] = &[
    "CREATE TYPE kind AS (word TEXT)",
    "CREATE TYPE other AS (word TEXT)",
    "CREATE TABLE ran (what TEXT)",
    "CREATE FUNCTION made(bigint) RETURNS json LANGUAGE sql SECURITY DEFINER \
                AS 'INSERT INTO ran VALUES (''made'') RETURNING ''1''::json'",
    "CREATE FUNCTION made(kind) RETURNS integer LANGUAGE sql SECURITY DEFINER \
                AS 'INSERT INTO ran VALUES (''made'') RETURNING 1'",
    "CREATE FUNCTION made(text) RETURNS kind LANGUAGE sql SECURITY DEFINER \
                AS 'INSERT INTO ran VALUES (''made'') RETURNING NULL::kind'",
    "CREATE FUNCTION made(other) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE scratch (id BIGINT PRIMARY KEY, name TEXT, kinds kind[])",
    // Of no column: nothing reaches it.
    "CREATE CAST (other AS integer) WITH FUNCTION made(other) AS IMPLICIT",
];

fn grants() -> Grants {
    let text = "db = [{ table = \"scratch\", verbs = [\"select\", \"insert\"] }]";
    toml::from_str(text).expect("grants")
}

async fn granted(store: &Store) -> GrantedDatabase {
    let granted = store.granted("p", &grants(), &CallLimits::default()).await;
    granted.expect("granted")
}

async fn query(database: &GrantedDatabase, sql: &str) -> Result<Rows, StoreError> {
    let limits = QueryLimits::of(&CallLimits::default(), MINUTE);
    database.query(Statement::new(sql), limits).await
}

fn made_casts_are_not_run() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        for sql in MADE {
            store.execute(Statement::new(*sql)).await.expect(sql);
        }
        let database = granted(&store).await;
        query(&database, "SELECT id FROM scratch")
            .await
            .expect("no cast is made");
        for (create, cast) in CASTS {
            store.execute(Statement::new(*create)).await.expect(create);
            let database = granted(&store).await;
            for sql in [
                "SELECT CAST(id AS json) FROM scratch",
                "INSERT INTO scratch (id, kinds) VALUES (1, ARRAY['x'])",
                "SELECT CAST(kinds AS integer[]) FROM scratch",
                "SELECT id FROM scratch",
            ] {
                let error = database
                    .execute(Statement::new(sql), MINUTE)
                    .await
                    .expect_err(sql);
                assert_eq!(error.kind, StoreErrorKind::Denied, "{sql}: {error}");
                assert!(error.message.contains("DROP CAST"), "{sql}: {error}");
            }
            let drop = format!("DROP CAST ({cast})");
            store.execute(Statement::new(drop)).await.expect("dropped");
        }
        let rows = store
            .query(Statement::new("SELECT count(*) AS n FROM ran"))
            .await
            .expect("rows");
        assert_eq!(
            rows.first().expect("a row").integer("n").expect("a number"),
            0
        );
    });
}
