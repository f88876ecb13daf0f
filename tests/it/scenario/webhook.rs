//! `publish.webhook`: another system hears of a post, can tell who says so, and what it answers is told.

use callboard_core::store::Dialect;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::support::factory::{BARE, DAY, Factory, board, diary, on_each};
use crate::support::host::Ran;
use crate::support::pictures::{Asked, PictureServer, Reply};

const SECRET: &str = "hush-hush-hush";
/// The origin of a system that is another one.
const NOT_HERE: &str = "https://cms.example";
const SETTINGS: &str = r#"
["webhooks.cms.url"]
type = "url"
description = "Where the newsroom's system hears of posts."

["webhooks.cms.secret"]
type = "secret"
description = "What is shared with it."
"#;

/// HMAC by the book (RFC 2104), with a key that is shorter than a block.
fn hmac(key: &[u8], text: &[u8]) -> String {
    let pad = |with: u8| {
        let mut pad = [with; 64];
        pad.iter_mut().zip(key).for_each(|(to, byte)| *to ^= byte);
        pad
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text);
    let outer = Sha256::new().chain_update(pad(0x5c));
    let digest = outer.chain_update(inner.finalize()).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether whoever shares the secret said it.
fn is_genuine(asked: &Asked) -> bool {
    let mut signed = format!("{}.", asked.header("callboard-timestamp")).into_bytes();
    signed.extend_from_slice(&asked.body);
    let wanted = format!("sha256={}", hmac(SECRET.as_bytes(), &signed));
    asked.header("callboard-signature") == wanted
}

/// A system that takes what is genuine, and misbehaves at other paths.
fn system() -> PictureServer {
    let text = |status, text: &str| Reply::new(status, "text/plain", text);
    PictureServer::new(move |asked| match asked.path.as_str() {
        "/hooks" if is_genuine(asked) => text(202, ""),
        "/hooks" => text(401, "who are you?"),
        "/moved" => text(308, "").with("location", "/hooks"),
        "/refuses" => text(422, &format!("no such\tchannel: {}", "x".repeat(9000))),
        "/forbids" => text(403, "not you"),
        "/busy" => text(429, "slow down").with("retry-after", "120"),
        "/full" => text(503, "maintenance").with("retry-after", "90"),
        "/down" => text(503, "no backend"),
        "/broken" => text(500, "a stack trace"),
        "/reset" => Reply::Reset,
        "/close" => Reply::Close,
        "/half" => Reply::Half(b"tak".to_vec()),
        "/slow" => Reply::Trickle,
        "/hang" => Reply::Hang,
        other => text(404, other),
    })
}

fn stage(server: &PictureServer, besides: bool) -> String {
    let besides = if besides {
        server.url()
    } else {
        NOT_HERE.to_owned()
    };
    format!(
        "\n[[stage]]\nid = \"tell\"\nhandler = \"publish.webhook\"\nNEEDS\ntimeout = \"30s\"\n\
         on.unavailable = \"end\"\nconfig = {{ to = \"cms\", markdown = true, besides = [\"{besides}\"], wait_seconds = 1 }}\n"
    )
}

/// A factory whose diary tells the system what it publishes, and that can tell of a post by itself.
fn factory(dialect: Dialect, server: &PictureServer, besides: bool) -> Factory {
    let factory = Factory::bare_written(dialect);
    factory.write(
        "callboard.toml",
        format!("site = \"https://blog.example/en/\"\n{BARE}"),
    );
    let settings = factory.read("settings.toml");
    factory.write("settings.toml", settings + SETTINGS);
    let pipeline = factory.read("pipelines/dev_diary.toml");
    let told = stage(server, besides).replace("NEEDS", "needs = [\"publish\"]");
    factory.write("pipelines/dev_diary.toml", pipeline + &told);
    let alone = "name = \"tell\"\ndescription = \"Tells of a post.\"\nbudget = \"1h\"\n\n\
        [input.slug]\nrequired = true\ndescription = \"The end of its address.\"\n";
    let alone = format!("{alone}{}", stage(server, besides).replace("NEEDS\n", ""));
    factory.write("pipelines/tell.toml", alone);
    factory
}

fn set(factory: &Factory, url: &str) {
    factory.ok(&["settings", "set", "webhooks.cms.url", url]);
    factory.ok(&["settings", "set", "webhooks.cms.secret", SECRET]);
}

/// What came of telling at a path, by a run that was started for the post.
fn told_at(factory: &Factory, server: &PictureServer, path: &str, slug: &str) -> Json {
    let url = format!("{}{}", server.url().trim_end_matches('/'), path);
    factory.ok(&["settings", "set", "webhooks.cms.url", &url]);
    factory.run(&["run", "tell", "--input", &format!("slug={slug}")]);
    let id = factory.json(&["runs", "list", "--limit", "1"])[0]["id"].clone();
    let shown = factory.json(&["runs", "show", id.as_str().expect("an id")]);
    assert!(!shown.to_string().contains(SECRET), "{shown}");
    shown["stages"][0]["outcome"].clone()
}

on_each!(
    a_post_is_told_once_it_is_published_and_who_shares_the_secret_knows_who_says_so,
    |dialect: Dialect| {
        let server = system();
        let factory = factory(dialect, &server, true);
        factory.ok(&["apply"]);
        let said = factory.ok(&["check"]);
        for key in ["webhooks.cms.url VALUE", "webhooks.cms.secret -"] {
            let mend = format!("callboard settings set {key}");
            assert!(said.contains(&mend), "{said}");
        }
        // Its runs wait for the settings before their first stage.
        let line = diary(board().path(), DAY);
        let blocked = factory.run(&line.each_ref().map(String::as_str));
        assert!(
            blocked.to_string().contains("webhooks.cms.secret"),
            "{blocked}"
        );
        assert_eq!(factory.count("tasks"), 0);
        let run = factory.json(&["runs", "list"])[0]["id"].clone();
        factory.ok(&["runs", "cancel", run.as_str().expect("an id")]);

        set(&factory, &format!("{}hooks", server.url()));
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        assert!(server.asked().is_empty(), "nothing is told before a yes");
        factory.ok(&["tasks", "approve", &factory.task(), "--by", "Ada"]);
        let asked = server.asked();
        let [told] = &asked[..] else {
            panic!("it is told once: {asked:?}")
        };
        assert!(is_genuine(told), "{told:?}");
        let document = told.json();
        let posts = factory.json(&["posts", "list"]);
        let slug = posts[0]["slug"].as_str().expect("a slug");
        assert_eq!(document["event"], "post.published");
        assert_eq!(document["slug"], slug);
        assert_eq!(
            document["address"],
            format!("https://blog.example/en/posts/{slug}")
        );
        assert_eq!(document["title"], posts[0]["title"]);
        assert!(
            document["markdown"]
                .as_str()
                .is_some_and(|it| it.contains("(PR #7)"))
        );
        assert_eq!(document["made"]["written_by"], "built-in composer");
        assert_eq!(document["made"]["approved_by"], "Ada");
        let run = factory.json(&["runs", "list", "--limit", "1"])[0]["id"].clone();
        let key = format!("{}/tell", run.as_str().expect("an id"));
        assert_eq!(told.header("idempotency-key"), key);
        let all = format!("{:?}", told.headers);
        assert!(!all.contains(SECRET) && !document.to_string().contains(SECRET));
    }
);

#[test]
fn what_the_system_answers_is_what_the_stage_comes_to() {
    let server = system();
    let factory = factory(Dialect::Sqlite, &server, true);
    factory.ok(&["apply"]);
    set(&factory, &format!("{}hooks", server.url()));
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", &factory.task()]);
    let slug = factory.texts("SELECT slug FROM posts", "slug").remove(0);
    for (path, outcome, words) in [
        ("/hooks", "done", "systems_told"),
        ("/moved", "failed", "leads to /hooks"),
        ("/refuses", "failed", "status 422: no such"),
        ("/forbids", "failed", "status 403: not you"),
        ("/busy", "deferred", "status 429: slow down"),
        ("/full", "deferred", "status 503: maintenance"),
        ("/down", "unavailable", "status 503: no backend"),
        ("/broken", "unavailable", "status 500: a stack trace"),
        ("/reset", "unavailable", "reset"),
        ("/close", "unavailable", "reset"),
        ("/half", "unavailable", "reset"),
        ("/slow", "unavailable", "timeout"),
        ("/hang", "unavailable", "timeout"),
    ] {
        let came = told_at(&factory, &server, path, &slug);
        assert_eq!(came["outcome"], outcome, "{path}: {came:#}");
        let text = came.to_string();
        assert!(text.contains(words), "{path}: {came:#}");
        assert!(text.len() < 1000, "{path}: {came:#}");
    }
    let asked = server.asked();
    let moved = asked.iter().filter(|it| it.path == "/hooks").count();
    assert_eq!(moved, 2, "what is signed goes to no other address");
    // A connection that was closed is asked anew under the same key, once.
    let keys = asked.iter().filter(|it| it.path == "/close");
    let keys: Vec<&str> = keys.map(|it| it.header("idempotency-key")).collect();
    assert!(
        keys.len() <= 2 && keys.iter().all(|key| *key == keys[0]),
        "{keys:?}"
    );
    factory.ok(&["posts", "remove", &slug]);
    let came = told_at(&factory, &server, "/hooks", &slug);
    assert_eq!(came["outcome"], "nothing-to-do", "{came:#}");
}

#[test]
fn a_system_on_this_machine_is_told_only_if_the_definition_says_so() {
    let server = system();
    let factory = factory(Dialect::Sqlite, &server, false);
    factory.ok(&["apply"]);
    set(&factory, &format!("{}hooks", server.url()));
    let origin = server.url().trim_end_matches('/').to_owned();
    let mend = format!("add \"{origin}\" to `config.besides`");
    let told = |ran: Ran, mend: &str| {
        assert_eq!(ran.code, 1, "{ran}");
        for part in ["webhooks.cms.url", "is not public (this machine)", mend] {
            assert!(ran.to_string().contains(part), "{part}: {ran}");
        }
    };
    told(factory.run(&["check"]), &mend);
    // A run is kept from it before anything is published.
    assert_ne!(factory.diary(board().path(), DAY).code, 0);
    assert!(server.asked().is_empty());
    let besides = format!(", besides = [\"{NOT_HERE}\"]");
    for file in ["pipelines/dev_diary.toml", "pipelines/tell.toml"] {
        factory.edit(file, &besides, "");
    }
    told(
        factory.run(&["check"]),
        &format!("add `besides = [\"{origin}\"]` to its `config`"),
    );
    for file in ["pipelines/dev_diary.toml", "pipelines/tell.toml"] {
        let named = format!("markdown = true, besides = [\"{origin}\"]");
        factory.edit(file, "markdown = true", &named);
    }
    assert_eq!(factory.run(&["check"]).code, 0);
    for wrong in [
        origin.trim_start_matches("http://"),
        &origin.replace("http", "ftp"),
        &format!("{origin}/hooks"),
        &origin.replace("://", "://u:p@"),
        "*",
    ] {
        factory.edit(
            "pipelines/tell.toml",
            &format!("[\"{origin}\"]"),
            &format!("[\"{wrong}\"]"),
        );
        let ran = factory.run(&["check"]);
        assert_eq!(ran.code, 1, "{wrong}: {ran}");
        let said = ran.to_string();
        let is_told = said.contains("config.besides") && said.contains("is no origin");
        assert!(is_told, "{wrong}: {ran}");
        factory.edit(
            "pipelines/tell.toml",
            &format!("[\"{wrong}\"]"),
            &format!("[\"{origin}\"]"),
        );
    }
}

#[test]
fn a_system_without_declared_settings_is_a_miss_with_the_lines_to_write() {
    let server = system();
    let factory = factory(Dialect::Sqlite, &server, true);
    let settings = factory.read("settings.toml");
    factory.write(
        "settings.toml",
        settings.replace("webhooks.cms.secret", "webhooks.crm.secret"),
    );
    let checked = factory.run(&["check"]);
    assert_eq!(checked.code, 1, "{checked}");
    let said = checked.to_string();
    for words in [
        "`webhooks.cms.secret` is not declared",
        "type = \"secret\"",
        "dev_diary.toml",
    ] {
        assert!(said.contains(words), "{checked}");
    }
}
