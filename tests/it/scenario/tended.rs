//! Tasks that somebody ends, and those whose run was removed since: who did it is told, and there is a way on.

use callboard_core::store::Dialect::{self, Sqlite};

use crate::support::factory::{DAY, Factory, board, diary, on_each};

on_each!(
    who_cancels_a_task_with_an_open_run_stands_in_its_history,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        let task = factory.task();
        let line = [
            "tasks", "cancel", &task, "--by", "eve", "--reason", "too late",
        ];
        factory.ok(&line);
        let history = factory.json(&["tasks", "history", &task]);
        let last = history
            .as_array()
            .and_then(|all| all.last())
            .expect("a move");
        assert_eq!(last["event"], "cancel", "{history}");
        assert_eq!(last["who"], "eve", "{history}");
        assert!(last["detail"].to_string().contains("too late"), "{history}");
    }
);

on_each!(
    a_task_whose_run_was_removed_is_made_anew_under_its_key,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        let repository = board();
        let [_, pipeline, _, folder, _, date] = diary(repository.path(), DAY);
        let create = |more: &[&str]| {
            let line = [
                "tasks",
                "create",
                "A day",
                "--pipeline",
                &pipeline,
                "--key",
                "k",
                "--input",
                &folder,
                "--input",
                &date,
            ];
            factory.run(&[&line, more].concat())
        };
        assert_eq!(create(&[]).code, 0);
        let task = factory.task();
        factory.ok(&["tasks", "cancel", &task]);
        let ran = create(&["--anew"]);
        assert_eq!(ran.code, 2, "its run is there: {ran}");
        assert!(ran.stderr.contains("callboard tasks retry"), "{ran}");
        factory.ok(&["runs", "prune", "--older-than", "0s"]);
        let ran = factory.run(&["tasks", "retry", &task]);
        assert_eq!(ran.code, 2, "{ran}");
        let mend = "--pipeline dev_diary --key k --anew`";
        let told = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(mend), "{ran}");
        let ran = create(&[]);
        assert!(ran.stdout.contains("is cancelled"), "{ran}");
        let ran = create(&["--anew", "--wait"]);
        assert_eq!(ran.code, 4, "it stands before its gate: {ran}");
        assert_eq!(factory.task(), task, "it is the same");
        let shown = factory.json(&["tasks", "show", &task]);
        assert_eq!(shown["task"]["status"], "awaiting-approval", "{shown}");
        assert_eq!(shown["draft"]["number"], 1, "{shown}");
    }
);

/// SQLite keeps what is no UTF-8 as a text.
#[test]
fn that_the_latest_task_cannot_be_read_is_not_that_there_is_none() {
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.execute(
        "INSERT INTO tasks SELECT CAST(x'ff' AS TEXT), NULL, 'other', asked, topic, run, pipeline, 0, \
            'cancelled', previous, 1, created_at + 1, updated_at FROM tasks",
    );
    let ran = factory.run(&["tasks", "show", "latest"]);
    assert_ne!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr.contains("the latest task cannot be read"),
        "{ran}"
    );
    assert!(ran.stderr.contains("callboard tasks list"), "{ran}");
}

on_each!(
    a_gate_that_cannot_lapse_into_a_yes_is_a_persons,
    |dialect: Dialect| {
        let factory = Factory::bare_written(dialect);
        let gate = "gate = \"publish this post?\"";
        let lapses = format!("{gate}\nexpiry = {{ after = \"168h\", as = \"approved\" }}");
        factory.edit("pipelines/dev_diary.toml", gate, &lapses);
        factory.ok(&["apply"]);
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        let run = factory.json(&["runs", "list"])[0]["id"].clone();
        let run = run.as_str().expect("an id");
        factory.execute("UPDATE drafts SET conflicts = 1");
        factory.execute("UPDATE gates SET expires_at = 1");
        // Nobody is there to let it lapse, and a person may still say no; but not yes.
        let ran = factory.run(&["gates", "approve", run]);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stderr.contains("unsettled conflicts"), "{ran}");
        let gates = factory.json(&["gates", "list"]);
        assert!(gates[0]["expires_at"].is_null(), "{gates}");
        let findings = factory.json(&["findings", "list"]);
        let told = findings[0]["message"].to_string();
        assert!(told.contains("it waits for a person now"), "{findings}");
        // A worker finds nothing to let lapse any more.
        factory.run(&["gates", "approve", run]);
        assert_eq!(factory.json(&["findings", "list"])[0]["times"], 1);
        let ran = factory.run(&["gates", "reject", run, "--feedback", "no"]);
        assert!(
            ran.stderr.contains("rejected") || ran.stdout.contains("rejected"),
            "{ran}"
        );
        assert_eq!(factory.json(&["findings", "list"]), serde_json::json!([]));
    }
);
