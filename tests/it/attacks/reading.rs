//! Files that are larger than memory, and links, in the folders that posts are written into and read from.
//!
//! A file here is of a size that no machine has the memory for, and takes no room on the disk: who reads it whole
//! fails at once.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use callboard_core::store::Dialect::Sqlite;
use callboard_factory::site::LIST;
use serde_json::Value as Json;

use super::attacks;
use crate::scenario::markdown_folder::{again, published, published_as};
use crate::support::factory::Factory;

attacks! {
    a_document_without_end: "a document in a folder of posts that is larger than any memory, under any name and under a post's" => {
        documents_without_end
    };
    a_folder_of_documents: "a folder whose documents are small one by one, and larger than memory together" => {
        documents_together
    };
    a_picture_without_end: "a picture in the media folder that is larger than any memory" => {
        a_picture_is_too_large
    };
    a_list_without_end: "the list of an export that is larger than any memory" => { a_list_is_too_large };
    a_folder_that_leads_away: "the folder that posts are written into, a part of it, its mark or its pictures are links" => {
        a_folder_is_a_link
    };
    an_export_that_leads_away: "a folder that is exported into has links where its files are to be" => {
        an_export_meets_links
    };
}

/// Bytes that no machine has.
const ENDLESS: u64 = 1 << 42;
const PICTURE: &str = "0123456789abcdef0123456789abcdef.png";

fn endless(factory: &Factory, path: &str) {
    let path = factory.workspace().join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    let file = File::create(path).expect("a file");
    file.set_len(ENDLESS).expect("it is sparse");
}

/// The post shows a picture, which is kept.
fn illustrate(factory: &Factory, slug: &str) {
    factory.write("media/.callboard-media", "Pictures of posts.\n");
    factory.write(format!("media/{PICTURE}"), vec![7; 700_000]);
    let sql = format!(
        "UPDATE posts SET markdown = markdown || char(10) || char(10) || '![A](/media/{PICTURE})' WHERE slug = '{slug}'"
    );
    assert_eq!(factory.execute(&sql), 1);
}

fn documents_without_end() {
    let (factory, slug) = published(Sqlite);
    endless(&factory, "content/posts/zero.md");
    let came = again(&factory, &slug);
    assert_eq!(came["outcome"], "done", "{came:#}");
    let own = format!("content/posts/{slug}.md");
    endless(&factory, &own);
    let came = again(&factory, &slug);
    assert_eq!(came["rule"], "foreign", "{came:#}");
    let detail = came["detail"].as_str().expect("a detail");
    assert!(
        detail.contains(&own) && detail.contains("larger than 1 MiB"),
        "{detail}"
    );
    // Its post is shown no more: that the document stays is no success.
    factory.ok(&["posts", "unpublish", &slug]);
    let came = again(&factory, &slug);
    assert_eq!(came["rule"], "foreign", "{came:#}");
    let detail = came["detail"].as_str().expect("a detail");
    assert!(detail.contains("is still there"), "{detail}");
}

fn documents_together() {
    let factory = Factory::bare(Sqlite);
    let folder = factory.workspace().join("imp");
    let head = "---\ntitle: A\ndate: 2026-03-02\n---\n";
    factory.write("imp/d0.md", format!("{head}{}", "word ".repeat(200_000)));
    for number in 1..300 {
        let link = folder.join(format!("d{number}.md"));
        fs::hard_link(folder.join("d0.md"), link).expect("a second name");
    }
    let came = factory.run(&["posts", "import", "imp"]);
    assert_eq!(came.code, 2, "{came}");
    assert!(
        came.to_string().contains("all files may have 256 MiB"),
        "{came}"
    );
}

fn a_picture_is_too_large() {
    let (factory, slug) = published(Sqlite);
    illustrate(&factory, &slug);
    let came = again(&factory, &slug);
    assert_eq!(came["effects"]["pictures_written"], 1, "{came:#}");
    let kept = factory.workspace().join("media").join(PICTURE);
    let written = factory
        .workspace()
        .join("content/posts/media")
        .join(PICTURE);
    let exported = factory.workspace().join("public/media").join(PICTURE);
    let told = factory.json(&["posts", "export", "public"]);
    assert_eq!(told["no_pictures"], serde_json::json!([]), "{told}");
    let kept_bytes = fs::read(&kept).expect("it is kept");
    assert!(fs::read(&written).expect("written") == kept_bytes);
    assert!(fs::read(&exported).expect("exported") == kept_bytes);
    fs::remove_file(&written).expect("removed");
    endless(&factory, &format!("media/{PICTURE}"));
    let came = again(&factory, &slug);
    assert_eq!(came["outcome"], "unavailable", "{came:#}");
    assert!(came.to_string().contains("more than 32 MiB"), "{came:#}");
    assert!(!written.exists());
    let came = factory.run(&["posts", "export", "public"]);
    assert!(
        came.code != 0 && came.to_string().contains("more than 32 MiB"),
        "{came}"
    );
    // What an export wrote before is as it was, and nothing is left of this one.
    assert!(fs::read(&exported).expect("exported") == kept_bytes);
    let names = fs::read_dir(factory.workspace().join("public"))
        .expect("a folder")
        .flatten();
    let mut aside = names.filter(|it| it.file_name().to_string_lossy().starts_with(".callboard-"));
    assert!(aside.all(|it| it.file_name() == LIST));
}

