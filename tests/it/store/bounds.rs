//! What a read gives is counted while it is read: an answer without an end stops at its bound, on both
//! databases, and leaves its connection to others as it should be.

use std::time::{Duration, Instant};

use callboard_core::store::health::unreadable;
use callboard_core::store::{Dialect, ReadLimit, Store, StoreErrorKind};
use callboard_core::value::Statement;

use super::{execute, kind, sql};
use crate::support::database::on_both;

/// Rows without an end.
const ENDLESS: &str = "WITH RECURSIVE n (i) AS ( \
    SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n)";

/// A text of a mebibyte.
fn mebibyte(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "hex(zeroblob(524288))",
        Dialect::Postgres => "repeat('0', 1048576)",
    }
}

/// So many commits, each with a body of a mebibyte.
async fn large_commits(store: &Store, number: u32) {
    let body = mebibyte(store.dialect());
    let fill = format!(
        "INSERT INTO commits (id, repository, author, subject, body, committed_at) \
        {ENDLESS} SELECT 'c' || i, 'r', 'a', 's', {body}, 1 FROM n LIMIT {number}"
    );
    assert_eq!(execute(store, &fill).await, u64::from(number));
}

/// More often than a pool has connections.
async fn is_sound(store: &Store) {
    for _ in 0..20 {
        let one = store.query(sql("SELECT COUNT(*) AS n FROM migrations"));
        one.await.expect("nothing of the other answer is left");
    }
}

on_both!(
    an_answer_without_an_end_stops_at_its_bound,
    async |store: Store, _url: String| {
        let rows = |rows: u64| ReadLimit {
            rows,
            bytes: u64::MAX,
        };
        let endless = || Statement::new(format!("{ENDLESS} SELECT i AS n FROM n"));
        let read = store.query_within(endless(), rows(1000)).await;
        assert_eq!(kind(read), StoreErrorKind::TooLarge);
        let bytes = ReadLimit::of_bytes(1 << 20);
        let error = store.query_within(endless(), bytes).await;
        let error = error.expect_err("there is no end");
        assert_eq!(error.kind, StoreErrorKind::TooLarge);
        assert!(error.message.contains("more than 1 MiB"), "{error}");
        is_sound(&store).await;
        // As much as it may.
        let thousand = Statement::new(format!("{ENDLESS} SELECT i AS n FROM n LIMIT 1000"));
        let read = store.query_within(thousand, rows(1000)).await;
        assert_eq!(read.expect("they fit").rows.len(), 1000);
    }
);

on_both!(
    what_is_read_for_a_call_where_plugins_write_is_no_more_than_a_plugin_may_read,
    async |store: Store, _url: String| {
        large_commits(&store, 1).await;
        let within = || Instant::now() + Duration::from_secs(60);
        let many = |number: u32| {
            let rows = format!("SELECT i FROM n LIMIT {number}");
            Statement::new(format!("{ENDLESS} SELECT body FROM commits, ({rows}) AS t"))
        };
        let read = store.query_until(many(60), within()).await;
        assert_eq!(read.expect("it fits").rows.len(), 60);
        let error = store.query_until(many(1_000_000), within()).await;
        let error = error.expect_err("a terabyte");
        assert_eq!(error.kind, StoreErrorKind::TooLarge);
        assert!(error.message.contains("more than 64 MiB"), "{error}");
        is_sound(&store).await;
    }
);

on_both!(
    a_row_that_cannot_be_read_is_found_behind_large_ones,
    async |store: Store, _url: String| {
        large_commits(&store, 70).await;
        let broken = "INSERT INTO commits (id, repository, author, subject, body, committed_at) \
            VALUES ('z', 'r', 'a', 's', 'b', 9000000000000000000)";
        execute(&store, broken).await;
        let unread = unreadable(&store).await.expect("it reads on");
        assert_eq!(unread.open.len(), 1, "{unread:?}");
        assert!(unread.open[0].what.contains("commit `z`"), "{unread:?}");
    }
);
