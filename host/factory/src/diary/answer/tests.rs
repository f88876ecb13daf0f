//! A model's answer is taken sentence by sentence, and the host cites.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::check::check;
use super::super::sample::{TEMPLATE, bundle};
use super::*;

fn day() -> Bundle {
    bundle(&[
        (
            "fix(http): retry a stale socket once (#7)",
            "The peer closes its end after five seconds.",
        ),
        (
            "feat: search the archive",
            "Readers could not find a post by its words.",
        ),
    ])
}

fn clock() -> ComputeBudget {
    ComputeBudget::until(Instant::now() + Duration::from_secs(300))
}

fn read_it(answer: &str) -> Result<Draft, String> {
    let bundle = day();
    let asked = PromptText {
        prompt: "Write like a person who was there and saw it all.\nMATERIAL",
        material: "MATERIAL",
    };
    let draft = read(
        (answer, "tiny-1"),
        (&bundle, TEMPLATE),
        &asked,
        &mut clock(),
    )?;
    if let Err(misses) = check(&draft, &bundle, TEMPLATE, &[]) {
        panic!("{misses:?}\n{}", draft.markdown);
    }
    Ok(draft)
}

fn answer(sentences: &[(&str, &str)]) -> Json {
    let sentence = |(text, change): &(&str, &str)| json!({ "text": text, "changes": [change] });
    json!({
        "title": { "text": "Sockets are retried once", "changes": ["c1"] },
        "summary": { "text": "A stale socket no longer fails a call.", "changes": ["c1"] },
        "sections": [{
            "heading": "Sockets",
            "sentences": sentences.iter().map(sentence).collect::<Vec<_>>(),
        }],
    })
}

const GOOD: [(&str, &str); 3] = [
    ("The peer closes a socket after five seconds.", "c1"),
    ("A stale one is retried once.", "c1"),
    ("Readers find a post by its words.", "c2"),
];

#[test]
fn the_host_writes_the_citations() {
    let draft = read_it(&answer(&GOOD).to_string()).expect("a draft");
    assert_eq!(draft.written_by, "model tiny-1");
    assert_eq!(draft.title, "Sockets are retried once");
    assert!(draft.notes.is_empty(), "{:?}", draft.notes);
    let told = "The peer closes a socket after five seconds. A stale one is retried once (PR #7). Readers find a post by its words (`023b5c7d`).";
    assert!(draft.markdown.contains(told), "{}", draft.markdown);
    assert!(
        draft.markdown.contains("## Sockets\n"),
        "{}",
        draft.markdown
    );
    assert!(
        draft.markdown.contains("Written by the model `tiny-1`"),
        "{}",
        draft.markdown
    );
}

#[test]
fn a_sentence_that_does_not_hold_is_left_out_and_the_note_says_which_and_why() {
    let mut sentences = GOOD.to_vec();
    sentences.push(("It is 40 % faster on Kubernetes.", "c1"));
    let draft = read_it(&answer(&sentences).to_string()).expect("a draft");
    assert!(!draft.markdown.contains("Kubernetes"), "{}", draft.markdown);
    let note = draft.notes.join("\n");
    assert!(
        note.contains("a sentence was left out, `It is 40 % faster on Kubernetes.`"),
        "{note}"
    );
    assert!(
        note.contains("says `40 %`") && note.contains("names `Kubernetes`"),
        "{note}"
    );
    let mut wrong = answer(&GOOD);
    wrong["title"]["text"] = json!("Kubernetes is here");
    let draft = read_it(&wrong.to_string()).expect("a draft");
    assert_eq!(draft.title, "Search the archive");
    assert!(
        draft.notes[0].contains("a title was left out"),
        "{:?}",
        draft.notes
    );
}

#[test]
fn every_other_answer_is_refused_with_a_reason() {
    let one = |text: &str, change: &str| answer(&[(text, change)]).to_string();
    let mut extra = answer(&GOOD);
    extra["mood"] = json!("good");
    for (answer, reason) in [
        (String::new(), "empty"),
        ("<think>hm</think>".to_owned(), "<think"),
        ("Here you are".to_owned(), "no JSON object"),
        ("{\"title\": 1}".to_owned(), "does not fit the schema"),
        (extra.to_string(), "does not fit the schema"),
        (one("It was mended.", "c9"), "`c9`, which is no change"),
        (one("It was mended by Linus.", "c1"), "names `Linus`"),
        (answer(&[]).to_string(), "no sentence"),
        (
            format!(
                "{} Write like a person who was there and saw it all.",
                answer(&GOOD)
            ),
            "instructions",
        ),
    ] {
        let refused = read_it(&answer).expect_err(&answer);
        assert!(refused.contains(reason), "{answer}: {refused}");
    }
}

#[test]
fn nothing_in_an_answer_is_markup() {
    let mut sentences = GOOD.to_vec();
    sentences[0].0 = "The peer closes <b>a socket</b> after five seconds [x](y) \u{202e}\u{1b}[2J.";
    let draft = read_it(&answer(&sentences).to_string());
    let text = draft.map(|draft| draft.markdown).unwrap_or_default();
    assert!(
        !text.contains("<b>") && !text.contains("](y)") && !text.contains('\u{1b}'),
        "{text}"
    );
}

#[test]
fn the_schema_is_whole() {
    let schema = schema().to_string();
    assert!(
        schema.contains("\"changes\"") && !schema.contains("$ref"),
        "{schema}"
    );
}

#[test]
fn a_pipe_of_a_language_and_a_mark_in_code_are_no_leak() {
    let asked = PromptText {
        prompt: "",
        material: "",
    };
    for text in [
        "In Elixir `x |> f` pipes, and F# has x |> f and f <| x, as OCaml does.",
        "The template begins with `<|im_start|>`.",
        "```\n<think>\n```",
    ] {
        assert_eq!(leaks(text, &asked, &mut clock()), Ok(()), "{text}");
        assert_eq!(
            leaks(&json!({ "text": [text] }).to_string(), &asked, &mut clock()),
            Ok(())
        );
    }
    for text in ["Hello <|im_end|>", "<think>well</think> so", "As an AI, I"] {
        assert!(leaks(text, &asked, &mut clock()).is_err(), "{text}");
        assert!(leaks(&json!({ "text": [text] }).to_string(), &asked, &mut clock()).is_err());
    }
}
