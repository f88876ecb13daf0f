//! What the caller of a handler gives it, and what plugins ask to be given: each is there, and
//! fits.

use serde_json::{Value as Json, json};

use super::ground::{Ground, misses};
use super::{P, Q, each};

#[tokio::test]
async fn an_input_is_read() {
    each(&[
        (P, "[input.day]", "[input.extra]\n[input.day]", "pipeline diary input.extra @ pipelines/diary.toml:3:8: nothing reads the input `extra`", "remove [input.extra]"),
        (P, "[input.day]", "[input.dya]", "pipeline diary input.dya @ pipelines/diary.toml:3:8: nothing reads the input `dya`", "write `[input.day]`, or remove it"),
    ])
    .await;
    let mut ground = Ground::good();
    ground.replace(P, "[input.day]", "[input.dya]");
    let roll = ground.roll().await;
    let causes: Vec<&str> = roll
        .causes()
        .iter()
        .map(|(it, _)| it.key.as_str())
        .collect();
    assert_eq!(causes, ["input.dya"], "one slip, one cause");
    // Limits and conditions read, too.
    for reader in [
        (
            "[input.day]",
            "[limits]\nkey = \"extra\"\nat_once = 1\n[input.extra]\n[input.day]",
        ),
        ("[input.day]", "[input.extra]\n[input.day]"),
    ] {
        let mut ground = Ground::good();
        ground.replace(P, reader.0, reader.1);
        if !reader.1.contains("limits") {
            ground.replace(
                P,
                "id = \"publish\"",
                "id = \"publish\"\nwhen = [{ key = \"extra\", present = true }]",
            );
        }
        assert_eq!(misses(&ground).await, []);
    }
}

/// A stage cannot send the run past stages, which would count as passed.
#[tokio::test]
async fn a_goto_goes_back_only() {
    each(&[
        (P, "id = \"collect\"", "id = \"collect\"\non.nothing-to-do = \"goto:publish\"", "stage diary/collect on.nothing-to-do @ pipelines/diary.toml:8:4: stage `collect` does not come after stage `publish`, so it would count as passed", "write `end`, `hold` or `fail`"),
        (P, "id = \"draft\"", "id = \"draft\"\non.unavailable = \"goto:approve\"", "stage diary/draft on.unavailable @ pipelines/diary.toml:12:4: stage `draft` does not come after stage `approve`", "name one of `collect`, or write `end`"),
    ])
    .await;
}

/// A policy has no input and no stage before it, so its handler is given nothing.
#[tokio::test]
async fn a_policy_gives_its_handler_nothing() {
    each(&[
        (Q, "retention.ttl_prune", "publish.site", "policy ttl handler @ policies/ttl.toml:2:1: `publish.site` reads `draft`, and nobody gives it to a policy", "name one of"),
    ])
    .await;
}

/// What a plugin asks for is a reference, as every other name is, and so is what it is allowed.
#[tokio::test]
async fn what_grants_name_can_be_given() {
    const M: &str = "plugins/embeddings_collapse/plugin.toml";
    const C: &str = "callboard.toml";
    let http = "[[ask.http]]\nhost = \"localhost\"\nscheme = \"http\"\n\n[ask.settings]";
    let wild = http
        .replace("localhost", "*.example.com")
        .replace("\n\n", "\nprivate = true\n\n");
    let secret = "[[ask.credentials]]\nname = \"roles.critic.kye\"\nto = \"https://a.example\"\n\n[[ask.http]]\nhost = \"a.example\"\n\n[ask.settings]";
    each(&[
        (M, "\"memory.*\"", "\"memory.sise\"", "plugin embeddings_collapse ask.settings @ plugins/embeddings_collapse/plugin.toml:14:1: setting `memory.sise` is not declared", "write `memory.size`"),
        (M, "\"memory.*\"", "\"memroy.*\"", "no setting begins with `memroy.`", "write `memory.*`"),
        (M, "\"memory.*\"", "\"roles.*.url\"", "`roles.*.url` reads nothing", "write `roles.*`"),
        (M, "\"memory.*\"", "\"roles.critic.key\"", "`roles.critic.key` is a secret, and no plugin reads one", "[[ask.credentials]]"),
        (C, "\"memory.*\"", "\"memroy.*\"", "callboard.toml grants.embeddings_collapse.settings @ callboard.toml:5:10: no setting begins with `memroy.`", "write `memory.*`"),
        (M, "[ask.settings]", http, "plugin embeddings_collapse ask.http @ plugins/embeddings_collapse/plugin.toml:13:1: `localhost` is not public (this machine)", "private = true"),
        (M, "[ask.settings]", &wild, "`private` opens one host, and `*.example.com` is many", "remove `private`"),
        (M, "[ask.settings]", secret, "plugin embeddings_collapse credentials @ plugins/embeddings_collapse/plugin.toml:13:1: the credential `roles.critic.kye` is not declared", "write `roles.critic.key`"),
    ])
    .await;
    let mut ground = Ground::good();
    ground.replace(M, "\"memory.*\"", "\"memory.sise\"");
    let roll = ground.roll().await;
    let told: Vec<_> = roll.causes().iter().map(|(it, _)| it.key.clone()).collect();
    let told: Vec<_> = told.iter().filter(|key| key.starts_with("ask")).collect();
    assert_eq!(
        told,
        ["ask.settings"],
        "the typo is not spread into the ceiling"
    );
}

