//! What the caller of a handler gives it, and what plugins ask to be given: each is there, and
//! fits.

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
