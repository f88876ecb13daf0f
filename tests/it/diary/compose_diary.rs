//! The model writes if it does it well; otherwise the built-in text, and both say so.

use serde_json::json;

use callboard_core::handler::Completion;
use callboard_core::outcome::{FailureKind, Stop};
use callboard_factory::diary::bundle::Bundle;
use callboard_factory::diary::check::check;
use callboard_factory::diary::composer::BUILT_IN;
use callboard_factory::draft::Draft;

use super::bench::{Answer, Bench, TEMPLATE, bundle, handler, said};

async fn draft(answer: Answer) -> Draft {
    let mut bench = Bench::new().await;
    bench.answer = answer;
    let bundle = &bundle();
    let input = json!({ "bundle": bundle, "subject": bundle.subject() });
    let outcome = bench
        .call(handler("content.compose_diary"), "run-1", json!({}), input)
        .await;
    let patch = bench.commit(outcome).await;
    let draft: Draft = serde_json::from_value(patch["draft"].clone()).expect("a draft");
    assert!(
        check(&draft, bundle, TEMPLATE, &[]).is_ok(),
        "{}",
        draft.markdown
    );
    draft
}

fn says(text: &str) -> Completion {
    Completion {
        text: text.to_owned(),
        model: "tiny-1".into(),
        ..Completion::default()
    }
}

const GOOD: &str = r#"{
    "title": { "text": "Names are refused at last", "changes": ["c1"] },
    "summary": { "text": "Two of one name are refused.", "changes": ["c1"] },
    "sections": [{ "heading": "Registry", "sentences": [
        { "text": "The registry refuses the second of a name.", "changes": ["c1"] },
        { "text": "Before, the last one won.", "changes": ["c1"] }
    ] }]
}"#;

#[tokio::test]
async fn a_good_answer_is_taken_and_signed() {
    let draft = draft(Ok(Some(says(GOOD)))).await;
    assert_eq!(draft.written_by, "model tiny-1");
    assert!(draft.notes.is_empty());
    let told = "The registry refuses the second of a name. Before, the last one won (PR #12).";
    assert!(draft.markdown.contains(told), "{}", draft.markdown);
}

#[tokio::test]
async fn without_a_role_the_built_in_text_needs_no_excuse() {
    let draft = draft(Ok(None)).await;
    assert_eq!(draft.written_by, BUILT_IN);
    assert!(draft.notes.is_empty() && !draft.markdown.contains("could not be used"));
}

#[tokio::test]
async fn every_other_answer_falls_back_and_says_why() {
    let forged = GOOD.replace("\"c1\"", "\"c4711\"");
    let cases = [
        (Ok(Some(says(""))), "empty"),
        (Ok(Some(says(&forged))), "4711"),
        (Err(Stop::unavailable("role writer", "refused")), "refused"),
        (
            Err(Stop::failed(FailureKind::Timeout, "too late")),
            "too late",
        ),
    ];
    for (answer, reason) in cases {
        let draft = draft(answer).await;
        assert_eq!(draft.written_by, BUILT_IN);
        assert!(draft.notes[0].contains(reason), "{:?}", draft.notes);
        assert!(
            draft.markdown.contains("could not be used"),
            "{}",
            draft.markdown
        );
    }
}

#[tokio::test]
async fn an_empty_bundle_is_nothing_to_do() {
    let bench = Bench::new().await;
    let input = json!({ "bundle": Bundle::default(), "subject": "s" });
    let outcome = bench
        .call(handler("content.compose_diary"), "run-1", json!({}), input)
        .await;
    assert!(
        said(&outcome).starts_with("nothing-to-do"),
        "{}",
        said(&outcome)
    );
}