fn a_list_is_too_large() {
    let (factory, _) = published(Sqlite);
    factory.ok(&["posts", "export", "public"]);
    endless(&factory, &format!("public/{LIST}"));
    let came = factory.run(&["posts", "export", "public"]);
    assert!(
        came.code != 0 && came.to_string().contains("larger than 16 MiB"),
        "{came}"
    );
}

/// That nothing was put into a folder outside, or changed there.
fn untouched(outside: &Path) {
    let names: Vec<_> = fs::read_dir(outside).expect("a folder").flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(
        fs::read_to_string(outside.join("theirs.md")).expect("there"),
        "theirs"
    );
}

/// The stage has failed, and names the link.
fn failed_for(came: &Json, link: &str) {
    assert_eq!(came["outcome"], "failed", "{came:#}");
    let said = format!("{link} is a link, and links are not followed");
    assert!(came.to_string().contains(&said), "{link}: {came:#}");
}

/// The stage has failed at the link, or the roll call has seen where it leads before there was one.
fn stopped_at(factory: &Factory, came: &Json, link: &str) {
    if !came.is_null() {
        return failed_for(came, link);
    }
    let run = factory.json(&["runs", "list", "--limit", "1"])[0].clone();
    assert_eq!(run["status"], "blocked", "{run:#}");
    assert!(
        run.to_string().contains("outside of the workspace"),
        "{run:#}"
    );
    factory.ok(&["runs", "cancel", run["id"].as_str().expect("an id")]);
}

fn a_folder_is_a_link() {
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("theirs.md"), "theirs").expect("written");
    let (factory, slug) = published_as(Sqlite, "yaml");
    illustrate(&factory, &slug);
    let content = factory.workspace().join("content");
    let links = [
        ("content", outside.path().to_owned()),
        ("content/posts", outside.path().to_owned()),
        ("content/.callboard-posts", outside.path().join("mark")),
        ("content/posts/media", outside.path().to_owned()),
    ];
    for (link, target) in links {
        fs::remove_dir_all(&content).ok();
        let place = factory.workspace().join(link);
        fs::create_dir_all(place.parent().expect("a folder")).expect("made");
        symlink(target, &place).expect("a link");
        stopped_at(&factory, &again(&factory, &slug), link);
        untouched(outside.path());
        fs::remove_file(place).expect("the link is there");
    }
    // What is removed is not removed elsewhere, either.
    fs::remove_dir_all(&content).ok();
    assert_eq!(again(&factory, &slug)["outcome"], "done");
    let elsewhere = outside.path().join("elsewhere");
    fs::rename(content.join("posts"), &elsewhere).expect("moved");
    symlink(&elsewhere, content.join("posts")).expect("a link");
    factory.ok(&["posts", "unpublish", &slug]);
    stopped_at(&factory, &again(&factory, &slug), "content/posts");
    assert!(elsewhere.join(format!("{slug}.md")).is_file());
}

fn an_export_meets_links() {
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("theirs.md"), "theirs").expect("written");
    let (factory, _) = published(Sqlite);
    let public = factory.workspace().join("public");
    let links = [
        ("index.html", outside.path().join("theirs.md")),
        ("feed.xml", outside.path().join("new")),
        ("posts", outside.path().to_owned()),
        (LIST, outside.path().join("theirs.md")),
        (".callboard-export.new", outside.path().join("new")),
    ];
    for (link, target) in links {
        fs::remove_dir_all(&public).ok();
        factory.ok(&["posts", "export", "public"]);
        let place = public.join(link);
        fs::remove_dir_all(&place).ok();
        fs::remove_file(&place).ok();
        symlink(target, &place).expect("a link");
        let came = factory.run(&["posts", "export", "public"]);
        if link == ".callboard-export.new" {
            assert_eq!(
                came.code, 0,
                "a link beside what is written is nobody's business: {came}"
            );
        } else {
            assert!(
                came.code != 0 && came.to_string().contains(link),
                "{link}: {came}"
            );
        }
        untouched(outside.path());
    }
}
