//! A task is moved by the table of transitions, and by nothing else; each move is in its history.

use callboard_core::store::tenants::EndedRun;
use callboard_core::store::{Store, timestamp};
use callboard_core::value::Statement;
use callboard_factory::tables::tasks::{self, NewTask, TASKS, TaskEvent, TaskMove, TaskStatus};
use callboard_factory::tables::transitions::{At, Happening, StoredWord};

use crate::support::database::on_both;

fn happening(event: TaskEvent, moment: i64) -> Happening<'static, TaskEvent> {
    Happening {
        event,
        who: "Ada",
        detail: "because",
        at: At::Moment(timestamp(moment)),
    }
}

async fn touched(store: &Store, statements: [Statement; 2]) -> [u64; 2] {
    let [first, second] = statements;
    let first = store.execute(first).await.expect("a move");
    [first, store.execute(second).await.expect("its note")]
}

async fn begin(store: &Store, id: &str, event: TaskEvent) -> [u64; 2] {
    let new = NewTask {
        id,
        key: None,
        subject: id,
        asked: "",
        topic: "topic",
        run: id,
        pipeline: "press",
        draft: 1,
    };
    touched(store, tasks::insert(&new, &happening(event, 1))).await
}

/// Put a task where no table leads: that is what a test may, and a test alone.
async fn place(store: &Store, id: &str, status: TaskStatus) {
    let sql = "UPDATE tasks SET status = $2 WHERE id = $1";
    let place = Statement::new(sql).bind(id).bind(status.word());
    assert_eq!(store.execute(place).await.expect("a status"), 1);
}

async fn last(store: &Store, id: &str) -> (TaskStatus, Vec<TaskMove>) {
    let task = store.read_first(tasks::by_id(id)).await.expect("read");
    let history = store.read(tasks::history(id)).await.expect("read");
    (task.expect("a task").status, history)
}

on_both!(
    every_event_in_every_status_does_what_the_table_says,
    async |store: Store, _url| {
        for event in TaskEvent::ALL {
            for status in TaskStatus::ALL {
                let id = format!("{} {}", event.word(), status.word());
                assert_eq!(begin(&store, &id, TaskEvent::Save).await, [1, 1]);
                place(&store, &id, *status).await;
                let step = tasks::step(&id, &happening(*event, 2), &[]);
                let said = touched(&store, step).await;
                let (now, history) = last(&store, &id).await;
                let Some(to) = TASKS.to(Some(*status), *event) else {
                    assert_eq!((said, now), ([0, 0], *status), "{id}");
                    assert_eq!(history.len(), 1, "{id}");
                    continue;
                };
                assert_eq!((said, now), ([1, 1], to), "{id}");
                let wanted = TaskMove {
                    step: 2,
                    from_status: Some(*status),
                    to_status: to,
                    event: *event,
                    run: id.clone(),
                    draft: 1,
                    who: "Ada".to_owned(),
                    detail: "because".to_owned(),
                    at: timestamp(2),
                };
                assert_eq!(history[1], wanted, "{id}");
            }
        }
    }
);

on_both!(
    the_end_of_many_runs_moves_the_task_of_each,
    async |store: Store, _url| {
        use callboard_core::store::runs::RunStatus as Run;
        let ends = [
            (TaskStatus::InProgress, Run::Done, TaskStatus::Halted),
            (TaskStatus::Drafted, Run::Done, TaskStatus::Drafted),
            (TaskStatus::Published, Run::Failed, TaskStatus::Published),
            (
                TaskStatus::AwaitingApproval,
                Run::Rejected,
                TaskStatus::Rejected,
            ),
            (TaskStatus::Approved, Run::Failed, TaskStatus::Halted),
            (TaskStatus::Drafted, Run::Cancelled, TaskStatus::Cancelled),
        ];
        let ids: Vec<_> = (0..ends.len())
            .map(|number| format!("run-{number}"))
            .collect();
        for (id, (status, ..)) in ids.iter().zip(ends) {
            begin(&store, id, TaskEvent::Save).await;
            place(&store, id, status).await;
        }
        let ended = ids.iter().zip(ends);
        let ended = ended.map(|(run, (_, status, _))| EndedRun {
            run,
            status,
            detail: "its end",
            who: "ada",
        });
        let ended: Vec<_> = ended.collect();
        let runs_ended = callboard_factory::pack().commits.runs_ended;
        for statement in runs_ended(&ended, store.dialect()).expect("statements") {
            store.execute(statement).await.expect("a move");
        }
        for (id, (before, _, after)) in ids.iter().zip(ends) {
            let (now, history) = last(&store, id).await;
            assert_eq!(now, after, "{id}");
            assert_eq!(history.len(), 1 + usize::from(before != after), "{id}");
            if before != after {
                assert_eq!(history[1].detail, "its end");
                assert_eq!(history[1].who, "ada");
            }
        }
    }
);

on_both!(
    two_events_in_the_same_moment_are_two_rows_of_the_history,
    async |store: Store, _url| {
        begin(&store, "t", TaskEvent::Create).await;
        let [save, saved] = tasks::step("t", &happening(TaskEvent::Save, 2), &[]);
        let [ask, asked] = tasks::step("t", &happening(TaskEvent::Ask, 2), &[]);
        let both = store.write(move |transaction| {
            Box::pin(async move {
                for statement in [save, saved, ask, asked] {
                    assert_eq!(transaction.execute(statement).await?, 1);
                }
                Ok(())
            })
        });
        both.await.expect("a commit");
        let (now, history) = last(&store, "t").await;
        assert_eq!(now, TaskStatus::AwaitingApproval);
        let events: Vec<_> = history.iter().map(|it| it.event).collect();
        assert_eq!(events, [TaskEvent::Create, TaskEvent::Save, TaskEvent::Ask]);
        assert_eq!(history[0].from_status, None);
    }
);
