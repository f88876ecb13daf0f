//! Where pictures are kept: a folder, a bucket; and who is shown them: readers, and an export.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard_core::client::Network;
use callboard_factory::media::{Media, Patience, StoreClient};
use serde_json::json;

use super::bench::{Bench, done};
use crate::support::pictures::{PictureServer, Reply, png};

/// A server that keeps what is put there and wants it signed, as one that speaks S3 does.
fn bucket() -> PictureServer {
    let kept: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
    PictureServer::new(move |asked| {
        let mut kept = kept.lock().expect("no panic");
        let signed = asked.header("authorization");
        if !signed.starts_with("AWS4-HMAC-SHA256 Credential=ada/") || !signed.contains("Signature=")
        {
            return Reply::new(
                403,
                "application/xml",
                "<Error><Code>AccessDenied</Code></Error>",
            );
        }
        match asked.method.as_str() {
            "PUT" => {
                kept.insert(asked.path.clone(), asked.body.clone());
                Reply::new(200, "text/plain", "").with("etag", "\"1\"")
            }
            _ => match kept.get(&asked.path) {
                Some(bytes) => Reply::png(bytes.clone()).with("etag", "\"1\""),
                None => Reply::new(
                    404,
                    "application/xml",
                    "<Error><Code>NoSuchKey</Code></Error>",
                ),
            },
        }
    })
}

fn at(bench: &mut Bench, endpoint: &str) {
    bench.set("media.store", "s3://pictures/of/posts");
    bench.set("media.endpoint", endpoint);
    bench.set("media.access_key", "ada");
    bench.set("media.secret_key", "lovelace");
}

#[tokio::test]
async fn a_bucket_keeps_pictures_and_says_when_it_does_not() {
    let (server, bucket) = (PictureServer::sdxl(), bucket());
    let mut bench = Bench::on("sdxl", &server.url()).await;
    at(&mut bench, &bucket.url());
    let made = done(bench.make("run-1", &["featured"]).await);
    let src = made.patch["images"][0]["image"]["src"]
        .as_str()
        .expect("an address")
        .to_owned();
    let name = src.strip_prefix("/media/").expect("a kept one");
    let path = &bucket.asked()[0].path;
    assert_eq!(path, &format!("/pictures/of/posts/{name}"));
    let media = Media::open(
        &bench.settings(),
        bench.folder.path(),
        StoreClient::Program(Network::default(), Patience::Each(Duration::from_secs(10))),
    );
    let media = media.expect("a store");
    let found = media
        .get(name)
        .await
        .expect("an answer")
        .expect("a picture");
    assert_eq!(png(64, 32, 0).len(), png(64, 32, 0).len());
    assert_eq!(&found[1..4], b"PNG");
    let other = format!("{}.png", "0".repeat(32));
    assert!(media.get(&other).await.expect("an answer").is_none());
    bench.set("media.access_key", "eve");
    let refused = bench.make("run-2", &["featured"]).await;
    assert!(
        refused.detail().starts_with("media store: upload-failed: "),
        "{}",
        refused.detail()
    );
    let gone = PictureServer::sdxl().url();
    at(&mut bench, &gone);
    let refused = bench.make("run-2", &["featured"]).await;
    let detail = refused.detail();
    assert!(
        detail.starts_with("media store: upload-failed: ") && detail.contains("unreachable"),
        "{detail}"
    );
    assert_eq!(server.generations().len(), 3);
}

#[tokio::test]
async fn a_bucket_without_a_key_says_which_setting_is_missing() {
    let server = PictureServer::sdxl();
    let mut bench = Bench::on("sdxl", &server.url()).await;
    bench.set("media.store", "s3://pictures");
    let outcome = bench
        .call(
            "content.make_images",
            "run-1",
            json!({}),
            json!({ "image_plan": [super::bench::planned("featured")] }),
        )
        .await;
    assert_eq!(outcome.name(), "failed");
    assert!(
        outcome
            .detail()
            .contains("callboard settings set media.endpoint"),
        "{}",
        outcome.detail()
    );
    assert!(server.generations().is_empty());
}

/// A run that is played asks neither the server nor the bucket, and finds in the cassette what both said.
#[tokio::test]
async fn a_cassette_holds_the_bucket_as_well() {
    let tape = tempfile::tempdir().expect("a folder");
    let nowhere = "http://127.0.0.1:9";
    let bench = async |server: &str, bucket: &str, plays: bool| {
        let bench = Bench::on("sdxl", server).await;
        let put = if plays {
            bench.app.replay(tape.path())
        } else {
            bench.app.record(tape.path())
        };
        put.expect("a cassette");
        // What is loaded from now on has it.
        let mut bench = bench.with_role("writer", nowhere).await;
        at(&mut bench, bucket);
        bench
    };
    let made = async |bench: &Bench| done(bench.make("run-1", &["featured"]).await).patch;
    let (server, bucket) = (PictureServer::sdxl(), bucket());
    let recorded = made(&bench(&server.url(), &bucket.url(), false).await).await;
    let asked = (server.asked().len(), bucket.asked().len());
    assert!(asked.1 > 0);
    let played = made(&bench(&server.url(), &bucket.url(), true).await).await;
    let src = |patch: &callboard_core::outcome::Patch| patch["images"][0]["image"]["src"].clone();
    assert_eq!(src(&recorded), src(&played));
    assert_eq!(asked, (server.asked().len(), bucket.asked().len()));
}
