//! Names that were no reference, and are: tables of the host and of sources, roles of a
//! configuration, templates that no page renders. And one slip is one cause.

use super::ground::{Ground, misses};
use super::{P, Q, STAGE, each};
use crate::handler::Needs;

/// What belongs to the host no handler touches, whatever names it.
#[tokio::test]
async fn a_table_of_the_host_is_missed_wherever_it_is_named() {
    const H: &str = "belongs to the host, and no handler may touch it";
    let config = format!("policy ttl config.table @ policies/ttl.toml:6:1: table `open_runs` {H}");
    let policy = format!("policy ttl table @ policies/ttl.toml:3:1: table `migrations` {H}");
    let source = format!(
        "policy collapse config.source_table @ policies/collapse.toml:6:1: table `runs` {H}"
    );
    each(&[
        (Q, "[config]\ntable = \"embeddings\"", "[config]\ntable = \"open_runs\"", &config, "`history` of [engine]"),
        (Q, "table = \"embeddings\"", "table = \"migrations\"", &policy, "name one of `commits`"),
        ("policies/collapse.toml", "\"commits\"", "\"runs\"", &source, "name one of `commits`"),
        ("policies/collapse.toml", "\"commits\"", "\"comits\"", "policy collapse config.source_table @ policies/collapse.toml:6:1: the database has no table `comits`", "write `commits`"),
    ])
    .await;
}

/// A source is a table of whose rows a handler makes rows of the table.
#[tokio::test]
async fn a_source_is_what_rows_are_made_from() {
    let mut ground = Ground::good();
    ground.change("content.count", |contract| {
        contract.needs = Needs::default()
            .table("commits", &["select"])
            .table("embeddings", &["select", "insert"]);
    });
    assert_eq!(misses(&ground).await, []);
    ground.replace("policies/collapse.toml", "\"commits\"", "\"posts\"");
    let misses = misses(&ground).await;
    assert_eq!(misses.len(), 1, "{misses:#?}");
    assert!(
        misses[0]
            .0
            .contains("no handler makes rows of `embeddings` from rows of `posts`"),
        "{misses:#?}"
    );
    assert_eq!(misses[0].1, "name `commits`");
}

#[tokio::test]
async fn a_role_that_a_configuration_names_is_declared() {
    let mut ground = Ground::good();
    ground.change("content.collect", |contract| {
        contract.needs.role_keys = vec!["role".to_owned()];
        contract.config["properties"]["role"] = serde_json::json!({"type": "string"});
    });
    ground.replace(P, "limit = 5", "limit = 5, role = \"critic\"");
    assert_eq!(misses(&ground).await, []);
    ground.replace(P, "role = \"critic\"", "role = \"crtic\"");
    let misses = misses(&ground).await;
    assert_eq!(misses.len(), 1, "{misses:#?}");
    assert!(
        misses[0].0.contains("stage diary/collect config.role @ pipelines/diary.toml:9:23: role `crtic` has no setting `roles.crtic.url`"),
        "{misses:#?}"
    );
    assert!(misses[0].1.starts_with("write `critic`"), "{misses:#?}");
}

/// Misses that no other explains.
async fn causes(ground: &Ground) -> Vec<String> {
    let roll = ground.roll().await;
    let causes = roll.causes();
    let told = causes
        .iter()
        .map(|(cause, _)| format!("{} {}", cause.referrer, cause.key));
    told.collect()
}

#[tokio::test]
async fn one_slip_is_one_cause() {
    let ask = "plugins/embeddings_collapse/plugin.toml";
    for (file, from, to, cause) in [
        (
            "callboard.toml",
            "[grants.embeddings_collapse]",
            "[grants.embedings_collapse]",
            "callboard.toml grants.embedings_collapse",
        ),
        (
            Q,
            "[config]\ntable = \"embeddings\"",
            "[config]\ntable = \"embedings\"",
            "policy ttl config.table",
        ),
        (
            P,
            "timeout = \"3m\"",
            "timeout = \"11m\"",
            "stage diary/draft timeout",
        ),
        (
            ask,
            "table = \"embeddings\"",
            "table = \"runs\"",
            "plugin embeddings_collapse ask.db",
        ),
        (
            "callboard.toml",
            "\"select\", \"insert\", \"delete\"",
            "\"select\"",
            "plugin embeddings_collapse ask",
        ),
        (
            P,
            STAGE,
            "[[schedule]]\ncron = \"0 6 * * *\"\ninput = { dya = \"d\" }\n[[stage]]\nid = \"collect\"",
            "pipeline diary schedule.0.input.dya",
        ),
    ] {
        let mut ground = Ground::good();
        ground.replace(file, from, to);
        let mut causes = causes(&ground).await;
        // A handler's need of a table that the plugin asks for by another name is its own.
        causes.retain(|cause| !cause.starts_with("handler "));
        assert_eq!(causes, [cause], "{to}");
    }
}

#[tokio::test]
async fn what_is_missing_is_added_where_the_configuration_is() {
    each(&[
        (
            Q,
            "ttl_days = 180",
            "",
            "`ttl_days` is missing",
            "add `ttl_days = …` under [config]",
        ),
        (
            P,
            "config = { limit = 5 }",
            "",
            "`limit` is missing",
            "add `config.limit = …` on the line below `handler`",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_plugin_that_did_not_load_is_named() {
    let mut ground = Ground::good();
    ground.refuse("embeddings_collapse", "it traps", "build it again");
    let misses = misses(&ground).await;
    assert!(misses[0].0.contains("policy collapse handler @ policies/collapse.toml:2:1: handler `retention.embeddings_collapse` is of plugin embeddings_collapse, which did not load"), "{misses:#?}");
    assert!(misses.iter().any(|(miss, mend)| {
        miss.contains("plugin embeddings_collapse name @ plugins/embeddings_collapse/plugin.toml:1:1: it traps")
            && mend == "build it again"
    }));
}
