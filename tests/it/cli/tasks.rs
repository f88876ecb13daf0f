//! A task as a person has it: asked for, edited, merged, approved as it was shown, retried, ended.

use callboard_core::store::Dialect;
use serde_json::Value as Json;

use super::refuses;
use crate::support::factory::{DAY, Factory, board, on_each};
use crate::support::host::Ran;
use crate::support::repository::GitFolder;

/// A factory whose diary takes a topic and can be made anew at the gate.
fn factory(dialect: Dialect) -> Factory {
    let factory = Factory::bare_written(dialect);
    let pipeline = "pipelines/dev_diary.toml";
    let gate = "gate = \"publish this post?\"";
    factory.edit(
        pipeline,
        gate,
        &format!("{gate}\nregenerate = {{ text = \"compose\" }}"),
    );
    factory.edit(
        pipeline,
        "id = \"compose\"",
        "id = \"compose\"\nmax_visits = 5",
    );
    factory.ok(&["apply"]);
    factory
}

/// Ask for a post about the day of a repository.
fn create(factory: &Factory, repository: &GitFolder, more: &[&str]) -> Ran {
    let repository = format!("repository={}", repository.path().display());
    let date = format!("date={DAY}");
    let line = [
        "tasks",
        "create",
        "Search",
        "--pipeline",
        "dev_diary",
        "--by",
        "Ada",
        "--input",
        &repository,
        "--input",
        &date,
    ];
    factory.run(&[&line, more].concat())
}

fn events(factory: &Factory, task: &str) -> Vec<String> {
    let history = factory.json(&["tasks", "history", task]);
    let moves = history.as_array().expect("a list").iter();
    moves
        .map(|it| {
            let text = |key: &str| it[key].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {}",
                text("from"),
                text("event"),
                text("to"),
                text("who")
            )
        })
        .collect()
}

fn shown(factory: &Factory) -> Json {
    factory.json(&["tasks", "show", &factory.task()])
}

on_each!(
    a_task_is_there_before_its_run_and_once_a_key,
    |dialect: Dialect| {
        let (factory, repository) = (factory(dialect), board());
        let asked = create(&factory, &repository, &["--key", "spring"]);
        assert_eq!(asked.code, 0, "{asked}");
        assert!(asked.stderr.contains("takes no topic"), "{asked}");
        let task = factory.task();
        let waits = shown(&factory);
        assert_eq!(waits["task"]["status"], "in-progress");
        assert_eq!(waits["task"]["topic"], "Search");
        assert_eq!(waits["draft"], Json::Null);
        assert_eq!(factory.count("open_runs WHERE status = 'queued'"), 1);
        // Asked for again, it is the same, and its run goes on here.
        let again = create(&factory, &repository, &["--key", "spring", "--wait"]);
        assert_eq!(again.code, 4, "{again}");
        assert!(again.stderr.contains("was asked for before"), "{again}");
        assert_eq!((factory.task(), factory.count("runs")), (task.clone(), 1));
        let waits = shown(&factory);
        assert_eq!(waits["task"]["status"], "awaiting-approval");
        assert!(
            waits["task"]["subject"]
                .as_str()
                .expect("a text")
                .starts_with("dev_diary:")
        );
        let other = [
            "tasks",
            "create",
            "Feeds",
            "--pipeline",
            "dev_diary",
            "--key",
            "spring",
            "--input",
            "repository=.",
        ];
        refuses(
            &factory,
            &other,
            2,
            &["whose topic is `Search`, not `Feeds`", "help:"],
        );
        let elsewhere = [
            "tasks",
            "create",
            "Search",
            "--pipeline",
            "remember",
            "--key",
            "spring",
            "--input",
            "repository=.",
        ];
        refuses(&factory, &elsewhere, 2, &["whose pipeline is `dev_diary`"]);
        let another = elsewhere.map(|part| {
            if part == "remember" {
                "dev_diary"
            } else {
                part
            }
        });
        refuses(
            &factory,
            &another,
            2,
            &["asked for with another `repository`"],
        );
        factory.ok(&["tasks", "approve", &task, "--by", "Bo"]);
        let said = [
            "- create in-progress Ada",
            "in-progress save drafted ",
            "drafted ask awaiting-approval ",
            "awaiting-approval approve approved Bo",
            "approved publish published ",
        ];
        assert_eq!(events(&factory, &task), said);
    }
);

