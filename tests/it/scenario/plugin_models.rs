//! A plugin asks models by role: as far as it is granted, and counted as everybody's questions are.

use std::fs;

use callboard_core::store::Dialect::{self, Sqlite};
use serde_json::Value as Json;

use super::model::set_writer;
use crate::support::factory::{BARE, Factory, on_each};
use crate::support::guests::{fixture, guest};
use crate::support::host::Ran;
use crate::support::model::{ModelServer, Say};

const GRANT: &str = "[grants.asker.model]\nroles = [\"writer\"]\n";

/// A factory whose pipeline `asks` has the plugin ask with a configuration; not applied.
fn written(dialect: Dialect, grants: &str, config: &str) -> Factory {
    let factory = Factory::bare_written(dialect);
    let folder = factory.workspace().join("plugins/asker");
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(guest("asker"), folder.join("asker.wasm")).expect("copied");
    let manifest = fs::read_to_string(fixture("asker").join("plugin.toml")).expect("a manifest");
    factory.write("plugins/asker/plugin.toml", manifest);
    factory.write("callboard.toml", format!("{BARE}\n{grants}"));
    pipeline(&factory, config);
    factory
}

fn pipeline(factory: &Factory, config: &str) {
    factory.write(
        "pipelines/asks.toml",
        format!(
            "name = \"asks\"\nbudget = \"1m\"\n[[stage]]\nid = \"ask\"\nhandler = \"probe.asks\"\n\
             on.unavailable = \"end\"\nconfig = {{ {config} }}\n"
        ),
    );
}

fn asks(factory: &Factory) -> (Ran, Json) {
    let ran = factory.run(&["run", "asks"]);
    let shown = factory.json(&["runs", "show", "latest"]);
    (ran, shown["stages"][0].clone())
}

fn told(stage: &Json) -> &str {
    stage["outcome"]["patch"]["told"]
        .as_str()
        .unwrap_or_default()
}

/// What it asks is answered, shown with the run, and counts for the day.
fn a_granted_role_answers(dialect: Dialect) {
    // As small models write it: the host reads it once, and the guest reads what the host has read.
    let server = ModelServer::new(Say::Text(
        "```json\n{\"sentence\": \"The lamp was lit.\"}\n```",
    ));
    let config = "role = \"writer\", prompt = \"What was lit?\", json = true";
    let factory = written(dialect, GRANT, config);
    factory.ok(&["apply"]);
    let (ran, stage) = asks(&factory);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stdout.contains("role `writer` has no provider"),
        "{ran}"
    );
    set_writer(&factory, &server);
    let (ran, answered) = asks(&factory);
    assert_eq!(ran.code, 0, "{ran} after {stage}");
    assert_eq!(told(&answered), "The lamp was lit.");
    assert_eq!(factory.count("model_calls"), 1);
    let roles = factory.json(&["models", "list"]);
    let by = roles["roles"].as_array().expect("roles").iter();
    let by: Vec<_> = by.filter(|it| it["role"] == "writer").collect();
    assert!(
        by[0]["asked_by"].to_string().contains("plugin asker"),
        "{roles}"
    );
}

on_each!(
    a_plugin_asks_the_model_of_a_role_that_is_granted,
    a_granted_role_answers
);

/// Neither another role nor more than its bound, whatever it writes; nobody is asked for it.
#[test]
fn what_is_not_granted_is_not_asked() {
    let server = ModelServer::new(Say::Text("yes"));
    let factory = written(Sqlite, GRANT, "role = \"critic\", prompt = \"Is it?\"");
    factory.ok(&["apply"]);
    set_writer(&factory, &server);
    let (ran, stage) = asks(&factory);
    assert_eq!(ran.code, 1, "{ran}");
    let denied = "plugin `asker` may not ask the role `critic`; to allow it, add \"critic\" to `roles` under \
                  [grants.asker.model]";
    assert!(
        stage["detail"]
            .to_string()
            .replace('\\', "")
            .contains(denied),
        "{stage}"
    );
    assert_eq!(server.asked(), 0);
    let limits = "[limits.asker]\nmodel_tokens = 250\n";
    factory.write("callboard.toml", format!("{BARE}\n{GRANT}\n{limits}"));
    pipeline(
        &factory,
        "role = \"writer\", prompt = \"Is it?\", times = 3",
    );
    factory.ok(&["apply"]);
    let (ran, stage) = asks(&factory);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        stage["detail"]
            .to_string()
            .contains("`model_tokens` allows one call 250"),
        "{stage}"
    );
    assert!(server.asked() < 3, "{}", server.asked());
}

