//! Pictures before readers, through the real program: on the page of a post, in feeds, at an
//! address of their own, and as files of an export.

use std::fs;

use callboard_core::store::Dialect::{self, Sqlite};
use serde_json::Value as Json;

use crate::support::daemon::{Daemon, get};
use crate::support::factory::{DAY, Factory, board};
use crate::support::pictures::PictureServer;

/// The stages that give a diary pictures.
pub(super) const STAGES: &str = r#"[[stage]]
id = "plan"
handler = "content.plan_images"
needs = ["compose"]
config = { role = "" }

[[stage]]
id = "make"
handler = "content.make_images"
needs = ["plan"]
timeout = "2m"

[[stage]]
id = "place"
handler = "content.place_images"
needs = ["make"]

[[stage]]
id = "citations"
handler = "qa.citations"
needs = ["place"]
"#;

/// A factory whose diary has pictures and stands before its gate.
pub(super) fn drafted(dialect: Dialect, server: &PictureServer) -> Factory {
    let factory = Factory::bare_written(dialect);
    // The diary's rail judges the text with its pictures, and is required as ever.
    let citations =
        "[[stage]]\nid = \"citations\"\nhandler = \"qa.citations\"\nneeds = [\"compose\"]\n";
    factory.edit("pipelines/dev_diary.toml", citations, STAGES);
    let (short, long) = ("budget = \"10m\"", "budget = \"20m\"");
    factory.edit("pipelines/dev_diary.toml", short, long);
    factory.ok(&["apply"]);
    factory.ok(&["settings", "set", "images.provider", "sdxl"]);
    factory.ok(&["settings", "set", "images.url", &server.url()]);
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    factory
}

/// The only post.
#[track_caller]
pub(super) fn post(factory: &Factory) -> Json {
    let posts = factory.json(&["posts", "list"]);
    let slug = posts[0]["slug"].as_str().expect("a slug");
    factory.json(&["posts", "show", slug])
}

/// The addresses of the kept pictures in a text.
pub(super) fn pictures(markdown: &str) -> Vec<String> {
    let parts = markdown.split("](/media/").skip(1);
    let names = parts.filter_map(|part| part.split(')').next());
    names.map(|name| format!("/media/{name}")).collect()
}

#[test]
fn readers_and_an_export_have_the_pictures_of_a_post() {
    let server = PictureServer::sdxl();
    let factory = drafted(Sqlite, &server);
    factory.ok(&["tasks", "approve", &factory.task()]);
    let post = post(&factory);
    let slug = post["slug"].as_str().expect("a slug").to_owned();
    let featured = post["featured"]["src"]
        .as_str()
        .expect("a picture")
        .to_owned();
    let inline = pictures(post["markdown"].as_str().expect("a text"));
    assert!(!inline.is_empty(), "{post}");
    let daemon = Daemon::start(&factory, &["serve", "--no-work", "--listen", "127.0.0.1:0"]);
    let address = daemon.address();
    let page = get(address, &format!("/posts/{slug}")).body;
    for src in inline.iter().chain([&featured]) {
        assert!(page.contains(&format!("src=\"{src}\"")), "{src}: {page}");
        let picture = get(address, src);
        assert_eq!(picture.status, 200, "{src}");
        assert_eq!(picture.header("content-type"), "image/png");
        let keep = "public, max-age=31536000, immutable";
        assert_eq!(picture.header("cache-control"), keep);
        assert_eq!(picture.header("x-content-type-options"), "nosniff");
    }
    assert!(page.contains("property=\"og:image\""), "{page}");
    assert!(get(address, "/feed.xml").body.contains("<enclosure url="));
    let feed: Json = serde_json::from_str(&get(address, "/feed.json").body).expect("JSON");
    let image = feed["items"][0]["image"].as_str().expect("a picture");
    assert!(
        image.starts_with("http://") && image.ends_with(&featured),
        "{image}"
    );
    absent(address);
    drop(daemon);
    factory.ok(&["posts", "export", "public"]);
    let folder = factory.workspace().join("public");
    let page = fs::read_to_string(folder.join(format!("posts/{slug}/index.html"))).expect("a page");
    for src in inline.iter().chain([&featured]) {
        assert!(
            page.contains(&format!("src=\"../..{src}\"")),
            "{src}: {page}"
        );
        let kept = fs::read(factory.workspace().join(src.trim_start_matches('/'))).expect("kept");
        let exported = fs::read(folder.join(src.trim_start_matches('/'))).expect("exported");
        assert_eq!(kept, exported);
    }
    // One that is gone from the store is told, and the rest is exported.
    fs::remove_file(factory.workspace().join(featured.trim_start_matches('/')))
        .expect("it is there");
    let exported = factory.json(&["posts", "export", "public"]);
    let missing = exported["no_pictures"][0].as_str().expect("a name");
    assert_eq!(featured, format!("/media/{missing}"));
    assert_eq!(
        factory.run(&["check"]).code,
        0,
        "the folder of pictures is no mistake of the workspace"
    );
}

