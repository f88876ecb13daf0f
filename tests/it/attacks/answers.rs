//! A server whose answer is short to say and long to read: a model, a maker of pictures, a page, a feed.
//! What is too much is told by its name, before it is read, so these tests have no clock.

use std::io::Cursor;
use std::time::{Duration, Instant};

use callboard_core::blocking::ComputeBudget;
use callboard_core::outcome::Outcome;
use callboard_core::store::Dialect::Sqlite;
use callboard_factory::research::{feed, page, search};
use image::{ImageBuffer, ImageFormat, Rgba};
use serde_json::json;

use super::attacks;
use crate::images::bench::{Bench, done};
use crate::scenario::model::set_writer;
use crate::support::database::runtime;
use crate::support::factory::{DAY, Factory, board};
use crate::support::model::{ModelServer, Say};
use crate::support::pictures::{PictureServer, Reply, sdxl};

attacks! {
    a_tree_in_an_answer: "a model whose answer is a text of JSON of eight million parts" => {
        || refused_answer(format!("{{\"x\":[{}0]}}", "{\"\":0},".repeat(2_800_000)))
    };
    messages_without_end: "a model whose answer has 900,000 messages of a channel" => {
        || refused_answer("<|channel|>a<|message|>b<|end|>".repeat(900_000))
    };
    more_than_its_tokens: "a model that says ten times what its limit of tokens lets" => {
        || refused_answer("<|channel|>a<|message|>b<|end|>".repeat(20_000))
    };
    a_picture_of_many_parts: "a maker of pictures whose answer, or whose error, is JSON of many parts" => {
        pictures_of_parts
    };
    a_picture_that_grows: "a picture that is small as it comes and large as it is written anew" => {
        a_growing_picture
    };
    an_answer_by_the_byte: "a server that answers by a byte at a time, without end: a model, a maker of pictures and its file, a page, a feed, robots.txt, a search" => {
        trickles
    };
    a_page_of_open_elements: "a page whose elements are made anew in each other, or nest without end" => {
        pages
    };
    a_feed_of_nothing: "a feed, or a list of hits, of hundreds of thousands of empty items" => { feeds };
}

/// The model's place is taken, as of any answer that is too large.
fn refused_answer(text: String) {
    let server = ModelServer::new(Say::Text(text.leak()));
    let factory = Factory::bare_written(Sqlite);
    set_writer(&factory, &server);
    factory.ok(&["apply"]);
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    assert!(server.asked() > 0, "the model was asked");
    let draft = factory.json(&["tasks", "show", &factory.task()])["draft"].clone();
    let notes = draft["notes"].to_string();
    assert!(notes.contains("too-large"), "{notes}");
}

fn pictures_of_parts() {
    let parts = format!("{{\"data\":[{}0]}}", "{\"\":0},".repeat(2_000_000));
    for (status, cause) in [(200, "wrong-answer"), (500, "server-error")] {
        let parts = parts.clone();
        let server = PictureServer::new(move |asked| match asked.path.as_str() {
            "/v1/images/generations" => Reply::new(status, "application/json", parts.clone()),
            _ => Reply::json(404, json!({ "error": "no" })),
        });
        let made = runtime().block_on(async {
            let bench = Bench::on("openai", &server.url()).await;
            bench.make("run-1", &["featured"]).await
        });
        match made {
            Outcome::Done(_) => panic!("a picture of {status}"),
            stopped @ Outcome::Stopped(_) => {
                assert!(stopped.detail().contains(cause), "{}", stopped.detail());
            }
        }
    }
}

/// Where the answer trickles, what is asked has an end of its own, long before its stage.
fn trickles() {
    let server = |path: &'static str| {
        PictureServer::new(move |asked| match asked.path.split('?').next() {
            Some(it) if it == path => Reply::Trickle,
            Some("/robots.txt") => Reply::new(404, "text/plain", ""),
            _ => sdxl(asked),
        })
    };
    let late = |outcome: Outcome, what: &str| {
        let told = outcome.detail();
        assert!(outcome.name() == "unavailable", "{what}: {told}");
        let cause = told.contains("timeout") && told.contains("bytes of it had come");
        assert!(cause, "{what}: {told}");
    };
    runtime().block_on(async {
        for path in ["/generate", "/images/1.png"] {
            let server = server_of_one(path);
            let bench = Bench::on("sdxl", &server.url()).await;
            let made = bench.make_with("run-1", &["featured"], json!({ "wait_seconds": 1 }));
            late(made.await, path);
        }
        for (path, key) in [
            ("/page", "urls"),
            ("/feed", "feeds"),
            ("/robots.txt", "urls"),
            ("/search", "queries"),
        ] {
            let server = server(path);
            let mut bench = Bench::new(&[]).await;
            bench.set("research.search.url", &server.url());
            let origin = server.url();
            let config =
                json!({ "fetch": { "besides": [origin], "wait_seconds": 1, "pause_ms": 0 } });
            let wanted = if key == "queries" {
                "fastnet".to_owned()
            } else {
                format!("{origin}{}", path.trim_start_matches('/'))
            };
            let input = json!({ "subject": "s", key: wanted });
            let read = bench.call("content.research", "run-1", config, input);
            late(read.await, path);
        }
    });
    a_model_trickles(&server("/v1/chat/completions"));
}

