//! What research reads, what it may not, and how it says what it could not read.

use std::time::Duration;

use callboard_core::store::Dialect::Sqlite;

use super::press::{TOPIC, factory, model, press, run, web};
use crate::support::scripted::{Reply, Scripted};

#[test]
fn what_could_not_be_read_is_named_with_its_cause() {
    let press = press();
    let factory = factory(Sqlite, &press);
    let paths = [
        "/moved",
        "/gone",
        "/private/lamp",
        "/sneaky",
        "/empty",
        "/hang",
        "/close",
        "/loop",
    ];
    let urls = paths.map(|path| press.url(path)).join(" ");
    let feeds = format!("feeds={} {}", press.url("/feed"), press.url("/lamp"));
    let ran = run(
        &factory,
        &[TOPIC, &format!("urls={urls}"), &feeds, "queries=fastnet"],
    );
    assert_eq!(ran.code, 4, "{ran}");
    let told = factory.json(&["tasks", "show", &factory.task()])["fallbacks"].clone();
    let told = told.as_array().expect("fallbacks");
    let why = |what: &str| {
        let found = told
            .iter()
            .find(|it| it["what"].as_str().is_some_and(|it| it.contains(what)));
        let found = found.unwrap_or_else(|| panic!("{what} is not in {told:?}"));
        found["why"].as_str().expect("a reason").to_owned()
    };
    for (what, cause) in [
        ("/gone", "status 404"),
        ("/private/lamp", "robots.txt"),
        ("/sneaky", "robots.txt"),
        ("/empty", "no text"),
        ("/hang", "timeout"),
        ("/close", "reset"),
        ("/loop", "redirects more than"),
        ("/lamp", "no feed"),
        ("fastnet", "callboard settings set research.search.url"),
    ] {
        assert!(why(what).contains(cause), "{what}: {}", why(what));
    }
    let paths: Vec<String> = press.asked().into_iter().map(|asked| asked.path).collect();
    assert!(
        !paths.iter().any(|path| path == "/private/lamp"),
        "it was not asked: {paths:?}"
    );
    assert_eq!(
        paths.iter().filter(|path| *path == "/robots.txt").count(),
        1,
        "{paths:?}"
    );
    let mut kept = factory.texts("SELECT url FROM sources ORDER BY number", "url");
    kept.retain(|url| !url.ends_with("/lamp?again"));
    assert!(
        kept.is_empty(),
        "a feed speaks for its own site alone: {kept:?}"
    );
}

#[test]
fn nothing_that_could_be_read_is_unavailable_and_not_a_post_without_sources() {
    let press = press();
    let factory = factory(Sqlite, &press);
    let urls = format!("urls={} {}", press.url("/gone"), press.url("/empty"));
    let ran = run(&factory, &[TOPIC, &urls]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(
        ran.stdout.contains("status 404") && ran.stdout.contains("no text"),
        "{ran}"
    );
    assert_eq!(factory.count("sources") + factory.count("tasks"), 0);
    let asked = press.asked();
    assert!(
        !asked.iter().any(|asked| asked.path.contains("completions")),
        "no model was asked"
    );
}

#[test]
fn an_address_inside_that_the_operator_does_not_name_is_not_asked() {
    let (press, inside) = (press(), Scripted::new(|_| Reply::html("secret")));
    let factory = factory(Sqlite, &press);
    let ran = run(
        &factory,
        &[TOPIC, &format!("urls={}", inside.url("/metadata"))],
    );
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stdout.contains("denied"), "{ran}");
    assert!(inside.asked().is_empty());
}

#[test]
fn a_site_that_cannot_say_what_may_be_read_is_not_read() {
    let press = Scripted::new(|asked| match asked.path.as_str() {
        "/robots.txt" => Reply::Page(503, "text/plain", String::new()),
        _ => web(asked),
    });
    let factory = factory(Sqlite, &press);
    let ran = run(&factory, &[TOPIC, &format!("urls={}", press.url("/lamp"))]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stdout.contains("robots.txt"), "{ran}");
}

