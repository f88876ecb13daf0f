//! A small web with two pages and a model that writes about them, and a factory that knows both.

use callboard_core::store::Dialect;
use serde_json::Value as Json;

use crate::support::factory::Factory;
use crate::support::host::Ran;
use crate::support::scripted::{Asked, Reply, Scripted, wanted};

pub(super) const TOPIC: &str = "topic=How keepers tended the Fastnet lighthouse";

/// A page with a text of three paragraphs.
pub(super) fn page(title: &str, text: &str) -> String {
    let more = "Keepers wrote down the weather every evening, trimmed the wick before dusk, and polished the \
        lens by hand each morning, because soot on the glass costs a ship its way.";
    format!(
        "<html><head><title>{title}</title></head><body><nav><a href='/'>Home</a></nav>\
        <article><h1>{title}</h1><p>{text}</p><p>{more}</p><p>{more}</p></article></body></html>"
    )
}

const LAMP: &str = "The Fastnet lighthouse was lit in 1904 and stands 54 metres above the rock, \
    which made it the tallest of Ireland.";

/// An article whose second paragraph has a sentence that no source has, a link that is made up, and a
/// post that there is none of.
pub(super) const ARTICLE: &str = r#"{"title":"How keepers tended the Fastnet","summary":"What the keepers of the Fastnet did each day, and why the glass had to be clean.",
 "sections":[
  {"heading":"","paragraphs":[{"text":"The “Fastnet” was lit in 1904. Keepers trimmed the wick before dusk [posts/none].","sources":["s1"]}]},
  {"heading":"The glass","paragraphs":[
    {"text":"Sure, here is the paragraph you asked for:","sources":[]},
    {"text":"Soot on the glass costs a ship [its way](https://made.up/). Grace Hopper paid 900 pounds for it. The lens was polished by hand.","sources":["s1","s9"]},
    {"text":"The weather was written down every evening.","sources":["notes"]}]}]}"#;
/// The same without what is wrong with it, as the model writes it again.
const BETTER: &str = r#"{"title":"T","summary":"S",
 "sections":[
  {"heading":"","paragraphs":[{"text":"The Fastnet was lit in 1904. Keepers trimmed the wick before dusk, every day of the year.","sources":["s1"]}]},
  {"heading":"The glass","paragraphs":[
    {"text":"Soot on the glass costs a ship [its way](https://made.up/) [x](/posts/none) <https://made.up/y>. The lens was polished by hand.","sources":["s1"]},
    {"text":"The weather was written down every evening.","sources":["notes"]}]}]}"#;
pub(super) const TITLES: &str =
    r#"{"titles":["Title: no title","What the keepers of the Fastnet did all day"]}"#;
pub(super) const SEO: &str = r#"{"title":"What the keepers of the Fastnet did","description":"Wick, lens and weather book: a day of a lighthouse keeper at the Fastnet, hour by hour.","keywords":["Lighthouse","Fastnet"]}"#;

/// What its pictures are to show, and what is seen in each.
pub(super) const PICTURES: &str = r#"{"pictures":[{"which":"featured","prompt":"A lighthouse on a rock at dusk"},{"which":"inline:1","prompt":"Hands that polish a lens"}]}"#;
pub(super) const SEEN: &str = "A lighthouse keeper polishes a lens of brass and glass.";

/// What the web has.
pub(super) fn web(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/robots.txt" => Reply::Page(
            200,
            "text/plain",
            "User-agent: *\nDisallow: /private/\n".to_owned(),
        ),
        "/lamp" => Reply::html(page("The lamp", LAMP)),
        "/moved" => Reply::To("/lamp?again".to_owned()),
        "/lamp?again" => Reply::html(page("The lamp again", LAMP)),
        "/private/lamp" => Reply::html(page("Private", LAMP)),
        "/sneaky" => Reply::To("/private/lamp".to_owned()),
        "/empty" => Reply::html("<html><body><div id='app'></div></body></html>"),
        "/hang" => Reply::Hang,
        "/close" => Reply::Close,
        "/loop" => Reply::To("/loop".to_owned()),
        "/feed" => Reply::Page(200, "application/xml", feed(asked)),
        path if path.starts_with("/search?q=fastnet") => Reply::Page(
            200,
            "application/json",
            r#"{"results":[{"url":"RELATIVE","title":"x"}]}"#.to_owned(),
        ),
        _ => Reply::missing(),
    }
}