fn a_model_trickles(server: &PictureServer) {
    let factory = Factory::bare_written(Sqlite);
    let short = "handler = \"content.compose_diary\"\nconfig.wait_seconds = 1\n";
    factory.edit(
        "pipelines/dev_diary.toml",
        "handler = \"content.compose_diary\"\n",
        short,
    );
    factory.ok(&["apply"]);
    factory.ok(&["settings", "set", "roles.writer.url", &server.url()]);
    factory.ok(&["settings", "set", "roles.writer.model", "quill"]);
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    let draft = factory.json(&["tasks", "show", &factory.task()])["draft"].clone();
    let notes = draft["notes"].to_string();
    assert!(
        notes.contains("timeout") && notes.contains("had come"),
        "{notes}"
    );
}

/// A maker of pictures that trickles where it is asked for one, or for its file.
fn server_of_one(path: &'static str) -> PictureServer {
    PictureServer::new(move |asked| match asked.path.as_str() {
        it if it == path || path != "/generate" && it.starts_with("/images/") => Reply::Trickle,
        _ => sdxl(asked),
    })
}

/// Rows of noise that take turns: whoever sees the period writes little, whoever does not, much.
fn growing() -> Vec<u8> {
    let noise = |at: u32| {
        let mixed = at.wrapping_mul(2_654_435_761) ^ (at.wrapping_mul(40_503) >> 7);
        let [a, b, c, d] = mixed.wrapping_mul(mixed | 1).to_le_bytes();
        u16::from_le_bytes([a ^ d, b ^ c])
    };
    let picture = ImageBuffer::from_fn(1600, 1900, |x, y| {
        let at = x * 4 + (y % 2) * 6400;
        Rgba([noise(at), noise(at + 1), noise(at + 2), noise(at + 3)])
    });
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).expect("PNG");
    file.into_inner()
}

fn a_growing_picture() {
    let picture = growing();
    let server = PictureServer::new(move |asked| match asked.path.as_str() {
        "/generate" => Reply::png(picture.clone()),
        _ => sdxl(asked),
    });
    runtime().block_on(async {
        let bench = Bench::on("sdxl", &server.url()).await;
        let made = done(bench.make("run-1", &["featured"]).await);
        let image = &made.patch["images"][0]["image"];
        let bytes = image["bytes"].as_u64().expect("its bytes");
        assert!(bytes <= 8 << 20, "{image}");
    });
}

/// Long enough that it is never what refuses a text here.
fn clock() -> ComputeBudget {
    ComputeBudget::until(Instant::now() + Duration::from_secs(300))
}

fn pages() {
    let open: String = (0..2_000).map(|at| format!("<b a={at}>")).collect();
    let links: String = (0..300)
        .map(|at| format!("<object><a href={at}>"))
        .collect();
    for (html, why) in [
        (
            format!("<p>{open}{}", "<p>x".repeat(100_000)),
            "more elements",
        ),
        (
            format!("<p>{links}{}", "<p>x".repeat(100_000)),
            "more elements",
        ),
        ("<div>".repeat(45_000), "nest deeper"),
        ("<li><dd>".repeat(20_000), "nest deeper"),
        ("<rt>".repeat(45_000), "nest deeper"),
    ] {
        let read = page::read(
            html.as_bytes(),
            "https://a.example/",
            "text/html",
            &mut clock(),
        );
        let refused = read.expect_err(why);
        assert!(refused.contains(why), "{html:.40}: {refused}");
    }
}

fn feeds() {
    let rss = |items: &str| {
        format!("<rss version='2.0'><channel><title>A</title>{items}</channel></rss>")
    };
    let deep = format!(
        "<item><description>{}</description></item>",
        "<a>".repeat(500_000)
    );
    for feed in [
        rss(&"<item/>".repeat(1_000_000)),
        rss(&format!(
            "<item>{}</item>",
            "<category>a</category>".repeat(300_000)
        )),
        rss(&deep),
        format!(
            "<feed xmlns='http://www.w3.org/2005/Atom'>{}</feed>",
            "<entry/>".repeat(900_000)
        ),
        format!(
            "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"A\",\"items\":[{}{{}}]}}",
            "{\"id\":\"\"},".repeat(700_000)
        ),
    ] {
        let read = feed::read(feed.as_bytes(), "https://a.example/", 9, &mut clock());
        let refused = read.map(|read| read.items.len()).expect_err("too much");
        assert!(
            refused.contains("more than any feed"),
            "{feed:.80}: {refused}"
        );
    }
    let hits = format!("{{\"results\":[{}0]}}", "{\"url\":\"\"},".repeat(600_000));
    let refused = search::read(hits.as_bytes(), 9).expect_err("too much");
    assert!(refused.contains("more than 64 MiB"), "{refused}");
}
