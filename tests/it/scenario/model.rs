//! The role `writer` at a model server of the test: its text is taken if it cites what is in
//! the material, and in every other case the built-in text is, with the reason beside it.

use callboard_core::store::Dialect::Sqlite;
use serde_json::Value as Json;

use crate::support::factory::{DAY, Factory, board};
use crate::support::model::{ModelServer, Say};

/// An answer about the two changes of the day: `c1` searches, `c2` is the feed's.
pub(super) const WELL: &str = r#"{
    "title": { "text": "Search for the archive", "changes": ["c1"] },
    "summary": { "text": "The archive can be searched.", "changes": ["c1"] },
    "sections": [{ "heading": "Search", "sentences": [
        { "text": "Readers find a post by its words now, which they could not before.", "changes": ["c1"] },
        { "text": "The feed shows no removed posts.", "changes": ["c2"] }
    ] }]
}"#;
/// The same with a sentence that no change bears out.
const ONE_INVENTED: &str = r#"{
    "title": { "text": "Search for the archive", "changes": ["c1"] },
    "summary": { "text": "The archive can be searched.", "changes": ["c1"] },
    "sections": [{ "heading": "Search", "sentences": [
        { "text": "Readers find a post by its words now, which they could not before.", "changes": ["c1"] },
        { "text": "Grace Hopper asked for it on Tuesday.", "changes": ["c1"] }
    ] }]
}"#;
const UNKNOWN_CHANGE: &str = r#"{
    "title": { "text": "Search for the archive", "changes": ["c1"] },
    "summary": { "text": "The archive can be searched.", "changes": ["c1"] },
    "sections": [{ "heading": "Search", "sentences": [
        { "text": "Readers find a post by its words now.", "changes": ["c999"] }
    ] }]
}"#;
const NO_COMMIT: &str = r#"{
    "title": { "text": "Search for the archive", "changes": ["c1"] },
    "summary": { "text": "The archive can be searched.", "changes": ["c1"] },
    "sections": [{ "heading": "Search", "sentences": [
        { "text": "Readers find a post by its words since 0dead0b.", "changes": ["c1"] }
    ] }]
}"#;
const NO_VERSION: &str = r#"{
    "title": { "text": "Search for the archive", "changes": ["c1"] },
    "summary": { "text": "The archive can be searched.", "changes": ["c1"] },
    "sections": [{ "heading": "Search", "sentences": [
        { "text": "Readers find a post by its words since v9.9.9.", "changes": ["c1"] }
    ] }]
}"#;
const UNCITED: &str = r#"{
    "title": { "text": "Search for the archive", "changes": ["c1"] },
    "summary": { "text": "The archive can be searched.", "changes": ["c1"] },
    "sections": [{ "heading": "Search", "sentences": [
        { "text": "Readers find a post by its words now.", "changes": [] }
    ] }]
}"#;
/// JSON of another form than was asked for.
const MISFIT: &str = r#"{ "title": "Search", "sections": [] }"#;
const NO_JSON: &str = "Readers find a post by its words now (PR #7).";

/// A factory whose writer is the server.
pub(super) fn with_writer(server: &ModelServer) -> Factory {
    let factory = Factory::bare_written(Sqlite);
    let stage = "handler = \"content.compose_diary\"";
    factory.edit(
        "pipelines/dev_diary.toml",
        stage,
        &format!("{stage}\nconfig = {{ wait_seconds = 2 }}"),
    );
    factory.ok(&["apply"]);
    set_writer(&factory, server);
    factory
}

pub(crate) fn set_writer(factory: &Factory, server: &ModelServer) {
    factory.ok(&["settings", "set", "roles.writer.url", &server.url()]);
    factory.ok(&["settings", "set", "roles.writer.model", "quill"]);
}

/// The draft of the day, written with the server.
fn draft(say: Say) -> Json {
    let server = ModelServer::new(say);
    let factory = with_writer(&server);
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    assert!(server.asked() > 0, "the model was asked");
    factory.json(&["tasks", "show", &factory.task()])["draft"].clone()
}

fn text<'d>(draft: &'d Json, key: &str) -> &'d str {
    draft[key]
        .as_str()
        .unwrap_or_else(|| panic!("no `{key}` in {draft}"))
}

/// The built-in text took the model's place: the post says so, and the note says why.
#[track_caller]
fn built_in(say: Say, reason: &str) {
    let draft = draft(say);
    assert_eq!(text(&draft, "written_by"), "built-in composer");
    let markdown = text(&draft, "markdown");
    assert!(
        markdown.contains("because the model's text could not be used"),
        "{markdown}"
    );
    assert!(markdown.contains("(PR #7)"), "{markdown}");
    assert!(
        !markdown.contains("127.0.0.1"),
        "the post names no address: {markdown}"
    );
    let notes = draft["notes"].to_string();
    assert!(
        notes.contains("the role `writer` did not write it"),
        "{notes}"
    );
    assert!(notes.contains(reason), "`{reason}` is not in {notes}");
}

