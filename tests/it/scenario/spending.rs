//! What calls of models take: kept, priced, bounded by the day; and a role that is tried by hand.

use std::fs;

use callboard_core::store::Dialect;
use serde_json::{Value as Json, json};

use super::model::{WELL, set_writer};
use super::providers::{declare, set};
use crate::support::daemon::Daemon;
use crate::support::factory::{DAY, Factory, board, on_each};
use crate::support::model::{ModelServer, Say};

const PRICES: &str = "\n[models.prices.quill]\nprompt = 1.0\ncompletion = 10.0\n";

/// A factory whose writer is the server, and whose `callboard.toml` says more.
fn factory(dialect: Dialect, server: &ModelServer, more: &str) -> Factory {
    let factory = Factory::bare_written(dialect);
    let path = factory.workspace().join("callboard.toml");
    let config = fs::read_to_string(&path).expect("a configuration");
    factory.write("callboard.toml", format!("{config}{more}{PRICES}"));
    factory.ok(&["apply"]);
    set_writer(&factory, server);
    factory
}

fn role<'j>(models: &'j Json, name: &str) -> &'j Json {
    let mut roles = models["roles"].as_array().expect("roles").iter();
    roles.find(|role| role["role"] == name).expect(name)
}

on_each!(
    what_a_call_takes_is_kept_with_its_price,
    |dialect: Dialect| {
        let server = ModelServer::new(Say::Text(WELL));
        let factory = factory(dialect, &server, "");
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        server.say(Say::Cut(WELL));
        factory.run(&["models", "test", "writer"]);
        // Whoever looks at the run, or at its task, sees who took what.
        for shown in [["runs", "show", "latest"], ["tasks", "show", "latest"]] {
            let models = factory.json(&shown)["models"].clone();
            assert_eq!(models[0]["stage"], "compose", "{models:#}");
            assert_eq!(
                (&models[0]["role"], &models[0]["calls"]),
                (&"writer".into(), &1.into())
            );
            assert!(
                models[0]["microcents"].as_u64().is_some_and(|it| it > 0),
                "{models:#}"
            );
            assert!(factory.ok(&shown).contains("ASKED BY"), "{shown:?}");
        }
        assert_eq!(
            factory.count("model_calls WHERE run <> '' AND stage = 'compose'"),
            1
        );
        assert_eq!(factory.count("model_calls WHERE outcome = 'truncated'"), 1);
        let models = factory.json(&["models", "list"]);
        let today = &role(&models, "writer")["today"];
        assert_eq!(
            (&today["calls"], &today["failures"]),
            (&2.into(), &1.into()),
            "{models}"
        );
        // Twice 1,000 tokens at 1 a million, and 200 at 10.
        assert_eq!(today["microcents"], 2 * (100_000 + 200_000), "{models}");
        assert_eq!(models["today"]["prompt_tokens"], 2000, "{models}");
        let shown = factory.ok(&["models", "list"]);
        for part in ["quill at", "http://127.0.0.1:"] {
            assert!(shown.contains(part), "{shown}");
        }
        assert!(shown.contains("0.0060"), "{shown}");
    }
);

on_each!(
    a_call_that_is_given_up_counts_by_its_estimate,
    |dialect: Dialect| {
        let server = ModelServer::new(Say::Hang);
        let factory = factory(dialect, &server, "\n[models]\ndaily_tokens = 500\n");
        let asking = Daemon::start(&factory, &["models", "test", "writer"]);
        server.until_asked();
        asking.signal("KILL");
        asking.ended();
        let open = "model_calls WHERE outcome = 'asked' AND estimated \
            AND prompt_tokens BETWEEN 10 AND 100 AND completion_tokens = 512 AND microcents > 0";
        assert_eq!(factory.count(open), 1);
        let today = factory.json(&["models", "list"])["today"].clone();
        assert_eq!(
            (&today["unfinished"], &today["failures"]),
            (&1.into(), &0.into())
        );
        let listed = factory.run(&["models", "list"]);
        let told = "writer: calls without an end, under way or given up: 1";
        assert!(listed.stdout.contains(told), "{listed}");
        assert!(listed.stdout.contains('~'), "{listed}");
        server.say(Say::Text("callboard"));
        let ran = factory.run(&["models", "test", "writer"]);
        assert_eq!(ran.code, 4, "{ran}");
        assert_eq!(server.asked(), 1, "the day has had its tokens");
    }
);

