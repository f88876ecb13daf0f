//! Commits are kept and remembered once; what was collapsed stays collapsed.

use callboard_core::store::{Dialect, Store};
use callboard_core::value::Statement;
use callboard_factory::tables::embeddings::counts;
use serde_json::json;

use super::bench::{Bench, Checkout, handler, said};
use crate::support::database::on_both;

fn fill(repository: &Checkout) {
    for number in 0..5 {
        repository.commit(
            "Ann",
            &format!("2026-06-0{}T00:00:00Z", number + 1),
            &format!("feat: part {number}"),
        );
    }
}

fn five_commits(bench: &Bench) -> Checkout {
    let repository = Checkout::new(&bench.path("app"));
    fill(&repository);
    repository
}

#[tokio::test]
async fn commits_are_kept_once() {
    let bench = Bench::new().await;
    let repository = Checkout::new(&bench.path("app"));
    let empty = bench
        .call(
            handler("tap.git_history"),
            "r",
            json!({}),
            repository.input("latest"),
        )
        .await;
    assert!(
        said(&empty).starts_with("nothing-to-do: empty repository"),
        "{}",
        said(&empty)
    );
    fill(&repository);
    for (config, expected) in [
        (json!({ "limit": 3 }), "done: rows_written 3"),
        (json!({}), "done: rows_written 2"),
        (
            json!({}),
            "nothing-to-do: the newest 5 commits of app are known",
        ),
    ] {
        let outcome = bench
            .call(
                handler("tap.git_history"),
                "r",
                config,
                repository.input("latest"),
            )
            .await;
        assert_eq!(said(&outcome), expected);
    }
}

#[tokio::test]
async fn commits_are_embedded_once_and_what_was_collapsed_stays_so() {
    let bench = Bench::new().await;
    let repository = five_commits(&bench);
    let kept = bench
        .call(
            handler("tap.git_history"),
            "r",
            json!({}),
            repository.input("latest"),
        )
        .await;
    assert_eq!(said(&kept), "done: rows_written 5");
    let embed = async || {
        said(
            &bench
                .call(handler("tap.embed_commits"), "r", json!({}), json!({}))
                .await,
        )
    };
    assert_eq!(embed().await, "done: embeddings_written 5");
    assert_eq!(
        embed().await,
        "nothing-to-do: every commit is remembered already"
    );
    collapse_one(&bench).await;
    assert_eq!(
        embed().await,
        "nothing-to-do: every commit is remembered already"
    );
    let counts = bench.store.read(counts()).await.expect("counts");
    assert_eq!(
        counts
            .iter()
            .map(|count| (count.is_summary, count.rows))
            .collect::<Vec<_>>(),
        [(false, 4), (true, 1)]
    );
    bench
        .store
        .execute(Statement::new(
            "UPDATE commits SET body = 'changed' WHERE subject = 'feat: part 4'",
        ))
        .await
        .expect("a write");
    assert_eq!(embed().await, "done: embeddings_written 1");
}

on_both!(
    summaries_that_a_plugin_has_filled_are_never_all_in_memory,
    async |store: Store, _url: String| {
        let bench = Bench::on(&store);
        let filler = match store.dialect() {
            Dialect::Sqlite => "hex(zeroblob(500000))",
            Dialect::Postgres => "repeat('0', 1000000)",
        };
        let fill = [
            "INSERT INTO commits (id, repository, author, subject, body, committed_at) \
                VALUES ('c30', 'r', 'a', 's', 'b', 1), ('other', 'r', 'a', 's', 'b', 2)"
                .to_owned(),
            format!(
                "INSERT INTO embeddings (id, source_table, source_id, content_hash, chunk_index, \
                    text_preview, embedding_model, dimensions, embedding, metadata, writer, \
                    is_summary, created_at, updated_at) \
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70) \
                SELECT 's' || i, 'commits', 's' || i, 'h', 0, 'p', 'm', 0, $1, \
                    '{{\"filler\": \"' || {filler} || '\", \"collapsed_source_ids\": [\"c' || i || '\"]}}', \
                    'w', TRUE, 0, 0 FROM n"
            ),
        ];
        for sql in fill {
            let fill = Statement::new(&sql);
            let fill = if sql.contains("$1") {
                fill.bind(Vec::<u8>::new())
            } else {
                fill
            };
            store.execute(fill).await.expect("a write");
        }
        let embed = async || {
            said(
                &bench
                    .call(handler("tap.embed_commits"), "r", json!({}), json!({}))
                    .await,
            )
        };
        assert_eq!(embed().await, "done: embeddings_written 1");
        let largest = bench.largest.load(std::sync::atomic::Ordering::Relaxed);
        assert!(largest < 32 << 20, "{largest} bytes at once");
        let known = "nothing-to-do: every commit is remembered already";
        assert_eq!(embed().await, known);
    }
);

/// What the collapse does: one row becomes a summary that names its source.
async fn collapse_one(bench: &Bench) {
    let sql = "UPDATE embeddings SET is_summary = TRUE, \
        metadata = '{\"collapsed_source_ids\": [\"' || source_id || '\"]}', \
        source_id = 'summary/commits/1' WHERE text_preview LIKE 'feat: part 0%'";
    assert_eq!(
        bench
            .store
            .execute(Statement::new(sql))
            .await
            .expect("a write"),
        1
    );
}

#[tokio::test]
async fn a_missing_repository_is_unavailable() {
    let bench = Bench::new().await;
    let input = json!({ "repository": bench.path("missing") });
    let outcome = bench
        .call(handler("tap.git_history"), "r", json!({}), input)
        .await;
    assert!(
        said(&outcome).contains("no such folder"),
        "{}",
        said(&outcome)
    );
}
