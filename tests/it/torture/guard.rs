//! S11 and S18: a stage that raises leaves no task as if a run worked on it, and a rail whose table
//! cannot be read neither passes nor vetoes.

use callboard_core::store::Dialect;

use super::bench::{open, queue, rack, until_ended, well};
use super::judge::judge;
use super::worker::Worker;
use crate::support::daemon::eventually;
use crate::support::factory::{Factory, on_each};

/// What a column of the only row holds.
fn text(factory: &Factory, sql: &str) -> String {
    factory.texts(sql, "text").join("; ")
}

on_each!(
    a_stage_that_raises_ends_its_task_in_the_transaction_of_its_run,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let acts = ["b=traps", "b=rejects"].map(str::to_owned);
        let runs = queue(&factory, "branches", &acts);
        for run in &runs {
            factory.execute(&format!(
                "INSERT INTO tasks (id, subject, asked, topic, run, draft, status, step, created_at, updated_at) \
                VALUES ('{run}', '{run}', 'a topic', 'a topic', '{run}', 0, 'drafted', 1, 1, 1)"
            ));
        }
        // Until the very transaction, neither has ended.
        let mut killed = Worker::with_fault(&factory, "before-end=kill");
        eventually("it is killed", || killed.is_dead().then_some(()));
        assert_eq!(factory.count("tasks WHERE status = 'drafted'"), 2);
        assert_eq!(factory.count("history WHERE origin = 'cli'"), 0);
        let mut killed = Worker::with_fault(&factory, "after-commit@1=kill");
        eventually("it is killed", || killed.is_dead().then_some(()));
        let apart = "tasks JOIN runs ON runs.id = tasks.run \
            WHERE (tasks.status = 'drafted') <> (runs.finished_at IS NULL)";
        assert_eq!(factory.count(apart), 0, "a task and its run differ");
        let worker = Worker::start(&factory);
        until_ended(&factory);
        worker.drain();
        judge(&factory);
        for (run, status) in runs.iter().zip(["halted", "rejected"]) {
            let task = format!("SELECT status AS text FROM tasks WHERE run = '{run}'");
            assert_eq!(text(&factory, &task), status);
            let detail = format!("SELECT detail AS text FROM runs WHERE id = '{run}'");
            assert!(text(&factory, &detail).starts_with("b: "), "no cause");
            // What follows a success has not run.
            assert_eq!(
                factory.count(&format!("stage_runs WHERE run = '{run}' AND stage = 'd'")),
                0
            );
        }
    }
);

on_each!(
    a_rail_whose_table_is_gone_neither_passes_nor_vetoes,
    |dialect: Dialect| {
        let factory = rack(dialect);
        factory.execute("ALTER TABLE torture_guard RENAME TO torture_away");
        let run = queue(&factory, "guarded", &well(1)).remove(0);
        let worker = Worker::start(&factory);
        let sql = format!(
            "SELECT detail AS text FROM open_runs WHERE id = '{run}' AND status = 'blocked'"
        );
        eventually("it is blocked", || {
            (factory.query(&sql).rows.len() == 1).then_some(())
        });
        let detail = text(&factory, &sql);
        assert!(detail.contains("torture_guard"), "{detail}");
        assert_eq!(factory.count(&format!("stage_runs WHERE run = '{run}'")), 0);
        factory.execute("ALTER TABLE torture_away RENAME TO torture_guard");
        // The roll is called again in a moment.
        eventually("it goes on", || {
            factory.run(&["runs", "resume", &run]);
            (open(&factory) == 0).then_some(())
        });
        worker.drain();
        assert_eq!(judge(&factory), [("done".to_owned(), 1)].into());
    }
);

#[test]
fn a_rail_whose_table_does_not_answer_is_unavailable_and_tried_again() {
    let factory = rack(Dialect::Postgres);
    let url = factory.url();
    let worker = Worker::start(&factory);
    let run = crate::support::database::runtime().block_on(async {
        use sqlx::Connection as _;
        let mut connection = sqlx::PgConnection::connect(&url).await.expect("it runs");
        let mut lock = connection.begin().await.expect("a transaction");
        let locked = sqlx::raw_sql("LOCK TABLE torture_guard")
            .execute(&mut *lock)
            .await;
        locked.expect("the lock");
        let run = tokio::task::block_in_place(|| {
            let run = queue(&factory, "guarded", &well(1)).remove(0);
            let waits = format!("open_runs WHERE id = '{run}' AND status = 'waiting'");
            eventually("it waits", || (factory.count(&waits) == 1).then_some(()));
            run
        });
        lock.rollback().await.expect("let go");
        run
    });
    let sql = format!("SELECT outcome AS text FROM stage_runs WHERE run = '{run}'");
    assert_eq!(text(&factory, &sql), "unavailable");
    until_ended(&factory);
    worker.drain();
    assert_eq!(judge(&factory), [("done".to_owned(), 1)].into());
}
