//! The providers of a role: what each protocol is asked and how its answer is read, what stands in for
//! a provider that does not answer, and what waits for one that is busy.

use serde_json::{Value as Json, json};

use super::model::{WELL, set_writer, with_writer};
use crate::support::factory::{DAY, Factory, board};
use crate::support::model::{ModelServer, Say};

/// What a role can be set by, besides what the workspace declares.
pub(super) fn declare(factory: &Factory, lines: &[(&str, &str)]) {
    let mut settings = factory.read("settings.toml");
    for (key, kind) in lines {
        settings += &format!("\n[\"{key}\"]\ntype = \"{kind}\"\ndescription = \"x\"\n");
    }
    factory.write("settings.toml", settings);
    factory.ok(&["apply"]);
}

pub(super) fn set(factory: &Factory, key: &str, value: &str) {
    factory.ok(&["settings", "set", key, value]);
}

/// A factory whose writer speaks a protocol.
fn speaking(server: &ModelServer, provider: &str) -> Factory {
    let factory = with_writer(server);
    declare(&factory, &[("roles.writer.provider", "string")]);
    set(&factory, "roles.writer.provider", provider);
    factory
}

fn draft_of(factory: &Factory) -> Json {
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    factory.json(&["tasks", "show", &factory.task()])["draft"].clone()
}

#[test]
fn a_model_that_thinks_aloud_is_heard_without_it() {
    let thought: &str = Box::leak(format!("<think>hm, {{}}</think>\n{WELL}").into_boxed_str());
    let server = ModelServer::new(Say::Text(thought));
    let draft = draft_of(&with_writer(&server));
    assert_eq!(draft["written_by"], "model quill-1", "{draft}");
    assert!(!draft.to_string().contains("hm, "), "{draft}");
}

#[test]
fn ollama_is_asked_in_its_own_words() {
    let server = ModelServer::new(Say::Document(json!({
        "model": "llama-9", "done_reason": "stop", "eval_count": 7, "prompt_eval_count": 9,
        "message": { "role": "assistant", "content": WELL, "thinking": "hm" },
    })));
    let draft = draft_of(&speaking(&server, "ollama"));
    assert_eq!(draft["written_by"], "model llama-9", "{draft}");
    let asked = server.requests().remove(0);
    assert_eq!(asked.path, "/api/chat");
    assert_eq!(asked.body["model"], "quill");
    assert_eq!(asked.body["stream"], true);
    assert_eq!(asked.body["options"]["num_predict"], 3000);
    assert_eq!(asked.body["format"]["type"], "object", "{}", asked.body);
}

/// Its key goes out in a header of its own, and what the server repeats of it is hidden.
#[test]
fn anthropic_is_asked_in_its_own_words() {
    let answer: Json = serde_json::from_str(WELL).expect("JSON");
    let server = ModelServer::new(Say::Document(json!({
        "model": "opus-9", "stop_reason": "tool_use", "usage": { "input_tokens": 5, "output_tokens": 6 },
        "content": [
            { "type": "thinking", "thinking": "hm" },
            { "type": "tool_use", "id": "x", "name": "answer", "input": answer },
        ],
    })));
    let factory = speaking(&server, "anthropic");
    let without = factory.run(&["check"]);
    assert!(
        without
            .stdout
            .contains("role `writer` is set half: `roles.writer.key` is not set"),
        "{without}"
    );
    set(&factory, "roles.writer.key", "hush-hush");
    let draft = draft_of(&factory);
    assert_eq!(draft["written_by"], "model opus-9", "{draft}");
    let asked = server.requests().remove(0);
    assert_eq!(asked.path, "/v1/messages");
    assert_eq!(asked.header("x-api-key"), "hush-hush");
    assert_eq!(asked.header("anthropic-version"), "2023-06-01");
    assert_eq!(asked.header("authorization"), "");
    assert_eq!(
        asked.body["tool_choice"]["name"], "answer",
        "{}",
        asked.body
    );
}

