//! Whatever lies in a workspace and is not read is named, and what lies in its site is served.

use callboard_core::store::Dialect::Sqlite;

use crate::support::daemon::{Daemon, get, get_with};
use crate::support::factory::Factory;

#[test]
fn what_is_not_read_is_a_miss_with_its_mend() {
    let factory = Factory::bare_written(Sqlite);
    factory.ok(&["check"]);
    for (file, said) in [
        (
            "pipeline/a.toml",
            "miss: pipeline/: nothing of the folder is read",
        ),
        (
            "pipelines/x.yaml",
            "miss: pipelines/x.yaml: only files that end in .toml",
        ),
        (
            "plugins/lost/Plugin.toml",
            "miss: plugins/lost/: it has no plugin.toml",
        ),
        (
            "alerts/a.toml",
            "miss: alerts/: nothing of the folder is read",
        ),
        (
            "templates/a.md",
            "miss: diary: nobody renders it (templates -> templates/a.md)",
        ),
        (
            "tests/a.yaml",
            "miss: tests/a.yaml: only files that end in .toml",
        ),
        (
            "site/posts/a.png",
            "miss: site: nobody can see it: /posts is a page of the site",
        ),
    ] {
        factory.write(file, "name = \"a\"\n");
        let ran = factory.run(&["check"]);
        assert_eq!(ran.code, 1, "{file}: {ran}");
        assert!(ran.stdout.contains(said), "{file}: {ran}");
        assert!(ran.stdout.contains("\n1 of "), "{file}: {ran}");
        assert!(ran.stdout.contains("mend  "), "{file}: {ran}");
        let top = file.split('/').next().expect("a folder");
        match top {
            "pipelines" | "templates" => factory.remove(file),
            "site" => {
                std::fs::remove_dir_all(factory.workspace().join("site/posts")).expect("removed");
            }
            _ => std::fs::remove_dir_all(factory.workspace().join(top)).expect("removed"),
        }
    }
    factory.write("notes/today.txt", "a note");
    factory.write(".callboardignore", "notes/\n");
    factory.write(".gitignore", "*.db\n");
    factory.write("README.md", "what this is");
    factory.ok(&["apply"]);
}

#[test]
fn a_file_of_the_site_is_served_and_exported_as_it_is() {
    let factory = Factory::bare_written(Sqlite);
    let picture = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    factory.write("site/pictures/my logo.svg", picture);
    factory.write("site/logo.png", "not quite a picture");
    factory.ok(&["apply"]);
    let daemon = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    let address = daemon.address();
    let logo = get(address, "/logo.png");
    assert_eq!(
        (logo.status, logo.header("content-type")),
        (200, "image/png")
    );
    assert_eq!(logo.header("x-content-type-options"), "nosniff");
    let tag = logo.header("etag");
    assert!(tag.len() > 10, "{tag}");
    let again = get_with(address, "/logo.png", &format!("if-none-match: {tag}\r\n"));
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let drawn = get(address, "/pictures/my%20logo.svg");
    assert_eq!(drawn.header("content-type"), "image/svg+xml");
    assert_eq!(drawn.body, picture);
    for absent in [
        "/pictures",
        "/no.png",
        "/../callboard.toml",
        "/%2e%2e/callboard.toml",
        "/base.html",
    ] {
        assert_eq!(get(address, absent).status, 404, "{absent}");
    }
    let out = factory.workspace().join("../out");
    factory.ok(&["posts", "export", out.to_str().expect("a path")]);
    let exported = std::fs::read_to_string(out.join("pictures/my logo.svg")).expect("exported");
    assert_eq!(exported, picture);
}