/// What keeps an answer away is what it is: a server that is busy is waited for, and one that does not
/// answer is no failure of the plugin.
#[test]
fn a_model_that_does_not_answer_is_told_as_what_it_is() {
    let server = ModelServer::new(Say::Status(500));
    let factory = written(Sqlite, GRANT, "role = \"writer\", prompt = \"Is it?\"");
    factory.ok(&["apply"]);
    set_writer(&factory, &server);
    let (ran, stage) = asks(&factory);
    assert_eq!(ran.code, 3, "{ran}");
    assert_eq!(stage["outcome"]["outcome"], "unavailable", "{stage}");
    // The guest is told the cause alone; who answered, where and what it said is in the log of its stage.
    let detail = stage["detail"].to_string();
    assert!(detail.contains("role writer: status 500"), "{stage}");
    assert!(!detail.contains("127.0.0.1"), "{stage}");
    assert!(stage["log"].to_string().contains("127.0.0.1"), "{stage}");
    server.say(Say::Busy(429, 600));
    let (ran, stage) = asks(&factory);
    assert_eq!(
        stage["outcome"]["outcome"], "failed",
        "longer than its budget: {stage} {ran}"
    );
    server.say(Say::Busy(429, 20));
    let (ran, stage) = asks(&factory);
    assert_eq!(ran.code, 4, "{ran}");
    assert_eq!(stage["outcome"]["outcome"], "deferred", "{stage}");
}

/// Asking for a role is half of it: it is in the ceiling, it is declared, and what a handler needs is asked for.
#[test]
fn a_role_that_is_not_allowed_is_a_miss_with_its_mend() {
    let config = "role = \"writer\", prompt = \"x\"";
    let factory = written(Sqlite, "", config);
    let misses = |parts: &[&str]| {
        let ran = factory.run(&["check"]);
        assert_eq!(ran.code, 1, "{ran}");
        for part in parts {
            assert!(ran.stdout.contains(part), "{part}: {ran}");
        }
    };
    misses(&[
        "the plugin asks for role writer, which is not allowed",
        "roles = [\"writer\"]",
    ]);
    factory.write("callboard.toml", format!("{BARE}\n{GRANT}"));
    factory.ok(&["check"]);
    factory.edit("plugins/asker/plugin.toml", "[\"writer\"]", "[\"wirter\"]");
    misses(&["role `wirter` has no setting", "write `writer`"]);
    factory.edit("plugins/asker/plugin.toml", "[\"wirter\"]", "[\"writer\"]");
    factory.edit("pipelines/asks.toml", "probe.asks", "probe.asks_named");
    factory.ok(&["check"]);
    factory.edit("pipelines/asks.toml", "\"writer\"", "\"critic\"");
    misses(&[
        "asks role `critic`, which the plugin does not ask for",
        "pipelines/asks.toml:7:",
    ]);
    let ran = factory.run(&["plugins", "explain", "asker", "model"]);
    assert!(!ran.stdout.is_empty() || !ran.stderr.is_empty(), "{ran}");
}

/// What came of a question makes no difference to what it counts, and what has no bytes counts as well.
#[test]
fn what_is_not_answered_counts_and_so_does_what_is_empty() {
    let server = ModelServer::new(Say::Text("no JSON at all"));
    let config = "role = \"writer\", prompt = \"x\", json = true, again = true, times = 500";
    let factory = written(Sqlite, GRANT, config);
    let limits = "[limits.asker]\nmodel_tokens = 1000\n";
    factory.write("callboard.toml", format!("{BARE}\n{GRANT}\n{limits}"));
    factory.ok(&["apply"]);
    set_writer(&factory, &server);
    let (ran, stage) = asks(&factory);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        stage["detail"].to_string().contains("`model_tokens`"),
        "{stage}"
    );
    // The server says 0 of the question; an answer of 14 bytes is 5 tokens at the least.
    assert!(server.asked() < 300, "{}", server.asked());
    let before = server.asked();
    pipeline(&factory, "role = \"writer\", vectors = true, texts = 1001");
    factory.ok(&["apply"]);
    let (_, stage) = asks(&factory);
    assert!(
        stage["detail"].to_string().contains("one may have 1000"),
        "{stage}"
    );
    pipeline(&factory, "role = \"writer\", vectors = true, texts = 900");
    factory.ok(&["apply"]);
    let (_, stage) = asks(&factory);
    assert!(
        stage["detail"].to_string().contains("`model_tokens`"),
        "{stage}"
    );
    assert_eq!(server.asked(), before);
}