#[test]
fn a_model_that_cites_what_is_there_writes_the_post() {
    let draft = draft(Say::Text(WELL));
    assert_eq!(text(&draft, "written_by"), "model quill-1");
    assert_eq!(text(&draft, "title"), "Search for the archive");
    let markdown = text(&draft, "markdown");
    assert!(
        markdown.contains("Readers find a post by its words now"),
        "{markdown}"
    );
    assert!(!markdown.contains("built-in composer"), "{markdown}");
}

#[test]
fn a_sentence_that_a_model_invents_is_left_out_and_the_note_says_why() {
    let draft = draft(Say::Text(ONE_INVENTED));
    assert_eq!(text(&draft, "written_by"), "model quill-1");
    assert!(!text(&draft, "markdown").contains("Grace"), "{draft}");
    let notes = draft["notes"].to_string();
    assert!(
        notes.contains("names `Grace`") && notes.contains("the day `Tuesday`"),
        "{notes}"
    );
}

#[test]
fn a_model_that_names_no_change_of_the_day_does_not() {
    built_in(Say::Text(UNKNOWN_CHANGE), "`c999`, which is no change");
}

#[test]
fn a_model_that_does_not_answer_by_the_schema_does_not() {
    built_in(
        Say::Text(NO_JSON),
        "no-json: the answer is no JSON at line 1, column 1",
    );
}

#[test]
fn a_model_that_answers_by_another_schema_does_not() {
    built_in(
        Say::Text(MISFIT),
        "misfit: the answer does not fit its schema",
    );
}

#[test]
fn a_model_that_invents_a_commit_does_not() {
    built_in(Say::Text(NO_COMMIT), "0dead0b");
}

#[test]
fn a_model_that_invents_a_version_does_not() {
    built_in(Say::Text(NO_VERSION), "`9.9.9`");
}

#[test]
fn a_model_that_cites_nothing_does_not() {
    built_in(Say::Text(UNCITED), "cites no change");
}

#[test]
fn a_model_whose_answer_is_cut_does_not() {
    built_in(
        Say::Cut(WELL),
        "truncated: the answer was cut at 3000 tokens",
    );
}

#[test]
fn a_model_that_fails_does_not() {
    built_in(Say::Status(500), "status 500: ");
}

#[test]
fn a_model_that_closes_the_connection_does_not() {
    built_in(Say::Close, "reset: ");
}

#[test]
fn a_model_that_answers_by_half_does_not() {
    built_in(Say::Half, "reset: ");
}

#[test]
fn a_model_that_never_answers_does_not() {
    built_in(Say::Hang, "timeout: ");
}

#[test]
fn without_a_model_the_post_does_not_speak_of_one() {
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let draft = factory.json(&["tasks", "show", &factory.task()])["draft"].clone();
    assert_eq!(text(&draft, "written_by"), "built-in composer");
    assert!(!text(&draft, "markdown").contains("model"), "{draft}");
    assert!(
        !draft["report"].to_string().contains("did not write it"),
        "{draft}"
    );
}

/// A dead model is a success that says so: at the run, at the task, in the post; and a finding
/// when it is the third in a row, until it answers.
#[test]
fn a_dead_model_is_told_everywhere_and_noticed_when_it_stays_dead() {
    let server = ModelServer::new(Say::Status(500));
    let factory = with_writer(&server);
    let repository = board();
    let noticed = |factory: &Factory| {
        let doctor = factory.run(&["doctor"]);
        doctor
            .stdout
            .contains("content.compose_diary in dev_diary fell back 3 times in a row")
    };
    for _ in 0..3 {
        assert!(!noticed(&factory), "too early");
        let ran = factory.diary(repository.path(), DAY);
        assert_eq!(ran.code, 4, "{ran}");
        let said = "compose done: role writer did not do it: ";
        assert!(ran.stderr.contains(said), "{ran}");
        let shown = factory.ok(&["tasks", "show", &factory.task()]);
        assert!(
            shown.contains("compose: role writer did not do it"),
            "{shown}"
        );
        let json = factory.json(&["tasks", "show", &factory.task()]);
        assert_eq!(json["fallbacks"][0]["what"], "role writer", "{json}");
        factory.ok(&["tasks", "reject", &factory.task(), "--feedback", "not yet"]);
    }
    assert!(noticed(&factory), "{}", factory.run(&["doctor"]));
    server.say(Say::Text(WELL));
    assert_eq!(factory.diary(repository.path(), DAY).code, 4);
    factory.ok(&["tasks", "reject", &factory.task(), "--feedback", "not yet"]);
    assert!(!noticed(&factory), "it answered");
}
