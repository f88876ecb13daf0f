//! A day is published once, with an address of its own.

use serde_json::{Value as Json, json};

use callboard_core::outcome::Outcome;
use callboard_factory::diary::composer::compose;
use callboard_factory::diary::id::derived;
use callboard_factory::tables::diary_days::{self, DayState};
use callboard_factory::tables::tasks::{self, Task, TaskStatus};

use super::bench::{Bench, TEMPLATE, bundle, handler, now, said};

async fn input(bench: &Bench, subject: &str) -> Json {
    let task = Task {
        id: derived(&["t", subject]),
        subject: subject.to_owned(),
        topic: "t".into(),
        run: "r".into(),
        status: TaskStatus::AwaitingApproval,
        created_at: now(),
        updated_at: now(),
    };
    bench
        .store
        .execute(tasks::insert(&task))
        .await
        .expect("a task");
    json!({ "task": task.id, "draft": compose(&bundle(), TEMPLATE).expect("a text"), "subject": subject })
}

async fn publish(bench: &Bench, input: &Json) -> Outcome {
    bench
        .call(handler("publish.post"), "r", json!({}), input.clone())
        .await
}

#[tokio::test]
async fn a_subject_is_published_once() {
    let bench = Bench::new().await;
    let first = input(&bench, "dev_diary:app:2026-06-25").await;
    let outcome = publish(&bench, &first).await;
    assert_eq!(said(&outcome), "done: posts_published 1");
    assert_eq!(
        publish(&bench, &first).await,
        outcome,
        "a repeat is the same"
    );
    let patch = bench.commit(outcome.clone()).await;
    let slug = patch["slug"].as_str().expect("a slug");
    assert!(slug.ends_with("-2026-06-25") && slug.len() > 20, "{slug}");
    let again = said(&publish(&bench, &first).await);
    assert_eq!(
        again,
        format!("nothing-to-do: already published as `{slug}`")
    );
    let Outcome::Done(done) = outcome else {
        panic!("done")
    };
    assert!(
        bench.store.execute(done.writes[0].clone()).await.is_err(),
        "the schema refuses it too"
    );
    let day = "dev_diary:app:2026-06-25";
    let state = bench.store.read_first(diary_days::state(day)).await;
    assert_eq!(state.expect("read"), Some(DayState::Published));
    let task = bench.store.read_first(tasks::about(day)).await;
    let task = task.expect("read").expect("a task");
    assert_eq!(task.status, TaskStatus::Published);

    let second = input(&bench, "dev_diary:other:2026-06-25").await;
    let outcome = publish(&bench, &second).await;
    let patch = bench.commit(outcome).await;
    assert_eq!(patch["slug"], format!("{slug}-2"));
}

#[tokio::test]
async fn a_rejected_or_unknown_task_is_not_published() {
    let bench = Bench::new().await;
    let input = input(&bench, "dev_diary:app:2026-06-25").await;
    let id = input["task"].as_str().expect("an id");
    bench
        .store
        .execute(tasks::set_status(id, TaskStatus::Rejected, now()))
        .await
        .expect("a write");
    assert!(said(&publish(&bench, &input).await).starts_with("rejected: task"));
    let mut unknown = input.clone();
    unknown["subject"] = json!("dev_diary:none:2026-06-25");
    assert!(said(&publish(&bench, &unknown).await).starts_with("failed: input"));
}
