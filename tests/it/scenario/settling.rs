//! A post without a person: only by a score that was named, with nothing against it and after people have let
//! what the pipeline writes pass. Everything else is asked, with why.

use callboard_core::store::Dialect;
use serde_json::Value as Json;

use super::rails::{HEAD, rail, sample, sum};
use crate::support::factory::{Factory, on_each};
use crate::support::host::Ran;
use crate::support::model::{ModelServer, Say};

const FINE: Say = Say::Text(r#"{"score": 95, "findings": []}"#);
const POOR: Say =
    Say::Text(r#"{"score": 30, "findings": [{"message": "say who", "excerpt": "x"}]}"#);

/// From the rails to the post, with what decides in the midst.
fn pipeline(settle: &str) -> String {
    let rules = rail("rules", "qa.programmatic", "max_visits = 3\n");
    let critic = rail("critic", "qa.critic", "needs = [\"rules\"]\n");
    let sum = sum(
        &["rules", "critic"],
        "config.required = [\"rules\"]\nconfig.policy.critic = { unavailable = \"allow\" }",
    );
    format!(
        "{HEAD}{rules}{critic}{sum}
[[stage]]
id = \"save\"
handler = \"content.save_draft\"
needs = [\"sum\"]
[[stage]]
id = \"settle\"
handler = \"qa.settle\"
needs = [\"save\"]
{settle}
[[stage]]
id = \"approve\"
gate = \"publish it?\"
needs = [\"settle\"]
settled_by = \"settle\"
regenerate = {{ text = \"rules\" }}
[[stage]]
id = \"publish\"
handler = \"publish.post\"
needs = [\"approve\"]
"
    )
    .replace("name = \"judge\"", "name = \"press\"")
}

fn written(dialect: Dialect, settle: &str) -> Factory {
    let factory = Factory::written(dialect);
    factory.write("pipelines/press.toml", pipeline(settle));
    factory
}

fn factory(dialect: Dialect, server: &ModelServer, settle: &str) -> Factory {
    let factory = written(dialect, settle);
    factory.ok(&["apply"]);
    factory.ok(&["settings", "set", "roles.critic.url", &server.url()]);
    factory.ok(&["settings", "set", "roles.critic.model", "lens"]);
    factory
}

fn configured(factory: &Factory, settle: &str) {
    factory.write("pipelines/press.toml", pipeline(settle));
    factory.ok(&["apply"]);
}

fn press(factory: &Factory) -> Ran {
    factory.run(&[
        "run",
        "press",
        "--input",
        &format!("draft={}", sample("good_sockets")),
    ])
}

/// What the only open gate asks.
#[track_caller]
fn question(factory: &Factory) -> String {
    let open = factory.json(&["gates", "list"]);
    let open = open.as_array().expect("a list");
    assert_eq!(open.len(), 1, "{open:#?}");
    open[0]["question"].as_str().expect("a question").to_owned()
}

/// A run stands before the gate, which says why.
#[track_caller]
fn asks(factory: &Factory, why: &str) {
    let ran = press(factory);
    assert_eq!(ran.code, 4, "{ran}");
    let question = question(factory);
    assert!(
        question.starts_with("publish it? (")
            && question.contains("(settle: ")
            && question.contains(why),
        "`{why}`: {question}"
    );
}

fn approve(factory: &Factory) {
    factory.ok(&["tasks", "approve", "latest", "--by", "Ada"]);
}

const BARE: &str = "config.threshold = 90\nconfig.dry_run = false\nconfig.clean = 1";

on_each!(
    a_draft_that_nothing_speaks_against_is_published_after_people_have_let_others_pass,
    |dialect: Dialect| {
        let server = ModelServer::new(FINE);
        let factory = factory(dialect, &server, "config.threshold = 90\nconfig.clean = 0");
        // Until it is told otherwise, it only says what it would have done.
        asks(
            &factory,
            "would have approved, and `dry_run` is on: score 100 ≥ 90",
        );
        approve(&factory);
        configured(&factory, BARE);
        let ran = press(&factory);
        assert_eq!(ran.code, 0, "{ran}");
        let by = "settled by settle: score 100 ≥ 90";
        assert_eq!(
            factory.count(&format!(
                "gates WHERE decision = 'approved' AND decided_by = '{by}'"
            )),
            1
        );
        assert_eq!(factory.count(&format!("task_history WHERE event = 'approve' AND who = '{by}' AND detail LIKE '%people approved the last 1 as they were'")), 1);
        assert_eq!(
            factory.count(&format!("posts WHERE approved_by = '{by}'")),
            1
        );
        let run = factory.json(&["runs", "list", "--limit", "1"])[0]["id"].clone();
        let shown = factory.json(&["runs", "show", run.as_str().expect("an id")]);
        let stages = shown["stages"].as_array().expect("stages");
        let gate = stages
            .iter()
            .find(|stage| stage["stage"] == "approve")
            .expect("the gate");
        assert_eq!(gate["outcome"]["outcome"], "done", "{gate:#}");
        // What was settled says nothing of what people think: one of them alone is not two.
        configured(&factory, &BARE.replace("clean = 1", "clean = 2"));
        asks(
            &factory,
            "people approved the last 1 as they were, and 2 in a row are wanted",
        );
    }
);

on_each!(
    a_draft_that_is_flagged_or_that_a_rail_could_not_judge_is_never_settled,
    |dialect: Dialect| {
        let server = ModelServer::new(POOR);
        let settle = "config.threshold = 0\nconfig.dry_run = false\nconfig.clean = 0";
        let factory = factory(dialect, &server, settle);
        asks(&factory, "settle: what waits is flagged");
        approve(&factory);
        // Its policy lets it pass; that nobody answered is no approval all the same.
        for say in [Say::Close, Say::Status(500), Say::Text("it is fine")] {
            server.say(say);
            asks(&factory, "settle: critic: role critic");
            approve(&factory);
        }
        assert_eq!(
            factory.count("gates WHERE decided_by LIKE 'settled by %'"),
            0
        );
        // A score that is not enough.
        server.say(FINE);
        factory.edit(
            "pipelines/press.toml",
            "config.policy.critic",
            "config.weights = { critic = 1 }\nconfig.policy.critic",
        );
        factory.edit(
            "pipelines/press.toml",
            "config.threshold = 0",
            "config.threshold = 98",
        );

        factory.ok(&["apply"]);
        asks(&factory, "score 97 < 98");
    }
);

on_each!(
    a_task_that_was_sent_back_is_asked_about_and_so_is_what_a_person_edited,
    |dialect: Dialect| {
        let server = ModelServer::new(POOR);
        let settle = "config.threshold = 90\nconfig.dry_run = false\nconfig.clean = 0";
        let factory = factory(dialect, &server, settle);
        asks(&factory, "settle: what waits is flagged");
        server.say(FINE);
        let again = factory.run(&[
            "tasks",
            "regenerate",
            "latest",
            "--part",
            "text",
            "--feedback",
            "say who",
            "--by",
            "Ada",
        ]);
        assert_eq!(again.code, 4, "{again}");
        assert!(
            question(&factory).contains("settle: it was sent back before, on "),
            "{}",
            question(&factory)
        );
        assert_eq!(
            factory.count("gates WHERE decided_by LIKE 'settled by %'"),
            0
        );
        // What a person approved after an edit is not as the pipeline wrote it.
        factory.ok(&[
            "tasks",
            "edit",
            "latest",
            "--title",
            "Another title",
            "--by",
            "Ada",
        ]);
        approve(&factory);
        configured(&factory, BARE);
        asks(
            &factory,
            "people approved the last 0 as they were, and 1 in a row are wanted",
        );
    }
);

/// What the roll says of the pipeline, as one line.
#[track_caller]
fn missed(factory: &Factory) -> String {
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn who_settles_a_gate_decides_stands_alone_before_it_and_has_a_threshold() {
    let cases: [(&str, &str, &str); 6] = [
        ("config.threshold = 90", "", "threshold"),
        (
            "settled_by = \"settle\"",
            "settled_by = \"save\"",
            "`save` does not stand alone before the gate",
        ),
        (
            "needs = [\"settle\"]\nsettled_by = \"settle\"",
            "needs = [\"save\"]\nsettled_by = \"save\"",
            "handler `content.save_draft` of stage `save` does not decide",
        ),
        (
            "needs = [\"settle\"]\nsettled_by",
            "needs = [\"settle\", \"critic\"]\nsettled_by",
            "`settle` does not stand alone before the gate",
        ),
        (
            "settled_by = \"settle\"",
            "settled_by = \"settel\"",
            "there is no stage `settel`",
        ),
        (
            "handler = \"publish.post\"",
            "handler = \"publish.post\"\nsettled_by = \"settle\"",
            "only a gate asks a person",
        ),
    ];
    let factory = written(Dialect::Sqlite, "config.threshold = 90");
    factory.ok(&["check"]);
    let whole = factory.read("pipelines/press.toml");
    for (old, new, problem) in cases {
        assert!(whole.contains(old), "{old}");
        factory.write("pipelines/press.toml", whole.replace(old, new));
        let said = missed(&factory);
        assert!(said.contains(problem), "`{problem}`: {said}");
    }
}

/// It is listed with what it is.
#[test]
fn what_decides_says_so() {
    let factory = Factory::bare(Dialect::Sqlite);
    let handlers = factory.json(&["handlers", "list"]);
    let decide = handlers
        .as_array()
        .expect("a list")
        .iter()
        .filter(|it| it["decides"] == true);
    let names: Vec<&Json> = decide.map(|it| &it["name"]).collect();
    assert_eq!(names, ["qa.settle"]);
}
