//! A slip is the name that is alone: one cause is told, everything else that says the name depends
//! on it, and with the mend of that one all answer.

use super::ground::{Ground, misses};
use super::{P, STAGE, each, mends};

const S: &str = "settings.toml";
const M: &str = "plugins/embeddings_collapse/plugin.toml";
const C: &str = "callboard.toml";

/// The only cause of a ground, and that its mend mends.
async fn one_cause(ground: Ground, cause: &str) {
    let roll = ground.roll().await;
    let told = |(it, _): &(&crate::rollcall::Reference, _)| format!("{} {}", it.referrer, it.key);
    let causes: Vec<String> = roll.causes().iter().map(told).collect();
    assert_eq!(causes, [cause], "{:#?}", misses(&ground).await);
    mends::settles(ground).await.expect("all answer");
}

#[tokio::test]
async fn an_input_that_others_name_too_is_the_slip() {
    let limits = "[limits]\nkey = \"day\"\nat_once = 1\n";
    let when = "id = \"publish\"\nwhen = [{ key = \"day\", present = true }]";
    let schedule =
        format!("[[schedule]]\ncron = \"0 6 * * *\"\ninput = {{ day = \"d\" }}\n{STAGE}");
    for (from, to) in [
        ("[input.day]", format!("{limits}[input.day]")),
        ("id = \"publish\"", when.to_owned()),
        (STAGE, schedule),
    ] {
        let mut ground = Ground::good();
        ground.replace(P, from, &to);
        assert_eq!(misses(&ground).await, [], "{to}");
        ground.replace(P, "[input.day]", "[input.dya]");
        one_cause(ground, "pipeline diary input.dya").await;
    }
}

#[tokio::test]
async fn a_name_that_nobody_else_says_is_the_slip_and_not_the_input() {
    let mut ground = Ground::good();
    let limits = "[limits]\nkey = \"extar\"\nat_once = 1\n[input.extra]\n[input.day]";
    ground.replace(P, "[input.day]", limits);
    one_cause(ground, "pipeline diary limits.key").await;
}

#[tokio::test]
async fn a_declaration_that_nobody_names_is_the_slip() {
    let asked = |owner: &str| {
        format!(
            "[[{owner}.credentials]]\nname = \"glossary.key\"\nto = \"https://a.example\"\n\n\
                 [[{owner}.http]]\nhost = \"a.example\"\n\n"
        )
    };
    let declared = "[\"glossary.key\"]\ntype = \"secret\"\ndescription = \"k\"\n";
    let ground = |declared: &str| {
        let mut ground = Ground::good();
        ground.replace(M, "[ask.settings]", &(asked("ask") + "[ask.settings]"));
        let limits = "[limits.embeddings_collapse]";
        let granted = asked("grants.embeddings_collapse");
        ground.replace(C, limits, &(granted + limits));
        ground.write(S, &(declared.to_owned() + &ground.text(S)));
        ground
    };
    assert_eq!(misses(&ground(declared)).await, []);
    let slip = ground(&declared.replace("glossary", "glossray"));
    one_cause(slip, "settings.toml key").await;
    // What a handler's contract reads is no slip either.
    let mut slip = Ground::good();
    slip.replace(S, "\"memory.size\"", "\"memory.sise\"");
    one_cause(slip, "settings.toml key").await;
    let mut slip = Ground::good();
    slip.replace(S, "\"roles.critic.url\"", "\"roles.crtic.url\"");
    one_cause(slip, "settings.toml key").await;
}

