//! A text that takes long to show, and a thread that never comes back: one page fails, and neither
//! the site nor the end of its process waits.

use callboard_core::store::{Dialect, Store, StoreErrorKind};
use callboard_core::value::Statement;

use super::attacks;
use crate::support::daemon::{Daemon, get};
use crate::support::database::with_database;
use crate::support::factory::{DAY, Factory, board};

attacks! {
    a_template_that_never_ends: "a template of the site with nested loops of 99,999 rounds" => {
        renderings_end
    };
    a_thread_that_never_ends: "SIGTERM to `serve` while a thread of it will never go on" => {
        stuck_threads_keep_nobody
    };
    a_post_deep_in_quotes: "a post of 100,000 quotes in one another, as a page, in the feeds and in an export" => {
        both deep_posts_are_one_post
    };
    a_post_too_large_to_show: "a post whose text is larger than the site shows" => {
        both large_posts_are_not_stored
    };
    a_page_that_fails: "pages whose templates fail on the posts that there are" => {
        both failing_pages_are_said_everywhere
    };
}

fn renderings_end() {
    let factory = Factory::bare(Dialect::Sqlite);
    let loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
    let write = |template: String| {
        let template = format!(
            "{{% extends \"base.html\" %}}{{% block main %}}{{{{ html }}}}{template}{{% endblock %}}"
        );
        factory.write("site/post.html", template);
    };
    // On the samples, before it is the active revision.
    write(loops.to_owned());
    let ran = factory.run(&["apply"]);
    assert_ne!(ran.code, 0, "{ran}");
    for part in ["post.html", "steps"] {
        assert!(ran.to_string().contains(part), "{part}: {ran}");
    }
    // On a post that is unlike the samples.
    write(format!(
        "{{% if post.title == 'Endless' %}}{loops}{{% endif %}}"
    ));
    factory.ok(&["apply"]);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", "latest"]);
    factory.execute("UPDATE posts SET title = 'Endless'");
    let ran = factory.run(&["posts", "export", "out"]);
    assert_ne!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr.contains("post.html") && ran.stderr.contains("steps"),
        "{ran}"
    );
}

fn stuck_threads_keep_nobody() {
    // The first work beside the others makes the site, the second one tries it, and the third one is a page.
    let factory = Factory::bare(Dialect::Sqlite).with("CALLBOARD_FAULT", "beside@3=hang");
    let daemon = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    let address = daemon.address();
    let reader = std::thread::spawn(move || get(address, "/"));
    daemon.until("hangs, on purpose");
    daemon.signal("TERM");
    let ended = daemon.ended();
    assert_eq!(ended.code, 0, "{ended}");
    // It gets no answer.
    drop(reader.join());
}

/// A factory with one published post, whose text is then `markdown`.
fn published(dialect: Dialect, markdown: &str) -> (Factory, String) {
    let factory = Factory::bare(dialect);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", "latest"]);
    let slug = factory.texts("SELECT slug FROM posts", "slug").remove(0);
    factory.execute(&format!("UPDATE posts SET markdown = '{markdown}'"));
    (factory, slug)
}

fn deep_posts_are_one_post(dialect: Dialect) {
    let deep = format!("{} x", ">".repeat(100_000));
    let (factory, slug) = published(dialect, &deep);
    let exported = factory.run(&["posts", "export", "out"]);
    assert_eq!(exported.code, 0, "{exported}");
    assert!(
        exported.to_string().contains("deep in one another"),
        "{exported}"
    );
    let front = factory.read("out/index.html");
    assert!(!front.contains(&slug), "{front}");
    let daemon = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    let address = daemon.address();
    let page = format!("/posts/{slug}");
    for (path, status) in [
        (&*page, 500),
        ("/", 200),
        ("/archive", 200),
        ("/feed.xml", 200),
        ("/feed.json", 200),
        ("/sitemap.xml", 200),
        ("/health", 200),
    ] {
        assert_eq!(get(address, path).status, status, "{path}");
    }
    let findings = factory.ok(&["findings", "list"]);
    assert!(
        findings.contains(&slug) && findings.contains("deep in one another"),
        "{findings}"
    );
    daemon.signal("TERM");
    assert_eq!(daemon.ended().code, 0);
}

fn large_posts_are_not_stored(dialect: Dialect) {
    with_database(dialect, async |store: Store, _: String| {
        let insert = |markdown: String| {
            let sql = "INSERT INTO posts (id, slug, subject, task, title, excerpt, markdown, tags, \
                written_by, covers, status, published_at, updated_at) \
                VALUES ('p', 'p', 'p', 'p', 'p', '', $1, '', 'p', '', 'published', 1, 1)";
            store.execute(Statement::new(sql).bind(markdown))
        };
        let error = insert("&".repeat((128 << 10) + 1))
            .await
            .expect_err("too large");
        assert_eq!(error.kind, StoreErrorKind::Constraint, "{error}");
        insert("&".repeat(128 << 10))
            .await
            .expect("as large as can be");
    });
}

fn failing_pages_are_said_everywhere(dialect: Dialect) {
    let (factory, slug) = published(dialect, "Some text.");
    let before = factory.texts("SELECT title FROM posts", "title").remove(0);
    let front = "{% extends \"base.html\" %}{% block main %}\n{% if posts and \
        posts[0].title == \"Endless\" %}{{ posts[9].title }}{% endif %}{% endblock %}";
    factory.write("site/index.html", front);
    let post = "{% extends \"base.html\" %}{% block main %}{{ html }}\n\n{% if \
        post.title == \"Endless\" %}{{ post.tags[9].name }}{% endif %}{% endblock %}";
    factory.write("site/post.html", post);
    factory.ok(&["apply"]);
    assert_eq!(factory.run(&["doctor"]).code, 0);
    let daemon = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    let address = daemon.address();
    let title = |title: &str| {
        let sql = format!("UPDATE posts SET title = '{}'", title.replace('\'', "''"));
        factory.execute(&sql);
    };
    let page = format!("/posts/{slug}");
    assert_eq!(get(address, &page).status, 200);
    // What a post is called is looked at by no check of an earlier day.
    title("Endless");
    assert_eq!(get(address, "/").status, 500);
    assert_eq!(get(address, &page).status, 500);
    let health = get(address, "/health");
    assert_eq!(health.status, 503);
    assert!(health.body.contains("pages"), "{}", health.body);
    let both = [
        "index.html` of the site, line 2",
        "post.html` of the site, line 3",
    ];
    let open = factory.json(&["findings", "list"]).to_string();
    for part in both {
        assert!(open.contains(part), "{part}: {open}");
    }
    for (command, files) in [
        ("doctor", both),
        ("check", ["site/index.html:2:1", "site/post.html:3:1"]),
    ] {
        let ran = factory.run(&[command]);
        assert_eq!(ran.code, 1, "{command}: {ran}");
        for file in files {
            assert!(ran.to_string().contains(file), "{command}: {file}: {ran}");
        }
    }
    title(&before);
    assert_eq!(get(address, "/").status, 200);
    let open = factory.json(&["findings", "list"]).to_string();
    assert!(!open.contains(both[0]) && open.contains(both[1]), "{open}");
    assert_eq!(get(address, &page).status, 200);
    let open = factory.json(&["findings", "list"]).to_string();
    assert!(!open.contains(both[1]), "{open}");
    assert_eq!(get(address, "/health").status, 200);
    assert_eq!(factory.run(&["doctor"]).code, 0);
}
