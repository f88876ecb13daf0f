//! What taps have kept is what a post can stand on: by its place, by its id, or handed on by a tap itself.

use std::fs;

use callboard_core::store::Dialect;
use serde_json::Value as Json;

use super::press::{TOPIC, factory, model, press, run, web};
use crate::support::factory::{Factory, on_each};
use crate::support::scripted::{Asked, Reply};

/// A document about the lamp, and one about something else, in a folder of their own.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let lamp = "+++\ntitle = \"The lamp\"\n+++\n\nThe Fastnet was lit in 1904. Keepers trimmed the wick before dusk. Soot on the glass costs a ship its way. The lens was polished by hand. The weather was written down every evening.\n";
    fs::write(folder.path().join("lamp.md"), lamp).expect("written");
    fs::write(
        folder.path().join("boats.md"),
        "# Boats\n\nIn winter no boat could land for weeks.\n",
    )
    .expect("written");
    folder
}

/// The stages of the newest run, with what each came to.
fn stages(factory: &Factory) -> Vec<Json> {
    let id = factory.json(&["runs", "list", "--limit", "1"])[0]["id"].clone();
    let shown = factory.json(&["runs", "show", id.as_str().expect("an id")]);
    shown["stages"].as_array().expect("stages").clone()
}

fn titles(factory: &Factory) -> Vec<String> {
    factory.texts("SELECT title FROM sources ORDER BY title", "title")
}

on_each!(
    documents_and_items_of_feeds_that_taps_have_kept_are_sources,
    |dialect: Dialect| {
        let (press, folder) = (press(), folder());
        let factory = factory(dialect, &press);
        let own = press.url("");
        let besides = format!("config.fetch = {{ besides = [\"{own}\"], pause_ms = 0 }}");
        factory.edit(
            "pipelines/watch_feeds.toml",
            "# config.fetch.besides = [\"http://wiki.lan:8080\"]",
            &besides,
        );
        factory.ok(&["apply"]);
        // A feed whose first item is a page of its own, told in a line, and whose second is told wholly.
        let (page, whole) = (press.url("/lamp"), press.url("/told"));
        let text = "The Fastnet was lit in 1904, and its keepers wrote that down. ".repeat(12);
        press.script(move |asked: &Asked| match asked.path.as_str() {
            "/feed" => {
                let item = |url: &str, title: &str, text: &str| format!("<item><title>{title}</title><link>{url}</link><description>{text}</description></item>");
                let items = item(&page, "A lamp", "In short.") + &item(&whole, "Told wholly", &text);
                Reply::Page(200, "application/xml", format!("<rss version='2.0'><channel><title>Coast</title>{items}</channel></rss>"))
            }
            path if path.ends_with("/chat/completions") => model(asked),
            _ => web(asked),
        });
        let (feed, path) = (
            press.url("/feed"),
            folder.path().to_str().expect("a path").to_owned(),
        );
        factory.ok(&["run", "watch_folder", "--input", &format!("folder={path}")]);
        factory.ok(&["run", "watch_feeds", "--input", &format!("feeds={feed}")]);
        assert_eq!(factory.count("items"), 4);
        let named = format!("items={}", serde_json::json!([path, feed, "nowhere"]));
        let ran = run(&factory, &[TOPIC, &named]);
        assert_eq!(ran.code, 4, "{ran}");
        assert_eq!(
            titles(&factory),
            ["Boats", "The lamp", "The lamp", "Told wholly"]
        );
        let asked: Vec<String> = press.asked().into_iter().map(|it| it.path).collect();
        assert!(
            asked.contains(&"/lamp".to_owned()) && !asked.contains(&"/told".to_owned()),
            "{asked:?}"
        );
        let told = stages(&factory)[1]["outcome"]["fallbacks"].to_string();
        assert!(
            told.contains("nowhere") && told.contains("no item of this id"),
            "{told}"
        );
        // The text cites the page, and has no link to a document that is nowhere but here.
        let markdown =
            factory.json(&["tasks", "show", &factory.task()])["draft"]["markdown"].to_string();
        assert!(
            !markdown.contains(&path) && !markdown.contains("]()"),
            "{markdown}"
        );
    }
);

/// A pipeline whose tap hands on what is new, and whose research reads it.
#[test]
fn research_reads_what_a_tap_before_it_hands_on() {
    let (press, folder) = (press(), folder());
    let factory = factory(Dialect::Sqlite, &press);
    let pipeline = "name = \"digest\"\ndescription = \"d\"\nbudget = \"5m\"\n\n[input.folder]\nrequired = true\ndescription = \"f\"\n\n[input.subject]\ndefault = \"notes\"\ndescription = \"s\"\n\n\
        [[stage]]\nid = \"documents\"\nhandler = \"tap.markdown_folder\"\n\n[[stage]]\nid = \"research\"\nhandler = \"content.research\"\nneeds = [\"documents\"]\n";
    factory.write("pipelines/digest.toml", pipeline);
    factory.ok(&["apply"]);
    let path = folder.path().to_str().expect("a path").to_owned();
    factory.ok(&["run", "digest", "--input", &format!("folder={path}")]);
    assert_eq!(titles(&factory), ["Boats", "The lamp"]);
    fs::write(
        folder.path().join("boats.md"),
        "# Boats\n\nIn 1905 one could.\n",
    )
    .expect("written");
    factory.execute("DELETE FROM sources");
    factory.ok(&["run", "digest", "--input", &format!("folder={path}")]);
    assert_eq!(titles(&factory), ["Boats"], "only what has changed");
}
