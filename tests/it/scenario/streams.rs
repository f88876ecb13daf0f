//! An answer that comes piece by piece: taken if it is whole, and if it is not, told as what it is. No half text is
//! a post.

use std::fs;

use callboard_core::store::Dialect::Sqlite;
use serde_json::{Value as Json, json};

use super::model::{WELL, set_writer};
use super::providers::{declare, set};
use crate::support::factory::{BARE, DAY, Factory, board, diary};
use crate::support::model::{ModelServer, Say, Then, pieces};

/// A factory whose writer is the server, has so many seconds, and may be silent for so long.
fn with_writer(server: &ModelServer, seconds: u32, silence: &str) -> Factory {
    let factory = Factory::bare_written(Sqlite);
    let stage = "handler = \"content.compose_diary\"";
    let waits = format!("{stage}\nconfig = {{ wait_seconds = {seconds} }}");
    factory.edit("pipelines/dev_diary.toml", stage, &waits);
    let rules = format!("{BARE}\n[models]\nsilence = \"{silence}\"\n");
    factory.write("callboard.toml", rules);
    factory.ok(&["apply"]);
    set_writer(&factory, server);
    factory
}

fn draft_of(factory: &Factory) -> Json {
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    factory.json(&["tasks", "show", &factory.task()])["draft"].clone()
}

/// The model did not write, and what is told of it. Its tokens were taken all the same, as far as anybody knows.
#[track_caller]
fn told(say: Say, seconds: u32, silence: &str, wanted: &[&str]) {
    let server = ModelServer::new(say);
    let factory = with_writer(&server, seconds, silence);
    let draft = draft_of(&factory);
    assert_eq!(draft["written_by"], "built-in composer", "{draft}");
    let notes = draft["notes"].to_string();
    for part in wanted {
        assert!(notes.contains(part), "`{part}` is not in {notes}");
    }
    assert_eq!(server.requests()[0].body["stream"], true);
    let open = "model_calls WHERE outcome = 'done' OR outcome = 'asked'";
    assert_eq!(factory.count(open), 0);
    assert_eq!(factory.count("model_calls WHERE completion_tokens = 0"), 0);
}

fn half() -> Vec<String> {
    let mut half = pieces(WELL, "stop");
    half.truncate(5);
    half
}

#[test]
fn an_answer_that_comes_letter_by_letter_is_one() {
    let answer = pieces(WELL, "stop").concat();
    let letters = answer.chars().map(String::from).collect();
    let server = ModelServer::new(Say::Pieces(letters, Then::End));
    let factory = with_writer(&server, 60, "1m");
    let draft = draft_of(&factory);
    assert_eq!(draft["written_by"], "model quill-1", "{draft}");
    let asked = server.requests().remove(0).body;
    assert_eq!(asked["stream_options"]["include_usage"], true, "{asked}");
    assert_eq!(
        factory.count("model_calls WHERE outcome = 'done' AND completion_tokens = 200"),
        factory.count("model_calls")
    );
}

/// Its steadiness is no end of the stage's time.
#[test]
fn a_server_that_drips_for_ever_is_ended_by_its_time_and_not_by_its_silence() {
    let drips = Say::Pieces(half(), Then::Again);
    told(drips, 6, "3s", &["timeout", "bytes of it had come"]);
}

#[test]
fn a_server_that_falls_silent_amid_its_answer_is_left_long_before_its_time_is_over() {
    let silent = Say::Pieces(half(), Then::Silence);
    let wanted = ["timeout", "nothing came for 300ms amid the answer"];
    told(silent, 3_000, "300ms", &wanted);
}

#[test]
fn a_stream_that_breaks_is_reset_and_no_half_of_a_text_is_taken() {
    let broken = Say::Pieces(half(), Then::Break);
    told(broken, 60, "1m", &["reset", "bytes of the answer had come"]);
    let ended = Say::Pieces(half(), Then::End);
    let wanted = [
        "reset",
        "the stream ended before the answer did",
        "bytes of text had come",
    ];
    told(ended, 60, "1m", &wanted);
    let mut given_up = half();
    given_up.push("data: {\"error\":{\"message\":\"out of memory\"}}\n\n".to_owned());
    let given_up = Say::Pieces(given_up, Then::End);
    told(given_up, 60, "1m", &["reset", "out of memory"]);
}

#[test]
fn a_piece_of_rubbish_is_another_protocol_and_a_limit_of_tokens_cuts() {
    let mut rubbish = half();
    rubbish.push("data: {\"choices\": [{\"delta\"\n\n".to_owned());
    rubbish.extend(pieces(WELL, "stop"));
    let wanted = ["protocol", "a piece of the answer is no JSON"];
    told(Say::Pieces(rubbish, Then::End), 60, "1m", &wanted);
    let cut = Say::Pieces(pieces("Readers find", "length"), Then::End);
    told(cut, 60, "1m", &["truncated", "3000 tokens"]);
    let endless = Say::Pieces(
        vec![pieces(&"x".repeat(2_000), "stop").remove(0)],
        Then::Again,
    );
    let wanted = ["too-large", "3000 tokens are 52096 at most"];
    told(endless, 3_000, "1m", &wanted);
}

/// Of one that says how its answer ended nothing more is needed.
#[test]
fn an_answer_that_has_ended_needs_no_last_word() {
    for then in [Then::End, Then::Silence, Then::Break] {
        let mut answer = pieces(WELL, "stop");
        assert_eq!(answer.pop().as_deref(), Some("data: [DONE]\n\n"));
        let server = ModelServer::new(Say::Pieces(answer, then));
        let draft = draft_of(&with_writer(&server, 60, "1s"));
        assert_eq!(draft["written_by"], "model quill-1", "{draft}");
    }
}