on_each!(
    what_a_person_wrote_and_approved_is_what_is_published,
    |dialect: Dialect| {
        let (factory, repository) = (factory(dialect), board());
        assert_eq!(factory.diary(repository.path(), DAY).code, 4);
        let task = factory.task();
        let old = shown(&factory)["draft"].clone();
        let text = old["markdown"].as_str().expect("a text");
        let mine = format!("# My title\n\nMy own beginning.\n\n{text}");
        factory.write("mine.md", &mine);
        let edit = ["tasks", "edit", &task, "--file", "mine.md", "--by", "Ada"];
        let edited = factory.json(&edit);
        assert_eq!(
            (&edited["number"], &edited["origin"]),
            (&2.into(), &"person".into())
        );
        assert_eq!(factory.ok(&edit), "nothing was changed\n");
        let diff = factory.ok(&["tasks", "diff", &task]);
        for line in [
            "+# My title",
            "+My own beginning.",
            "--- draft 1 by ",
            "edited by Ada",
        ] {
            assert!(diff.contains(line), "{line}: {diff}");
        }
        // Somebody who looked at the first does not approve the second, at either door.
        let first = ["tasks", "approve", &task, "--draft", "1"];
        refuses(
            &factory,
            &first,
            1,
            &["draft 2 of task", "is newer than draft 1"],
        );
        assert_eq!(shown(&factory)["task"]["status"], "awaiting-approval");
        factory.ok(&["gates", "approve", &task, "--by", "Bo"]);
        assert_eq!(
            factory.texts("SELECT title FROM posts", "title"),
            ["My title"]
        );
        let published = factory.texts("SELECT markdown FROM posts", "markdown");
        assert_eq!(published, [edited["markdown"].as_str().expect("a text")]);
        assert!(
            published[0].starts_with("My own beginning."),
            "{published:?}"
        );
        // Readers are told who had a hand in it.
        let post = factory.json(&["posts", "show", "latest"]);
        assert_eq!(
            (&post["edited_by"], &post["approved_by"]),
            (&"Ada".into(), &"Bo".into())
        );
        let told = factory.ok(&["posts", "show", "latest"]);
        let made = "written by built-in composer, edited by Ada, approved by Bo on 20";
        assert!(told.contains(made), "{told}");
        factory.ok(&["posts", "export", "out"]);
        let feed: Json = serde_json::from_str(&factory.read("out/feed.json")).expect("a feed");
        let said = &feed["items"][0]["_made"];
        assert_eq!(
            (&said["edited_by"], &said["approved_by"]),
            (&"Ada".into(), &"Bo".into())
        );
        let slug = post["slug"].as_str().expect("a slug");
        let page = factory.read(format!("out/posts/{slug}/index.html"));
        for said in ["Edited by</dt><dd>Ada", "Approved by</dt><dd>Bo"] {
            assert!(page.contains(said), "{said}: {page}");
        }
        refuses(
            &factory,
            &["tasks", "edit", &task, "--title", "Late"],
            2,
            &["is published, and its draft cannot be edited"],
        );
    }
);

