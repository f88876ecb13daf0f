//! A day is published once: when it is run again, and when two processes run it at once.

use callboard_core::fault;
use callboard_core::store::Dialect;

use super::model::{WELL, set_writer};
use crate::support::daemon::{Daemon, until_frozen};
use crate::support::factory::{DAY, Factory, board, diary, on_each};
use crate::support::model::{ModelServer, Say};

on_each!(a_day_that_is_run_again_is_not_published_again, |dialect| {
    let factory = Factory::bare(dialect);
    let repository = board();
    assert_eq!(factory.diary(repository.path(), DAY).code, 4);
    // It waits for approval: no second draft.
    let ran = factory.diary(repository.path(), DAY);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("waits for approval already"), "{ran}");
    let task = factory.task();
    factory.ok(&["tasks", "approve", &task]);
    let ran = factory.run(&["tasks", "approve", &task]);
    assert_eq!(ran.code, 2, "approved twice: {ran}");
    let ran = factory.diary(repository.path(), DAY);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("already published"), "{ran}");
    // Nor when it is removed by hand since.
    let posts = factory.json(&["posts", "list"]);
    factory.ok(&[
        "posts",
        "remove",
        posts[0]["slug"].as_str().expect("a slug"),
    ]);
    let ran = factory.diary(repository.path(), DAY);
    assert_eq!(ran.code, 0, "{ran}");
    for table in ["posts", "tasks", "drafts"] {
        assert_eq!(factory.count(table), 1, "{table}");
    }
});

on_each!(a_rejected_day_can_be_written_again, |dialect| {
    let factory = Factory::bare(dialect);
    let repository = board();
    assert_eq!(factory.diary(repository.path(), DAY).code, 4);
    factory.ok(&[
        "tasks",
        "reject",
        &factory.task(),
        "--feedback",
        "too short",
    ]);
    assert_eq!(factory.count("posts"), 0);
    assert_eq!(factory.count("runs WHERE status = 'rejected'"), 1);
    let ran = factory.diary(repository.path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    factory.ok(&["tasks", "approve", &factory.task()]);
    assert_eq!((factory.count("posts"), factory.count("drafts")), (1, 2));
});

// The slow one has found no draft, and stands right before it commits one: there the other one
// overtakes it.
on_each!(
    whoever_comes_late_with_a_draft_finds_the_one_that_is_there,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        let repository = board();
        let line = diary(repository.path(), DAY);
        let mut slow = factory.command(&line.each_ref().map(String::as_str));
        slow.env(fault::VARIABLE, "before-gate=stop");
        let slow = Daemon::of(slow);
        until_frozen(slow.id());
        let ran = factory.diary(repository.path(), DAY);
        assert_eq!(ran.code, 4, "{ran}");
        slow.signal("CONT");
        let ran = slow.ended();
        assert_eq!(ran.code, 0, "{ran}");
        assert!(ran.stdout.contains("waits for approval already"), "{ran}");
        for table in ["tasks", "drafts", "gates"] {
            assert_eq!(factory.count(table), 1, "{table}: {ran}");
        }
    }
);

// Both processes have collected the day and wait for the model, which answers both at once:
// each believes to be the only one.
on_each!(
    two_processes_that_write_one_day_at_once_publish_it_once,
    |dialect: Dialect| {
        let factory = Factory::bare_written(dialect);
        let pipeline = factory.read("pipelines/dev_diary.toml");
        let (stages, rest) = pipeline
            .split_once("[[stage]]\nid = \"approve\"")
            .expect("a gate");
        let (_, publish) = rest.split_once("[[stage]]").expect("a last stage");
        let publish = publish.replace("needs = [\"approve\"]", "needs = [\"save\"]");
        factory.write(
            "pipelines/dev_diary.toml",
            format!("{stages}[[stage]]{publish}"),
        );
        factory.ok(&["apply"]);
        let server = ModelServer::new(Say::Together(2, WELL));
        set_writer(&factory, &server);
        let repository = board();
        let line = diary(repository.path(), DAY);
        let line = line.each_ref().map(String::as_str);
        let both = [
            Daemon::start(&factory, &line),
            Daemon::start(&factory, &line),
        ];
        let ended = both.map(Daemon::ended);
        assert_eq!(server.asked(), 2, "{} {}", ended[0], ended[1]);
        assert!(
            ended.iter().any(|ran| ran.code == 0),
            "{} {}",
            ended[0],
            ended[1]
        );
        for ran in &ended {
            assert!(!ran.stderr.contains("panicked"), "{ran}");
        }
        for table in ["posts", "tasks", "diary_days WHERE state = 'published'"] {
            assert_eq!(
                factory.count(table),
                1,
                "{table}: {} {}",
                ended[0],
                ended[1]
            );
        }
        let ran = factory.diary(repository.path(), DAY);
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(factory.count("posts"), 1);
    }
);
