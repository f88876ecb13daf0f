//! `run` with input that does not do: no run is queued for wrong usage, and a day or a
//! repository without anything to tell is no failure.

use callboard_core::store::Dialect::Sqlite;

use super::refuses;
use crate::support::factory::{DAY, Factory, THIN, board};
use crate::support::repository::repository;

#[test]
fn input_that_a_pipeline_does_not_take_is_wrong_usage() {
    let factory = Factory::bare(Sqlite);
    let run = |inputs: &[&str], parts: &[&str]| {
        let inputs = inputs.iter().flat_map(|input| ["--input", input]);
        let line: Vec<&str> = ["run", "dev_diary"].into_iter().chain(inputs).collect();
        refuses(&factory, &line, 2, parts);
    };
    run(
        &[],
        &["input `repository` is missing", "--input repository="],
    );
    run(
        &["repository=x", "dat=latest"],
        &["no input `dat`", "`date`"],
    );
    run(
        &["repository=x", "repository=y"],
        &["`repository`", "twice"],
    );
    run(&["repository"], &["`repository` is no input", "KEY=VALUE"]);
    refuses(
        &factory,
        &["run", "dev_dairy"],
        2,
        &["no pipeline `dev_dairy`", "did you mean `dev_diary`?"],
    );
    refuses(&factory, &["run"], 2, &[]);
    assert_eq!(factory.count("runs"), 0);
}

/// What no handler can read begins no run; a day that the calendar has not is found by the run.
#[test]
fn a_date_that_is_none_is_refused_and_names_the_form() {
    let factory = Factory::bare(Sqlite);
    let repository = board();
    for date in [
        "yesterday",
        "2026-13-01",
        "2026-1-5",
        "99999-01-01",
        "",
        "2026-01-05T10:00",
    ] {
        let ran = factory.diary(repository.path(), date);
        assert_eq!(ran.code, 2, "`{date}`: {ran}");
        let parts = [
            "`date` does not fit what `content.collect_git` reads",
            "`YYYY-MM-DD`",
        ];
        assert!(
            parts.iter().all(|it| ran.stderr.contains(it)),
            "`{date}`: {ran}"
        );
        assert!(!ran.stderr.contains("panicked"), "`{date}`: {ran}");
    }
    assert_eq!(factory.count("runs"), 0);
    let ran = factory.diary(repository.path(), "2026-02-30");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.starts_with("failed"), "{ran}");
    for table in ["tasks", "diary_days"] {
        assert_eq!(factory.count(table), 0, "{table}");
    }
}

/// A task whose run no handler could read is none, and its key stays free for one that is right.
#[test]
fn a_task_with_input_that_does_not_fit_is_not_made() {
    let factory = Factory::whole(Sqlite);
    let create = |words: &'static str| {
        [
            "tasks",
            "create",
            "A topic",
            "--pipeline",
            "canonical_blog",
            "--key",
            "k",
            "--input",
            words,
        ]
    };
    let parts = ["`words` does not fit what `content."];
    refuses(&factory, &create("words=abc"), 2, &parts);
    refuses(
        &factory,
        &[
            "run",
            "canonical_blog",
            "--input",
            "topic=A topic",
            "--input",
            "words=abc",
        ],
        2,
        &parts,
    );
    for table in ["runs", "tasks"] {
        assert_eq!(factory.count(table), 0, "{table}");
    }
    let ran = factory.ok(&create("words=300"));
    assert!(!ran.contains("was asked for before"), "{ran}");
}

#[test]
fn a_day_that_is_not_there_is_nothing_to_do_or_refused_and_never_a_post() {
    let factory = Factory::bare(Sqlite);
    let repository = board();
    // Before, between and after the commits; and a day to come.
    for date in ["1970-01-01", "2020-02-29", "2026-01-06", "9999-12-30"] {
        let ran = factory.diary(repository.path(), date);
        assert!([0, 1].contains(&ran.code), "`{date}`: {ran}");
        assert!(!ran.stderr.contains("panicked"), "`{date}`: {ran}");
        assert_eq!(factory.count("tasks"), 0, "`{date}`");
    }
    let ran = factory.diary(repository.path(), "2026-01-06");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("thin day"), "{ran}");
    let ran = factory.diary(repository.path(), THIN);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.starts_with("nothing-to-do"), "{ran}");
    assert_eq!(factory.count("diary_days WHERE state = 'published'"), 0);
}

