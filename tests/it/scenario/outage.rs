//! S10: absent is 404, removed is 410, and a database that is gone is 503, uncached, and
//! never "not found".

use std::fs;
use std::io::Write as _;

use callboard_core::store::Dialect::{Postgres, Sqlite};

use crate::site::client::Answer;
use crate::support::daemon::{Daemon, eventually, get};
use crate::support::factory::{DAY, Factory, board};

const SERVE: [&str; 4] = ["serve", "--no-work", "--listen", "127.0.0.1:0"];

/// A factory with a post, and the post's slug.
fn published(factory: &Factory) -> String {
    let repository = board();
    assert_eq!(factory.diary(repository.path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", &factory.task()]);
    let posts = factory.json(&["posts", "list"]);
    posts[0]["slug"].as_str().expect("a slug").to_owned()
}

/// Pages that need the database.
fn pages(slug: &str) -> Vec<String> {
    let paths = ["/", "/posts/nobody", "/archive", "/feed.xml", "/health"];
    let paths = paths.into_iter().map(str::to_owned);
    paths.chain([format!("/posts/{slug}")]).collect()
}

/// Unavailable, said so that no cache keeps it.
#[track_caller]
fn is_unavailable(path: &str, answer: &Answer) {
    assert_eq!(answer.status, 503, "{path}: {}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    assert_eq!(answer.header("etag"), "", "{path}");
}

#[test]
fn a_post_is_found_then_gone_and_a_strange_one_is_not_found() {
    let factory = Factory::bare(Sqlite);
    let slug = published(&factory);
    let server = Daemon::start(&factory, &SERVE);
    let address = server.address();
    let post = format!("/posts/{slug}");
    assert_eq!(get(address, &post).status, 200);
    assert_eq!(get(address, "/posts/nobody").status, 404);
    factory.ok(&["posts", "remove", &slug]);
    let gone = get(address, &post);
    assert_eq!(gone.status, 410);
    assert!(!gone.body.contains("Search the archive"), "{}", gone.body);
    assert_eq!(get(address, "/posts/nobody").status, 404);
    let again = factory.ok(&["posts", "remove", &slug]);
    assert!(again.contains("nothing to do"), "{again}");
}

#[test]
fn a_damaged_file_of_sqlite_is_503_and_not_404() {
    let factory = Factory::bare(Sqlite);
    let slug = published(&factory);
    let server = Daemon::start(&factory, &SERVE);
    let (address, console) = (server.address(), server.console());
    // No reader has asked for a page, and what the process has shown itself at its start is read anew once
    // another one has written: else SQLite would have it in memory and show it as it was.
    factory.ok(&["settings", "set", "media.store", "pictures"]);
    for name in ["callboard.db-wal", "callboard.db-shm", "callboard.db"] {
        let file = factory.workspace().join(name);
        let length = fs::metadata(&file).map_or(8192, |data| data.len());
        let noise = vec![0x5a; usize::try_from(length).expect("a length").max(8192)];
        // Not cut off first: SQLite has the index of its log mapped, and would fall with it.
        let written = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&file);
        written
            .and_then(|mut file| file.write_all(&noise))
            .expect("written over");
    }
    for path in pages(&slug) {
        is_unavailable(&path, &get(address, &path));
    }
    is_unavailable("console", &get(console, "/console.json"));
    server.signal("INT");
    assert_eq!(server.ended().code, 0, "it still ends in good order");
}

#[test]
fn a_database_of_postgresql_that_is_gone_is_503_and_not_404() {
    let mut factory = Factory::bare(Postgres);
    let slug = published(&factory);
    let server = Daemon::start(&factory, &SERVE);
    let (address, console) = (server.address(), server.console());
    assert_eq!(get(address, &format!("/posts/{slug}")).status, 200);
    factory.drop_database();
    eventually("the connections are cut", || {
        (get(address, "/health").status == 503).then_some(())
    });
    for path in pages(&slug) {
        is_unavailable(&path, &get(address, &path));
    }
    is_unavailable("console", &get(console, "/console.json"));
}