on_each!(
    an_edit_is_merged_into_what_is_made_anew_and_conflicts_stop_it,
    |dialect: Dialect| {
        let (factory, repository) = (factory(dialect), board());
        assert_eq!(factory.diary(repository.path(), DAY).code, 4);
        let task = factory.task();
        let draft = || shown(&factory)["draft"].clone();
        let text = draft()["markdown"].as_str().expect("a text").to_owned();
        let anew = [
            "tasks",
            "regenerate",
            &task,
            "--part",
            "text",
            "--feedback",
            "again",
        ];
        // The pipeline says the same again: the edit stays.
        factory.write("mine.md", format!("Mine.\n\n{text}"));
        factory.ok(&["tasks", "edit", &task, "--file", "mine.md", "--by", "Ada"]);
        assert_eq!(factory.run(&anew).code, 4);
        let merged = draft();
        assert_eq!(merged["number"], 4);
        assert_eq!(
            (&merged["origin"], &merged["editor"]),
            (&"merge".into(), &"Ada".into())
        );
        assert_eq!(merged["conflicts"], 0);
        assert_eq!(merged["markdown"], format!("Mine.\n\n{text}"));
        // Both change the line that the pipeline began with before.
        factory.write("theirs.md", format!("Mine, changed.\n\n{text}"));
        factory.ok(&["tasks", "edit", &task, "--file", "theirs.md", "--by", "Ada"]);
        factory.execute("UPDATE drafts SET markdown = 'Other: ' || markdown WHERE number = 3");
        assert_eq!(factory.run(&anew).code, 4);
        let both = draft();
        assert!(both["conflicts"].as_i64().expect("a number") > 0, "{both}");
        for door in ["tasks", "gates"] {
            let ran = factory.run(&[door, "approve", &task]);
            assert_eq!(ran.code, 1, "{ran}");
            assert!(ran.stderr.contains("unsettled conflicts"), "{ran}");
        }
        assert_eq!(factory.count("posts"), 0);
        factory.write("settled.md", format!("Settled.\n\n{text}"));
        factory.ok(&["tasks", "edit", &task, "--file", "settled.md"]);
        factory.ok(&["tasks", "approve", &task]);
        let published = factory.texts("SELECT markdown FROM posts", "markdown");
        assert_eq!(published, [format!("Settled.\n\n{text}")]);
    }
);

on_each!(
    a_task_is_rejected_retried_cancelled_and_taken_up_again,
    |dialect: Dialect| {
        let (factory, repository) = (factory(dialect), board());
        assert_eq!(factory.diary(repository.path(), DAY).code, 4);
        let task = factory.task();
        let status = || shown(&factory)["task"]["status"].clone();
        factory.ok(&[
            "tasks",
            "reject",
            &task,
            "--feedback",
            "too dry",
            "--by",
            "Ada",
        ]);
        assert_eq!(status(), "rejected");
        assert_eq!(factory.run(&["tasks", "retry", &task]).code, 4);
        assert_eq!(status(), "awaiting-approval");
        let cancelled = factory.json(&["tasks", "cancel", &task, "--reason", "enough"]);
        assert_eq!(cancelled["task"]["status"], "cancelled");
        assert_eq!(factory.count("open_runs"), 0);
        refuses(
            &factory,
            &["tasks", "cancel", &task],
            2,
            &["is cancelled, and cannot be cancelled"],
        );
        assert_eq!(
            factory.json(&["tasks", "list", "--status", "cancelled"])[0]["id"],
            task
        );
        assert_eq!(
            factory.json(&["tasks", "list", "--status", "rejected"]),
            Json::Array(vec![])
        );
        assert_eq!(
            factory
                .run(&["tasks", "retry", &task, "--from", "compose"])
                .code,
            4
        );
        factory.ok(&["tasks", "approve", &task]);
        let said = events(&factory, &task);
        let events: Vec<_> = said.iter().filter_map(|it| it.split(' ').nth(1)).collect();
        let wanted = [
            "save", "ask", "reject", "resume", "ask", "cancel", "resume", "save", "ask", "approve",
            "publish",
        ];
        assert_eq!(events, wanted);
        assert!(said[2].ends_with(" Ada"), "{said:?}");
    }
);

