//! Planned, made, placed: a draft with pictures, and the same again.

use serde_json::json;

use super::bench::{Bench, done};
use crate::support::model::{ModelServer, Say};
use crate::support::pictures::PictureServer;

const TEXT: &str =
    "Intro.\n\n## First part\n\nAbout it.\n\n## Second part\n\nMore.\n\n## Sources\n\n- one\n";

fn draft() -> serde_json::Value {
    json!({
        "title": "A title", "excerpt": "Why it matters.", "markdown": TEXT, "tags": [],
        "written_by": "model x", "covers": "", "claims": [], "notes": [],
    })
}

#[tokio::test]
async fn a_draft_gets_its_pictures_and_getting_them_again_changes_nothing() {
    let server = PictureServer::sdxl();
    let bench = Bench::on("sdxl", &server.url()).await;
    let config = json!({ "role": "" });
    let plan = done(
        bench
            .call(
                "content.plan_images",
                "run-1",
                config,
                json!({ "draft": draft() }),
            )
            .await,
    );
    let plan = plan.patch["image_plan"].clone();
    assert_eq!(plan.as_array().expect("a plan").len(), 3);
    assert!(
        plan[1]["prompt"]
            .as_str()
            .expect("a prompt")
            .starts_with("First part. About it. "),
        "{plan}"
    );
    let input = json!({ "image_plan": plan });
    let made = done(
        bench
            .call("content.make_images", "run-1", json!({}), input)
            .await,
    );
    let images = made.patch["images"].clone();
    let place = async |draft: &serde_json::Value| {
        let input = json!({ "draft": draft, "images": images });
        done(
            bench
                .call("content.place_images", "run-1", json!({}), input)
                .await,
        )
    };
    let placed = place(&draft()).await;
    assert_eq!(placed.effects["pictures_placed"], 3);
    let text = placed.patch["draft"]["markdown"].as_str().expect("a text");
    let src = |which: usize| {
        images[which]["image"]["src"]
            .as_str()
            .expect("an address")
            .to_owned()
    };
    let first = format!(
        "## First part\n\n![First part. About it]({})\n\nAbout it.",
        src(1)
    );
    assert!(text.contains(&first), "{text}");
    assert!(!text.contains(&"## Sources\n\n!".to_string()), "{text}");
    assert_eq!(placed.patch["draft"]["featured"], images[0]["image"]);
    let again = place(&placed.patch["draft"]).await;
    assert_eq!(again.patch, placed.patch);
}

/// That no model looked at a picture is told.
#[tokio::test]
async fn without_a_model_that_looks_the_words_stay_and_that_is_told() {
    let server = PictureServer::sdxl();
    let bench = Bench::on("sdxl", &server.url()).await;
    let made = done(bench.make("run-1", &["featured"]).await);
    let images = made.patch["images"].clone();
    let input = json!({ "draft": draft(), "images": images });
    let captioned = done(
        bench
            .call("content.caption_images", "run-1", json!({}), input)
            .await,
    );
    assert_eq!(captioned.patch["images"], images);
    assert_eq!(captioned.fallbacks[0].what, "role vision");
}

#[tokio::test]
async fn without_a_provider_there_is_no_picture_and_nothing_goes_wrong() {
    let bench = Bench::new(&[]).await;
    let plan = done(
        bench
            .call(
                "content.plan_images",
                "run-1",
                json!({}),
                json!({ "draft": draft() }),
            )
            .await,
    );
    assert_eq!(plan.patch["image_plan"], json!([]));
    assert!(plan.fallbacks.is_empty());
    let made = done(
        bench
            .call(
                "content.make_images",
                "run-1",
                json!({}),
                json!({ "image_plan": [] }),
            )
            .await,
    );
    assert_eq!(made.patch["images"], json!([]));
    let asked = bench.make("run-1", &["featured"]).await;
    assert_eq!(asked.name(), "failed");
    assert!(
        asked
            .detail()
            .contains("callboard settings set images.provider"),
        "{}",
        asked.detail()
    );
}

/// The model is shown the picture, and what it says stands in the draft, the post's picture and the row.
#[tokio::test]
async fn a_model_that_looks_says_what_a_picture_shows() {
    let (server, model) = (
        PictureServer::sdxl(),
        ModelServer::new(Say::Text("A  fox\nin the snow.")),
    );
    let bench = Bench::on("sdxl", &server.url()).await;
    let bench = bench.with_role("vision", &model.url()).await;
    let made = done(bench.make("run-1", &["featured", "inline:1"]).await);
    let images = made.patch["images"].clone();
    let src = images[1]["image"]["src"]
        .as_str()
        .expect("an address")
        .to_owned();
    let mut draft = draft();
    draft["markdown"] = json!(format!("## One\n\n![before]({src})\n"));
    let input = json!({ "draft": draft, "images": images });
    let outcome = bench
        .call("content.caption_images", "run-1", json!({}), input)
        .await;
    let captioned = done(outcome);
    assert!(captioned.fallbacks.is_empty(), "{:?}", captioned.fallbacks);
    let draft = &captioned.patch["draft"];
    let text = format!("## One\n\n![A fox in the snow.]({src})\n");
    assert_eq!(draft["markdown"], text);
    assert_eq!(draft["featured"]["alt"], "A fox in the snow.");
    let asked = model.requests();
    assert_eq!(asked.len(), 2);
    assert!(
        asked[0].body.to_string().contains("data:image/png;base64,"),
        "{}",
        asked[0].body
    );
}
