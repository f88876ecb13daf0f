//! `diary audit`: every day of a history composed and checked, and nothing stored.

use callboard_core::store::Dialect::Sqlite;

use super::refuses;
use crate::support::factory::{Factory, board};

#[test]
fn a_history_is_told_day_by_day_and_nothing_is_stored() {
    let (factory, repository) = (Factory::bare(Sqlite), board());
    let path = repository.path().to_str().expect("UTF-8");
    let line = ["diary", "audit", path];
    let ran = factory.ok(&line);
    for part in [
        "ada/board: 2 days with changes; 1 told, 1 thin, 0 refused, 0 unreadable",
        "words of a text: ",
        "claims: title 6, reason 2",
    ] {
        assert!(ran.contains(part), "{ran}");
    }
    let audit = factory.json(&line);
    let day = &audit["days"][0];
    assert_eq!(
        (day["day"].as_str(), day["verdict"].as_str()),
        (Some("2026-01-05"), Some("told"))
    );
    assert_eq!(day["title"], "Search the archive");
    assert_eq!(audit["verdicts"]["told"], 1);
    assert!(day.get("text").is_none());
    let texts = factory.json(&[&line[..], &["--texts"]].concat());
    let text = texts["days"][0]["text"].as_str().expect("a text");
    assert!(text.contains("**Search the archive** (PR #7)."), "{text}");
    let newest = factory.json(&[&line[..], &["--days", "1"]].concat());
    assert_eq!(newest["days"].as_array().map(Vec::len), Some(1));
    assert_eq!(newest["days"][0]["verdict"], "thin");
    for table in ["tasks", "posts", "diary_days", "runs", "history"] {
        assert_eq!(factory.count(table), 0, "{table}");
    }
}

#[test]
fn its_patterns_and_words_are_those_of_the_workspace() {
    let (factory, repository) = (Factory::bare_written(Sqlite), board());
    let path = repository.path().to_str().expect("UTF-8");
    factory.edit(
        "pipelines/dev_diary.toml",
        "config.bots = [",
        "config.bots = [\n  \"*@example.org\",",
    );
    factory.ok(&["apply"]);
    let ran = factory.ok(&["diary", "audit", path]);
    assert!(ran.contains("0 told, 2 thin"), "{ran}");
    factory.edit("pipelines/dev_diary.toml", "\n  \"*@example.org\",", "");
    factory.edit("templates/diary.md", "took in", "nahm");
    factory.ok(&["apply"]);
    let ran = factory.ok(&["diary", "audit", path, "--texts"]);
    assert!(ran.contains("**board** nahm 2 changes"), "{ran}");
}

#[test]
fn a_template_that_is_wrong_or_not_there_is_a_miss() {
    let factory = Factory::bare_written(Sqlite);
    factory.edit(
        "templates/diary.md",
        "{{ repository.plain }} on",
        "{{ repository.plan }} on",
    );
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    for part in [
        "content.compose_diary",
        "templates/diary.md:",
        "cannot be filled in",
        "repository.plan",
    ] {
        assert!(ran.stdout.contains(part), "`{part}`: {ran}");
    }
    factory.edit(
        "templates/diary.md",
        "{{ repository.plan }} on",
        "{{ repository.plain }} on",
    );
    for (right, wrong, problem, mend) in [
        (
            "counts.changes",
            "counts.chnages",
            "`counts.chnages` is nothing that a page has",
            "`counts.changes`",
        ),
        (
            "block excerpt",
            "block exerpt",
            "it has no block `excerpt`",
            "{% block excerpt %}",
        ),
    ] {
        factory.edit("templates/diary.md", right, wrong);
        let ran = factory.run(&["check"]);
        assert!(
            ran.stdout.contains(problem) && ran.stdout.contains(mend),
            "{ran}"
        );
        factory.edit("templates/diary.md", wrong, right);
    }
    factory.remove("templates/diary.md");
    factory.write("templates/diery.md", "x");
    let ran = factory.run(&["check"]);
    assert!(
        ran.stdout.contains("there is no templates/diary.md"),
        "{ran}"
    );
    assert!(ran.stdout.contains("nobody renders it"), "{ran}");
}

#[test]
fn what_is_no_repository_is_told() {
    let factory = Factory::bare(Sqlite);
    refuses(
        &factory,
        &["diary", "audit", "nowhere"],
        1,
        &["no such folder"],
    );
}

/// The history of this repository, as far as it is there.
#[test]
fn the_posts_of_this_repository_hold() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if !folder.join(".git").exists() {
        return;
    }
    let factory = Factory::bare(Sqlite);
    let path = folder
        .canonicalize()
        .expect("a folder")
        .display()
        .to_string();
    let audit = factory.json(&["diary", "audit", &path, "--days", "30"]);
    assert!(audit["verdicts"].get("refused").is_none(), "{audit}");
    let told = audit["verdicts"]["told"].as_u64().unwrap_or_default();
    let unreadable = audit["verdicts"]["unreadable"].as_u64().unwrap_or_default();
    assert!(told + unreadable > 0, "{audit}");
}
