//! What comes of asking: a picture from each protocol, and from each way to misbehave the truth.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callboard_core::value::Query;
use serde_json::json;

use super::bench::{Bench, done};
use crate::support::pictures::{Asked, PictureServer, Reply, png, sdxl};

/// The answers of the SDXL protocol, but for what is asked of `/generate`.
fn but(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> PictureServer {
    PictureServer::new(move |asked| match asked.path.as_str() {
        "/generate" => reply(asked),
        _ => sdxl(asked),
    })
}

/// A server of each protocol, in each form of its answers.
fn protocols() -> [(&'static str, PictureServer); 4] {
    let b64 = STANDARD.encode(png(80, 40, 7));
    let own = |asked: &Asked| format!("http://{}/files/a.png", asked.header("host"));
    [
        ("sdxl", PictureServer::sdxl()),
        ("sdxl", but(|_| Reply::png(png(80, 40, 7)))),
        (
            "openai",
            PictureServer::new(move |asked| match asked.path.as_str() {
                "/v1/images/generations" => {
                    Reply::json(200, json!({ "data": [{ "b64_json": b64 }] }))
                }
                _ => Reply::json(404, json!({ "error": "no" })),
            }),
        ),
        (
            "openai",
            PictureServer::new(move |asked| match asked.path.as_str() {
                "/v1/images/generations" => {
                    Reply::json(200, json!({ "data": [{ "url": own(asked) }] }))
                }
                "/files/a.png" => Reply::png(png(80, 40, 7)),
                _ => Reply::json(404, json!({ "error": "no" })),
            }),
        ),
    ]
}

#[tokio::test]
async fn each_protocol_gives_a_picture_that_is_kept_with_how_it_was_made() {
    for (provider, server) in protocols() {
        let mut bench = Bench::on(provider, &server.url()).await;
        bench.set("images.model", "painter-1");
        bench.set("images.key", "hush-hush");
        let config = json!({ "width_featured": 40 });
        let made = done(
            bench
                .make_with("run-1", &["featured", "inline:1"], config)
                .await,
        );
        assert_eq!(made.effects["pictures_made"], 2);
        let image = &made.patch["images"][0]["image"];
        assert_eq!(
            (&image["width"], &image["mime"]),
            (&json!(40), &json!("image/png"))
        );
        let name = image["src"]
            .as_str()
            .and_then(|src| src.strip_prefix("/media/"))
            .expect("a name");
        let file = bench.folder.path().join("media").join(name);
        assert!(file.is_file(), "{}", file.display());
        let asked = server.generations();
        assert_eq!(asked.len(), 2, "one question a picture");
        assert_eq!(asked[0].header("authorization"), "Bearer hush-hush");
        assert_eq!(asked[0].json()["prompt"], "A fox. Calm.");
        assert_ne!(
            asked[0].header("idempotency-key"),
            asked[1].header("idempotency-key")
        );
        let rows = Query::new("SELECT provider, prompt, which FROM media ORDER BY which");
        let rows: Vec<(String, String, String)> = bench.app.store().read(rows).await.expect("rows");
        let wanted = ["featured", "inline:1"].map(|which| {
            (
                provider.to_owned(),
                "A fox. Calm.".to_owned(),
                which.to_owned(),
            )
        });
        assert_eq!(rows, wanted);
        // A call that is repeated asks for nothing that is there.
        let again = done(
            bench
                .make_with("run-1", &["featured", "inline:1"], json!({}))
                .await,
        );
        assert_eq!(again.patch, made.patch);
        assert_eq!(server.generations().len(), 2);
    }
}

/// An outcome, a cause, and the server that is told so.
type Case = (&'static str, &'static str, PictureServer);

/// Servers whose answers are none, or none of a picture.
fn broken_off() -> Vec<Case> {
    let whole = png(64, 64, 3);
    let half = whole[..whole.len() / 2].to_vec();
    let cut = half.clone();
    let bomb = bomb();
    let json = "application/json";
    vec![
        ("unavailable", "reset", but(|_| Reply::Reset)),
        ("unavailable", "reset", but(|_| Reply::Close)),
        (
            "unavailable",
            "reset",
            but(move |_| Reply::Half(half.clone())),
        ),
        (
            "unavailable",
            "not-an-image",
            but(move |_| Reply::png(cut.clone())),
        ),
        (
            "unavailable",
            "not-an-image",
            but(|_| Reply::png(b"I am a PNG".to_vec())),
        ),
        (
            "unavailable",
            "too-large",
            but(move |_| Reply::png(bomb.clone())),
        ),
        (
            "unavailable",
            "too-large",
            but(|_| Reply::png(vec![0; (32 << 20) + 1])),
        ),
        (
            "unavailable",
            "wrong-answer",
            but(move |_| Reply::new(200, json, "{\"filename\":")),
        ),
        (
            "unavailable",
            "wrong-answer",
            but(|_| Reply::json(200, json!({ "file": "x" }))),
        ),
        (
            "unavailable",
            "wrong-answer",
            but(|_| Reply::json(200, json!({ "filename": "../../etc/passwd" }))),
        ),
    ]
}

/// Servers that say that they won't or can't.
fn refused() -> Vec<Case> {
    vec![
        (
            "unavailable",
            "server-error",
            but(|_| Reply::new(500, "text/plain", "it broke")),
        ),
        (
            "unavailable",
            "degraded",
            but(|_| Reply::json(503, json!({ "detail": "model not loaded" }))),
        ),
        (
            "unavailable",
            "out-of-memory",
            but(|_| Reply::json(503, json!({ "detail": "CUDA out of memory" }))),
        ),
        (
            "failed",
            "bad-request",
            but(|_| Reply::json(422, json!({ "detail": "no such size" }))),
        ),
        (
            "failed",
            "denied",
            but(|_| Reply::json(401, json!({ "error": { "message": "who are you" } }))),
        ),
        (
            "deferred",
            "busy",
            but(|_| Reply::json(429, json!({})).with("retry-after", "7")),
        ),
        (
            "deferred",
            "busy",
            but(|_| Reply::json(503, json!({})).with("retry-after", "7")),
        ),
    ]
}

#[tokio::test]
async fn each_way_to_misbehave_has_a_name_that_says_it() {
    let cases = broken_off().into_iter().chain(refused());
    for (index, (name, cause, server)) in cases.enumerate() {
        let bench = Bench::on("sdxl", &server.url()).await;
        let outcome = bench.make("run-1", &["inline:1"]).await;
        let told = outcome.detail();
        assert_eq!(outcome.name(), name, "{index}: {told}");
        assert!(
            told.contains(&format!("{cause}: ")),
            "{index}: {cause} in {told}"
        );
        assert!(told.contains("inline:1"), "{index}: which in {told}");
        let kept = std::fs::read_dir(bench.folder.path().join("media"))
            .expect("a folder")
            .count();
        assert_eq!(
            kept, 1,
            "{index}: nothing stands in its place, only the mark is there"
        );
    }
}

/// A file of two kilobytes that says it has 60,000 by 60,000 pixels, and does.
fn bomb() -> Vec<u8> {
    let mut bytes = png(8, 8, 1);
    for at in [16, 20] {
        bytes[at..at + 4].copy_from_slice(&60_000_u32.to_be_bytes());
    }
    let step = |sum: u32, _| (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
    let sum = !bytes[12..29].iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), step)
    });
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// An address of https at which somebody listens who does not speak it.
fn plain() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody");
        let mut hello = [0; 64];
        stream.read_exact(&mut hello).expect("a greeting");
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .expect("an answer");
        // What is left of the greeting is read, so that the answer arrives.
        std::io::copy(&mut stream, &mut std::io::sink()).ok();
    });
    format!("https://{address}/")
}