#[test]
fn the_latest_day_is_the_latest_with_substance() {
    let factory = Factory::bare(Sqlite);
    let ran = factory.diary(board().path(), "latest");
    assert_eq!(ran.code, 4, "{ran}");
    let subject = factory.texts("SELECT subject FROM tasks", "subject");
    assert!(subject[0].contains(DAY), "{subject:?}");
}

#[test]
fn an_empty_repository_is_nothing_to_do() {
    let factory = Factory::bare(Sqlite);
    let empty = repository();
    for date in ["latest", DAY] {
        let ran = factory.diary(empty.path(), date);
        assert_eq!(ran.code, 0, "{ran}");
        assert!(ran.stdout.contains("has no commit yet"), "{ran}");
    }
    assert_eq!(
        (factory.count("tasks"), factory.count("diary_days")),
        (0, 0)
    );
    let path = format!("repository={}", empty.path().display());
    factory.ok(&["run", "remember", "--input", &path]);
    assert_eq!(factory.count("commits"), 0);
}

#[test]
fn odd_values_of_a_path_are_told_apart_from_a_missing_one() {
    let factory = Factory::bare(Sqlite);
    for (path, code) in [("", 1), (" ", 1), ("/nowhere/at/all", 3), ("a\u{0}b", 3)] {
        if path.contains('\0') {
            continue;
        }
        let ran = factory.diary(std::path::Path::new(path), DAY);
        assert_eq!(ran.code, code, "`{path}`: {ran}");
    }
    let ran = factory.run(&[
        "run",
        "dev_diary",
        "-i",
        "repository=7",
        "-i",
        "date=latest",
    ]);
    assert_eq!(ran.code, 2, "a number is no path: {ran}");
    let ran = factory.run(&[
        "run",
        "dev_diary",
        "-i",
        "repository=--help",
        "-i",
        "date=latest",
    ]);
    assert_eq!(ran.code, 3, "an option of git is no path: {ran}");
}

#[test]
fn a_relative_path_begins_where_it_is_written() {
    let factory = Factory::bare_written(Sqlite);
    let definition = factory.read("pipelines/dev_diary.toml");
    let schedule = "[[schedule]]\ncron = \"0 6 * * *\"\ninput = { repository = \"shop\" }\n";
    factory.write(
        "pipelines/dev_diary.toml",
        format!("{definition}\n{schedule}"),
    );
    factory.ok(&["apply"]);
    let board = board();
    let folder = board.path().parent().expect("a folder");
    let name = board.path().file_name().expect("a name").to_string_lossy();
    let workspace = factory.workspace();
    let input = format!("repository={name}");
    let arguments = [
        "-w",
        workspace.to_str().expect("UTF-8"),
        "run",
        "dev_diary",
        "--input",
    ];
    let mut command =
        factory.command(&[&arguments[..], &[&input, "--input", &format!("date={DAY}")]].concat());
    let ran = command.current_dir(folder).output().expect("it starts");
    assert_eq!(ran.status.code(), Some(4), "{ran:?}");
    let shown = factory.json(&["runs", "show", "latest"]);
    let begins = shown["run"]["input"]["repository"]
        .as_str()
        .expect("a path");
    assert_eq!(std::path::Path::new(begins), board.path());
    let schedules = factory.json(&["schedules", "list"]);
    let all = schedules.as_array().expect("a list").iter();
    let mut inputs = all.filter_map(|schedule| schedule["input"]["repository"].as_str());
    assert_eq!(inputs.next(), workspace.join("shop").to_str());
}
