//! One task a subject; a rejected one can be made anew.

use serde_json::{Value as Json, json};

use callboard_core::outcome::Outcome;
use callboard_factory::diary::composer::compose;
use callboard_factory::tables::tasks::{TaskEvent, TaskStatus};
use callboard_factory::tables::{drafts, tasks};

use super::bench::{Bench, TEMPLATE, bundle, handler, said};

fn input() -> Json {
    let bundle = &bundle();
    let citations = json!({ "verdict": "pass", "checked": { "pull_requests": 1, "commits": 1, "versions": 0, "paths": 0 } });
    json!({ "subject": bundle.subject(), "draft": compose(bundle, TEMPLATE).expect("a text"), "citations": citations })
}

async fn save(bench: &Bench, run: &str) -> Outcome {
    bench
        .call(handler("content.save_draft"), run, json!({}), input())
        .await
}

#[tokio::test]
async fn a_subject_has_one_task_with_numbered_drafts() {
    let bench = Bench::new().await;
    assert_eq!(
        save(&bench, "a").await,
        save(&bench, "a").await,
        "a repeat is the same"
    );
    let first = save(&bench, "a").await;
    let first = bench.commit(first).await;
    let id = first["task"].as_str().expect("an id").to_owned();
    let found = bench
        .store
        .read_first(tasks::by_id(&id))
        .await
        .expect("read");
    assert_eq!(found.map(|task| task.id), Some(id.clone()));

    let other = said(&save(&bench, "b").await);
    assert!(other.contains("waits for approval already"), "{other}");
    let again = save(&bench, "a").await;
    bench.commit(again).await;
    bench.happen(&id, TaskEvent::Reject).await;
    let anew = save(&bench, "b").await;
    let anew = bench.commit(anew).await;
    assert_eq!(anew["task"], first["task"]);
    let all = bench.store.read(drafts::of_task(&id)).await.expect("read");
    assert_eq!(all.last().map(|draft| draft.number), Some(3));
    let waiting = bench
        .store
        .entries("id", tasks::newest(Some(TaskStatus::Drafted), 10))
        .await
        .expect("read");
    assert_eq!(
        waiting
            .iter()
            .filter_map(|task| task.known().map(|task| task.run.as_str()))
            .collect::<Vec<_>>(),
        ["b"]
    );
    bench.happen(&id, TaskEvent::Publish).await;
    assert!(said(&save(&bench, "c").await).contains("published already"));
}