/// A server that has no time says so before its answer, in whichever form, and is asked later.
#[test]
fn a_stream_that_begins_with_busy_is_waited_for() {
    let busy = "data: {\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let server = ModelServer::new(Say::Pieces(vec![busy.to_owned()], Then::End));
    let factory = with_writer(&server, 60, "1m");
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    let run = factory.json(&["runs", "list"])[0].clone();
    assert_eq!(run["status"], "waiting", "{run}");
}

#[test]
fn ollama_and_anthropic_stream_in_their_own_words() {
    let answer: Vec<char> = WELL.chars().collect();
    let parts: Vec<String> = answer.chunks(40).map(|it| it.iter().collect()).collect();
    let line = |text: &str, done: bool| {
        let message = json!({ "role": "assistant", "content": text });
        let line = json!({ "model": "llama-9", "message": message, "done": done });
        format!("{line}\n")
    };
    let mut lines: Vec<_> = parts.iter().map(|part| line(part, false)).collect();
    lines.push(line("", true));
    let event = |event: Json| {
        let name = event["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    };
    let usage = json!({ "input_tokens": 5, "output_tokens": 1 });
    let tool = json!({ "type": "tool_use", "id": "x", "name": "answer", "input": {} });
    let mut events = vec![
        event(json!({ "type": "message_start", "message": { "model": "opus-9", "usage": usage } })),
        event(json!({ "type": "ping" })),
        event(json!({ "type": "content_block_start", "index": 0, "content_block": tool })),
    ];
    events.extend(parts.iter().map(|part| {
        let delta = json!({ "type": "input_json_delta", "partial_json": part });
        event(json!({ "type": "content_block_delta", "index": 0, "delta": delta }))
    }));
    events.push(event(json!({
        "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 77 },
    })));
    events.push(event(json!({ "type": "message_stop" })));
    for (provider, pieces, writer) in [
        ("ollama", lines, "llama-9"),
        ("anthropic", events, "opus-9"),
    ] {
        let server = ModelServer::new(Say::Pieces(pieces.clone(), Then::Silence));
        let factory = with_writer(&server, 60, "1m");
        declare(&factory, &[("roles.writer.provider", "string")]);
        set(&factory, "roles.writer.provider", provider);
        set(&factory, "roles.writer.key", "hush-hush");
        let draft = draft_of(&factory);
        assert_eq!(draft["written_by"], format!("model {writer}"), "{draft}");
        let half = pieces[..pieces.len() - 3].to_vec();
        server.say(Say::Pieces(half, Then::End));
        factory.ok(&["tasks", "reject", &factory.task(), "--feedback", "again"]);
        let draft = draft_of(&factory);
        assert!(draft["notes"].to_string().contains("reset"), "{draft}");
    }
}

/// A cassette has the whole answer, without what the server repeated of the key, cut anywhere; it is the same
/// question for one who is asked for no stream.
#[test]
fn a_cassette_keeps_the_whole_of_a_streamed_answer() {
    let with_key = WELL.replace("Search for the archive", "Search hush-hush");
    let letters: Vec<char> = with_key.chars().collect();
    let letters = letters.iter().map(|letter| {
        let choice = json!({ "index": 0, "delta": { "content": letter } });
        format!(
            "data: {}\n\n",
            json!({ "model": "quill-1", "choices": [choice] })
        )
    });
    let mut answer: Vec<_> = letters.collect();
    answer.extend(pieces("", "stop"));
    let server = ModelServer::new(Say::Pieces(answer, Then::End));
    let factory = with_writer(&server, 60, "1m");
    declare(&factory, &[("roles.writer.stream", "boolean")]);
    set(&factory, "roles.writer.key", "hush-hush");
    let tape = factory.workspace().join("tape");
    let folder = tape.to_str().expect("UTF-8");
    let repository = board();
    let mut diary = diary(repository.path(), DAY).to_vec();
    diary.extend(["--record", folder].map(str::to_owned));
    let arguments: Vec<&str> = diary.iter().map(String::as_str).collect();
    assert_eq!(factory.run(&arguments).code, 4);
    let file = fs::read_dir(&tape).expect("it").flatten().next();
    let kept = fs::read_to_string(file.expect("a file").path()).expect("a file");
    assert!(!kept.contains("hush-hush"), "{kept}");
    assert!(kept.contains("Readers find a post by its words"), "{kept}");
    let asked = server.asked();
    factory.ok(&["tasks", "reject", &factory.task(), "--feedback", "again"]);
    set(&factory, "roles.writer.stream", "false");
    let played: Vec<String> = diary
        .iter()
        .map(|it| it.replace("--record", "--replay"))
        .collect();
    let arguments: Vec<&str> = played.iter().map(String::as_str).collect();
    assert_eq!(factory.run(&arguments).code, 4);
    let draft = factory.json(&["tasks", "show", &factory.task()])["draft"].clone();
    assert_eq!(draft["written_by"], "model quill-1", "{draft}");
    assert_eq!(server.asked(), asked);
    server.say(Say::Text(WELL));
    factory.ok(&["tasks", "reject", &factory.task(), "--feedback", "again"]);
    let draft = draft_of(&factory);
    assert_eq!(draft["written_by"], "model quill-1", "{draft}");
    let last = server.requests().pop().expect("it was asked").body;
    assert_eq!(last.get("stream"), None, "{last}");
}
