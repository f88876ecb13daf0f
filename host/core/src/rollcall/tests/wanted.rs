//! What a contract says of a name holds of what is named: a column finds a row or tells its age, a setting has
//! its type, a secret that is sent is set, and what a handler reads of its own earlier visit is nobody else's.

use serde_json::{Map, json};

use super::ground::{Ground, misses, told};
use super::{P, Q};
use crate::settings::SettingType;

/// The one miss.
async fn missed(ground: &Ground) -> (String, String) {
    let mut misses = misses(ground).await;
    assert_eq!(misses.len(), 1, "{misses:#?}");
    misses.remove(0)
}

#[tokio::test]
async fn a_column_that_is_to_find_a_row_is_unique_and_one_that_tells_its_age_is_a_time() {
    let mut ground = Ground::good();
    ground.replace(Q, "ttl_days", "key = \"source_id\"\nttl_days");
    let (problem, mend) = missed(&ground).await;
    let wanted = "two rows of table `embeddings` may have the same `source_id`";
    assert!(problem.contains(wanted), "{problem}");
    assert_eq!(mend, "name one of `id`");
    let mut ground = Ground::good();
    ground.replace(Q, "\"created_at\"", "\"source_id\"");
    let (problem, mend) = missed(&ground).await;
    let wanted =
        "column `source_id` of table `embeddings` is text, which does not say how new a row is";
    assert!(problem.contains(wanted), "{problem}");
    assert_eq!(mend, "name one of `created_at`");
}

#[tokio::test]
async fn a_setting_has_the_type_that_its_handler_reads() {
    let wants = |ground: &mut Ground, key: &str| {
        let types = vec![SettingType::Integer];
        ground.change("content.draft", |contract| {
            let needs = &mut contract.needs;
            needs.settings = vec![key.to_owned()];
            needs.setting_types.insert(key.to_owned(), types);
        });
    };
    let mut ground = Ground::good();
    wants(&mut ground, "diary.author");
    let (problem, mend) = missed(&ground).await;
    let wanted = "setting `diary.author` is declared as string (settings.toml:2:1), and the handler reads it as integer";
    assert!(problem.contains(wanted), "{problem}");
    let wanted = "write `type = \"integer\"` in [\"diary.author\"] of settings.toml";
    assert_eq!(mend, wanted);
    let mut ground = Ground::good();
    wants(&mut ground, "judge.least");
    let (_, mend) = missed(&ground).await;
    assert!(
        mend.contains("[\"judge.least\"]\ntype = \"integer\""),
        "{mend}"
    );
}

/// A plugin that has a secret put on the wire.
fn sending(required: bool) -> Ground {
    let mut ground = Ground::good();
    let grant = |under: &str| {
        format!(
            "[[{under}.http]]\nhost = \"example.com\"\n[[{under}.credentials]]\nname = \"roles.critic.key\"\nto = \"https://example.com\"\n"
        )
    };
    let (asked, granted) = (grant("ask"), grant("grants.embeddings_collapse"));
    let manifest = "plugins/embeddings_collapse/plugin.toml";
    ground.replace(
        manifest,
        "[ask.settings]",
        &format!("{asked}[ask.settings]"),
    );
    ground.replace("callboard.toml", "[limits.", &format!("{granted}[limits."));
    if required {
        let secret = "description = \"what opens the critic\"";
        ground.replace(
            "settings.toml",
            secret,
            &format!("{secret}\nrequired = true"),
        );
    }
    ground
}

#[tokio::test]
async fn a_secret_that_a_plugin_sends_is_asked_for() {
    let mend = "callboard settings set roles.critic.key -";
    let (problem, mended) = missed(&sending(true)).await;
    let wanted = "secret `roles.critic.key` is required and not set (settings.toml:";
    assert!(problem.contains(wanted), "{problem}");
    assert_eq!(mended, mend);
    // Of one that is not required it is told: whether this handler sends it is not known.
    let roll = sending(false).roll().await;
    assert_eq!(roll.misses().map(told).collect::<Vec<_>>(), []);
    assert_eq!(roll.waiting().map(told).collect::<Vec<_>>(), []);
    let warnings: Vec<_> = roll.warnings().map(told).collect();
    let [(problem, mended)] = &warnings[..] else {
        panic!("{warnings:#?}");
    };
    let wanted = "handler retention.embeddings_collapse credentials @ policies/collapse.toml:2:1: \
                  secret `roles.critic.key`, which is sent with requests, is not set";
    assert!(problem.starts_with(wanted), "{problem}");
    assert_eq!(mended, mend);
}

/// A stage that reads what it found the last time, in front of the gate.
fn owning() -> Ground {
    let mut ground = Ground::good();
    ground.change("qa.advice", |contract| {
        let keys = ["draft", "best"].map(|key| (key.to_owned(), json!({})));
        let keys = json!({ "type": "object", "properties": Map::from_iter(keys) });
        contract.reads = keys.clone();
        contract.writes = keys;
        contract.needs = std::mem::take(&mut contract.needs).own("best");
    });
    ground.replace(
        P,
        "id = \"critic\"",
        "id = \"sum\"\nhandler = \"qa.advice\"\nneeds = [\"draft\"]\n[[stage]]\nid = \"critic\"",
    );
    ground.replace(
        P,
        "needs = [\"draft\"]\nrequired",
        "needs = [\"sum\"]\nrequired",
    );
    ground
}

#[tokio::test]
async fn what_a_handler_reads_of_its_own_is_written_by_no_other_and_is_no_input() {
    assert_eq!(misses(&owning()).await, []);
    let why = "which stage `sum` reads as it wrote it itself on an earlier visit";
    let mut written = owning();
    written.change("content.draft", |contract| {
        contract.writes["properties"]["best"] = json!({});
    });
    let (problem, mend) = misses(&written).await.remove(0);
    let wanted = format!("`content.draft` writes `best`, {why}");
    assert!(problem.contains(&wanted), "{problem}");
    assert_eq!(mend, "take one of the two stages out");
    let mut given = owning();
    given.replace(P, "[input.day]", "[input.best]\n[input.day]");
    let [(problem, mend)] = &misses(&given).await[..] else {
        panic!("one miss");
    };
    let wanted = format!("whoever starts a run would say `best`, {why}");
    assert!(problem.contains(&wanted), "{problem}");
    assert_eq!(mend, "take `[input.best]` out");
}
