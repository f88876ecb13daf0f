//! What the rails reject is written anew, a bounded number of times, and the best of it goes to a person.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use callboard_core::store::Dialect;
use serde_json::json;

use super::press::{TOPIC, draft, factory, model, run, text, web, written};
use crate::support::factory::on_each;
use crate::support::scripted::{Reply, Scripted, wanted};

const NOTES: &str = "notes=The weather was written down every evening.";

/// A text that no rule lets pass, and another one that brings the title back as a heading.
fn sections(marks: &str) -> String {
    let sections = json!([
        { "heading": "What the keepers of the Fastnet did all day", "paragraphs": [
            { "text": "The Fastnet was lit in 1904. Keepers trimmed the wick before dusk, every day of the year.", "sources": ["s1"] }] },
        { "heading": "The glass", "paragraphs": [
            { "text": format!("Soot on the glass costs a ship its way. The lens was polished by hand.{marks}"), "sources": ["s1"] },
            { "text": "The weather was written down every evening.", "sources": ["notes"] }] },
    ]);
    json!({ "title": "T", "summary": "What the keepers did each day, and why the glass had to be clean.", "sections": sections }).to_string()
}

/// A press whose writer gives such a text as often as that, and then one without marks.
fn stubborn(times: usize) -> Scripted {
    let asked_for = Arc::new(AtomicUsize::new(0));
    Scripted::new(move |asked| {
        if !asked.path.ends_with("/chat/completions") {
            return web(asked);
        }
        if !wanted(asked).contains(&"sections".to_owned()) {
            return model(asked);
        }
        let number = asked_for.fetch_add(1, Ordering::SeqCst);
        let marks = if number < times {
            " [citation needed]"
        } else {
            ""
        };
        Reply::model(&sections(marks), true)
    })
}

on_each!(
    what_is_rejected_to_the_end_goes_to_its_gate_flagged_and_is_published_by_nobody,
    |dialect: Dialect| {
        let press = stubborn(usize::MAX);
        let factory = factory(dialect, &press);
        let ran = run(
            &factory,
            &[TOPIC, &format!("urls={}", press.url("/lamp")), NOTES],
        );
        assert_eq!(ran.code, 4, "{ran}");
        let run = factory.json(&["runs", "list"])[0].clone();
        assert_eq!(run["status"], "gated", "{run}");
        let draft = draft(&factory);
        let report = &draft["report"];
        assert_eq!(report["flagged"], true, "{report:#}");
        assert_eq!(report["rails"]["round"], 3, "{report:#}");
        let flags = report["rails"]["flags"].to_string();
        assert!(
            flags.contains("rejected in 3 rounds, and this is the best"),
            "{flags}"
        );
        assert_eq!(factory.count("stage_runs WHERE stage = 'revise'"), 3);
        // It is judged as readers see it each time: the title never stands twice.
        let markdown = text(&draft, "markdown");
        assert!(!markdown.contains("## What the keepers"), "{markdown}");
        assert!(markdown.contains("## Sources"), "{markdown}");
        assert_eq!(factory.count("posts"), 0, "nobody said yes");
        factory.ok(&["tasks", "approve", &factory.task()]);
        assert_eq!(factory.count("posts"), 1, "a person did");
    }
);

#[test]
fn what_was_found_is_what_it_is_written_anew_by() {
    // The draft and its review have the mark; the first one that is sent back has none.
    let press = stubborn(2);
    let factory = factory(Dialect::Sqlite, &press);
    let ran = run(
        &factory,
        &[TOPIC, &format!("urls={}", press.url("/lamp")), NOTES],
    );
    assert_eq!(ran.code, 4, "{ran}");
    let asked = press.asked();
    let back: Vec<_> = asked
        .iter()
        .filter(|asked| asked.body.contains("was sent back"))
        .collect();
    assert_eq!(back.len(), 1, "once was enough");
    assert!(
        back[0].body.contains("placeholder_citation"),
        "{}",
        back[0].body
    );
    let draft = draft(&factory);
    assert_eq!(draft["report"]["flagged"], false, "{:#}", draft["report"]);
    assert_eq!(draft["report"]["rails"]["round"], 2);
    assert!(
        !text(&draft, "markdown").contains("citation needed"),
        "{draft}"
    );
}

#[test]
fn a_way_back_with_too_few_turns_is_a_miss() {
    let press = stubborn(0);
    let factory = written(Dialect::Sqlite, &press);
    factory.edit(
        "pipelines/canonical_blog.toml",
        "max_visits = 3",
        "max_visits = 2",
    );
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("`revise` may be visited 2 times"), "{ran}");
    assert!(
        said.contains("write `max_visits = 3` in stage `revise`"),
        "{ran}"
    );
}