/// What is no name of a picture, and what is the name of none.
fn absent(address: std::net::SocketAddr) {
    for path in [
        "/media/nobody.png",
        "/media/..%2fcallboard.db",
        &format!("/media/{}.png", "0".repeat(32)),
    ] {
        let absent = get(address, path);
        assert_eq!(absent.status, 404, "{path}");
    }
}

/// The pictures of a factory are somewhere else until it is dropped.
struct Away<'f>(&'f Factory);

impl<'f> Away<'f> {
    fn put(factory: &'f Factory) -> Self {
        let folder = factory.workspace();
        fs::rename(folder.join("media"), folder.join("elsewhere")).expect("pictures were kept");
        Self(factory)
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        let folder = self.0.workspace();
        fs::rename(folder.join("elsewhere"), folder.join("media")).expect("they are put back");
    }
}

/// Whichever way the yes comes: at the task it is refused, and behind a gate it waits.
#[test]
fn what_shows_a_picture_that_is_not_there_is_not_published() {
    let server = PictureServer::sdxl();
    let factory = drafted(Sqlite, &server);
    let (task, away) = (factory.task(), Away::put(&factory));
    let ran = factory.run(&["tasks", "approve", &task]);
    assert_eq!(ran.code, 3, "{ran}");
    for said in ["pictures that are shown are not there", "put them back"] {
        assert!(ran.stderr.contains(said), "{said}: {ran}");
    }
    let shown = factory.json(&["tasks", "show", &task]);
    assert_eq!(shown["task"]["status"], "awaiting-approval", "{shown}");
    let run = shown["task"]["run"].as_str().expect("a run");
    let ran = factory.run(&["gates", "approve", run]);
    assert_eq!(ran.code, 4, "it waits for them: {ran}");
    assert!(ran.stdout.contains("media store: "), "{ran}");
    assert_eq!(factory.json(&["posts", "list"]), serde_json::json!([]));
    drop(away);
    factory.ok(&["runs", "resume", run]);
    assert!(post(&factory)["featured"]["src"].is_string());
    factory.ok(&["posts", "unpublish", "latest"]);
    let away = Away::put(&factory);
    for way in ["publish", "restore"] {
        let ran = factory.run(&["posts", way, "latest"]);
        assert_eq!(ran.code, 3, "{way}: {ran}");
        assert!(ran.stderr.contains("put them back"), "{way}: {ran}");
    }
    drop(away);
    factory.ok(&["posts", "restore", "latest"]);
}

#[test]
fn a_store_that_is_gone_is_no_absence() {
    let server = PictureServer::sdxl();
    let factory = drafted(Sqlite, &server);
    factory.ok(&["tasks", "approve", &factory.task()]);
    let src = post(&factory)["featured"]["src"].clone();
    let src = src.as_str().expect("a picture");
    let daemon = Daemon::start(&factory, &["serve", "--no-work", "--listen", "127.0.0.1:0"]);
    let address = daemon.address();
    let health = || get(address, "/health");
    assert!(health().body.contains("\"ok\""), "{}", health().body);
    let away = Away::put(&factory);
    let picture = get(address, src);
    assert_eq!(picture.status, 503);
    assert_eq!(picture.header("cache-control"), "no-store");
    absent(address);
    let degraded = health();
    assert_eq!(degraded.status, 200, "pages are answered");
    for said in ["\"degraded\"", "\"pictures\""] {
        assert!(degraded.body.contains(said), "{}", degraded.body);
    }
    let doctor = factory.run(&["doctor"]);
    assert!(doctor.stdout.contains("pictures"), "{doctor}");
    drop(away);
    // Another folder, which has none of them, is no better than none.
    let name = src.trim_start_matches("/media/");
    let kept = factory.workspace().join("media").join(name);
    let bytes = fs::read(&kept).expect("it is kept");
    fs::remove_file(&kept).expect("it is there");
    assert_eq!(get(address, src).status, 503);
    fs::write(&kept, bytes).expect("it is put back");
    assert_eq!(get(address, src).status, 200);
    assert!(health().body.contains("\"ok\""), "{}", health().body);
}
