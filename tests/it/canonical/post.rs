//! From a topic to a post: what the host writes, what it drops, and what it refuses.

use callboard_core::store::Dialect;

use super::press::{TOPIC, draft, factory, press, role, run, text, written};
use crate::support::factory::{DAY, board, on_each};

on_each!(
    a_topic_becomes_a_post_that_cites_what_was_read,
    |dialect: Dialect| {
        let press = press();
        let factory = factory(dialect, &press);
        let urls = format!("urls={}", press.url("/lamp"));
        let notes = "notes=The weather was written down every evening.";
        let ran = run(
            &factory,
            &[TOPIC, &urls, notes, "keywords=lighthouse, keepers"],
        );
        assert_eq!(ran.code, 4, "{ran}");
        let task = factory.task();
        let draft = draft(&factory);
        assert_eq!(
            text(&draft, "title"),
            "What the keepers of the Fastnet did all day"
        );
        let (markdown, lamp) = (text(&draft, "markdown"), press.url("/lamp"));
        let cited = format!("every day of the year ([127.0.0.1]({lamp})).");
        assert!(markdown.contains(&cited), "{markdown}");
        assert!(
            markdown.contains(&format!("## Sources\n\n- [The lamp]({lamp}), 127.0.0.1")),
            "{markdown}"
        );
        assert!(
            markdown.contains("The weather was written down every evening.\n"),
            "notes are no link: {markdown}"
        );
        for gone in [
            "Grace",
            "900",
            "made.up",
            "posts/none",
            "Sure, here",
            "\u{201c}",
        ] {
            assert!(!markdown.contains(gone), "{gone}: {markdown}");
        }
        assert!(text(&draft, "excerpt").starts_with("Wick, lens"), "{draft}");
        assert_eq!(
            factory.count(
                "sources WHERE subject LIKE 'post:how-keepers-tended-the-fastnet-lighthouse-%'"
            ),
            1
        );
        factory.ok(&["tasks", "approve", &task]);
        assert_eq!(factory.count("posts WHERE tags = 'lighthouse,fastnet'"), 1);
        let slug = factory.texts("SELECT slug FROM posts", "slug").remove(0);
        let found_by = "SELECT seo_title FROM posts";
        assert_eq!(
            factory.texts(found_by, "seo_title"),
            ["What the keepers of the Fastnet did"]
        );
        let dull = "UPDATE posts SET seo_title = 'dull', excerpt = 'dull', tags = 'dull'";
        assert_eq!(factory.execute(dull), 1);
        let refreshed = factory.run(&["run", "seo_refresh", "--input", &format!("slug={slug}")]);
        assert_eq!(refreshed.code, 4, "{refreshed}");
        let gate = factory.json(&["gates", "list"])[0]["run"]
            .as_str()
            .expect("a run")
            .to_owned();
        let asked = factory.ok(&["gates", "show", &gate]);
        for goes_out in ["Wick, lens", "lighthouse, fastnet"] {
            assert!(asked.contains(goes_out), "no {goes_out} in\n{asked}");
        }
        factory.ok(&["gates", "approve", &gate]);
        assert_eq!(
            factory.count("posts WHERE tags = 'lighthouse,fastnet' AND excerpt LIKE 'Wick, lens%'"),
            1
        );
        assert_eq!(
            factory.texts(found_by, "seo_title"),
            ["What the keepers of the Fastnet did"]
        );
        let again = run(&factory, &[TOPIC, &urls]);
        assert_eq!(again.code, 0, "{again}");
        assert!(again.stdout.contains("is published already as"), "{again}");
    }
);

/// What is built in makes extracts: a run that waits for an answer by a schema would wait for its whole budget.
#[test]
fn a_writer_that_is_built_in_blocks_the_pipeline_that_asks_it_by_a_schema() {
    let press = press();
    let factory = written(Dialect::Sqlite, &press);
    let settings = factory.read("settings.toml");
    let provider = "[\"roles.writer.provider\"]\ntype = \"string\"\ndescription = \"x\"\ndefault = \"built-in\"\n";
    factory.write("settings.toml", format!("{settings}\n{provider}"));
    role(&factory, "critic", &press.url("/"), "lens");
    let check = factory.run(&["check"]);
    assert_eq!(check.code, 0, "{check}");
    let told = check.stdout.replace('\n', " ");
    for said in [
        "asks role `writer` for an answer by a schema, and what is built in makes extracts only",
        "callboard settings set roles.writer.provider openai",
    ] {
        assert!(told.contains(said), "{said}: {check}");
    }
    factory.ok(&["apply"]);
    let ran = run(&factory, &[TOPIC, "notes=The lamp was lit."]);
    assert_eq!(ran.code, 4, "{ran}");
    assert_eq!(factory.json(&["runs", "list"])[0]["status"], "blocked");
}

on_each!(
    without_a_writer_the_pipeline_is_blocked_and_nothing_else_is,
    |dialect: Dialect| {
        let press = press();
        let factory = written(dialect, &press);
        factory.ok(&["apply"]);
        let check = factory.run(&["check"]);
        assert_eq!(check.code, 0, "{check}");
        let said = "blocked: pipeline canonical_blog: role `writer` does not resolve: `roles.writer.url` and \
        `roles.writer.model` are not set";
        assert!(check.stdout.replace('\n', " ").contains(said), "{check}");
        assert!(
            check
                .stdout
                .contains("callboard settings set roles.writer.model VALUE"),
            "{check}"
        );
        let urls = format!("urls={}", press.url("/lamp"));
        let ran = run(&factory, &[TOPIC, &urls]);
        assert_eq!(ran.code, 4, "{ran}");
        let blocked = factory.json(&["runs", "list"])[0].clone();
        assert_eq!(blocked["status"], "blocked", "{blocked}");
        let detail = blocked["detail"].as_str().expect("a detail");
        assert!(
            detail.contains("callboard settings set roles.writer.url VALUE"),
            "{detail}"
        );
        assert!(press.asked().is_empty(), "nothing was read or asked");
        assert_eq!(
            factory.diary(board().path(), DAY).code,
            4,
            "the diary needs no model"
        );
        let critic = "blocked: pipeline canonical_blog: role `critic` does not resolve: \
            `roles.critic.url` and `roles.critic.model` are not set";
        assert!(check.stdout.replace('\n', " ").contains(critic), "{check}");
        role(&factory, "writer", &press.url("/"), "quill");
        role(&factory, "critic", &press.url("/"), "lens");
        let id = blocked["id"].as_str().expect("an id").to_owned();
        let resumed = factory.run(&["runs", "resume", &id]);
        assert_eq!(resumed.code, 4, "{resumed}");
        assert_eq!(
            factory.count("gates WHERE decided_at IS NULL"),
            2,
            "{resumed}"
        );
    }
);

#[test]
fn a_topic_without_anything_to_stand_on_is_refused_before_anybody_is_asked() {
    let press = press();
    let factory = factory(Dialect::Sqlite, &press);
    for (inputs, why) in [
        (vec!["topic=Lamps"], "fewer than 8"),
        (vec![TOPIC], "nothing that a post about"),
        (vec![TOPIC, "notes=short"], "notes of 200 characters"),
    ] {
        let ran = run(&factory, &inputs);
        assert_ne!(ran.code, 4, "{ran}");
        assert!(
            ran.stdout.replace('\n', " ").contains(why),
            "`{why}`: {ran}"
        );
    }
    assert!(press.asked().is_empty());
    assert_eq!(factory.count("tasks"), 0);
}