/// What the program reads itself has a contract, as what a handler reads has one.
#[tokio::test]
async fn what_the_program_reads_is_declared_as_that() {
    let secret = "type = \"secret\"";
    each(&[
        (S, secret, "type = \"string\"", "settings.toml type @ settings.toml:23:1: `roles.critic.key` is declared as string, and whoever asks a model reads it as secret", "write `type = \"secret\"`"),
        (S, "type = \"model\"", "type = \"csv\"", "settings.toml type @ settings.toml:13:1: `roles.critic.model` is declared as csv, and whoever asks a model reads it as model", "write `type = \"model\"`"),
        (S, "\"roles.critic.key\"", "\"roles.crtic.key\"", "settings.toml key @ settings.toml:22:2: no handler asks a role `crtic`", "write `[\"roles.critic.key\"]`"),
        (S, "\"roles.critic.key\"", "\"roles.critic.kye\"", "settings.toml key @ settings.toml:22:2: a role has `url`, `model`, `key`, `provider`, `fallback` and `stream`, and no `kye`", "write `[\"roles.critic.key\"]`"),
    ])
    .await;
    // A setting that is read as a text is not made a secret.
    let mut ground = Ground::good();
    let asks = "[[ask.credentials]]\nname = \"roles.critic.model\"\nto = \"https://a.example\"\n\n[[ask.http]]\nhost = \"a.example\"\n\n[ask.settings]";
    ground.replace(M, "[ask.settings]", asks);
    let misses = misses(&ground).await;
    let told = misses
        .iter()
        .find(|(text, _)| text.contains("is a setting of the type model"));
    assert!(
        told.is_some_and(|(_, mend)| mend.starts_with("name a secret")),
        "{misses:#?}"
    );
}

/// What a role has besides a slip is right, and no other name of it is told.
#[tokio::test]
async fn a_slip_in_a_role_is_told_alone() {
    for slip in ["\"roles.critic.modle\"", "\"role.critic.model\""] {
        let mut ground = Ground::good();
        ground.replace(S, "\"roles.critic.model\"", slip);
        one_cause(ground, "settings.toml key").await;
    }
    let editor = "[\"roles.editor.url\"]\ntype = \"url\"\ndescription = \"e\"\n\
                  [\"roles.editor.model\"]\ntype = \"model\"\ndescription = \"e\"\n";
    for (name, slip) in [("url", "ulr"), ("model", "modle")] {
        let mut ground = Ground::good();
        ground.write(S, &(editor.to_owned() + &ground.text(S)));
        assert_eq!(misses(&ground).await, []);
        let wrong = format!("roles.editor.{slip}");
        ground.replace(S, &format!("roles.editor.{name}"), &wrong);
        one_cause(ground, "settings.toml key").await;
    }
    for part in ["url", "model", "key"] {
        let mut ground = Ground::good();
        let declared = format!("[\"roles.critic.{part}\"]");
        ground.replace(S, &declared, &format!("[\"role.critic.{part}\"]"));
        let told = misses(&ground).await;
        let mend = format!("write `[\"roles.critic.{part}\"]`");
        assert!(
            told.iter().any(|(_, written)| *written == mend),
            "{told:#?}"
        );
    }
}

/// A bound that does not count a model is none.
#[tokio::test]
async fn what_a_day_may_cost_counts_each_model() {
    let with = |lines: &str| {
        let mut ground = Ground::good();
        ground.write(C, &(ground.text(C) + "[models]\n" + lines));
        ground
    };
    let prices = |name: &str| format!("[models.prices.{name}]\nprompt = 1.0\ncompletion = 1.0\n");
    let bound = "daily_cost = 1.0\n";
    assert_eq!(
        misses(&with(&(bound.to_owned() + &prices("small")))).await,
        []
    );
    assert_eq!(misses(&with(&prices("large"))).await, []);
    let none = misses(&with(bound)).await;
    assert!(
        none[0]
            .0
            .contains("does not count the model `small` of role `critic`"),
        "{none:#?}"
    );
    assert!(none[0].1.contains("[models.prices.\"small\"]"), "{none:#?}");
    let slip = with(&(bound.to_owned() + &prices("smal")));
    let roll = slip.roll().await;
    let causes = roll.causes();
    assert_eq!(causes.len(), 1, "{:#?}", misses(&slip).await);
    let mend = causes[0].0.miss.as_ref().map(|miss| miss.mend.as_str());
    assert_eq!(mend, Some("write `[models.prices.\"small\"]`"));
}

#[tokio::test]
async fn a_prompt_that_no_handler_asks_with_is_a_miss() {
    let mut ground = Ground::good();
    ground.write("prompts/x.md", "+++\nvariables = []\n+++\nx\n");
    let told = misses(&ground).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0]
            .0
            .contains("prompt x file @ prompts/x.md:1:1: no handler asks"),
        "{told:#?}"
    );
    let mut ground = Ground::good();
    let text = ground.text("prompts/draft.md");
    ground.remove("prompts/draft.md");
    ground.write("prompts/darft.md", &text);
    one_cause_of(&ground, "handler content.draft prompts").await;
}

