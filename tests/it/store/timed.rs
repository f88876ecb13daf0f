//! Statements of native handlers end at the deadline of their call, in the database itself.

use std::time::{Duration, Instant};

use callboard_core::store::{Store, StoreErrorKind};
use callboard_core::value::Statement;

use crate::support::database::on_both;

/// Takes minutes.
const ENDLESS: &str = "WITH RECURSIVE n (i) AS ( \
    SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT COUNT(*) AS i FROM n";

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(200)
}

/// More often than a pool has connections.
async fn is_sound(store: &Store) {
    for _ in 0..20 {
        let one = store.query(Statement::new("SELECT COUNT(*) AS i FROM migrations"));
        one.await.expect("nothing of the other statement is left");
    }
    let touched = store.execute(Statement::new("DELETE FROM findings WHERE key = '-'"));
    assert_eq!(touched.await.expect("it writes"), 0);
}

on_both!(
    a_query_ends_at_its_deadline,
    async |store: Store, _url: String| {
        let error = store.query_until(Statement::new(ENDLESS), soon()).await;
        assert_eq!(error.expect_err("no rows").kind, StoreErrorKind::Timeout);
        is_sound(&store).await;
        let one = Statement::new("SELECT 7 AS i");
        let rows = store.query_until(one, Instant::now() + Duration::from_secs(60));
        let rows = rows.await.expect("in time");
        assert_eq!(rows.first().expect("a row").integer("i").ok(), Some(7));
    }
);

on_both!(
    a_statement_that_writes_ends_at_its_deadline_and_leaves_nothing,
    async |store: Store, _url: String| {
        let create = "CREATE TABLE counted (i BIGINT)";
        store
            .execute(Statement::new(create))
            .await
            .expect("a table");
        let endless = format!("INSERT INTO counted {ENDLESS}");
        let error = store.execute_until(Statement::new(endless), soon()).await;
        assert_eq!(error.expect_err("too late").kind, StoreErrorKind::Timeout);
        let rows = store.query(Statement::new("SELECT COUNT(*) AS i FROM counted"));
        let rows = rows.await.expect("rows");
        assert_eq!(rows.first().expect("a row").integer("i").ok(), Some(0));
        is_sound(&store).await;
    }
);

on_both!(
    a_query_that_nobody_waits_for_any_more_harms_no_other,
    async |store: Store, _url: String| {
        let endless = store.query_until(Statement::new(ENDLESS), soon());
        let left = tokio::time::timeout(Duration::from_millis(50), endless).await;
        assert!(left.is_err(), "it takes longer");
        tokio::time::sleep(Duration::from_millis(200)).await;
        is_sound(&store).await;
    }
);

on_both!(
    a_statement_of_a_native_handler_does_not_reach_the_tables_of_the_engine,
    async |store: Store, _url: String| {
        let later = || Instant::now() + Duration::from_secs(60);
        for table in ["migrations", "open_runs", "settings"] {
            let delete = Statement::new(format!("DELETE FROM {table}"));
            let refused = store.execute_until(delete, later()).await;
            let refused = refused.expect_err("it is the engine's");
            assert_eq!(refused.kind, StoreErrorKind::Denied, "{refused}");
            let count = Statement::new(format!("SELECT COUNT(*) AS i FROM {table}"));
            let refused = store.query_until(count, later()).await;
            assert_eq!(refused.expect_err(table).kind, StoreErrorKind::Denied);
        }
        is_sound(&store).await;
        let open = Statement::new("DELETE FROM commits WHERE id IN (SELECT id FROM commits)");
        assert_eq!(
            store
                .execute_until(open, later())
                .await
                .expect("it is open"),
            0
        );
    }
);
