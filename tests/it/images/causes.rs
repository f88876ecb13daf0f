//! S2: the server of the pictures is degraded, out of memory, down or slow. Each has its own name at the command
//! line and in what the console answers; none is a failure of another kind, and no picture is put in the place of
//! one that did not come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use callboard_core::store::Dialect::Sqlite;
use serde_json::{Value as Json, json};

use super::shown::{drafted, post};
use crate::support::daemon::{Daemon, get};
use crate::support::pictures::{PictureServer, Reply, sdxl};

#[test]
fn degraded_out_of_memory_down_and_slow_are_told_apart_at_each_face() {
    let detail = |text: &str| Reply::json(503, json!({ "detail": text }));
    let moods = [
        ("degraded", detail("model not loaded")),
        ("out-of-memory", detail("CUDA out of memory")),
        // It begins well and has no end; it says nothing at all.
        ("timeout", Reply::Trickle),
        ("timeout", Reply::Hang),
    ];
    let mood = Arc::new(AtomicUsize::new(0));
    let (told, replies) = (Arc::clone(&mood), moods.clone());
    let server = PictureServer::new(move |asked| {
        let mood = told.load(Ordering::SeqCst).checked_sub(1);
        match mood.filter(|_| asked.path == "/generate") {
            Some(mood) => replies[mood].1.clone(),
            None => sdxl(asked),
        }
    });
    let factory = drafted(Sqlite, &server);
    let patience = "config.attempts = 3";
    let short = "config = { attempts = 1, wait_seconds = 2 }";
    factory.edit("pipelines/image_rebuild.toml", patience, short);
    factory.ok(&["apply"]);
    let task = factory.task();
    factory.ok(&["tasks", "approve", &task]);
    let before = post(&factory);
    let daemon = Daemon::start(&factory, &["serve", "--no-work", "--listen", "127.0.0.1:0"]);
    let console = daemon.console();
    let regen = |cause: &str| {
        let ran = factory.run(&["tasks", "regen-image", &task, "--which", "featured"]);
        assert_eq!(ran.code, 3, "{cause}: {ran}");
        let said = format!("image server: {cause}: ");
        assert!(ran.stdout.contains(&said), "{cause}: {ran}");
        assert_eq!(
            post(&factory),
            before,
            "{cause}: nothing stands in its place"
        );
        let answer = get(console, "/console.json");
        assert_eq!(answer.status, 200, "{cause}: {}", answer.body);
        let console: Json = serde_json::from_str(&answer.body).expect("JSON");
        let run = &console["runs"][0]["run"];
        assert_eq!(run["status"], "unavailable", "{cause}: {run:#}");
        assert!(run.to_string().contains(&said), "{cause}: {run:#}");
    };
    for (number, (cause, _)) in moods.iter().enumerate() {
        mood.store(number + 1, Ordering::SeqCst);
        regen(cause);
    }
    drop(server);
    regen("unreachable");
}