/// Types are compared at the end of their references, as schemas of real types have them.
#[tokio::test]
async fn what_is_written_as_one_type_and_read_as_another_is_a_miss() {
    let object = |draft: serde_json::Value| {
        serde_json::json!({"type": "object", "properties": {"draft": draft}, "required": ["draft"],
            "$defs": {"Draft": {"type": "object"}, "Text": {"type": "string"}, "Either": {"anyOf": [{"$ref": "#/$defs/Draft"}, {"type": "null"}]}}})
    };
    for (reference, fits) in [
        ("#/$defs/Draft", false),
        ("#/$defs/Either", false),
        ("#/$defs/Text", true),
    ] {
        let mut ground = Ground::good();
        let writes = object(serde_json::json!({"$ref": reference}));
        ground.change("content.draft", |contract| contract.writes = writes.clone());
        let misses = misses(&ground).await;
        let miss = misses.iter().any(|(text, _)| {
            text.contains("stage diary/critic handler") && text.contains("and it is read as string")
        });
        assert_eq!(miss, !fits, "{reference}: {misses:#?}");
    }
}

#[tokio::test]
async fn a_first_pause_is_not_longer_than_the_longest() {
    each(&[(
        P,
        "timeout = \"3m\"",
        "timeout = \"3m\"\nretry = { attempts = 3, backoff = \"2m\", max = \"3s\" }",
        "stage diary/draft retry.backoff @ pipelines/diary.toml:15:25: the first pause 2m is longer than the longest, 3s",
        "write `max = \"2m\"`",
    )])
    .await;
}

