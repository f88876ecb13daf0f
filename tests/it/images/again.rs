//! What is asked for again is taken again: pictures, and what models saw in them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callboard_core::outcome::{Done, Patch};
use serde_json::{Value as Json, json};

use super::bench::{Bench, done};
use crate::support::pictures::{PictureServer, Reply, sdxl};

fn plan(pictures: &[(&str, &str)]) -> Json {
    let planned = |(which, prompt): &(&str, &str)| json!({ "which": which, "heading": "One", "prompt": prompt, "alt": prompt });
    pictures.iter().map(planned).collect()
}

async fn make(bench: &mut Bench, visit: (u32, bool), plan: &Json) -> Done<Patch> {
    bench.visit = visit;
    let input = json!({ "image_plan": plan });
    let made = bench.call("content.make_images", "run-1", json!({}), input);
    done(made.await)
}

fn ids(done: &Done<Patch>) -> Vec<String> {
    let images = done.patch["images"].as_array().expect("pictures");
    let id = |it: &Json| it["id"].as_str().expect("an id").to_owned();
    images.iter().map(id).collect()
}

#[tokio::test]
async fn what_is_asked_for_as_before_is_not_made_twice_and_what_has_changed_is() {
    let server = PictureServer::sdxl();
    let mut bench = Bench::on("sdxl", &server.url()).await;
    let first = plan(&[
        ("featured", "A fox"),
        ("inline:1", "A hen"),
        ("inline:2", "A hen"),
    ]);
    let made = make(&mut bench, (1, false), &first).await;
    assert_eq!(
        (made.effects["pictures_made"], server.generations().len()),
        (3, 3)
    );
    // Nothing has changed: nothing is asked, not even how the server is.
    let asked = server.asked().len();
    let again = make(&mut bench, (2, false), &first).await;
    assert_eq!(ids(&again), ids(&made), "each where it was");
    assert_eq!(again.effects["pictures_made"], 0);
    assert_eq!(again.effects["pictures_taken_again"], 3);
    assert_eq!((server.asked().len(), again.writes.len()), (asked, 0));
    // One has another place, one is new, and one is gone.
    let second = plan(&[
        ("featured", "A fox"),
        ("inline:1", "An owl"),
        ("inline:2", "A hen"),
        ("inline:3", "A hen"),
    ]);
    let mixed = make(&mut bench, (3, false), &second).await;
    assert_eq!(server.generations().len(), 4);
    assert_eq!(server.generations()[3].json()["prompt"], "An owl");
    let (old, new) = (ids(&made), ids(&mixed));
    assert_eq!([&new[0], &new[2], &new[3]], [&old[0], &old[2], &old[1]]);
    assert_eq!(mixed.writes.len(), 1, "its row says where it is now");
    // Whoever is sent back to this very stage makes them anew.
    let anew = make(&mut bench, (4, true), &second).await;
    assert_eq!(server.generations().len(), 8);
    assert!(ids(&anew).iter().all(|id| !new.contains(id)));
    // Another run has pictures of its own.
    bench.visit = (1, false);
    let input = json!({ "image_plan": second });
    done(
        bench
            .call("content.make_images", "run-2", json!({}), input)
            .await,
    );
    assert_eq!(server.generations().len(), 12);
}

#[tokio::test]
async fn a_picture_whose_file_is_lost_is_made_anew() {
    let server = PictureServer::sdxl();
    let mut bench = Bench::on("sdxl", &server.url()).await;
    let plan = plan(&[("featured", "A fox")]);
    make(&mut bench, (1, false), &plan).await;
    std::fs::remove_dir_all(bench.folder.path().join("media")).expect("they are gone");
    let made = make(&mut bench, (2, false), &plan).await;
    assert_eq!(
        (made.effects["pictures_made"], server.generations().len()),
        (1, 2)
    );
}

/// What is taken again is there although the server is not; only what is new is missing.
#[tokio::test]
async fn a_server_that_is_gone_keeps_away_only_what_it_would_have_to_make() {
    let gone = Arc::new(AtomicBool::new(false));
    let is_gone = Arc::clone(&gone);
    let server = PictureServer::new(move |asked| {
        if is_gone.load(Ordering::SeqCst) {
            Reply::Close
        } else {
            sdxl(asked)
        }
    });
    let mut bench = Bench::on("sdxl", &server.url()).await;
    make(&mut bench, (1, false), &plan(&[("featured", "A fox")])).await;
    gone.store(true, Ordering::SeqCst);
    bench.visit = (2, false);
    let input = json!({ "image_plan": plan(&[("featured", "A fox"), ("inline:1", "An owl")]) });
    let config = json!({ "missing": "tell" });
    let told = done(
        bench
            .call("content.make_images", "run-1", config, input)
            .await,
    );
    assert_eq!(ids(&told).len(), 1);
    assert_eq!(told.fallbacks.len(), 1, "{:?}", told.fallbacks);
}
