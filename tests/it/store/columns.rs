//! What the store says of the columns of a table: their types, and which of them find a row.

use callboard_core::store::Store;

use super::sql;
use crate::support::database::on_both;

const TABLE: &str = "CREATE TABLE facts (id TEXT PRIMARY KEY, code TEXT UNIQUE, half TEXT, part BIGINT, \
                     other BIGINT, at TIMESTAMP, UNIQUE (part, other))";
const PARTIAL: &str = "CREATE UNIQUE INDEX facts_half ON facts (half) WHERE part > 1";
const PAIR: &str = "CREATE TABLE pairs (one BIGINT, two BIGINT, PRIMARY KEY (one, two))";

on_both!(
    a_column_finds_a_row_if_it_alone_is_unique_and_says_its_age_if_it_is_a_time_or_a_number,
    async |store: Store, _url| {
        for text in [TABLE, PARTIAL, PAIR] {
            store.execute(sql(text)).await.expect("a table");
        }
        let facts = store.column_facts("facts").await.expect("columns");
        let unique: Vec<_> = facts.iter().filter(|it| it.is_unique).collect();
        let unique: Vec<_> = unique.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(unique, ["id", "code"]);
        let times: Vec<_> = facts.iter().filter(|it| it.is_time()).collect();
        let times: Vec<_> = times.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(times, ["part", "other", "at"]);
        let pairs = store.column_facts("pairs").await.expect("columns");
        assert!(
            pairs.len() == 2 && pairs.iter().all(|it| !it.is_unique),
            "{pairs:?}"
        );
        let none = store.column_facts("nothing").await.expect("an answer");
        assert_eq!(none, []);
    }
);