fn feed(_: &Asked) -> String {
    let item = format!(
        "<item><title>Told by a feed</title><link>https://feed.example/told</link>\
        <description>{}</description></item>",
        LAMP.repeat(6)
    );
    format!("<rss version='2.0'><channel><title>Coast</title>{item}</channel></rss>")
}

/// What the model says, well.
pub(super) fn model(asked: &Asked) -> Reply {
    let wanted = wanted(asked);
    let has = |key: &str| wanted.iter().any(|it| it == key);
    if wanted.is_empty() {
        return Reply::model(SEEN, true);
    }
    if has("score") {
        return Reply::model(r#"{"score": 85, "findings": []}"#, true);
    }
    if has("pictures") {
        return Reply::model(PICTURES, true);
    }
    let again = asked.body.contains("as its editor") || asked.body.contains("was sent back");
    let text = match (has("titles"), has("sections")) {
        (true, _) => TITLES,
        (_, true) if again => BETTER,
        (_, true) => ARTICLE,
        _ => SEO,
    };
    Reply::model(text, true)
}

/// The web and the model, at one server.
pub(crate) fn press() -> Scripted {
    Scripted::new(|asked| {
        if asked.path.ends_with("/chat/completions") {
            model(asked)
        } else {
            web(asked)
        }
    })
}

/// A factory that may read the press, with a short patience; not applied.
pub(super) fn written(dialect: Dialect, press: &Scripted) -> Factory {
    let factory = Factory::written(dialect);
    let origin = press.url("");
    let stage = "# config.fetch.besides = [\"http://wiki.lan:8080\"]";
    let config =
        format!("config.fetch = {{ besides = [\"{origin}\"], pause_ms = 0, wait_seconds = 2 }}");
    factory.edit("pipelines/canonical_blog.toml", stage, &config);
    let (rail, config) = (
        "# config.besides = [\"http://wiki.lan:8080\"]",
        format!("config.besides = [\"{origin}\"]"),
    );
    factory.edit("pipelines/canonical_blog.toml", rail, &config);
    factory
}

/// The same with its writer and its critic, applied.
pub(super) fn factory(dialect: Dialect, press: &Scripted) -> Factory {
    let factory = written(dialect, press);
    factory.ok(&["apply"]);
    role(&factory, "writer", &press.url("/"), "quill");
    role(&factory, "critic", &press.url("/"), "lens");
    factory
}

/// Have a role answered for at an address.
pub(super) fn role(factory: &Factory, role: &str, url: &str, model: &str) {
    factory.ok(&["settings", "set", &format!("roles.{role}.url"), url]);
    factory.ok(&["settings", "set", &format!("roles.{role}.model"), model]);
}

/// Run the pipeline with inputs.
pub(super) fn run(factory: &Factory, inputs: &[&str]) -> Ran {
    let mut arguments = vec!["run", "canonical_blog"];
    for input in inputs {
        arguments.extend(["--input", input]);
    }
    factory.run(&arguments)
}

/// The newest draft of the only task.
pub(super) fn draft(factory: &Factory) -> Json {
    factory.json(&["tasks", "show", &factory.task()])["draft"].clone()
}

#[track_caller]
pub(super) fn text<'d>(draft: &'d Json, key: &str) -> &'d str {
    draft[key]
        .as_str()
        .unwrap_or_else(|| panic!("no `{key}` in {draft}"))
}
