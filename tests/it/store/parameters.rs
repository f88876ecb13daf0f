//! A plugin's statement has as many parameters as it is given: told from its tree, alike on both
//! databases, before either of them makes something else of it.

use std::time::Duration;

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::store::granted::{DeferredWriter, QueryLimits, execute_deferred};
use callboard_core::store::{Store, StoreErrorKind};
use callboard_core::value::{Statement, Value};

use crate::support::database::on_both;

const MINUTE: Duration = Duration::from_secs(60);

fn grants() -> Grants {
    let text =
        "db = [{ table = \"scratch\", verbs = [\"select\", \"insert\", \"update\", \"delete\"] }]";
    toml::from_str(text).expect("grants")
}

/// Statements with texts given as parameters, and what is said of them.
const MISCOUNTED: [(&str, &[&str], &str); 5] = [
    (
        "DELETE FROM scratch WHERE title <> $1",
        &[],
        "a parameter `$1`, and 0 are given",
    ),
    (
        "UPDATE scratch SET title = $2 WHERE title = $1",
        &["one"],
        "a parameter `$2`, and 1 is given",
    ),
    (
        "UPDATE scratch SET title = $1",
        &["two", "three"],
        "2 parameters are given, and the statement has no `$2`",
    ),
    (
        "DELETE FROM scratch",
        &["one"],
        "1 parameters are given, and the statement has no `$1`",
    ),
    (
        "DELETE FROM scratch WHERE title = $2",
        &["one", "one"],
        "a parameter `$2`, and no `$1`",
    ),
];

on_both!(
    parameters_are_counted_in_the_tree,
    async |store: Store, _url: String| {
        for sql in [
            "CREATE TABLE scratch (title TEXT)",
            "INSERT INTO scratch VALUES ('one')",
        ] {
            store.execute(Statement::new(sql)).await.expect(sql);
        }
        let (grants, limits) = (grants(), CallLimits::default());
        let database = store.granted("p", &grants, &limits).await.expect("granted");
        for (sql, params, told) in MISCOUNTED {
            let params: Vec<Value> = params.iter().map(|text| Value::from(*text)).collect();
            let statement = || Statement {
                params: params.clone(),
                ..Statement::new(sql)
            };
            let writer = DeferredWriter {
                grants: grants.clone(),
                ..DeferredWriter::unknown("p")
            };
            let write = statement();
            let deferred = store.write(move |transaction| {
                Box::pin(async move { execute_deferred(transaction, &writer, write, MINUTE).await })
            });
            let mut transaction = database.begin(MINUTE).await.expect("a transaction");
            let inside = transaction.execute(statement(), MINUTE).await;
            drop(transaction);
            for (way, result) in [
                ("deferred", deferred.await),
                ("inside", inside),
                ("at once", database.execute(statement(), MINUTE).await),
                (
                    "many",
                    database
                        .execute_many(sql, vec![params.clone()], MINUTE)
                        .await,
                ),
            ] {
                let error = result.expect_err(sql);
                assert_eq!(
                    error.kind,
                    StoreErrorKind::Statement,
                    "{way}: {sql}: {error}"
                );
                assert!(error.message.contains(told), "{way}: {sql}: {error}");
            }
        }
        let sql = "SELECT title FROM scratch WHERE title = $1 OR title = $1";
        let statement = Statement::new(sql).bind("one");
        let rows = database
            .query(statement, QueryLimits::of(&limits, MINUTE))
            .await;
        assert_eq!(
            rows.expect("rows").rows.len(),
            1,
            "one parameter may be named twice"
        );
        let rows = store
            .query(Statement::new("SELECT title FROM scratch"))
            .await
            .expect("rows");
        assert_eq!(
            rows.first().expect("a row").text("title").expect("a title"),
            "one"
        );
    }
);
