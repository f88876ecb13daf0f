//! The site as files: every link leads somewhere, and nothing of anybody else is touched.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use callboard_factory::media::{Unstored, WaitedPieces};
use callboard_factory::site::{self, ExportError, LIST, Site, WrittenSite};
use callboard_factory::tables::posts::{Post, PostStatus};

use super::{post, site as board};

/// Of posts without pictures.
fn export(
    site: &Site,
    posts: &[Post],
    moved: &[(String, String)],
    folder: &Path,
) -> Result<WrittenSite, ExportError> {
    let none = |_: &str| -> Result<Option<WaitedPieces>, Unstored> { Ok(None) };
    site::export(site, posts, moved, folder, &none)
}

fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("inside");
                found.insert(name.to_str().expect("text").to_owned());
            }
        }
    }
    found
}

fn links(html: &str) -> Vec<&str> {
    let parts = html.split("href=\"").skip(1);
    let links = parts.filter_map(|part| part.split('"').next());
    links
        .filter(|link| !link.contains(':') && !link.starts_with('#'))
        .collect()
}

/// The file that a link of `page` names, as a browser finds it.
fn target(folder: &Path, page: &str, link: &str) -> PathBuf {
    let link = link
        .split('?')
        .next()
        .unwrap_or_default()
        .replace("%20", " ");
    let from = folder.join(page);
    from.parent().expect("a folder").join(link)
}

#[test]
fn every_link_of_every_page_names_a_file() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("site");
    let mut posts: Vec<Post> = (1..=12).map(post).collect();
    posts[0].tags = vec!["../../evil".to_owned(), "c++".to_owned()];
    let exported = export(&board(), &posts, &[], &folder).expect("exported");
    let names = files(&folder);
    assert_eq!(exported.files + 1, names.len());
    for expected in [
        "index.html",
        "404.html",
        "feed.xml",
        "feed.json",
        "sitemap.xml",
        "style.css",
        "posts/post-3/index.html",
        "archive/index.html",
        "archive/2/index.html",
        "tags/rust/index.html",
        "tags/c++/index.html",
    ] {
        assert!(names.contains(expected), "{expected}: {names:?}");
    }
    assert_eq!(files(home.path()).len(), names.len(), "nothing outside");
    for page in names.iter().filter(|name| name.ends_with("index.html")) {
        let html = fs::read_to_string(folder.join(page)).expect("a page");
        for link in links(&html) {
            let link = link.replace("%2B", "+");
            assert!(target(&folder, page, &link).is_file(), "{page}: {link}");
        }
    }
}

#[test]
fn the_next_export_replaces_its_own_files_only() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("site");
    export(&board(), &[post(1), post(2)], &[], &folder).expect("the first");
    fs::write(folder.join("CNAME"), "example.com").expect("a file of the operator");
    export(&board(), &[post(2)], &[], &folder).expect("the second");
    let names = files(&folder);
    assert!(!names.contains("posts/post-1/index.html"), "{names:?}");
    assert!(!folder.join("posts/post-1").exists());
    assert!(names.contains("posts/post-2/index.html") && names.contains("CNAME"));
    let again = export(&board(), &[post(2)], &[], &folder).expect("the third");
    assert_eq!(files(&folder), names);
    assert_eq!(again.files + 2, names.len());
}

#[test]
fn a_folder_that_no_export_made_is_left_alone() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("thesis.txt"), "years of work").expect("a file");
    let error = export(&board(), &[post(1)], &[], home.path()).expect_err("refused");
    assert!(error.to_string().contains("thesis.txt"), "{error}");
    assert_eq!(files(home.path()).len(), 1);
}

#[test]
fn a_file_in_the_way_is_named_and_kept() {
    let home = tempfile::tempdir().expect("a folder");
    export(&board(), &[post(1)], &[], home.path()).expect("the first");
    let mine = home.path().join("posts/post-2/index.html");
    fs::create_dir_all(mine.parent().expect("a folder")).expect("made");
    fs::write(&mine, "mine").expect("written");
    let error = export(&board(), &[post(1), post(2)], &[], home.path()).expect_err("refused");
    assert!(error.to_string().contains("post-2"), "{error}");
    assert_eq!(fs::read_to_string(&mine).expect("still there"), "mine");
}

#[test]
fn a_list_that_points_outside_deletes_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("site");
    export(&board(), &[post(1)], &[], &folder).expect("the first");
    let outside = home.path().join("precious");
    fs::write(&outside, "x").expect("written");
    fs::write(folder.join(LIST), "../precious\n").expect("written");
    let error = export(&board(), &[post(1)], &[], &folder).expect_err("refused");
    assert!(matches!(error, ExportError::List { .. }), "{error}");
    assert!(outside.exists());
}

#[test]
fn a_slug_that_leaves_the_folder_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let evil = Post {
        slug: "../../evil".to_owned(),
        ..post(1)
    };
    let error = export(&board(), &[evil], &[], home.path()).expect_err("refused");
    assert!(error.to_string().contains("../../evil"), "{error}");
    assert!(files(home.path()).is_empty());
}

#[test]
fn an_address_of_before_is_a_page_that_leads_on_and_a_line_for_hosts_that_answer_301() {
    let home = tempfile::tempdir().expect("a folder");
    let archived = Post {
        status: PostStatus::Archived,
        ..post(2)
    };
    let moved = [
        ("old", "post-1"),
        ("older", "post-1"),
        ("x/y", "post-1"),
        ("gone", "post-9"),
    ];
    let moved = moved.map(|(old, new)| (old.to_owned(), new.to_owned()));
    let exported = export(&board(), &[post(1), archived], &moved, home.path()).expect("exported");
    assert_eq!(exported.redirects, 2);
    let read = |name: &str| fs::read_to_string(home.path().join(name)).expect("a file");
    assert_eq!(
        read("_redirects"),
        "/posts/old /posts/post-1 301\n/posts/old/ /posts/post-1 301\n\
        /posts/older /posts/post-1 301\n/posts/older/ /posts/post-1 301\n"
    );
    let page = read("posts/old/index.html");
    assert!(
        page.contains("0; url=../../posts/post-1/index.html"),
        "{page}"
    );
    assert!(
        page.contains("canonical\" href=\"https://example.com/posts/post-1"),
        "{page}"
    );
    assert!(!home.path().join("posts/gone").exists());
    assert!(read("posts/post-2/index.html").contains("Title of 2"));
    for list in [
        "index.html",
        "feed.xml",
        "feed.json",
        "sitemap.xml",
        "archive/index.html",
    ] {
        assert!(!read(list).contains("post-2"), "{list}");
    }
}
