//! Commits are kept and remembered once; what was collapsed stays collapsed.

use callboard_core::value::Statement;
use callboard_factory::tables::embeddings::counts;
use serde_json::json;

use super::bench::{Bench, Checkout, handler, said};

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
