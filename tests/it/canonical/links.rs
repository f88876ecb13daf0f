//! Links to posts of the site: what is known of these posts reaches the rail that judges the links.

use callboard_core::store::Dialect;
use serde_json::{Value as Json, json};

use super::press::{TOPIC, factory, model, press, run, web};
use crate::support::factory::{Factory, on_each};
use crate::support::scripted::{Asked, Reply, wanted};

const BOATS: &str = "In winter no boat could land for weeks, and what they ate was what had been brought in autumn. The masters of \
    the boats waited in the harbour, and sent no word. What was ordered in one month came in another. Nobody was to blame for it.";

/// The row of the rail in the report of a task.
fn rail(factory: &Factory, topic: &str) -> Json {
    let tasks = factory.json(&["tasks", "list"]);
    let mut tasks = tasks.as_array().expect("a list").iter();
    let of = |task: &&Json| task["topic"].as_str().is_some_and(|it| it.contains(topic));
    let task = tasks.find(of).expect("a task")["id"].clone();
    let shown = factory.json(&["tasks", "show", task.as_str().expect("an id")]);
    let report = &shown["draft"]["report"]["rails"]["rails"];
    let mut rows = report.as_array().expect("rails").iter();
    let row = rows.find(|row| row["rail"] == "linked_posts");
    row.expect("the rail").clone()
}

on_each!(
    a_link_to_a_post_that_many_link_to_is_found,
    |dialect: Dialect| {
        let press = press();
        let factory = factory(dialect, &press);
        let urls = format!("urls={}", press.url("/lamp"));
        assert_eq!(run(&factory, &[TOPIC, &urls]).code, 4);
        factory.ok(&["tasks", "approve", &factory.task()]);
        let slug = factory.texts("SELECT slug FROM posts", "slug").remove(0);
        // Three posts that link to it already are enough.
        let others = "INSERT INTO posts (id, slug, subject, task, title, excerpt, markdown, tags, written_by, covers, status, published_at, updated_at) \
            SELECT $, $, $, $, $, excerpt, '[it](/posts/' || slug || ')', tags, written_by, covers, status, published_at, updated_at FROM posts WHERE title LIKE 'What%'";
        for name in ["a", "b", "c"] {
            factory.execute(&others.replace('$', &format!("'{name}'")));
        }
        let about = |link: &str| {
            let text = format!(
                "In winter no boat could land for weeks [posts/{link}]. What they ate was what had been brought in autumn."
            );
            let paragraphs = json!([{ "text": text, "sources": ["notes"] }]);
            json!({ "title": "T", "summary": "What was eaten on the rock in winter.", "sections": [{ "heading": "Boats", "paragraphs": paragraphs }] }).to_string()
        };
        let told = about(&slug);
        press.script(move |asked: &Asked| {
            let wanted = wanted(asked);
            let has = |key: &str| wanted.iter().any(|it| it == key);
            match asked.path.ends_with("/chat/completions") {
                true if has("sections") => Reply::model(&told, true),
                true if has("titles") => {
                    Reply::model(r#"{"titles":["Winter food and no boats"]}"#, true)
                }
                true => model(asked),
                false => web(asked),
            }
        });
        let notes = format!("notes={BOATS}");
        let ran = run(
            &factory,
            &["topic=What was eaten in winter without boats", &notes],
        );
        assert_eq!(ran.code, 4, "{ran}");
        let row = rail(&factory, "Winter food");
        assert_eq!(row["came_to"], "pass", "it is a warning: {row:#}");
        let finding = &row["findings"][0];
        assert_eq!(finding["rule"], "crowded_link", "{row:#}");
        assert!(
            finding["message"].to_string().contains("3 posts link to"),
            "{row:#}"
        );
        assert_eq!(
            row["findings"][0]["excerpt"], "What the keepers of the Fastnet did all day",
            "{row:#}"
        );
    }
);