/// Three times in a row it is a finding, by the mechanism that every fallback has.
#[test]
fn another_role_stands_in_and_that_is_told() {
    let (first, second) = (
        ModelServer::new(Say::Status(500)),
        ModelServer::new(Say::Text(WELL)),
    );
    let factory = with_writer(&first);
    let parts = [
        ("roles.writer.fallback", "csv"),
        ("roles.editor.url", "url"),
        ("roles.editor.model", "model"),
    ];
    declare(&factory, &parts);
    set(&factory, "roles.editor.url", &second.url());
    set(&factory, "roles.editor.model", "pencil");
    set(&factory, "roles.writer.fallback", "editor");
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    let task = factory.json(&["tasks", "show", &factory.task()]);
    assert_eq!(task["draft"]["written_by"], "model quill-1", "{task}");
    let fell = &task["fallbacks"][0];
    assert_eq!(fell["what"], "role writer", "{task}");
    let why = fell["why"].as_str().expect("a reason");
    assert!(
        why.contains("status 500") && why.contains("pencil at"),
        "{why}"
    );
    assert!(first.asked() > 0 && second.asked() > 0);
    let asked = second.requests().remove(0);
    assert_eq!(asked.body["model"], "pencil");
}

/// `deferred` until then: no failure, no other text in its place, and the run goes on when it is time.
#[test]
fn a_server_that_is_busy_is_waited_for() {
    for status in [429, 503] {
        let server = ModelServer::new(Say::Busy(status, 300));
        let factory = with_writer(&server);
        let ran = factory.diary(board().path(), DAY);
        assert_eq!(ran.code, 4, "{ran}");
        let run = factory.json(&["runs", "list"])[0].clone();
        assert_eq!(run["status"], "waiting", "{run}");
        let shown = factory.json(&["runs", "show", run["id"].as_str().expect("an id")]);
        let told = shown.to_string();
        assert!(told.contains("busy: status"), "{told}");
        assert_eq!(server.asked(), 1, "it is left alone until then");
    }
}

#[test]
fn roles_that_fall_back_in_a_circle_are_a_miss() {
    let server = ModelServer::new(Say::Text(WELL));
    let factory = with_writer(&server);
    let parts = [
        ("roles.writer.fallback", "csv"),
        ("roles.editor.fallback", "csv"),
        ("roles.editor.url", "url"),
        ("roles.editor.model", "model"),
    ];
    declare(&factory, &parts);
    set(&factory, "roles.writer.fallback", "editor");
    set(&factory, "roles.editor.fallback", "writer");
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stdout
            .contains("go in a circle: writer, editor, writer"),
        "{ran}"
    );
    set(&factory, "roles.editor.fallback", "");
    set(&factory, "roles.writer.fallback", "edtior");
    let ran = factory.run(&["check"]);
    assert!(
        ran.stdout
            .contains("falls back to `edtior`, of which nothing is declared"),
        "{ran}"
    );
    let mend = "callboard settings set roles.writer.fallback \"editor\"";
    assert!(ran.stdout.contains(mend), "{ran}");
    set(&factory, "roles.writer.fallback", "editor");
    set_writer(&factory, &server);
    factory.ok(&["check"]);
}

#[test]
fn a_provider_that_is_none_is_a_miss() {
    let server = ModelServer::new(Say::Text(WELL));
    let factory = speaking(&server, "openai");
    let ran = factory.run(&["settings", "set", "roles.writer.provider", "opneai"]);
    assert_eq!(ran.code, 2, "{ran}");
    let mend = "callboard settings set roles.writer.provider openai";
    assert!(
        ran.stderr.contains("`opneai` is none of") && ran.stderr.contains(mend),
        "{ran}"
    );
    let declared = factory.read("settings.toml");
    let default = "[\"roles.writer.provider\"]\ndefault = \"opneai\"\n";
    let slip = declared.replacen("[\"roles.writer.provider\"]\n", default, 1);
    assert_ne!(slip, declared);
    factory.write("settings.toml", slip);
    let ran = factory.run(&["check"]);
    let mend = "write `default = \"openai\"`";
    assert!(ran.to_string().contains(mend), "{ran}");
}
