//! What becomes of a post: scheduled, off the site and back, under another title, as a person, a reader and an
//! export see it.

use std::time::Duration;

use callboard_core::store::Dialect;
use callboard_core::store::Dialect::Sqlite;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::{refuses, shows};
use crate::support::daemon::{Daemon, eventually, get};
use crate::support::factory::{DAY, Factory, board, on_each};

/// A pipeline that loads a published post.
const LOOK: &str = "name = \"look\"\nbudget = \"1m\"\n\n[input.slug]\nrequired = true\n\n[[stage]]\n\
    id = \"load\"\nhandler = \"content.load_post\"\n";

/// A factory with one post.
fn published(dialect: Dialect) -> (Factory, String) {
    let factory = Factory::bare(dialect);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", &factory.task()]);
    let slug = slug(&factory);
    (factory, slug)
}

fn latest(factory: &Factory) -> Json {
    factory.json(&["posts", "show", "latest"])
}

fn slug(factory: &Factory) -> String {
    latest(factory)["slug"].as_str().expect("a slug").to_owned()
}

/// So many seconds ahead.
fn ahead(seconds: u64) -> String {
    let at = Timestamp::now() + Duration::from_secs(seconds);
    at.to_string()
}

/// What the history says, event by event.
fn events(factory: &Factory) -> Vec<String> {
    factory.texts("SELECT event FROM post_history ORDER BY step", "event")
}

on_each!(
    a_scheduled_post_is_published_when_its_time_comes_and_once,
    |dialect: Dialect| {
        let (factory, slug) = published(dialect);
        let early = ["posts", "schedule", &slug, "--at", &ahead(3600)];
        refuses(&factory, &early, 2, &["is published", "posts unpublish"]);
        factory.ok(&["posts", "unpublish", &slug]);
        let over = ["posts", "schedule", &slug, "--at", "2020-01-01T00:00:00Z"];
        refuses(&factory, &over, 2, &["is over", "posts publish"]);
        let far = ["posts", "schedule", &slug, "--at", "2200-01-01T00:00:00Z"];
        refuses(&factory, &far, 2, &["farther ahead", "budget"]);
        let odd = ["posts", "schedule", &slug, "--at", "tomorrow"];
        refuses(&factory, &odd, 2, &["is no moment"]);
        let late = ahead(86_400);
        let first = factory.json(&["posts", "schedule", &slug, "--at", &late]);
        let again = factory.json(&["posts", "schedule", &slug, "--at", &late]);
        assert_eq!(
            (&first["changed"], &again["changed"]),
            (&true.into(), &false.into())
        );
        assert_eq!(first["post"]["run"], again["post"]["run"], "one run waits");
        let serve = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
        // On SQLite one process is the worker.
        let work = matches!(dialect, Dialect::Postgres).then(|| Daemon::start(&factory, &["work"]));
        let (address, place) = (serve.address(), format!("/posts/{slug}"));
        let run = first["post"]["run"].as_str().expect("a run").to_owned();
        eventually("the run waits", || {
            (factory.json(&["runs", "show", &run])["run"]["status"] == "waiting").then_some(())
        });
        assert_eq!(get(address, &place).status, 404);
        factory.ok(&["posts", "export", "out"]);
        assert!(!factory.read("out/sitemap.xml").contains(&slug));
        // Another time takes its place, and the run that waited for the first is ended.
        factory.ok(&["posts", "schedule", &slug, "--at", &ahead(2)]);
        eventually("it is published", || {
            (get(address, &place).status == 200).then_some(())
        });
        assert_eq!(latest(&factory)["status"], "published");
        for list in ["/", "/feed.xml", "/feed.json", "/sitemap.xml", "/archive"] {
            assert!(get(address, list).body.contains(&slug), "{list}");
        }
        assert_eq!(
            events(&factory),
            ["publish", "unpublish", "schedule", "schedule", "publish"]
        );
        eventually("the first run is ended", || {
            (factory.json(&["runs", "show", &run])["run"]["status"] == "cancelled").then_some(())
        });
        for daemon in [Some(serve), work].into_iter().flatten() {
            daemon.signal("TERM");
            assert_eq!(daemon.ended().code, 0);
        }
    }
);