on_each!(
    an_answer_of_which_no_tokens_are_said_counts_by_its_estimate,
    |dialect: Dialect| {
        let choice = json!({ "message": { "content": "callboard" } });
        let server = ModelServer::new(Say::Document(json!({ "choices": [choice] })));
        let factory = factory(dialect, &server, "");
        let tested = factory.json(&["models", "test", "writer"]);
        assert_eq!(tested["tokens"]["estimated"], true, "{tested}");
        assert_eq!(tested["tokens"]["completion"], 3, "{tested}");
        assert!(
            tested["microcents"].as_u64().is_some_and(|it| it > 0),
            "{tested}"
        );
        server.say(Say::Half);
        let ran = factory.run(&["models", "test", "writer"]);
        assert_eq!(ran.code, 3, "{ran}");
        server.say(Say::Status(500));
        factory.run(&["models", "test", "writer"]);
        assert_eq!(
            factory.count("model_calls WHERE outcome = 'done' AND estimated"),
            1
        );
        let unread =
            "model_calls WHERE outcome = 'reset' AND estimated AND completion_tokens = 512";
        assert_eq!(factory.count(unread), 1);
        let nothing = "model_calls WHERE outcome = 'status 500' AND NOT estimated \
            AND prompt_tokens + completion_tokens = 0";
        assert_eq!(factory.count(nothing), 1);
        let listed = factory.run(&["models", "list"]);
        let told = "writer: calls of which no server said what they took: 2";
        assert!(listed.stdout.contains(told), "{listed}");
    }
);

/// Neither a failure nor another text in its place: the day's work waits for the next day.
#[test]
fn a_day_that_has_had_its_tokens_waits_for_the_next() {
    let server = ModelServer::new(Say::Text(WELL));
    for bound in ["daily_tokens = 1000", "daily_cost = 0.003"] {
        let factory = factory(Dialect::Sqlite, &server, &format!("\n[models]\n{bound}\n"));
        // A run waits as long as its budget and no longer.
        factory.edit(
            "pipelines/dev_diary.toml",
            "budget = \"10m\"",
            "budget = \"25h\"",
        );
        factory.ok(&["apply"]);
        let asked = server.asked();
        assert_eq!(
            factory.run(&["models", "test", "writer"]).code,
            0,
            "the first is within it"
        );
        let ran = factory.diary(board().path(), DAY);
        assert_eq!(ran.code, 4, "{ran}");
        let run = factory.json(&["runs", "list"])[0].clone();
        assert_eq!(run["status"], "waiting", "{run}");
        assert!(run["wake_at"].to_string().contains("T00:00:00"), "{run}");
        assert_eq!(server.asked(), asked + 1, "it was not asked again");
        let findings = factory.json(&["findings", "list"]);
        assert_eq!(findings[0]["kind"], "ceiling", "{findings}");
        let message = findings[0]["message"].to_string();
        let key = bound.split(' ').next().expect("a key");
        assert!(
            message.contains(&format!("`{key}` under [models]")),
            "{message}"
        );
        assert_eq!(factory.run(&["models", "test", "writer"]).code, 4);
    }
}

#[test]
fn a_role_is_tried_by_hand() {
    let server = ModelServer::new(Say::Text("<think>hm</think>callboard"));
    let factory = factory(Dialect::Sqlite, &server, "");
    let tested = factory.json(&["models", "test", "writer"]);
    assert_eq!(tested["outcome"], "done", "{tested}");
    assert_eq!(tested["answer"], "callboard", "{tested}");
    assert_eq!(tested["model"], "quill-1", "{tested}");
    assert_eq!(tested["tokens"]["prompt"], 1000, "{tested}");
    let shown = factory.ok(&["models", "test", "writer"]);
    assert!(
        shown.contains("1000 tokens asked, 200 answered, cost 0.0030"),
        "{shown}"
    );
    for (say, code, told) in [
        (
            Say::Close,
            3,
            "unavailable: role writer: quill at http://127.0.0.1:",
        ),
        (
            Say::Busy(429, 60),
            4,
            "deferred: role writer: quill at http://127.0.0.1:",
        ),
    ] {
        server.say(say);
        let ran = factory.run(&["models", "test", "writer"]);
        assert_eq!(ran.code, code, "{ran}");
        assert!(ran.stdout.contains(told), "{ran}");
    }
    let ran = factory.run(&["models", "test", "vision"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr
            .contains("callboard settings set roles.vision.url VALUE"),
        "{ran}"
    );
}

/// A role that is declared and asked by nobody would be set, and do nothing.
#[test]
fn each_role_that_comes_is_asked_by_a_handler() {
    let factory = Factory::whole(Dialect::Sqlite);
    let models = factory.json(&["models", "list"]);
    let roles = models["roles"].as_array().expect("roles");
    assert!(roles.len() > 2, "{models}");
    for role in roles {
        let asked = role["asked_by"].as_array().expect("who asks");
        assert!(!asked.is_empty(), "nobody asks {}", role["role"]);
    }
}

#[test]
fn what_is_built_in_needs_no_server() {
    let server = ModelServer::new(Say::Text(WELL));
    let factory = factory(Dialect::Sqlite, &server, "");
    declare(&factory, &[("roles.vision.provider", "string")]);
    set(&factory, "roles.vision.provider", "built-in");
    factory.ok(&["check"]);
    let tested = factory.json(&["models", "test", "vision"]);
    assert_eq!(tested["model"], "built-in-extract", "{tested}");
    let tested = factory.json(&["models", "test", "vision", "--vectors"]);
    assert_eq!(tested["answer"], "256 numbers", "{tested}");
    let models = factory.json(&["models", "list"]);
    let chain = &role(&models, "vision")["chain"][0];
    assert_eq!(chain["provider"], "built-in", "{models}");
    assert_eq!(factory.count("model_calls"), 0, "nothing was taken");
}