#[tokio::test]
async fn a_server_that_is_not_there_is_slow_or_says_that_it_is_ill_is_told_so() {
    let gone = PictureServer::sdxl().url();
    let mut bench = Bench::on("sdxl", &gone).await;
    let outcome = bench.make("run-1", &["featured"]).await;
    assert!(
        outcome.detail().starts_with("image server: unreachable: "),
        "{}",
        outcome.detail()
    );
    bench.set("images.url", "http://no-such-name.invalid/");
    let outcome = bench.make("run-1", &["featured"]).await;
    assert!(
        outcome.detail().starts_with("image server: dns: "),
        "{}",
        outcome.detail()
    );
    let plain = plain();
    bench.set("images.url", &plain);
    let outcome = bench.make("run-1", &["featured"]).await;
    assert!(
        outcome.detail().starts_with("image server: tls: "),
        "{}",
        outcome.detail()
    );
    let ill = PictureServer::new(|_| {
        Reply::json(200, json!({ "status": "degraded", "reason": "no weights" }))
    });
    bench.set("images.url", &ill.url());
    let outcome = bench.make("run-1", &["featured"]).await;
    assert!(
        outcome
            .detail()
            .starts_with("image server: degraded: no weights"),
        "{}",
        outcome.detail()
    );
    assert_eq!(
        ill.generations().len(),
        0,
        "who is ill is not asked for work"
    );
    let slow = but(|_| Reply::Hang);
    bench.set("images.url", &slow.url());
    bench.patience = std::time::Duration::from_secs(2);
    let outcome = bench.make("run-1", &["featured"]).await;
    assert!(
        outcome.detail().starts_with("image server: timeout: "),
        "{}",
        outcome.detail()
    );
}