on_each!(
    a_schedule_whose_run_ends_is_none_any_more,
    |dialect: Dialect| {
        let (factory, slug) = published(dialect);
        factory.ok(&["posts", "unpublish", &slug]);
        factory.ok(&["posts", "schedule", &slug, "--at", &ahead(3600)]);
        let run = latest(&factory)["run"].as_str().expect("a run").to_owned();
        factory.ok(&["runs", "cancel", &run]);
        assert_eq!(latest(&factory)["status"], "unpublished");
        assert_eq!(events(&factory).last().map(String::as_str), Some("lapse"));
        factory.ok(&["posts", "schedule", &slug, "--at", &ahead(3600)]);
        let run = latest(&factory)["run"].as_str().expect("a run").to_owned();
        factory.ok(&["runs", "pause", &run]);
        let doctor = factory.run(&["doctor"]);
        assert_eq!(doctor.code, 1, "{doctor}");
        assert!(doctor.stdout.contains("is paused"), "{doctor}");
        factory.ok(&["posts", "publish", &slug, "--by", "Ada", "--reason", "now"]);
        assert_eq!(
            factory.json(&["runs", "show", &run])["run"]["status"],
            "cancelled"
        );
        assert_eq!(latest(&factory)["status"], "published");
    }
);

on_each!(a_post_leaves_the_site_and_comes_back, |dialect: Dialect| {
    let (factory, slug) = published(dialect);
    let before = latest(&factory);
    let daemon = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    let (address, place) = (daemon.address(), format!("/posts/{slug}"));
    let tag = format!("/tags/{}", before["tags"][0].as_str().expect("a tag"));
    let lists = [
        "/",
        "/feed.xml",
        "/feed.json",
        "/sitemap.xml",
        "/archive",
        tag.as_str(),
    ];
    let seen = || lists.map(|list| get(address, list).body.contains(&slug));
    let step = |what: &str, status: u16, listed: bool| {
        for (changed, _) in [(true, "first"), (false, "again")] {
            let moved = factory.json(&["posts", what, &slug, "--by", "Ada", "--reason", "so"]);
            assert_eq!(moved["changed"], changed, "{what}");
        }
        assert_eq!(get(address, &place).status, status, "{what}");
        assert_eq!(seen(), [listed; 6], "{what}");
        factory.ok(&["posts", "export", "out"]);
        assert_eq!(
            factory.read("out/feed.xml").contains(&slug),
            listed,
            "{what}"
        );
        let page = factory
            .workspace()
            .join(format!("out/posts/{slug}/index.html"));
        assert_eq!(page.exists(), status == 200, "{what}");
        assert_eq!(get(address, "/health").status, 200);
    };
    step("unpublish", 404, false);
    step("restore", 200, true);
    step("archive", 200, false);
    step("restore", 200, true);
    step("remove", 410, false);
    refuses(
        &factory,
        &["posts", "archive", &slug],
        2,
        &["is removed", "posts restore"],
    );
    step("restore", 200, true);
    assert_eq!(latest(&factory)["published_at"], before["published_at"]);
    step("unpublish", 404, false);
    step("publish", 200, true);
    assert_ne!(latest(&factory)["published_at"], before["published_at"]);
    let history = factory.json(&["posts", "history", &slug]);
    let last = history
        .as_array()
        .expect("a list")
        .last()
        .expect("a move")
        .clone();
    for (key, value) in [
        ("event", "publish"),
        ("from", "unpublished"),
        ("who", "Ada"),
        ("detail", "so"),
    ] {
        assert_eq!(last[key], value, "{last}");
    }
    daemon.signal("TERM");
    assert_eq!(daemon.ended().code, 0);
});