#[test]
fn an_editor_is_a_program_of_the_person() {
    let factory = factory(Dialect::Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let task = factory.task();
    let sed = factory.with("EDITOR", "sed -i 's/^# .*/# From the editor/'");
    let edited = sed.json(&["tasks", "edit", &task]);
    assert_eq!(edited["title"], "From the editor");
    // What an editor draws is no part of the answer.
    let draws = sed.with("EDITOR", "sed -n p");
    let ran = draws.run(&["--format", "json", "tasks", "edit", &task]);
    let answer: Json = serde_json::from_str(&ran.stdout).expect("one document");
    assert_eq!(answer["title"], "From the editor");
    assert!(ran.stderr.contains("# From the editor"), "{ran}");
    let none = draws.with("EDITOR", "no-such-editor");
    let ran = none.run(&["tasks", "edit", &task]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("editor `no-such-editor`"), "{ran}");
}

/// What a person wrote is where the mend says, and the mend is one.
#[test]
fn what_was_written_in_the_editor_outlives_a_refusal() {
    let factory = factory(Dialect::Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let task = factory.task();
    let program = crate::support::program();
    let approve = format!("{} tasks approve {task} --by Bob >&2", program.display());
    let script = format!("{approve} && sed -i '3i An hour of work.\\n'");
    let editor = factory.with("EDITOR", script);
    let ran = editor.run(&["tasks", "edit", &task, "--by", "Ada"]);
    assert_eq!(ran.code, 2, "{ran}");
    let (_, rest) = ran.stderr.split_once("--file ").expect("where it is");
    let path = rest.split_once('`').expect("its end").0;
    let text = std::fs::read_to_string(path).expect("it is there");
    assert!(text.contains("An hour of work."), "{text}");
    std::fs::remove_file(path).expect("removed");
}

#[test]
fn what_another_wrote_while_the_editor_was_open_is_not_lost() {
    let factory = factory(Dialect::Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let task = factory.task();
    let text = shown(&factory)["draft"]["markdown"].clone();
    let text = text.as_str().expect("a text");
    factory.write("theirs.md", format!("{text}\n\nBob's last line."));
    // Bob's edit is over while Ada's editor is still open.
    let program = crate::support::program();
    let program = program.display();
    let bob = format!("{program} tasks edit {task} --file theirs.md --by Bob >&2");
    let script = format!("{bob} && sed -i '3i Ada first.\\n'");
    let editor = factory.with("EDITOR", script);
    let edited = editor.json(&["tasks", "edit", &task, "--by", "Ada"]);
    let both = edited["markdown"].as_str().expect("a text");
    assert!(
        both.starts_with("Ada first.") && both.trim_end().ends_with("Bob's last line."),
        "{both}"
    );
    assert_eq!(
        (&edited["number"], &edited["editor"]),
        (&3.into(), &"Bob, Ada".into())
    );
    assert_eq!(edited["conflicts"], 0);
}

#[test]
fn a_task_whose_draft_is_gone_is_not_approved() {
    let factory = factory(Dialect::Sqlite);
    let repository = board();
    assert_eq!(factory.diary(repository.path(), DAY).code, 4);
    factory.execute("UPDATE tasks SET draft = 9");
    let ran = factory.run(&["tasks", "approve", &factory.task()]);
    assert!(
        ran.code > 0 && ran.stderr.contains("draft 9 of task"),
        "{ran}"
    );
    assert_eq!(factory.count("posts"), 0);
}

on_each!(
    a_task_for_what_was_rejected_asks_no_model_and_says_the_way,
    |dialect: Dialect| {
        let (factory, repository) = (factory(dialect), board());
        assert_eq!(factory.diary(repository.path(), DAY).code, 4);
        let rejected = factory.task();
        factory.run(&["tasks", "reject", &rejected, "--feedback", "no"]);
        let ran = create(&factory, &repository, &["--key", "again", "--wait"]);
        let retry = format!("callboard tasks retry {}", &rejected[..8]);
        for said in ["which is rejected", &retry, "callboard run dev_diary"] {
            assert!(ran.to_string().contains(said), "{ran}");
        }
        let run = &factory.json(&["runs", "list", "--limit", "1"])[0]["id"];
        let run = run.as_str().expect("an id");
        let visited = format!("SELECT stage FROM stage_runs WHERE run = '{run}'");
        assert_eq!(factory.texts(&visited, "stage"), ["collect"]);
        // Both ways are ones.
        assert_eq!(factory.diary(repository.path(), DAY).code, 4);
    }
);
