//! The whole of the pipeline, from a topic that is asked for to a post with pictures, and what becomes of
//! it when the server of pictures or the critic misbehaves.

use std::collections::BTreeMap;

use callboard_core::store::Dialect;
use serde_json::{Value as Json, json};

use super::press::{SEEN, TOPIC, draft, factory, model, press, role, run, text, web};
use crate::support::daemon::{Daemon, get};
use crate::support::factory::{Factory, on_each};
use crate::support::pictures::{PictureServer, Reply as Picture, sdxl};
use crate::support::scripted::{Asked, Reply, Scripted, wanted};

const NOTES: &str = "notes=The weather was written down every evening.";

/// A factory with pictures of a server, looked at by the press.
fn illustrated(dialect: Dialect, press: &Scripted, pictures: &PictureServer) -> Factory {
    let factory = factory(dialect, press);
    role(&factory, "vision", &press.url("/"), "eye");
    factory.ok(&["settings", "set", "images.provider", "sdxl"]);
    factory.ok(&["settings", "set", "images.url", &pictures.url()]);
    factory
}

/// What each rail of the draft of the only task came to.
fn rails(factory: &Factory) -> Vec<(String, String)> {
    let report = draft(factory)["report"]["rails"].clone();
    let rows = report["rails"]
        .as_array()
        .unwrap_or_else(|| panic!("no rails in {report:#}"));
    let row = |row: &Json| {
        (
            text(row, "rail").to_owned(),
            text(row, "came_to").to_owned(),
        )
    };
    rows.iter().map(row).collect()
}

/// What the only task's run did in a lesser way.
fn fallbacks(factory: &Factory) -> String {
    factory.json(&["tasks", "show", &factory.task()])["fallbacks"].to_string()
}

on_each!(
    a_topic_becomes_a_judged_post_with_pictures,
    |dialect: Dialect| {
        let (press, pictures) = (press(), PictureServer::sdxl());
        let factory = illustrated(dialect, &press, &pictures);
        let (urls, topic) = (
            format!("urls={}", press.url("/lamp")),
            &TOPIC["topic=".len()..],
        );
        let asked = [
            "tasks",
            "create",
            topic,
            "--pipeline",
            "canonical_blog",
            "--input",
            &urls,
            "--input",
            NOTES,
            "--wait",
        ];
        let ran = factory.run(&asked);
        assert_eq!(ran.code, 4, "{ran}");
        let task = factory.task();
        let shown = factory.json(&["tasks", "show", &task]);
        assert_eq!(shown["task"]["status"], "awaiting-approval", "{shown:#}");
        assert_eq!(shown["fallbacks"], json!([]), "{shown:#}");
        // Each rail gave a verdict on the text that readers see.
        for (rail, came_to) in rails(&factory) {
            // It links to no post of the site.
            let wanted = match rail.as_str() {
                "linked_posts" => "not-applicable",
                _ => "pass",
            };
            assert_eq!(came_to, wanted, "{rail}: {:#}", shown["draft"]["report"]);
        }
        assert_eq!(rails(&factory).len(), 11);
        let report = &shown["draft"]["report"];
        assert_eq!(
            (&report["flagged"], &report["rails"]["round"]),
            (&json!(false), &json!(1))
        );
        // Judged with its pictures and its sources.
        let judged = press.asked();
        let judged = judged.iter().find(|asked| {
            asked.body.contains("score") && wanted(asked).contains(&"score".to_owned())
        });
        let judged = &judged.expect("a critic was asked").body;
        assert!(
            judged.contains("## Sources") && judged.contains("/media/"),
            "{judged}"
        );
        // Pictures, sources and costs are with the task.
        let made = shown["pictures"].as_array().expect("pictures");
        let of = |key: &str| made.iter().map(|it| text(it, key)).collect::<Vec<_>>();
        assert_eq!(of("which"), ["featured", "inline:1"]);
        assert_eq!(of("alt"), [SEEN, SEEN]);
        assert!(
            of("prompt")[1].starts_with("Hands that polish a lens"),
            "{made:?}"
        );
        assert_eq!(shown["sources"][0]["url"], press.url("/lamp"));
        let mut calls: BTreeMap<String, u64> = BTreeMap::new();
        for used in shown["models"].as_array().expect("models") {
            *calls.entry(text(used, "role").to_owned()).or_default() +=
                used["calls"].as_u64().expect("a number");
        }
        let calls: Vec<_> = calls
            .iter()
            .map(|(role, calls)| (role.as_str(), *calls))
            .collect();
        assert_eq!(calls, [("critic", 5), ("vision", 2), ("writer", 5)]);
        let told = factory.ok(&["tasks", "show", &task]);
        assert!(
            told.contains("shows    /media/"),
            "what goes out is shown: {told}"
        );
        for line in [
            "source   s1 The lamp: http",
            "picture  featured /media/",
            "critic ",
            "rail     critic: pass, 85 of 100",
            "score    ",
        ] {
            assert!(told.contains(line), "no `{line}` in {told}");
        }
        factory.ok(&["tasks", "approve", &task]);
        let post = factory.json(&["posts", "list"])[0].clone();
        assert_eq!(post["seo_title"], "What the keepers of the Fastnet did");
        let daemon = Daemon::start(&factory, &["serve", "--no-work", "--listen", "127.0.0.1:0"]);
        let address = daemon.address();
        let page = get(address, &format!("/posts/{}", text(&post, "slug"))).body;
        for part in [
            "<title>What the keepers of the Fastnet did · ",
            "<h1>What the keepers of the Fastnet did all day</h1>",
            SEEN,
        ] {
            assert!(page.contains(part), "no `{part}` in {page}");
        }
        for src in of("src") {
            assert_eq!(get(address, src).status, 200, "{src}");
        }
    }
);

