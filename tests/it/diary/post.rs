//! A day is published once, with an address of its own.

use serde_json::{Value as Json, json};

use callboard_core::outcome::Outcome;
use callboard_factory::diary::composer::compose;
use callboard_factory::tables::diary_days::{self, DayState};
use callboard_factory::tables::tasks::{self, TaskEvent, TaskStatus};

use super::bench::{Bench, TEMPLATE, bundle, handler, said};

/// A task with a draft about a subject, as `content.save_draft` keeps it.
async fn input(bench: &Bench, subject: &str) -> Json {
    let draft = compose(&bundle(), TEMPLATE).expect("a text");
    let saved = bench
        .call(
            handler("content.save_draft"),
            subject,
            json!({}),
            json!({ "draft": draft, "subject": subject }),
        )
        .await;
    let saved = bench.commit(saved).await;
    json!({ "task": saved["task"], "run": subject })
}

/// Publish it in the run that made it.
async fn publish(bench: &Bench, input: &Json) -> Outcome {
    let run = input["run"].as_str().expect("a run");
    publish_in(bench, run, input).await
}

async fn publish_in(bench: &Bench, run: &str, input: &Json) -> Outcome {
    let publisher = handler("publish.post");
    bench.call(publisher, run, json!({}), input.clone()).await
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
    let insert = done.writes.iter().find(|it| it.sql.contains("INTO posts"));
    let insert = insert.expect("the post's row").clone();
    assert!(
        bench.store.execute(insert).await.is_err(),
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
    bench.happen(id, TaskEvent::Reject).await;
    assert!(said(&publish(&bench, &input).await).starts_with("rejected: task"));
    let mut unknown = input.clone();
    unknown["task"] = json!("none");
    assert!(said(&publish(&bench, &unknown).await).starts_with("failed: input"));
}

#[tokio::test]
async fn what_a_run_publishes_is_its_own_task_and_what_was_approved_of_it() {
    let bench = Bench::new().await;
    let input = input(&bench, "dev_diary:app:2026-06-25").await;
    let id = input["task"].as_str().expect("an id");
    let elsewhere = said(&publish_in(&bench, "another", &input).await);
    assert!(
        elsewhere.starts_with("rejected: task") && elsewhere.contains("is not what this run makes"),
        "{elsewhere}"
    );
    // A person was asked and said yes; another draft, which nobody saw, has come into its place.
    bench.happen(id, TaskEvent::Ask).await;
    bench.happen(id, TaskEvent::Approve).await;
    let approved = said(&publish(&bench, &input).await);
    assert_eq!(approved, "done: posts_published 1");
    bench.happen(id, TaskEvent::Save).await;
    let unseen = said(&publish(&bench, &input).await);
    let changed = format!("draft 1 of task {id} has changed since somebody was asked about it");
    assert!(unseen.contains(&changed), "{unseen}");
    assert!(unseen.contains("--from GATE` asks again"), "{unseen}");
    assert_eq!(
        bench.number("SELECT COUNT(*) AS number FROM posts").await,
        0
    );
}

/// Whether there is a yes is read from what was last done to the text, or said of it: that the run ended
/// behind its gate, and was taken up again, takes none away, and a no or another text does.
#[tokio::test]
async fn a_yes_holds_until_something_else_is_said_of_the_draft() {
    use TaskEvent::{Approve, Ask, Halt, Reject, Resume, SendBack, Withdraw};
    for (events, outcome) in [
        (&[Ask, Approve, Halt, Resume][..], "done"),
        (&[Ask, Approve, Reject, Resume], "Ada said no last"),
        (&[Ask, Halt, Resume], "nobody has decided about draft 1"),
        (&[Ask, SendBack], "said no last"),
        (&[Ask, Withdraw], "its gate was withdrawn"),
        (&[Ask, Approve, Ask, Halt, Resume], "nobody has decided"),
    ] {
        let bench = Bench::new().await;
        let input = input(&bench, "dev_diary:app:2026-06-25").await;
        let id = input["task"].as_str().expect("an id");
        for event in events {
            bench.happen(id, *event).await;
        }
        let said = said(&publish(&bench, &input).await);
        assert!(said.contains(outcome), "{events:?}: {said}");
        assert_eq!(
            said.starts_with("done"),
            outcome == "done",
            "{events:?}: {said}"
        );
    }
}
