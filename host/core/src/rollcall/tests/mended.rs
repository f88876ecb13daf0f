//! Mends lead on, and not in a circle; and what does nothing is told.

use serde_json::json;

use super::ground::{Ground, misses, told};
use super::{P, each};
use crate::handler::Contract;

const C: &str = "callboard.toml";
const M: &str = "plugins/embeddings_collapse/plugin.toml";

#[tokio::test]
async fn what_does_nothing_is_told() {
    let budget = "budget = \"10m\"";
    let limits = |line: &str| format!("limits = {{ {line} }}\n{budget}");
    let (key, per) = (limits("key = \"day\""), limits("at_once = 1, per = \"1m\""));
    each(&[
        (P, budget, &key, "pipeline diary limits.key @ pipelines/diary.toml:2:12: `key` alone limits nothing", "add `at_once = 1`"),
        (P, budget, &per, "pipeline diary limits.per @ pipelines/diary.toml:2:25: `per` alone limits nothing", "add `rate = 1`"),
        (P, "required = true # day", "required = true\ndefault = \"today\"", "`day` is required and has a default", "remove `required`, or the `default`"),
        (C, "seconds = 60", "seconds = 60\nhost_calls = 0", "handler retention.embeddings_collapse limits.embeddings_collapse.host_calls @ callboard.toml:11:1: handler `retention.embeddings_collapse` calls the host", "write `host_calls = …`"),
        (C, "seconds = 60", "seconds = 60\nrows = 0", "reads rows, and `rows` lets it do none", "write `rows = …`"),
    ])
    .await;
    let mut ground = Ground::good();
    ground.change("qa.critic", |it| {
        it.reads["properties"]["outcomes"] = json!({});
    });
    ground.replace(P, "[input.day]", "[input.outcomes]\n[input.day]");
    let misses = misses(&ground).await;
    assert_eq!(misses.len(), 1, "{misses:#?}");
    assert!(
        misses[0].0.contains("under `outcomes` is read by nobody"),
        "{misses:#?}"
    );
    // What decides and settles nothing is no miss, and a person should know of it.
    let mut ground = Ground::good();
    ground.change("qa.advice", |it| {
        it.decides = true;
        it.writes = json!({ "type": "object", "properties": { "ruling": {} } });
    });
    ground.replace(
        P,
        "[[stage]]\nid = \"approve\"",
        "[[stage]]\nid = \"rule\"\nhandler = \"qa.advice\"\nneeds = [\"draft\"]\non.rejected = \"skip\"\n[[stage]]\nid = \"approve\"",
    );
    let roll = ground.roll().await;
    let warned: Vec<_> = roll.warnings().map(told).collect();
    assert_eq!(warned.len(), 1, "{warned:#?}");
    assert!(
        warned[0].0.contains("no gate names it in `settled_by`"),
        "{warned:#?}"
    );
}

/// Causes alone.
async fn causes(ground: &Ground) -> Vec<(String, String)> {
    let roll = ground.roll().await;
    let causes = roll.causes();
    causes.into_iter().map(|(cause, _)| told(cause)).collect()
}

#[tokio::test]
async fn one_slip_of_a_pipeline_is_one_cause() {
    for (from, to, cause) in [
        (
            "handler = \"content.collect\"",
            "handler = \"content.collect\"\nneeds = [\"critic\"]",
            "need each other in a circle",
        ),
        (
            "handler = \"content.draft\"\nneeds = [\"collect\"]",
            "handler = \"content.draft\"\nconfig.needs = [\"collect\"]",
            "`needs` is no key of this configuration",
        ),
    ] {
        let mut ground = Ground::good();
        ground.change("content.draft", |it| {
            it.config = json!({ "type": "object", "additionalProperties": false });
        });
        ground.replace(P, from, to);
        let causes = causes(&ground).await;
        assert_eq!(causes.len(), 1, "{causes:#?}");
        assert!(causes[0].0.contains(cause), "{causes:#?}");
    }
}

#[tokio::test]
async fn a_slip_in_what_a_prompt_declares_is_one_cause() {
    let mut ground = Ground::good();
    ground.replace("prompts/draft.md", "[\"day\"]", "[\"dya\"]");
    let causes = causes(&ground).await;
    assert_eq!(causes.len(), 1, "{causes:#?}");
    assert!(causes[0].1.starts_with("write `day`"), "{causes:#?}");
}

/// Who writes a key and cannot do without it is no source of it.
#[tokio::test]
async fn a_source_of_a_key_does_not_lack_it_itself() {
    let mut ground = Ground::good();
    let mood = json!({ "type": "object", "properties": { "mood": {} }, "required": ["mood"] });
    ground.change("content.count", |it: &mut Contract| {
        it.reads = mood.clone();
        it.writes = mood.clone();
    });
    ground.change("qa.advice", |it| it.writes = mood.clone());
    ground.replace(
        P,
        "[[stage]]\nid = \"approve\"",
        "[[stage]]\nid = \"late\"\nhandler = \"content.count\"\nneeds = [\"draft\"]\n[[stage]]\nid = \"approve\"",
    );
    let told = misses(&ground).await;
    let lacks = told.iter().find(|(it, _)| it.contains("reads `mood`"));
    let (_, mend) = lacks.unwrap_or_else(|| panic!("{told:#?}"));
    assert!(mend.contains("`handler = \"qa.advice\"`"), "{mend}");
}

/// A plugin that has a secret sent asks to call as the operator allows it.
#[tokio::test]
async fn a_call_is_asked_for_as_the_ceiling_allows_it() {
    let mut ground = Ground::good();
    let credential = |under: &str| {
        format!(
            "[[{under}.credentials]]\nname = \"roles.critic.key\"\nto = \"http://127.0.0.1:81\"\n"
        )
    };
    let http = "[[grants.embeddings_collapse.http]]\nhost = \"127.0.0.1\"\nscheme = \"http\"\nport = 81\nmethods = [\"POST\"]\nprivate = true\n";
    let granted = credential("grants.embeddings_collapse");
    ground.replace(C, "[limits.", &format!("{granted}{http}[limits."));
    ground.replace(
        M,
        "[ask.settings]",
        &format!("{}[ask.settings]", credential("ask")),
    );
    let told = misses(&ground).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    let lines = "[[ask.http]]\nhost = \"127.0.0.1\"\nscheme = \"http\"\nmethods = [\"POST\"]\nport = 81\nprivate = true";
    assert!(told[0].1.ends_with(lines), "{}", told[0].1);
    let asked = format!("{}\n{lines}\n", ground.text(M));
    ground.write(M, &asked);
    assert_eq!(misses(&ground).await, []);
}