/// A schema of keys of which these are there.
fn keys(properties: Json, required: &[&str]) -> Json {
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The only miss of a ground whose `content.draft` writes one thing, and whose `qa.critic` reads another.
async fn between(writes: Json, reads: Json) -> Vec<(String, String)> {
    let mut ground = Ground::good();
    ground.change("content.draft", |it| it.writes = writes);
    ground.change("qa.critic", |it| it.reads = reads);
    ground.change("publish.site", |it| it.reads = keys(json!({}), &[]));
    misses(&ground).await
}

/// Each part of a key that a reader cannot do without is one that its writer has, and is there.
#[tokio::test]
async fn the_parts_of_a_key_are_followed() {
    let draft = |parts: Json, required: &[&str]| {
        keys(json!({ "draft": keys(parts, required) }), &["draft"])
    };
    let text = || json!({ "type": "string" });
    let written = || {
        draft(
            json!({ "title": text(), "markdown": text() }),
            &["title", "markdown"],
        )
    };
    assert_eq!(
        between(
            written(),
            draft(json!({ "markdown": text() }), &["markdown"])
        )
        .await,
        []
    );
    let at = "stage diary/critic handler @ pipelines/diary.toml:18:1: ";
    for (writes, reads, problem, mend) in [
        (
            written(),
            draft(json!({ "markdwon": text() }), &["markdwon"]),
            "stage `draft` writes `draft` without `markdwon`, and `qa.critic` cannot do without that",
            "write `markdown` for `markdwon` in what `qa.critic` reads",
        ),
        (
            draft(json!({ "markdown": text() }), &[]),
            draft(json!({ "markdown": text() }), &["markdown"]),
            "stage `draft` may leave `markdown` out of `draft`, and `qa.critic` cannot do without that",
            "name a handler that fits, or put one between that converts it",
        ),
        (
            keys(
                json!({ "draft": { "type": ["string", "null"] } }),
                &["draft"],
            ),
            keys(json!({ "draft": text() }), &["draft"]),
            "stage `draft` may write `draft` as null, and it is read as string",
            "name a handler that fits, or put one between that converts it",
        ),
        (
            keys(json!({ "draft": text() }), &[]),
            keys(json!({ "draft": text() }), &["draft"]),
            "`qa.critic` reads `draft`, which stage `draft` may leave out",
            "let `content.draft` always write it, or `qa.critic` do without it, or write `[input.draft]` with a default",
        ),
    ] {
        let expected = (format!("{at}{problem}"), mend.to_owned());
        assert_eq!(between(writes, reads).await, [expected]);
    }
    // Who can do without it reads it.
    let optional = keys(json!({ "draft": { "type": ["string", "null"] } }), &[]);
    assert_eq!(
        between(keys(json!({ "draft": text() }), &[]), optional).await,
        []
    );
}

/// What another stage writes over in any case is read by nobody behind that.
#[tokio::test]
async fn only_the_last_writer_of_a_key_is_read() {
    let again = "[[stage]]\nid = \"again\"\nhandler = \"content.draft\"\nneeds = [\"draft\"]\n[[stage]]\nid = \"critic\"";
    for (rest, many) in [("", 0), ("on.unavailable = \"skip\"\n", 1)] {
        let mut ground = Ground::good();
        let again = again.replace("needs =", &format!("{rest}needs ="));
        ground.replace(P, "[[stage]]\nid = \"critic\"", &again);
        ground.replace(
            P,
            "handler = \"content.draft\"",
            "handler = \"content.count\"\nconfig = {}",
        );
        ground.replace(
            P,
            "needs = [\"draft\"]\nrequired",
            "needs = [\"again\"]\nrequired",
        );
        ground.change("content.count", |it| {
            it.writes = keys(json!({ "draft": { "type": "integer" } }), &["draft"]);
        });
        let misses = misses(&ground).await;
        let told = misses
            .iter()
            .filter(|(it, _)| it.contains("`draft` as integer"));
        assert_eq!(told.count() > 0, many > 0, "{misses:#?}");
    }
}

/// Conditions that never hold or always do, and what is told of each.
const NEVER: &[(&str, &str)] = &[
    (
        r#"{ key = "flag", is = "yes" }"#,
        "flag` is never \"yes\", so it never holds",
    ),
    (r#"{ key = "flag", is_not = "yes" }"#, "so it always holds"),
    (
        r#"{ key = "day", is = 3 }"#,
        "day` is never 3, so it never holds: it is given as string",
    ),
    (
        r#"{ key = "day", at_least = 5 }"#,
        "day` is no number, so it never holds: it is given as string",
    ),
    (
        r#"{ key = "day", present = false }"#,
        "day` is always there",
    ),
    (r#"{ key = "mood", is = "sat" }"#, "write `is = \"sad\"`"),
    (r#"{ key = "flag", at_least = 1 }"#, "flag` is no number"),
    (
        r#"{ key = "mood", present = false }"#,
        "mood` is always there",
    ),
    (
        r#"{ key = "mood", is = "glad" }, { key = "mood", is = "sad" }"#,
        "never true together",
    ),
    (
        r#"{ key = "score", at_least = 3 }, { key = "score", at_most = 2 }"#,
        "never true together",
    ),
];

/// A condition says something of some run: its value is one that the key may have.
#[tokio::test]
async fn a_condition_may_hold_and_may_not() {
    let written = keys(
        json!({
            "flag": { "type": "boolean" },
            "mood": { "type": "string", "enum": ["glad", "sad"] },
            "score": { "type": "integer" },
        }),
        &["flag", "mood", "score"],
    );
    let asked = async |when: &str| {
        let mut ground = Ground::good();
        ground.change("qa.critic", |it| it.writes = written.clone());
        let stage = format!(
            "id = \"late\"\nhandler = \"qa.advice\"\nneeds = [\"critic\"]\nwhen = [{when}]\n[[stage]]\nid = \"approve\""
        );
        ground.replace(P, "id = \"approve\"", &stage);
        let misses = misses(&ground).await;
        let misses = misses
            .into_iter()
            .filter(|(it, _)| it.starts_with("stage diary/late when"));
        let told = misses.map(|(it, mend)| format!("{it} | {mend}"));
        told.collect::<Vec<_>>()
    };
    for fits in [
        r#"{ key = "flag", is = true }"#,
        r#"{ key = "mood", is_not = "sad" }"#,
        r#"{ key = "score", at_least = 3, at_most = 9 }"#,
        r#"{ key = "score", is = 3.0 }, { key = "score", at_most = 9 }"#,
        r#"{ key = "flag", present = true }"#,
        r#"{ key = "day", is = "monday" }"#,
    ] {
        assert_eq!(asked(fits).await, Vec::<String>::new(), "{fits}");
    }
    for (when, told) in NEVER {
        let misses = asked(when).await;
        assert!(
            misses.len() == 1 && misses[0].contains(told),
            "{when}: {misses:#?}"
        );
    }
}

/// A stage that only runs where a key is there reads it, though its writer may leave it out or write it as null.
#[tokio::test]
async fn a_condition_makes_its_key_there() {
    let written = keys(
        json!({ "draft": { "type": "string" }, "mood": { "type": ["string", "null"] } }),
        &["draft"],
    );
    let read = keys(json!({ "mood": { "type": "string" } }), &["mood"]);
    let asked = async |when: &str| {
        let mut ground = Ground::good();
        ground.change("content.draft", |it| it.writes = written.clone());
        ground.change("qa.advice", |it| it.reads = read.clone());
        let stage = format!(
            "id = \"late\"\nhandler = \"qa.advice\"\nneeds = [\"critic\"]\n{when}\n[[stage]]\nid = \"approve\""
        );
        ground.replace(P, "id = \"approve\"", &stage);
        misses(&ground).await
    };
    for guard in [
        "present = true",
        "is = \"glad\"",
        "is_not = \"sad\", present = true",
    ] {
        let when = format!("when = [{{ key = \"mood\", {guard} }}]");
        assert_eq!(asked(&when).await, [], "{guard}");
    }
    for guard in ["", "when = [{ key = \"mood\", is_not = \"sad\" }]"] {
        let misses = asked(guard).await;
        assert_eq!(misses.len(), 1, "{guard}: {misses:#?}");
        assert!(
            misses[0].0.contains("which stage `draft` may leave out"),
            "{misses:#?}"
        );
    }
}
