//! Taps: what is found is kept once, what has changed is kept anew, and error is not empty.

use std::fs;

use callboard_core::store::Dialect;
use serde_json::Value as Json;

use crate::support::factory::{Factory, on_each};
use crate::support::scripted::{Reply, Scripted};

fn rss(items: &[(&str, &str)]) -> Reply {
    let item = |(id, title): &(&str, &str)| {
        format!(
            "<item><guid>{id}</guid><title>{title}</title><link>https://a.example/{id}</link><description>Some text</description></item>"
        )
    };
    let items: String = items.iter().map(item).collect();
    let feed = format!("<rss version='2.0'><channel><title>A</title>{items}</channel></rss>");
    Reply::Page(200, "application/rss+xml", feed)
}

const ATOM: &str = "<feed xmlns='http://www.w3.org/2005/Atom'><title>B</title><id>b</id><updated>2026-01-05T09:00:00Z</updated>\
    <entry><title>Three</title><id>3</id><updated>2026-01-05T09:00:00Z</updated><link href='https://b.example/3'/><summary>Some text</summary></entry></feed>";
const JSON: &str = r#"{"version":"https://jsonfeed.org/version/1.1","title":"C","items":[{"id":"4","url":"https://c.example/4","title":"Four","content_text":"Some text"}]}"#;

/// Feeds of each form, and those that are none.
fn feeds(changed: bool) -> Scripted {
    Scripted::new(move |asked| match asked.path.as_str() {
        "/rss" if changed => rss(&[("1", "One, mended"), ("2", "Two")]),
        "/rss" => rss(&[("1", "One"), ("2", "Two")]),
        "/atom" => Reply::Page(200, "application/atom+xml", ATOM.to_owned()),
        "/json" => Reply::Page(200, "application/feed+json", JSON.to_owned()),
        "/empty" => rss(&[]),
        "/page" => Reply::html("<html><body>no feed</body></html>"),
        "/large" => Reply::Page(200, "application/rss+xml", "x".repeat((8 << 20) + 1)),
        "/half" => Reply::Half,
        "/close" => Reply::Close,
        "/broken" => Reply::Page(500, "text/plain", "no".to_owned()),
        "/busy" => Reply::Page(429, "text/plain", "no".to_owned()),
        "/hang" => Reply::Hang,
        _ => Reply::missing(),
    })
}

/// The factory, which may ask the server of the feeds.
fn factory(dialect: Dialect, server: &Scripted) -> Factory {
    let factory = Factory::bare_written(dialect);
    let stage = "# config.fetch.besides = [\"http://wiki.lan:8080\"]";
    let config = format!(
        "config.fetch = {{ besides = [\"{}\"], pause_ms = 0, wait_seconds = 2 }}",
        server.url("")
    );
    factory.edit("pipelines/watch_feeds.toml", stage, &config);
    factory.ok(&["apply"]);
    factory
}

/// How the newest run of a pipeline ended, and its checkpoint.
fn ran(factory: &Factory, pipeline: &str, input: &str) -> (String, Json) {
    factory.run(&["run", pipeline, "--input", input]);
    let id = factory.json(&["runs", "list", "--limit", "1"])[0]["id"].clone();
    let shown = factory.json(&["runs", "show", id.as_str().expect("an id")]);
    let status = shown["run"]["status"]
        .as_str()
        .expect("a status")
        .to_owned();
    (status, shown["stages"][0]["outcome"].clone())
}

