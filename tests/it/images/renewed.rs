//! An export that is kept, and a backup with its pictures, through the real program: nobody has to remember.

use std::fs;

use callboard_core::store::Dialect::{self, Sqlite};

use super::shown::{drafted, pictures, post};
use crate::support::daemon::{Daemon, eventually};
use crate::support::factory::{Factory, on_each};
use crate::support::pictures::PictureServer;

const EXPORT: &str = "export_into = \"public\"\n";

fn configured(factory: &Factory, lines: &str) {
    let config = factory.read("callboard.toml");
    factory.write("callboard.toml", format!("{lines}{config}"));
}

/// The page of the only post.
fn page(factory: &Factory) -> Option<String> {
    let slug = post(factory)["slug"].as_str().expect("a slug").to_owned();
    let page = format!("public/posts/{slug}/index.html");
    fs::read_to_string(factory.workspace().join(page)).ok()
}

on_each!(
    an_export_is_written_anew_when_a_picture_is_replaced_or_a_post_changes,
    |dialect: Dialect| {
        let server = PictureServer::sdxl();
        let factory = drafted(dialect, &server);
        configured(&factory, EXPORT);
        let task = factory.task();
        let approved = factory.run(&["tasks", "approve", &task]);
        assert!(
            approved.stderr.contains("exported the site anew"),
            "{approved}"
        );
        let old = pictures(post(&factory)["markdown"].as_str().expect("a text"));
        let shows = |src: &str| {
            let name = src.trim_start_matches("/media/");
            let there = factory
                .workspace()
                .join("public/media")
                .join(name)
                .is_file();
            (
                page(&factory).is_some_and(|page| page.contains(name)),
                there,
            )
        };
        assert_eq!(shows(&old[0]), (true, true));
        factory.ok(&["tasks", "regen-image", &task, "--which", "inline:1"]);
        let new = pictures(post(&factory)["markdown"].as_str().expect("a text"));
        assert_ne!(new[0], old[0]);
        assert_eq!(shows(&new[0]), (true, true));
        assert_eq!(shows(&old[0]), (false, false));
        // The revision and the settings are in its pages, too.
        factory.edit("site/base.html", "</body>", "<p>A new foot.</p></body>");
        factory.ok(&["apply"]);
        assert!(page(&factory).expect("a page").contains("A new foot."));
        // Nothing changed, and nothing is written.
        let listed = factory.run(&["posts", "list"]);
        assert!(!listed.stderr.contains("exported"), "{listed}");
        factory.ok(&["posts", "unpublish", "latest"]);
        assert_eq!(page(&factory), None);
    }
);

/// What becomes of a post while nobody types is seen by whoever works or serves.
#[test]
fn a_daemon_keeps_the_export() {
    let server = PictureServer::sdxl();
    let factory = drafted(Sqlite, &server);
    factory.ok(&["tasks", "approve", &factory.task()]);
    configured(&factory, EXPORT);
    let daemon = Daemon::start(&factory, &["work"]);
    eventually("the site is exported", || page(&factory));
    let folder = factory.workspace().join("public");
    // As if it had been written of something else, by one who ended in the midst.
    fs::write(folder.join("index.html"), "half").expect("written");
    fs::write(folder.join(".callboard-export.state"), "other").expect("written");
    eventually("it is written anew", || {
        let index = fs::read_to_string(folder.join("index.html")).ok()?;
        index.contains("</html>").then_some(())
    });
    drop(daemon);
}

/// It keeps nobody from his work, and is told until it is well.
#[test]
fn an_export_that_cannot_be_written_is_a_finding() {
    let server = PictureServer::sdxl();
    let factory = drafted(Sqlite, &server);
    configured(&factory, EXPORT);
    let mine = factory.workspace().join("public/thesis.txt");
    fs::create_dir(mine.parent().expect("a folder")).expect("a folder");
    fs::write(&mine, "years of work").expect("written");
    let approved = factory.run(&["tasks", "approve", &factory.task()]);
    assert_eq!(approved.code, 0, "{approved}");
    let told = "the export stays as it was: ";
    assert!(
        approved.stderr.contains(told) && approved.stderr.contains("thesis.txt"),
        "{approved}"
    );
    let open = || factory.count("findings WHERE key = 'export' AND resolved_at IS NULL");
    assert_eq!(open(), 1);
    fs::remove_file(&mine).expect("removed");
    factory.ok(&["posts", "list"]);
    assert_eq!(open(), 0);
    assert!(page(&factory).is_some());
}

#[test]
fn a_backup_says_that_it_has_no_pictures_and_copies_them_if_it_is_told_to() {
    let server = PictureServer::sdxl();
    let factory = drafted(Sqlite, &server);
    let away = tempfile::tempdir().expect("a folder");
    let path = |name: &str| away.path().join(name).display().to_string();
    let plain = factory.run(&["backup", &path("a.db")]);
    assert_eq!(plain.code, 0, "{plain}");
    assert!(
        plain
            .stderr
            .contains("pictures are in the media store, and not in the backup"),
        "{plain}"
    );
    let whole = factory.json(&["backup", &path("b.db"), "--pictures", &path("p")]);
    let copied = whole["pictures"]["copied"].as_u64().expect("a number");
    assert!(copied > 0, "{whole}");
    let media = factory.workspace().join("media");
    for entry in fs::read_dir(away.path().join("p"))
        .expect("a folder")
        .flatten()
    {
        let kept = fs::read(media.join(entry.file_name())).expect("it is kept");
        assert_eq!(fs::read(entry.path()).expect("a copy"), kept);
    }
    // What is there is not copied again; what the store does not have is named.
    let gone = fs::read_dir(away.path().join("p"))
        .expect("it")
        .flatten()
        .next();
    let gone = gone.expect("a picture").file_name();
    fs::remove_file(away.path().join("p").join(&gone)).expect("removed");
    fs::remove_file(media.join(&gone)).expect("removed");
    let again = factory.run(&["backup", &path("c.db"), "--pictures", &path("p")]);
    assert_eq!(again.code, 0, "{again}");
    let gone = gone.to_string_lossy();
    assert!(
        again.stderr.contains(&format!("picture {gone} is missing")),
        "{again}"
    );
    assert!(again.stdout.contains("0 of them new"), "{again}");
}
