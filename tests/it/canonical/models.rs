//! Models that are slow, cut off, wrong or dead: a truthful outcome each, and never an invented text.

use callboard_core::store::Dialect::Sqlite;

use super::press::{TOPIC, draft, factory, model, press, run, text, web};
use crate::support::factory::Factory;
use crate::support::scripted::{Asked, Reply, Scripted, wanted};

/// A press whose model answers otherwise when it is asked for something with a key.
fn saying(
    key: &'static str,
    instead: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> Scripted {
    Scripted::new(
        move |asked| match asked.path.ends_with("/chat/completions") {
            true if wanted(asked).iter().any(|it| it == key) => instead(asked),
            true => model(asked),
            false => web(asked),
        },
    )
}

fn patient(press: &Scripted) -> Factory {
    let factory = factory(Sqlite, press);
    for handler in ["draft", "title", "self_review", "seo"] {
        let stage = format!("handler = \"content.{handler}\"");
        factory.edit(
            "pipelines/canonical_blog.toml",
            &stage,
            &format!("{stage}\nconfig.wait_seconds = 2"),
        );
    }
    factory.ok(&["apply"]);
    factory
}

#[test]
fn a_draft_that_no_model_wrote_is_none() {
    let press = press();
    let factory = patient(&press);
    let urls = format!("urls={}", press.url("/lamp"));
    let forged = r#"{"title":"t","summary":"s","sections":[]}"#;
    let leaked = r#"{"title":"t","summary":"s","sections":[{"heading":"","paragraphs":[{"text":"<think>no","sources":[]}]}]}"#;
    let cases: [(Reply, &str); 7] = [
        (Reply::Page(500, "application/json", "{}".to_owned()), "500"),
        (Reply::model(super::press::ARTICLE, false), "truncated"),
        (Reply::model("A post about lamps.", true), "no JSON"),
        (Reply::model(forged, true), "it has no paragraph"),
        (Reply::model(leaked, true), "<think"),
        (Reply::Hang, ""),
        (Reply::Half, "role writer"),
    ];
    for (reply, why) in cases {
        let answer = reply.clone();
        press.script(move |asked| {
            if asked.path.contains("completions") {
                answer.clone()
            } else {
                web(asked)
            }
        });
        let ran = run(&factory, &[TOPIC, &urls]);
        assert_eq!(ran.code, 4, "{reply:?}: {ran}");
        let run = factory.json(&["runs", "list"])[0].clone();
        assert_eq!(run["status"], "waiting", "{reply:?}: {run}");
        let detail = run["detail"].as_str().expect("a detail");
        assert!(
            detail.contains("draft: role writer") && detail.contains(why),
            "`{why}`: {detail}"
        );
    }
    assert_eq!(
        factory.count("tasks"),
        0,
        "no person is asked to approve nothing"
    );
}

#[test]
fn stages_that_can_do_without_a_model_say_what_they_did_instead() {
    let press = saying("titles", |_| {
        Reply::Page(500, "application/json", "{}".to_owned())
    });
    let factory = patient(&press);
    let urls = format!("urls={}", press.url("/lamp"));
    assert_eq!(run(&factory, &[TOPIC, &urls]).code, 4);
    let task = factory.json(&["tasks", "show", &factory.task()]);
    assert_eq!(
        text(&draft(&factory), "title"),
        "How keepers tended the Fastnet",
        "the draft's own"
    );
    let told = task["fallbacks"].to_string();
    assert!(
        told.contains("role writer") && told.contains("500"),
        "{told}"
    );
}

#[test]
fn a_review_that_is_no_better_leaves_the_text_and_says_so() {
    let worse = r#"{"title":"t","summary":"s","sections":[{"heading":"","paragraphs":[{"text":"The Fastnet was lit.","sources":["s1"]}]}]}"#;
    let press = saying("sections", move |asked| {
        if asked.body.contains("as its editor") {
            Reply::model(worse, true)
        } else {
            model(asked)
        }
    });
    let factory = patient(&press);
    let urls = format!("urls={}", press.url("/lamp"));
    let ran = run(
        &factory,
        &[
            TOPIC,
            &urls,
            "notes=The weather was written down every evening.",
        ],
    );
    assert_eq!(ran.code, 4, "{ran}");
    let draft = draft(&factory);
    let markdown = text(&draft, "markdown");
    assert!(
        markdown.contains("The lens was polished by hand"),
        "{markdown}"
    );
    assert!(
        !markdown.contains("Grace") && !markdown.contains("900"),
        "it was dropped: {markdown}"
    );
    assert!(
        !markdown.contains("made.up") && !markdown.contains("posts/none"),
        "{markdown}"
    );
    let notes = draft["notes"].to_string();
    for told in [
        "Grace",
        "`s9`",
        "https://made.up/",
        "`none`",
        "said to whoever asked",
    ] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    let task = factory.json(&["tasks", "show", &factory.task()])["fallbacks"].to_string();
    assert!(task.contains("it has 4 words, and the old text"), "{task}");
}

#[test]
fn each_seo_field_that_a_model_does_not_give_is_taken_from_the_text() {
    let press = saying("keywords", |_| {
        Reply::model(r#"{"title":"","description":"Short","keywords":[]}"#, true)
    });
    let factory = patient(&press);
    let urls = format!("urls={}", press.url("/lamp"));
    assert_eq!(run(&factory, &[TOPIC, &urls]).code, 4);
    let told = factory.json(&["tasks", "show", &factory.task()])["fallbacks"].to_string();
    for field in ["title", "description", "keywords"] {
        assert!(
            told.contains(&format!("role writer for the {field}")),
            "{field}: {told}"
        );
    }
    assert!(
        text(&draft(&factory), "excerpt")
            .starts_with("What the keepers of the Fastnet did each day")
    );
}

/// What is mostly made up is sent back once with what was found, and then with what was mended it goes on.
#[test]
fn a_text_that_is_mostly_made_up_is_written_anew_by_what_was_found() {
    let made_up = r#"{"title":"How keepers tended it","summary":"What the keepers of the Fastnet did each day on the rock.","sections":[{"heading":"","paragraphs":[
        {"text":"Grace Hopper paid 900 pounds for the lamp. Alan Turing built it in 1931. Keepers trimmed the wick before dusk.","sources":["s1"]}]}]}"#;
    let press = saying("sections", move |asked| {
        if asked.body.contains("was sent back") {
            model(asked)
        } else {
            Reply::model(made_up, true)
        }
    });
    let factory = patient(&press);
    let urls = format!("urls={}", press.url("/lamp"));
    let ran = run(
        &factory,
        &[
            TOPIC,
            &urls,
            "notes=The weather was written down every evening.",
        ],
    );
    assert_eq!(ran.code, 4, "{ran}");
    let sent_back = press
        .asked()
        .into_iter()
        .find(|asked| asked.body.contains("was sent back"));
    let sent_back = sent_back.expect("it was sent back").body;
    assert!(
        sent_back.contains("Turing") && sent_back.contains("900"),
        "{sent_back}"
    );
    let draft = draft(&factory);
    let markdown = text(&draft, "markdown");
    assert!(
        !markdown.contains("Turing") && markdown.contains("lens was polished"),
        "{markdown}"
    );
}