on_each!(
    items_of_each_form_of_feed_are_kept_once_and_again_when_they_change,
    |dialect: Dialect| {
        let server = feeds(false);
        let factory = factory(dialect, &server);
        let all = format!(
            "feeds={} {} {}",
            server.url("/rss"),
            server.url("/atom"),
            server.url("/json")
        );
        let (status, outcome) = ran(&factory, "watch_feeds", &all);
        assert_eq!(
            (status.as_str(), outcome["effects"]["items_kept"].as_u64()),
            ("done", Some(4)),
            "{outcome:#}"
        );
        assert_eq!(
            factory.texts("SELECT title FROM items ORDER BY title", "title"),
            ["Four", "One", "Three", "Two"]
        );
        let (status, outcome) = ran(&factory, "watch_feeds", &all);
        assert_eq!(status, "nothing-to-do", "{outcome:#}");
        let other = feeds(true);
        server.script(move |asked| match asked.path.as_str() {
            "/rss" => rss(&[("1", "One, mended"), ("2", "Two")]),
            _ => Reply::missing(),
        });
        drop(other);
        // One that has gone is told, and what the others have is kept.
        let (status, outcome) = ran(&factory, "watch_feeds", &all);
        assert_eq!(
            (status.as_str(), outcome["effects"]["items_kept"].as_u64()),
            ("done", Some(1)),
            "{outcome:#}"
        );
        let told = outcome["fallbacks"].to_string();
        assert!(
            told.contains("/atom") && told.contains("status 404"),
            "{told}"
        );
        assert_eq!(factory.count("items WHERE title = 'One, mended'"), 1);
        assert_eq!(factory.count("items"), 4);
    }
);

#[test]
fn a_feed_that_cannot_be_read_is_unavailable_with_its_cause_and_an_empty_one_is_not() {
    let server = feeds(false);
    let factory = factory(Dialect::Sqlite, &server);
    for (path, cause) in [
        ("/gone", "status 404"),
        ("/page", "it is no feed"),
        ("/large", "too-large"),
        ("/half", "reset"),
        ("/close", "reset"),
        ("/broken", "status 500"),
        ("/busy", "status 429"),
        ("/hang", "timeout"),
    ] {
        let (status, outcome) = ran(
            &factory,
            "watch_feeds",
            &format!("feeds={}", server.url(path)),
        );
        assert_eq!(status, "unavailable", "{path}: {outcome:#}");
        assert!(outcome.to_string().contains(cause), "{path}: {outcome:#}");
    }
    let (status, outcome) = ran(
        &factory,
        "watch_feeds",
        &format!("feeds={}", server.url("/empty")),
    );
    assert_eq!(status, "nothing-to-do", "{outcome:#}");
    assert_eq!(factory.count("items"), 0);
}

on_each!(
    documents_of_a_folder_are_kept_and_what_cannot_be_read_is_told,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &[u8]| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(path, text).expect("written");
        };
        let input = format!("folder={}", folder.path().display());
        assert_eq!(
            ran(&factory, "watch_folder", &input).0,
            "nothing-to-do",
            "it is empty"
        );
        write(
            "a.md",
            b"---\ntitle: \"From the head\"\ndate: 2026-01-05\n---\n\n# Another\n\nText.\n",
        );
        write("deep/er/b.md", b"# From *its* heading\n\nText.\n");
        write("c.txt", b"no document");
        let (status, outcome) = ran(&factory, "watch_folder", &input);
        assert_eq!(
            (status.as_str(), outcome["effects"]["items_kept"].as_u64()),
            ("done", Some(2)),
            "{outcome:#}"
        );
        let titles = "SELECT title FROM items ORDER BY name";
        assert_eq!(
            factory.texts(titles, "title"),
            ["From the head", "From *its* heading"]
        );
        assert_eq!(
            factory.count("items WHERE text LIKE '# Another%' AND published = '2026-01-05'"),
            1
        );
        assert_eq!(
            ran(&factory, "watch_folder", &input).0,
            "nothing-to-do",
            "it is known"
        );
        write("a.md", b"# Mended\n\nText.\n");
        write("large.md", &vec![b'x'; (256 << 10) + 1]);
        write("other.md", b"\xff\xfe");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link.md")).expect("a link");
        let (status, outcome) = ran(&factory, "watch_folder", &input);
        assert_eq!(
            (status.as_str(), outcome["effects"]["items_kept"].as_u64()),
            ("done", Some(1)),
            "{outcome:#}"
        );
        let told = outcome["fallbacks"].to_string();
        for cause in [
            "is larger than 256 KiB",
            "it is not UTF-8",
            "links are not followed",
        ] {
            assert!(told.contains(cause), "{cause}: {told}");
        }
        let gone = format!("folder={}/nowhere", folder.path().display());
        let (status, outcome) = ran(&factory, "watch_folder", &gone);
        assert_eq!(status, "unavailable", "{outcome:#}");
    }
);
