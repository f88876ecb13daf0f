//! Cassettes: what models and HTTP servers answered is kept by what was asked, and answers in their place.

use std::fs;
use std::path::Path;

use super::model::{WELL, with_writer};
use crate::support::factory::{DAY, Factory, THIN, board, diary};
use crate::support::host::Ran;
use crate::support::model::{ModelServer, Say};

fn run(factory: &Factory, repository: &Path, day: &str, more: &[&str]) -> Ran {
    let arguments = diary(repository, day);
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    arguments.extend(more);
    factory.run(&arguments)
}

/// The answer comes from the folder though no server is there any more, and is not paid for again.
#[test]
fn a_day_is_written_again_from_its_cassette_alone() {
    let server = ModelServer::new(Say::Text(WELL));
    let factory = with_writer(&server);
    factory.ok(&["settings", "set", "roles.writer.key", "hush-hush"]);
    let (repository, tape) = (board(), factory.workspace().join("tape"));
    let folder = tape.to_str().expect("UTF-8");
    let ran = run(&factory, repository.path(), DAY, &["--record", folder]);
    assert_eq!(ran.code, 4, "{ran}");
    let first = factory.json(&["tasks", "show", &factory.task()])["draft"].clone();
    factory.ok(&["tasks", "reject", &factory.task(), "--feedback", "not yet"]);
    let files: Vec<_> = fs::read_dir(&tape)
        .expect("the cassette")
        .flatten()
        .collect();
    assert_eq!(files.len(), 1);
    let kept = fs::read_to_string(files[0].path()).expect("a file");
    assert!(
        kept.contains("/v1/chat/completions") && !kept.contains("hush-hush"),
        "{kept}"
    );
    drop(server);
    let asked = factory.count("model_calls");
    let ran = run(&factory, repository.path(), DAY, &["--replay", folder]);
    assert_eq!(ran.code, 4, "{ran}");
    let again = factory.json(&["tasks", "show", &factory.task()])["draft"].clone();
    assert_eq!(again["written_by"], "model quill-1", "{again}");
    assert_eq!(again["markdown"], first["markdown"]);
    assert_eq!(factory.count("model_calls"), asked, "nothing was taken");
}

/// A question that was never asked is a miss that names it, though a server would answer.
#[test]
fn what_is_not_in_the_cassette_is_not_asked_of_the_network() {
    let server = ModelServer::new(Say::Text(WELL));
    let factory = with_writer(&server);
    let tape = factory.workspace().join("tape");
    fs::create_dir(&tape).expect("a folder");
    let folder = tape.to_str().expect("UTF-8");
    let ran = run(&factory, board().path(), DAY, &["--replay", folder]);
    assert_eq!(ran.code, 4, "{ran}");
    let task = factory.json(&["tasks", "show", &factory.task()]);
    assert_eq!(task["draft"]["written_by"], "built-in composer", "{task}");
    let why = task["fallbacks"][0]["why"].to_string();
    assert!(
        why.contains("not-recorded: POST /v1/chat/completions"),
        "{why}"
    );
    assert_eq!(server.asked(), 0);
    let ran = run(&factory, board().path(), THIN, &["--replay", "nowhere"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("the cassette nowhere"), "{ran}");
}