/// A server that holds a model to a schema has it write the keys in the order in which they stand there.
#[test]
fn a_model_writes_before_it_names_its_sources_and_is_named_without_its_folder() {
    let press = Scripted::new(|asked| match model(asked) {
        _ if !asked.path.ends_with("/chat/completions") => web(asked),
        Reply::Page(status, kind, said) => Reply::Page(
            status,
            kind,
            said.replace("quill-1", "/srv/models/quill.gguf"),
        ),
        other => other,
    });
    let factory = factory(Sqlite, &press);
    let ran = run(&factory, &[TOPIC, &format!("urls={}", press.url("/lamp"))]);
    assert_eq!(ran.code, 4, "{ran}");
    assert_eq!(text(&draft(&factory), "written_by"), "model quill.gguf");
    let asked = press.asked();
    let drafts = asked
        .iter()
        .find(|it| wanted(it).contains(&"sections".to_owned()));
    let (_, schema) = drafts
        .expect("a draft was asked for")
        .body
        .split_once("json_schema")
        .expect("a schema");
    let places = [
        "\"title\":{",
        "\"sections\":{",
        "\"heading\":{",
        "\"text\":{",
        "\"sources\":{",
    ]
    .map(|key| schema.find(key));
    assert!(
        places.is_sorted() && places[0].is_some(),
        "{places:?}: {schema}"
    );
    assert!(
        schema.contains("\"additionalProperties\":false") && schema.contains("\"strict\":true"),
        "{schema}"
    );
}
