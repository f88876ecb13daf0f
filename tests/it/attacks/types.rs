//! Rows whose values are of other types than their columns.

use std::time::Duration;

use callboard_core::config::CallLimits;
use callboard_core::store::{Dialect, Store};
use callboard_core::value::{Query, Statement, Value};

use super::attacks;
use crate::support::database::with_database;

attacks! {
    rows_of_other_types: "a row of a table of the factory, by a plugin that may write it, with a blob for a text and a text for a time" => {
        both rows_have_their_types
    };
}

/// Whoever writes: no reader of such a row would get over it.
fn rows_have_their_types(dialect: Dialect) {
    with_database(dialect, async |store: Store, _: String| {
        let grants = "db = [{ table = \"commits\", verbs = [\"select\", \"insert\"] }, \
            { table = \"embeddings\", verbs = [\"insert\"] }, { table = \"diary_days\", verbs = [\"insert\"] }]";
        let grants = toml::from_str(grants).expect("grants");
        let limits = CallLimits::default();
        let database = store.granted("p", &grants, &limits).await.expect("granted");
        let (blob, text, int) = (Value::Blob(vec![0, 0]), Value::from("x"), Value::Integer(1));
        let rows: &[(&str, &[&Value])] = &[
            (
                "commits VALUES ($1, $2, $3, $4, $5, $6)",
                &[&text, &text, &text, &text, &text, &int],
            ),
            (
                "diary_days VALUES ($1, 'thin', $2, $3)",
                &[&text, &text, &int],
            ),
            (
                "embeddings VALUES ($1, $2, $3, $4, $5, 'p', 'm', 1, $6, '{}', 'w', NULL, FALSE, 1, 1)",
                &[&text, &text, &text, &text, &int, &blob],
            ),
        ];
        for (into, sound) in rows {
            let write = async |row: &[&Value]| {
                let sql = Statement::new(format!("INSERT INTO {into}"));
                let bound = row
                    .iter()
                    .fold(sql, |sql, value| sql.bind((*value).clone()));
                database.execute(bound, Duration::from_secs(60)).await
            };
            for at in 0..sound.len() {
                let mut odd = sound.to_vec();
                odd[at] = match sound[at] {
                    Value::Integer(_) => &text,
                    // PostgreSQL's columns have their types: what it makes of bytes or a number for one is of it.
                    _ if dialect == Dialect::Postgres => continue,
                    Value::Text(_) => &blob,
                    _ => &int,
                };
                let error = write(&odd).await.expect_err("another type");
                assert!(error.is_for_good(), "{into} {at}: {error}");
            }
            write(sound).await.expect(into);
        }
    });
}

/// A table that takes anything would be one that somebody reads in vain.
#[test]
fn each_table_on_sqlite_holds_its_types() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
            AND NOT strict AND name NOT LIKE 'sqlite_%' ORDER BY name";
        let loose: Vec<String> = store.read(Query::new(sql)).await.expect("names");
        // The one has a check of its own, the other none but the host writes.
        assert_eq!(loose, ["embeddings", "migrations"]);
    });
}
