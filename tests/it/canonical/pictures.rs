//! A draft that comes back, from its rails or from a person, pays only for what changes in its pictures.

use std::sync::atomic::{AtomicUsize, Ordering};

use callboard_core::store::Dialect;
use serde_json::{Value as Json, json};

use super::press::{SEEN, TOPIC, draft, factory, model, press, role, run, web};
use crate::support::factory::{Factory, on_each};
use crate::support::pictures::PictureServer;
use crate::support::scripted::{Reply, Scripted, wanted};

const NOTES: &str = "notes=The weather was written down every evening.";

/// A text that rules reject in its first round, and whose second part reads otherwise in the next.
fn sections(round: usize) -> String {
    let (glass, mark) = match round {
        0..2 => (
            "Soot on the glass costs a ship its way.",
            " [citation needed]",
        ),
        _ => ("The lens was polished by hand each morning.", ""),
    };
    let paragraph = |text: String, source: &str| json!({ "text": text, "sources": [source] });
    let sections = json!([
        { "heading": "", "paragraphs": [paragraph("The Fastnet was lit in 1904.".to_owned(), "s1")] },
        { "heading": "The glass", "paragraphs": [paragraph(format!("{glass}{mark}"), "s1")] },
        { "heading": "The book", "paragraphs": [paragraph("The weather was written down every evening.".to_owned(), "notes")] },
    ]);
    json!({ "title": "T", "summary": "What the keepers did each day, and why the glass had to be clean.", "sections": sections }).to_string()
}

/// A press whose draft is rejected once by the rails, and whose model never says twice the same of a picture.
fn changing() -> Scripted {
    let (texts, pictures) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Scripted::new(move |asked| {
        if !asked.path.ends_with("/chat/completions") {
            return web(asked);
        }
        let wanted = wanted(asked);
        let has = |key: &str| wanted.iter().any(|it| it == key);
        if has("pictures") {
            let number = pictures.fetch_add(1, Ordering::SeqCst);
            let told = ["featured", "inline:1", "inline:2"].map(|which| json!({ "which": which, "prompt": format!("{which}, told {number} times before") }));
            return Reply::model(&json!({ "pictures": told }).to_string(), true);
        }
        if has("sections") {
            return Reply::model(&sections(texts.fetch_add(1, Ordering::SeqCst)), true);
        }
        model(asked)
    })
}

fn illustrated(dialect: Dialect, press: &Scripted, pictures: &PictureServer) -> Factory {
    let factory = factory(dialect, press);
    role(&factory, "vision", &press.url("/"), "eye");
    factory.ok(&["settings", "set", "images.provider", "sdxl"]);
    factory.ok(&["settings", "set", "images.url", &pictures.url()]);
    factory
}

/// How often a model was asked for what pictures are to show, and what it was shown.
fn planned(press: &Scripted) -> Vec<String> {
    let asked = press.asked().into_iter();
    let plans = asked.filter(|asked| wanted(asked).contains(&"pictures".to_owned()));
    plans.map(|asked| asked.body).collect()
}

/// How often a model looked at a picture.
fn looked(press: &Scripted) -> usize {
    let asked = press.asked();
    let looks = asked
        .iter()
        .filter(|asked| asked.body.contains("image_url"));
    looks.count()
}

fn prompts(pictures: &PictureServer) -> Vec<String> {
    let asked = pictures.generations();
    let prompt = |body: Json| body["prompt"].as_str().unwrap_or_default().to_owned();
    asked.iter().map(|asked| prompt(asked.json())).collect()
}

on_each!(
    a_draft_that_rails_send_back_pays_only_for_the_picture_whose_words_changed,
    |dialect: Dialect| {
        let (press, pictures) = (changing(), PictureServer::sdxl());
        let factory = illustrated(dialect, &press, &pictures);
        let ran = run(
            &factory,
            &[TOPIC, &format!("urls={}", press.url("/lamp")), NOTES],
        );
        assert_eq!(ran.code, 4, "{ran}");
        assert_eq!(
            draft(&factory)["report"]["rails"]["round"],
            2,
            "{:#}",
            draft(&factory)
        );
        // Three at first, and in the second round the one whose part reads otherwise.
        let prompts = prompts(&pictures);
        assert_eq!(prompts.len(), 4, "{prompts:#?}");
        assert!(
            prompts[3].starts_with("inline:1, told 1 times before"),
            "{prompts:#?}"
        );
        let plans = planned(&press);
        assert_eq!(plans.len(), 2, "what is known is not asked for");
        assert!(
            plans[1].contains("- inline:1") && !plans[1].contains("- inline:2"),
            "{}",
            plans[1]
        );
        assert_eq!(looked(&press), 4, "each is looked at once");
        assert_eq!(factory.count("media"), 4);
        let markdown = draft(&factory)["markdown"].to_string();
        assert_eq!(markdown.matches(SEEN).count(), 2, "{markdown}");
    }
);

on_each!(
    a_person_who_sends_a_text_back_keeps_its_pictures_and_one_who_wants_others_gets_them,
    |dialect: Dialect| {
        let (press, pictures) = (press(), PictureServer::sdxl());
        let factory = illustrated(dialect, &press, &pictures);
        let gate = "gate = \"publish this post?\"";
        let parts = "regenerate = { text = \"revise\", pictures = \"plan_pictures\", files = \"make_pictures\" }";
        factory.edit(
            "pipelines/canonical_blog.toml",
            gate,
            &format!("{gate}\n{parts}"),
        );
        for stage in ["plan_pictures", "make_pictures"] {
            let id = format!("id = \"{stage}\"");
            factory.edit(
                "pipelines/canonical_blog.toml",
                &id,
                &format!("{id}\nmax_visits = 9"),
            );
        }
        factory.ok(&["apply"]);
        let ran = run(
            &factory,
            &[TOPIC, &format!("urls={}", press.url("/lamp")), NOTES],
        );
        assert_eq!(ran.code, 4, "{ran}");
        let again = |part: &str| {
            let task = factory.task();
            let ran = factory.run(&[
                "tasks",
                "regenerate",
                &task,
                "--part",
                part,
                "--feedback",
                "again",
            ]);
            assert_eq!(ran.code, 4, "it stands before its gate again: {ran}");
            (
                pictures.generations().len(),
                planned(&press).len(),
                looked(&press),
            )
        };
        assert_eq!(
            (pictures.generations().len(), planned(&press).len()),
            (2, 1)
        );
        assert_eq!(again("text"), (2, 1, 2), "the text is as it was");
        assert_eq!(again("pictures"), (4, 2, 4), "others are wanted");
        assert_eq!(again("files"), (6, 2, 6), "of the same plan");
        assert_eq!(again("text"), (6, 2, 6));
    }
);
