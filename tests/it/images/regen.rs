//! `tasks regen-image`, through the real program: a picture of a task is made anew, in its draft
//! and its post, and what keeps it away has its name at the command line.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::shown::{drafted, pictures, post};
use crate::support::factory::{Factory, on_each};
use crate::support::pictures::{PictureServer, Reply, sdxl};

on_each!(
    a_picture_is_made_anew_before_and_after_its_post_is_there,
    |dialect| {
        let server = PictureServer::sdxl();
        let factory = drafted(dialect, &server);
        let task = factory.task();
        let regen = |arguments: &[&str]| {
            let ran = factory.run(&[&["tasks", "regen-image", &task], arguments].concat());
            assert_eq!(ran.code, 0, "{ran}");
        };
        regen(&["--which", "featured", "--prompt", "A boat", "--by", "ada"]);
        let asked = server.generations().pop().expect("a question");
        assert_eq!(asked.json()["prompt"], "A boat");
        let shown = factory.json(&["tasks", "show", &task]);
        assert_eq!(
            (&shown["draft"]["number"], &shown["task"]["status"]),
            (&json!(2), &json!("awaiting-approval"))
        );
        factory.ok(&["tasks", "approve", &task]);
        let before = post(&factory);
        assert_eq!(
            before["featured"]["alt"], "A boat",
            "what was approved is what was made anew"
        );
        // As before, if the review does not say what it is to show.
        let old = pictures(before["markdown"].as_str().expect("a text"));
        let prompts = server.generations();
        regen(&["--which", "inline:1"]);
        let asked = server.generations().pop().expect("a question");
        assert_eq!(asked.json()["prompt"], prompts[1].json()["prompt"]);
        let after = post(&factory);
        let new = pictures(after["markdown"].as_str().expect("a text"));
        assert_ne!(new[0], old[0]);
        assert_eq!(
            (&new[1..], &after["featured"]),
            (&old[1..], &before["featured"])
        );
        let history = factory.texts("SELECT event || ' ' || who || ' ' || draft AS line FROM task_history WHERE event = 'illustrate' ORDER BY step", "line");
        assert!(
            history[0].starts_with("illustrate ada 2") && history[1].ends_with(" 3"),
            "{history:?}"
        );
        assert_eq!(factory.count("media WHERE post IS NULL"), 0);
        // All of them at once, each as before.
        let asked = server.generations().len();
        let ran = factory.run(&["run", "image_rebuild", "--input", &format!("task={task}")]);
        assert_eq!(ran.code, 0, "{ran}");
        let rebuilt = post(&factory);
        let all = pictures(rebuilt["markdown"].as_str().expect("a text"));
        assert!(all.iter().all(|src| !new.contains(src)), "{all:?}");
        assert_ne!(rebuilt["featured"]["src"], after["featured"]["src"]);
        assert_eq!(all.len(), new.len());
        let prompts: Vec<_> = server.generations()[asked..]
            .iter()
            .map(|it| it.json()["prompt"].clone())
            .collect();
        assert_eq!(
            (prompts.len(), &prompts[0]),
            (1 + all.len(), &json!("A boat"))
        );
        assert_eq!(factory.count("media WHERE post IS NULL"), 0);
        let ran = factory.run(&["tasks", "regen-image", &task, "--which", "inline:99"]);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(
            ran.to_string().contains("the draft has no inline:99"),
            "{ran}"
        );
        let ran = factory.run(&["tasks", "regen-image", &task, "--which", "third"]);
        assert_eq!(ran.code, 2, "{ran}");
    }
);

on_each!(
    a_picture_that_is_not_there_is_found_by_the_doctor,
    |dialect: callboard_core::store::Dialect| {
        let server = PictureServer::sdxl();
        let factory = drafted(dialect, &server);
        let found = || {
            let said = factory.run(&["doctor"]).to_string();
            said.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert!(!found().contains("are shown are not there"), "{}", found());
        let folder = factory.workspace().join("media");
        let away = factory.workspace().with_file_name("away");
        std::fs::rename(&folder, &away).expect("moved");
        assert!(found().contains("is not there"), "of a draft: {}", found());
        std::fs::create_dir(&folder).expect("an empty folder");
        assert!(
            found().contains("pictures that are shown are not there"),
            "{}",
            found()
        );
        factory.ok(&["tasks", "approve", &factory.task()]);
        let lost = factory.run(&["doctor"]);
        assert!(
            lost.code != 0
                && lost
                    .to_string()
                    .contains("pictures that are shown are not there"),
            "{lost}"
        );
        std::fs::remove_dir(&folder).expect("removed");
        std::fs::rename(&away, &folder).expect("moved back");
        assert!(!found().contains("not there"), "{}", found());
    }
);

/// A server that makes pictures until it is told to misbehave in one of some ways.
fn moody(moods: Vec<Reply>) -> (PictureServer, Arc<AtomicUsize>) {
    let mood = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&mood);
    let server = PictureServer::new(move |asked| {
        let mood = told.load(Ordering::SeqCst);
        match mood.checked_sub(1).filter(|_| asked.path == "/generate") {
            Some(mood) => moods[mood].clone(),
            None => sdxl(asked),
        }
    });
    (server, mood)
}

#[test]
fn what_keeps_a_picture_away_has_its_name_at_the_command_line_and_changes_nothing() {
    let detail = |status, text: &str| Reply::json(status, json!({ "detail": text }));
    let moods = [
        ("degraded", 3, detail(503, "model not loaded")),
        ("out-of-memory", 3, detail(503, "CUDA out of memory")),
        ("reset", 3, Reply::Reset),
        ("not-an-image", 3, Reply::png(b"I am a PNG".to_vec())),
        ("bad-request", 1, detail(422, "no such size")),
        ("busy", 4, detail(429, "later").with("retry-after", "600")),
    ];
    let (server, mood) = moody(moods.iter().map(|(_, _, reply)| reply.clone()).collect());
    let factory = drafted(callboard_core::store::Dialect::Sqlite, &server);
    let task = factory.task();
    factory.ok(&["tasks", "approve", &task]);
    let before = post(&factory);
    for (index, (cause, code, _)) in moods.iter().enumerate() {
        mood.store(index + 1, Ordering::SeqCst);
        let ran = factory.run(&["tasks", "regen-image", &task, "--which", "featured"]);
        assert_eq!(ran.code, *code, "{cause}: {ran}");
        assert!(ran.stdout.contains(&format!("{cause}: ")), "{cause}: {ran}");
        assert_eq!(post(&factory), before, "{cause}");
    }
    let gone = server.url();
    drop(server);
    let ran = factory.run(&["tasks", "regen-image", &task, "--which", "featured"]);
    assert_eq!(ran.code, 3, "{gone}: {ran}");
    assert!(ran.stdout.contains("image server: unreachable: "), "{ran}");
}

/// What the settings say is whole, and the store does not answer.
#[test]
fn a_bucket_that_does_not_answer_is_found_by_the_doctor() {
    let factory = Factory::whole(callboard_core::store::Dialect::Sqlite);
    for (key, value) in [
        ("media.store", "s3://pictures"),
        ("media.endpoint", "http://127.0.0.1:9"),
        ("media.access_key", "ada"),
        ("media.secret_key", "lovelace"),
    ] {
        factory.ok(&["settings", "set", key, value]);
    }
    let said = factory.run(&["doctor"]);
    assert!(
        said.code != 0 && said.to_string().contains("unreachable"),
        "{said}"
    );
}
