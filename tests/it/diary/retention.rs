//! Rows go by age or number, in batches; summaries never; wrong names are refused loudly.

use callboard_core::value::Statement;
use serde_json::json;

use super::bench::{Bench, handler, now, said};

const DAY: i64 = 86_400_000_000;

/// Ten embeddings, 1 to 10 days old, of which the oldest is a summary.
async fn filled() -> Bench {
    let bench = Bench::new().await;
    for days in 1..=10_i64 {
        let sql = "INSERT INTO embeddings VALUES ($1, 'commits', $1, 'h', 0, 'p', 'm', 1, $2, '{}', 'w', NULL, $3, $4, $4)";
        let age = now().as_microsecond() - days * DAY - 1;
        let statement = Statement::new(sql)
            .bind(format!("e{days:02}"))
            .bind(vec![0_u8; 4])
            .bind(days == 10)
            .bind(age);
        bench.store.execute(statement).await.expect("a row");
    }
    bench
}

async fn rows(bench: &Bench) -> i64 {
    bench
        .number("SELECT COUNT(*) AS number FROM embeddings")
        .await
}

#[tokio::test]
async fn old_rows_go_in_batches_and_summaries_stay() {
    let bench = filled().await;
    let config = |more: serde_json::Value| {
        let mut config = json!({ "table": "embeddings", "age_column": "created_at", "ttl_days": 3, "batch_size": 2 });
        config
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().cloned().unwrap_or_default());
        config
    };
    let prune = async |more| {
        said(
            &bench
                .call(handler("retention.ttl_prune"), "r", config(more), json!({}))
                .await,
        )
    };
    assert_eq!(prune(json!({ "dry_run": true })).await, "done: ");
    assert_eq!(rows(&bench).await, 10);
    assert_eq!(
        prune(json!({ "max_batches": 2 })).await,
        "done: rows_deleted 4"
    );
    assert_eq!(prune(json!({})).await, "done: rows_deleted 3");
    assert_eq!(
        prune(json!({})).await,
        "nothing-to-do: no row of embeddings is older than 3 days"
    );
    assert_eq!(rows(&bench).await, 3);
    assert_eq!(
        bench
            .number("SELECT COUNT(*) AS number FROM embeddings WHERE is_summary = TRUE")
            .await,
        1
    );
}

#[tokio::test]
async fn the_newest_rows_stay_and_summaries_too() {
    let bench = filled().await;
    let config =
        json!({ "table": "embeddings", "order_column": "created_at", "keep": 4, "batch_size": 2 });
    let outcome = bench
        .call(
            handler("retention.keep_newest"),
            "r",
            config.clone(),
            json!({}),
        )
        .await;
    assert_eq!(said(&outcome), "done: rows_deleted 5");
    assert_eq!(bench.number("SELECT COUNT(*) AS number FROM embeddings WHERE id IN ('e01', 'e02', 'e03', 'e04', 'e10')").await, 5);
    let again = bench
        .call(handler("retention.keep_newest"), "r", config, json!({}))
        .await;
    assert_eq!(
        said(&again),
        "nothing-to-do: embeddings has 4 rows, and 4 may stay"
    );
}

#[tokio::test]
async fn wrong_names_delete_nothing() {
    let bench = filled().await;
    for (table, column) in [
        ("embeddings", "no_such_column"),
        ("no_such_table", "created_at"),
        ("embeddings; --", "created_at"),
        ("embeddings", "1"),
        ("embeddings", ""),
    ] {
        let ttl = json!({ "table": table, "age_column": column, "ttl_days": 1 });
        let keep = json!({ "table": table, "order_column": column, "keep": 1 });
        for outcome in [
            bench
                .call(handler("retention.ttl_prune"), "r", ttl, json!({}))
                .await,
            bench
                .call(handler("retention.keep_newest"), "r", keep, json!({}))
                .await,
        ] {
            assert!(said(&outcome).starts_with("failed"), "{}", said(&outcome));
        }
    }
    assert_eq!(rows(&bench).await, 10);
}