/// The only cause of a ground.
async fn one_cause_of(ground: &Ground, cause: &str) {
    let roll = ground.roll().await;
    let told = |(it, _): &(&crate::rollcall::Reference, _)| format!("{} {}", it.referrer, it.key);
    let causes: Vec<String> = roll.causes().iter().map(told).collect();
    assert_eq!(causes, [cause], "{:#?}", misses(ground).await);
}

#[tokio::test]
async fn a_class_of_rows_that_is_none_is_a_miss() {
    let mut ground = Ground::good();
    ground.change("publish.site", |contract| {
        let rows = crate::handler::RowUse::reads("orginal");
        contract.needs.tables[0].rows.push(rows);
    });
    let told = misses(&ground).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].0.contains("rows of a class `orginal`"), "{told:#?}");
    assert!(told[0].1.starts_with("write `original`"), "{told:#?}");
}

/// What only a component says is mended in the component, and not where the workspace names it.
#[tokio::test]
async fn a_slip_of_a_component_is_told_as_its_own() {
    // The contract that was applied is another one, which is told as well.
    const OTHER: &str = "says something else of itself";
    let said = |change: fn(&mut crate::handler::Needs)| {
        let (mut ground, path) = (Ground::good(), "plugins/embeddings_collapse/contracts.json");
        let text = ground.text(path);
        let mut contracts: Vec<crate::handler::Contract> =
            serde_json::from_str(&text).expect("contracts");
        change(&mut contracts[0].needs);
        ground.write(path, &serde_json::to_string(&contracts).expect("JSON"));
        ground
    };
    let table = said(|needs| {
        let need = crate::handler::TableNeed::fixed("embedings", &["select"]);
        needs.tables.push(need);
    });
    let role = said(|needs| needs.roles.push("crtic".to_owned()));
    let setting = said(|needs| needs.settings.push("memory.sise".to_owned()));
    for (ground, near) in [
        (table, "embeddings"),
        (role, "critic"),
        (setting, "memory.size"),
    ] {
        let anew = format!(
            "in the `needs` of the component's `retention.embeddings_collapse`, which is to be built anew: \
             write `{near}`"
        );
        let mut told = misses(&ground).await;
        told.retain(|(text, _)| !text.contains(OTHER));
        assert!(!told.is_empty(), "{near}");
        for (text, mend) in told {
            let place = "@ plugins/embeddings_collapse/plugin.toml:";
            assert!(
                text.contains(place) && mend.starts_with(&anew),
                "{text}: {mend}"
            );
        }
    }
}

/// A misspelt key is told with the one that was meant, as deep as it stands.
#[tokio::test]
async fn a_misspelt_key_below_others_is_told_with_the_one_that_was_meant() {
    let mut ground = Ground::good();
    ground.change("content.collect", |contract| {
        let rule = serde_json::json!({"type": "object", "additionalProperties": false,
            "properties": {"enabled": {"type": "boolean"}}});
        contract.config["$defs"] = serde_json::json!({ "Rule": rule });
        contract.config["properties"]["rules"] = serde_json::json!({"type": "object",
            "additionalProperties": {"$ref": "#/$defs/Rule"}});
    });
    ground.replace(
        P,
        "limit = 5",
        "limit = 5, rules = { a = { enabeld = true } }",
    );
    let told = misses(&ground).await;
    assert!(
        told.iter()
            .any(|(_, mend)| mend.starts_with("write `enabled`")),
        "{told:#?}"
    );
    let mut ground = Ground::good();
    ground.change("publish.site", |contract| {
        contract.config = serde_json::json!({"type": "object", "additionalProperties": false});
    });
    ground.replace(
        P,
        "handler = \"publish.site\"",
        "handler = \"publish.site\"\nconfig.dry_run = true",
    );
    let told = misses(&ground).await;
    let problem = "`dry_run` is no key of this configuration, which has none";
    assert!(
        told.iter().any(|(text, _)| text.contains(problem)),
        "{told:#?}"
    );
}