/// A picture server that answers as it should but for what is asked of `/generate`.
fn but(reply: impl Fn() -> Picture + Send + Sync + 'static) -> PictureServer {
    PictureServer::new(move |asked| match asked.path.as_str() {
        "/generate" => reply(),
        _ => sdxl(asked),
    })
}

#[test]
fn a_picture_that_is_missing_is_told_with_its_cause_and_nothing_stands_in_its_place() {
    let detail = |status, text: &str| Picture::json(status, json!({ "detail": text }));
    let servers = [
        (
            "server-error: ",
            but(|| Picture::new(500, "text/plain", "it broke")),
        ),
        (
            "out-of-memory: ",
            but(move || detail(503, "CUDA out of memory")),
        ),
        ("reset: ", but(|| Picture::Reset)),
        (
            "not-an-image: ",
            but(|| Picture::png(b"I am a PNG".to_vec())),
        ),
        (
            "degraded: ",
            PictureServer::new(move |_| detail(503, "model not loaded")),
        ),
    ];
    for (cause, pictures) in servers {
        let press = press();
        let factory = illustrated(Dialect::Sqlite, &press, &pictures);
        let ran = run(
            &factory,
            &[TOPIC, &format!("urls={}", press.url("/lamp")), NOTES],
        );
        assert_eq!(ran.code, 4, "{cause}{ran}");
        let told = fallbacks(&factory);
        for which in ["picture featured", "picture inline:1"] {
            assert!(
                told.contains(which) && told.contains(cause),
                "{cause}{which}: {told}"
            );
        }
        let draft = draft(&factory);
        assert!(!text(&draft, "markdown").contains("!["), "{cause}{draft}");
        assert_eq!(factory.count("media"), 0, "{cause}");
        assert_eq!(
            factory.count("gates WHERE decided_at IS NULL"),
            1,
            "{cause}"
        );
    }
    // One that is busy is asked again later, and no stage has failed.
    let busy = but(|| Picture::json(429, json!({})).with("retry-after", "600"));
    let press = press();
    let factory = illustrated(Dialect::Sqlite, &press, &busy);
    let ran = run(
        &factory,
        &[TOPIC, &format!("urls={}", press.url("/lamp")), NOTES],
    );
    assert_eq!(ran.code, 4, "{ran}");
    let waiting = factory.json(&["runs", "list"])[0].clone();
    assert_eq!(waiting["status"], "waiting", "{waiting}");
    assert!(text(&waiting, "detail").contains("busy: "), "{waiting}");
}

/// S4: a critic that gives no verdict is neither a pass nor a fail: the draft goes to its gate flagged.
#[test]
fn a_critic_that_misbehaves_has_no_verdict_and_no_score_and_the_draft_is_flagged() {
    let critic = |asked: &Asked| wanted(asked).contains(&"score".to_owned());
    let replies = [
        Reply::Page(500, "application/json", "{}".to_owned()),
        Reply::model("It is fine.", true),
        Reply::model(r#"{"score": 99, "findings": []}"#, false),
        Reply::model(r#"{"score": "high", "findings": []}"#, true),
        Reply::Half,
        Reply::Close,
    ];
    let press = press();
    let factory = factory(Dialect::Sqlite, &press);
    for reply in replies {
        let answer = reply.clone();
        press.script(
            move |asked| match asked.path.ends_with("/chat/completions") {
                true if critic(asked) => answer.clone(),
                true => model(asked),
                false => web(asked),
            },
        );
        let ran = run(
            &factory,
            &[TOPIC, &format!("urls={}", press.url("/lamp")), NOTES],
        );
        assert_eq!(ran.code, 4, "{reply:?}: {ran}");
        let task = factory.task();
        let shown = factory.json(&["tasks", "show", &task]);
        let report = &shown["draft"]["report"];
        assert_eq!(
            (&report["flagged"], &report["rails"]["round"]),
            (&json!(true), &json!(1)),
            "{reply:?}"
        );
        for row in report["rails"]["rails"].as_array().expect("rails") {
            if row["handler"] == "qa.critic" {
                let came_to = (&row["came_to"], &row["score"], &row["action"]);
                assert_eq!(
                    came_to,
                    (&json!("unavailable"), &Json::Null, &json!("flag")),
                    "{reply:?}"
                );
            }
        }
        assert_eq!(shown["task"]["status"], "awaiting-approval", "{reply:?}");
        assert_eq!(factory.count("posts"), 0);
        factory.run(&["tasks", "reject", &task, "--feedback", "again"]);
        factory.execute("DELETE FROM task_history");
        factory.execute("DELETE FROM drafts");
        factory.execute("DELETE FROM tasks");
    }
}