#[test]
fn a_search_leads_to_pages_and_a_host_is_asked_at_a_pace() {
    let press = press();
    let (lamp, own) = (press.url("/lamp"), press.url(""));
    press.script(move |asked| match asked.path.as_str() {
        path if path.starts_with("/search?q=fastnet+light&format=json") => {
            let results = format!(r#"{{"results":[{{"url":"{lamp}"}},{{"url":"{own}/moved"}}]}}"#);
            Reply::Page(200, "application/json", results)
        }
        path if path.contains("completions") => model(asked),
        _ => web(asked),
    });
    let factory = factory(Sqlite, &press);
    factory.edit(
        "pipelines/canonical_blog.toml",
        "pause_ms = 0",
        "pause_ms = 300",
    );
    factory.ok(&["apply"]);
    factory.ok(&["settings", "set", "research.search.url", &press.url("/")]);
    let ran = run(&factory, &[TOPIC, "queries=fastnet light"]);
    assert_eq!(ran.code, 4, "{ran}");
    assert_eq!(factory.count("sources"), 2);
    let asked = press.asked();
    // What the rails ask later is theirs.
    let pages = asked
        .iter()
        .take_while(|it| !it.path.contains("completions"))
        .filter(|it| !it.path.contains("search"));
    let times: Vec<_> = pages.map(|asked| asked.at).collect();
    assert_eq!(
        times.len(),
        4,
        "robots.txt, two pages and a redirect: {asked:?}"
    );
    // They are sent at a pace; on the way one may be held up, so the whole is measured.
    assert!(
        times[3] - times[0] >= Duration::from_millis(600),
        "{times:?}"
    );
}

/// Two sites at once: what one allows is not waited for by the pages of the other.
#[test]
fn a_site_that_is_slow_to_say_what_may_be_read_holds_up_no_other() {
    let (asked, other_is_asked) = std::sync::mpsc::channel();
    let other_is_asked = std::sync::Mutex::new(other_is_asked);
    // It says nothing of itself until the other site is read, or it is late.
    let slow = Scripted::new(move |it| match it.path.as_str() {
        "/robots.txt" => {
            let other = other_is_asked.lock().expect("no panic");
            match other.recv_timeout(Duration::from_mins(1)) {
                Ok(()) => Reply::missing(),
                Err(_) => Reply::Close,
            }
        }
        _ => web(it),
    });
    let press = press();
    press.script(move |it| {
        if it.path == "/lamp" {
            asked.send(()).ok();
        }
        if it.path.ends_with("/chat/completions") {
            return model(it);
        }
        web(it)
    });
    let factory = factory(Sqlite, &press);
    let (own, more) = (press.url(""), slow.url(""));
    factory.edit(
        "pipelines/canonical_blog.toml",
        &format!("besides = [\"{own}\"], pause_ms = 0, wait_seconds = 2"),
        &format!("besides = [\"{own}\", \"{more}\"], pause_ms = 0, wait_seconds = 30"),
    );
    factory.ok(&["apply"]);
    let urls = format!("urls={} {}", slow.url("/lamp"), press.url("/lamp"));
    let ran = run(&factory, &[TOPIC, &urls]);
    assert_eq!(ran.code, 4, "{ran}");
    assert_eq!(factory.count("sources"), 2);
}

/// A site that cannot be asked what it allows is asked once, whatever number of its pages is wanted.
#[test]
fn a_failed_robots_txt_is_asked_for_once() {
    let press = Scripted::new(|asked| match asked.path.as_str() {
        "/robots.txt" => Reply::Close,
        _ => web(asked),
    });
    let factory = factory(Sqlite, &press);
    let urls = ["/lamp", "/moved", "/lamp?again"].map(|path| press.url(path));
    let ran = run(&factory, &[TOPIC, &format!("urls={}", urls.join(" "))]);
    assert_eq!(ran.code, 3, "{ran}");
    let asked = press.asked().len();
    // A connection that is closed is tried once more.
    assert!(asked <= 2, "{asked}");
}

#[test]
fn a_long_robots_txt_is_read_up_to_its_bound() {
    let press = Scripted::new(|asked| match asked.path.as_str() {
        "/robots.txt" => {
            let long = "# nothing\n".repeat(60_000);
            let file = format!("User-agent: *\nDisallow: /private/\n{long}");
            Reply::Page(200, "text/plain", file)
        }
        path if path.ends_with("/chat/completions") => model(asked),
        _ => web(asked),
    });
    let factory = factory(Sqlite, &press);
    let urls = ["/lamp", "/private/lamp"].map(|path| press.url(path));
    let ran = run(&factory, &[TOPIC, &format!("urls={}", urls.join(" "))]);
    assert_eq!(ran.code, 4, "{ran}");
    assert_eq!(factory.count("sources"), 1);
}

/// What is beyond the most that are read has a number.
#[test]
fn addresses_beyond_the_most_are_told() {
    let press = press();
    let factory = factory(Sqlite, &press);
    let urls: Vec<String> = (0..40)
        .map(|at| press.url(&format!("/lamp?{at}")))
        .collect();
    let ran = run(
        &factory,
        &[
            TOPIC,
            &format!("urls={} {}", press.url("/lamp"), urls.join(" ")),
        ],
    );
    assert_eq!(ran.code, 4, "{ran}");
    let told = factory.json(&["tasks", "show", &factory.task()])["fallbacks"].to_string();
    assert!(
        told.contains("more addresses were not read: `config.most` is"),
        "{told}"
    );
}