/// The stage decides what a missing picture means; either way the cause is told.
#[tokio::test]
async fn what_is_missing_ends_the_stage_or_is_told_as_it_is_configured() {
    let server = but(|asked| match asked.json()["prompt"].as_str() {
        Some("A fox. Calm.") if asked.number > 3 => {
            Reply::json(500, json!({ "detail": "it broke" }))
        }
        _ => sdxl(asked),
    });
    let bench = Bench::on("sdxl", &server.url()).await;
    let told = bench
        .make_with(
            "run-1",
            &["featured", "inline:1"],
            json!({ "missing": "tell" }),
        )
        .await;
    let told = done(told);
    assert_eq!(told.patch["images"].as_array().expect("pictures").len(), 1);
    assert_eq!(told.fallbacks[0].what, "picture inline:1");
    assert!(
        told.fallbacks[0]
            .why
            .starts_with("server-error: status 500: it broke"),
        "{:?}",
        told.fallbacks
    );
    let stopped = bench.make("run-2", &["featured", "inline:1"]).await;
    let detail = stopped.detail();
    assert!(
        detail.contains("featured") && detail.contains("inline:1: server-error"),
        "{detail}"
    );
}

/// What may pass is asked for again, under the same key.
#[tokio::test]
async fn a_picture_is_asked_for_again_as_often_as_it_may() {
    let server = but(|asked| match asked.number {
        2 | 3 => Reply::json(503, json!({ "detail": "CUDA out of memory" })),
        _ => sdxl(asked),
    });
    let bench = Bench::on("sdxl", &server.url()).await;
    let config = json!({ "attempts": 3 });
    done(bench.make_with("run-1", &["featured"], config).await);
    let asked = server.generations();
    assert_eq!(asked.len(), 3);
    assert!(
        asked
            .iter()
            .all(|it| it.header("idempotency-key") == asked[0].header("idempotency-key"))
    );
}

#[tokio::test]
async fn an_answer_leads_to_nobody_private_but_the_server_itself() {
    let inside = PictureServer::new(|_| Reply::png(png(8, 8, 1)));
    let url = format!("{}secret.png", inside.url());
    let server = PictureServer::new(move |_| Reply::json(200, json!({ "data": [{ "url": url }] })));
    let bench = Bench::on("openai", &server.url()).await;
    let outcome = bench.make("run-1", &["featured"]).await;
    assert_eq!(outcome.name(), "failed");
    assert!(
        outcome.detail().contains("denied: "),
        "{}",
        outcome.detail()
    );
    assert_eq!(inside.asked().len(), 0);
}

/// A list of a thousand models, and one that is not for the key, say nothing against a server that makes
/// pictures.
#[tokio::test]
async fn an_openai_server_is_well_however_it_lists_its_models() {
    let long = "x".repeat(1 << 20);
    for models in [
        Reply::new(200, "application/json", long),
        Reply::json(401, json!({ "error": "pictures alone" })),
        Reply::json(403, json!({})),
    ] {
        let server = PictureServer::new(move |asked| match asked.path.as_str() {
            "/v1/models" => models.clone(),
            _ => Reply::png(png(64, 32, 0)),
        });
        let bench = Bench::on("openai", &server.url()).await;
        let made = done(bench.make("run-1", &["featured"]).await);
        assert_eq!(made.effects["pictures_made"], 1);
    }
}

/// The stages of a process share its connections: health, picture and file of a run go over one.
#[tokio::test]
async fn requests_of_one_process_share_connections() {
    let server = PictureServer::sdxl();
    let bench = Bench::on("sdxl", &server.url()).await;
    done(bench.make("run-1", &["featured"]).await);
    let again = server.asked().into_iter().filter(|it| it.on_connection > 1);
    assert!(again.count() > 0, "{:?}", server.asked().len());
}