on_each!(
    an_old_address_leads_to_the_new_one_in_one_step_and_to_no_other_post,
    |dialect: Dialect| {
        let (factory, slug) = published(dialect);
        factory.execute("UPDATE posts SET seo_title = 'the old one'");
        let retitle = |title: &str, more: &[&str]| {
            let line = [&["posts", "retitle", "latest", title], more].concat();
            factory.json(&line)["post"]["slug"]
                .as_str()
                .expect("a slug")
                .to_owned()
        };
        let second = retitle("The lamp was lit", &[]);
        assert_eq!(second, format!("the-lamp-was-lit-{DAY}"));
        let third = retitle("The lamp was lit", &["--slug", "lamp"]);
        assert_eq!(third, "lamp");
        assert_eq!(latest(&factory)["seo_title"], "");
        let daemon = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
        let address = daemon.address();
        for old in [&slug, &second] {
            let answer = get(address, &format!("/posts/{old}"));
            assert_eq!(
                (answer.status, answer.header("location")),
                (301, "/posts/lamp")
            );
            assert_eq!(factory.json(&["posts", "show", old])["slug"], "lamp");
        }
        assert_eq!(get(address, "/posts/lamp").status, 200);
        factory.ok(&["posts", "export", "out"]);
        let redirects = factory.read("out/_redirects");
        assert!(
            redirects.contains(&format!("/posts/{slug} /posts/lamp 301\n")),
            "{redirects}"
        );
        assert!(
            factory
                .read(format!("out/posts/{second}/index.html"))
                .contains("posts/lamp")
        );
        // Back to where it was: the address is its own.
        assert_eq!(retitle("The lamp was lit", &["--slug", &second]), second);
        let back = get(address, "/posts/lamp");
        assert_eq!(back.header("location"), format!("/posts/{second}"));
        // Another post gets none of them.
        factory.execute(
            "INSERT INTO posts (id, slug, subject, task, title, excerpt, markdown, tags, written_by, \
            covers, status, published_at, updated_at) VALUES ('o', 'other', 'o', 'o', 'o', '', '', '', \
            'composer', '2026-01-05', 'published', 1, 1)",
        );
        let taken = ["posts", "retitle", "other", "Mine", "--slug", "lamp"];
        refuses(&factory, &taken, 2, &["was the address of post", "--slug"]);
        let moved = factory.json(&["posts", "retitle", "other", "The lamp was lit"]);
        assert_eq!(moved["post"]["slug"], format!("the-lamp-was-lit-{DAY}-2"));
        for (title, more) in [
            ("", "x"),
            ("A\nB", "x"),
            ("Fine", "Not fine"),
            ("Fine", "a/b"),
        ] {
            let line = ["posts", "retitle", "other", title, "--slug", more];
            assert_eq!(factory.run(&line).code, 2, "{title} {more}");
        }
        daemon.signal("TERM");
        assert_eq!(daemon.ended().code, 0);
    }
);

on_each!(
    a_post_that_is_held_is_off_the_site_until_a_person_publishes_it,
    |dialect: Dialect| {
        let factory = Factory::bare_written(dialect);
        factory.edit(
            "pipelines/dev_diary.toml",
            "handler = \"publish.post\"\n",
            "handler = \"publish.post\"\nconfig.hold = true\n",
        );
        factory.write("pipelines/look.toml", LOOK);
        factory.ok(&["apply"]);
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        factory.ok(&["tasks", "approve", &factory.task()]);
        assert_eq!(latest(&factory)["status"], "unpublished");
        factory.ok(&["posts", "export", "out"]);
        let slug = slug(&factory);
        assert!(!factory.read("out/index.html").contains(&slug));
        // What changes published posts does not find it.
        let look = factory.run(&["run", "look", "--input", &format!("slug={slug}")]);
        assert!(look.to_string().contains("no published post is"), "{look}");
        factory.ok(&["posts", "remove", &slug]);
        refuses(
            &factory,
            &["posts", "restore", &slug],
            2,
            &["never published", "posts unpublish"],
        );
        factory.ok(&["posts", "unpublish", &slug]);
        refuses(
            &factory,
            &["posts", "restore", &slug],
            2,
            &["never published", "posts publish"],
        );
        factory.ok(&["posts", "publish", &slug]);
        assert_eq!(latest(&factory)["status"], "published");
    }
);

#[test]
fn what_became_of_a_post_is_told() {
    let (factory, slug) = published(Sqlite);
    shows(
        &factory,
        "posts_archive",
        &["posts", "archive", &slug, "--by", "Ada"],
    );
    shows(
        &factory,
        "posts_archived",
        &["posts", "list", "--status", "archived"],
    );
    let why = [
        "posts",
        "retitle",
        &slug,
        "The board",
        "--by",
        "Ada",
        "--reason",
        "shorter",
    ];
    shows(&factory, "posts_retitle", &why);
    shows(&factory, "posts_history", &["posts", "history", &slug]);
}

on_each!(
    what_is_exported_is_imported_as_it_was_and_once,
    |dialect: Dialect| {
        let (factory, first) = published(dialect);
        factory.ok(&["posts", "retitle", &first, "The lamp", "--slug", "lamp"]);
        factory.execute(
            "INSERT INTO posts (id, slug, subject, task, title, excerpt, markdown, tags, written_by, \
            covers, status, published_at, updated_at) VALUES ('a', 'archived', 'a', 'a', 'A', 'e', 'T.', \
            'x,y', 'composer', '2026-01-05', 'archived', 1, 2), ('s', 'waits', 's', 's', 'S', 'e', 'T.', \
            '', 'composer', '2026-01-05', 'unpublished', 3, 4), ('r', 'removed', 'r', 'r', 'R', 'e', 'T.', \
            '', 'composer', '2026-01-05', 'removed', 5, 6)",
        );
        factory.ok(&["posts", "schedule", "waits", "--at", &ahead(86_400)]);
        factory.ok(&["posts", "export", "all.json", "--as", "json"]);
        refuses(
            &factory,
            &["posts", "export", "all.json", "--as", "json"],
            2,
            &["all.json"],
        );
        let text = factory.read("all.json");
        let other = Factory::bare(dialect);
        let write = |text: &str| other.write("all.json", text);
        other.write(".callboardignore", "/all.json\n/again.json\n");
        write(&text);
        let dry = other.ok(&["posts", "import", "all.json"]);
        assert!(dry.contains("4 posts would be imported"), "{dry}");
        assert_eq!(other.count("posts"), 0);
        let kept = other.ok(&["posts", "import", "all.json", "--yes", "--by", "Ada"]);
        assert!(
            kept.contains("4 posts imported, 0 were here already"),
            "{kept}"
        );
        let again = other.ok(&["posts", "import", "all.json", "--yes"]);
        assert!(
            again.contains("0 posts imported, 4 were here already"),
            "{again}"
        );
        assert_eq!(other.json(&["posts", "show", &first])["slug"], "lamp");
        let waits = other.json(&["posts", "show", "waits"]);
        assert_eq!(waits["status"], "scheduled");
        other.ok(&["posts", "export", "again.json", "--as", "json"]);
        let read = |text: &str| -> Json {
            let mut all: Json = serde_json::from_str(text).expect("a document");
            // The schedule is a move of its own here.
            all["posts"]
                .as_array_mut()
                .expect("a list")
                .iter_mut()
                .for_each(|post| {
                    if post["status"] == "scheduled" {
                        post["updated_at"] = Json::Null;
                    }
                });
            all
        };
        assert_eq!(read(&other.read("again.json")), read(&text));
        // What is wrong with one keeps none of them.
        let third = Factory::bare(dialect);
        third.write(".callboardignore", "/all.json\n");
        let wrong = [
            (
                "\"slug\": \"archived\"",
                "\"slug\": \"../x\"",
                "is no address",
            ),
            (
                "\"slug\": \"archived\"",
                "\"slug\": \"lamp\"",
                "is there twice",
            ),
            ("\"title\": \"A\"", "\"title\": \"\"", "no title"),
            (
                "\"status\": \"archived\"",
                "\"status\": \"lost\"",
                "all.json:",
            ),
            ("\"form\": 1", "\"form\": 2", "of form 2"),
            (
                "\"scheduled_at\": \"20",
                "\"scheduled_at\": \"19",
                "is over",
            ),
            (
                "\"scheduled_at\": \"20",
                "\"scheduled_at\": \"29",
                "farther ahead",
            ),
            (
                "\"published_at\": \"20",
                "\"published_at\": \"29",
                "is to come",
            ),
        ];
        for (from, to, said) in wrong {
            assert!(text.contains(from), "{from}");
            third.write("all.json", text.replace(from, to));
            refuses(
                &third,
                &["posts", "import", "all.json", "--yes"],
                2,
                &[said],
            );
            assert_eq!(third.count("posts"), 0, "{said}");
        }
        write(&text.replace("\"title\": \"A\"", "\"title\": \"B\""));
        refuses(
            &other,
            &["posts", "import", "all.json", "--yes"],
            2,
            &["is here as `archived`, and is another"],
        );
    }
);
