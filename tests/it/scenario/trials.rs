//! A critic earns its veto: what moves a draft needs a trial of this model and this question on record, and a
//! model that judges its own work is told of.

use std::fs;

use callboard_core::store::Dialect;
use serde_json::{Value as Json, json};

use super::rails::{ASKED, HEAD, rail, sum};
use crate::support::factory::{Factory, on_each};
use crate::support::scripted::{Asked, Reply, Scripted};

/// A critic whose verdict is required, with a bound that four drafts can reach.
const JUDGED: &str = "config.least_drafts = 4\n";

/// Good and bad drafts, each with its label, in a folder that is none of the workspace.
fn corpus(factory: &Factory) -> String {
    let folder = factory.workspace().join("corpus");
    fs::create_dir_all(&folder).expect("a folder");
    factory.write(".callboardignore", "/corpus/\n/tape/\n");
    for number in 0..3 {
        for (name, finds, text) in [
            ("good", json!([]), "GOOD"),
            ("bad", json!(["fake_quote"]), "THIN"),
        ] {
            let head = json!({ "title": format!("Draft {number}"), "finds": finds });
            let draft = format!("+++\n{head}\n+++\n\n{text} words, number {number}.\n");
            fs::write(folder.join(format!("{name}_{number}.md")), draft).expect("a draft");
        }
    }
    folder.display().to_string()
}

fn scores(asked: &Asked) -> Reply {
    let score = if asked.body.contains("GOOD") { 90 } else { 20 };
    Reply::model(&format!("{{\"score\": {score}, \"findings\": []}}"), true)
}

/// A server that tells good drafts from bad ones.
pub(super) fn critic() -> Scripted {
    Scripted::new(scores)
}

/// Set the role `critic`.
fn set(factory: &Factory, url: &str, model: &str) {
    factory.ok(&["settings", "set", "roles.critic.url", url]);
    factory.ok(&["settings", "set", "roles.critic.model", model]);
}

/// Put a trial on record that speaks for the model `lens`; the server that answers after that may be another.
pub(super) fn proven(factory: &Factory) {
    let server = critic();
    set(factory, &server.url("/"), "lens");
    let corpus = corpus(factory);
    factory.ok(&[
        "rails", "trial", "--rail", "critic", "--corpus", &corpus, "--trials", "1",
    ]);
}

fn judging(dialect: Dialect) -> Factory {
    let factory = Factory::bare_written(dialect);
    let stages = rail("critic", "qa.critic", JUDGED)
        + &sum(
            &["critic"],
            "on.unavailable = \"end\"\nconfig.required = [\"critic\"]",
        );
    factory.write("pipelines/judge.toml", format!("{HEAD}{stages}"));
    factory.ok(&["apply"]);
    factory
}

/// What `check` says, in one line; nothing of it is a miss.
#[track_caller]
fn check(factory: &Factory) -> String {
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 0, "{ran}");
    ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(factory: &Factory, words: &str) {
    let said = check(factory);
    assert!(said.contains(words), "no `{words}` in\n{said}");
}

fn trial(factory: &Factory, more: &[&str]) -> (i32, Json) {
    let corpus = corpus(factory);
    let line = [
        "--format", "json", "rails", "trial", "--rail", "critic", "--corpus", &corpus,
    ];
    let ran = factory.run(&[&line, more].concat());
    let document =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
    (ran.code, document)
}

on_each!(
    a_required_critic_is_blocked_until_a_trial_of_this_model_and_this_prompt_speaks_for_it,
    |dialect: Dialect| {
        let factory = judging(dialect);
        let server = critic();
        set(&factory, &server.url("/"), "lens");
        says(
            &factory,
            "blocked: stage judge/critic: what it says moves the draft, and there is no trial of openai lens on record",
        );
        says(
            &factory,
            "callboard rails trial --rail critic --stage judge/critic --corpus DIR",
        );
        let draft = format!(
            "draft={}",
            json!({ "title": "t", "excerpt": "", "markdown": "GOOD", "tags": [], "written_by": "model quill" })
        );
        let ran = factory.run(&["run", "judge", "--input", &draft]);
        assert_eq!((ran.code, server.asked().len()), (4, 0), "{ran}");
        assert_eq!(
            factory.json(&["runs", "list"])[0]["status"],
            "blocked",
            "{ran}"
        );

        let (code, found) = trial(&factory, &["--trials", "2"]);
        assert_eq!((code, server.asked().len()), (0, 12), "{found:#}");
        let figures = &found["figures"];
        for (key, value) in [
            ("good_passed", 6),
            ("good_failed", 0),
            ("bad_passed", 0),
            ("bad_failed", 6),
            ("kappa", 100),
            ("drafts", 6),
        ] {
            assert_eq!(figures[key], value, "{key}: {found:#}");
        }
        assert_eq!(factory.count("rail_trials WHERE passed AND kappa = 100"), 1);
        assert!(
            !check(&factory).contains("blocked: stage"),
            "{}",
            check(&factory)
        );
        assert_eq!(factory.run(&["run", "judge", "--input", &draft]).code, 0);

        // Another prompt is another critic, and so is another model.
        factory.edit(
            "prompts/rails_critic.md",
            "Praise nothing.",
            "Praise nothing at all.",
        );
        factory.ok(&["apply"]);
        says(
            &factory,
            "its prompt or its bounds have changed since the trial of this model",
        );
        assert_eq!(trial(&factory, &[]).0, 0);
        assert!(!check(&factory).contains("blocked: stage"));
        set(&factory, &server.url("/"), "other");
        says(
            &factory,
            "there is no trial of openai other on record, only of another model",
        );

        // One that likes everything agrees by chance alone.
        server.script(|_| Reply::model("{\"score\": 95, \"findings\": []}", true));
        let (code, found) = trial(&factory, &[]);
        assert_eq!(
            (code, &found["figures"]["kappa"]),
            (1, &json!(0)),
            "{found:#}"
        );
        says(
            &factory,
            "does not speak for it: its kappa was 0.00, and 0.60 is the least",
        );
    }
);

#[test]
fn answers_that_are_missing_are_no_proof_and_a_server_that_is_gone_leaves_no_record() {
    let factory = judging(Dialect::Sqlite);
    let server = critic();
    set(&factory, &server.url("/"), "lens");
    server.script(|asked| {
        if asked.body.contains("number 1") {
            Reply::model("it is fine", true)
        } else {
            scores(asked)
        }
    });
    let (code, found) = trial(&factory, &["--trials", "1"]);
    assert_eq!(
        (code, &found["figures"]["unanswered"]),
        (1, &json!(2)),
        "{found:#}"
    );
    assert_eq!(found["figures"]["kappa"], 100, "{found:#}");
    assert_eq!(found["falls_short"], "2 of its questions had no answer");
    says(
        &factory,
        "does not speak for it: 2 of its questions had no answer",
    );

    server.script(|_| Reply::Close);
    let (code, told) = trial(&factory, &[]);
    assert_eq!(code, 1, "{told:#}");
    assert!(
        told["error"]
            .as_str()
            .is_some_and(|it| it.contains("nothing is kept")),
        "{told:#}"
    );
    assert_eq!(factory.count("rail_trials"), 1);
}

#[test]
fn a_trial_is_recorded_and_played_again_without_its_model() {
    let factory = judging(Dialect::Sqlite);
    let server = critic();
    set(&factory, &server.url("/"), "lens");
    let tape = factory.workspace().join("tape").display().to_string();
    let (_, first) = trial(&factory, &["--record", &tape]);
    drop(server);
    let (code, second) = trial(&factory, &["--replay", &tape]);
    assert_eq!(
        (code, &second["figures"]),
        (0, &first["figures"]),
        "{second:#}"
    );
    assert_eq!(second["question"], first["question"]);
    let printed = factory.ok(&[
        "rails",
        "trial",
        "--rail",
        "critic",
        "--corpus",
        &corpus(&factory),
        "--replay",
        &tape,
    ]);
    for words in [
        "should pass",
        "kappa 1.00",
        "18 verdicts",
        "it may move a draft",
    ] {
        assert!(printed.contains(words), "no `{words}` in\n{printed}");
    }
}

#[test]
fn a_critic_that_only_advises_needs_no_trial_and_one_that_judges_its_own_work_is_a_warning() {
    let factory = Factory::bare_written(Dialect::Sqlite);
    let critic = format!(
        "\n[[stage]]\nid = \"critic\"\nhandler = \"qa.critic\"\nneeds = [\"compose\"]\n{ASKED}"
    );
    let diary = factory.read("pipelines/dev_diary.toml");
    factory.write("pipelines/dev_diary.toml", diary + &critic);
    factory.ok(&["apply"]);
    set(&factory, "http://127.0.0.1:9/", "lens");
    for (key, value) in [("url", "http://127.0.0.1:9/"), ("model", "quill")] {
        factory.ok(&["settings", "set", &format!("roles.writer.{key}"), value]);
    }
    let said = check(&factory);
    assert!(
        !said.contains("blocked: stage") && !said.contains("praise their own work"),
        "{said}"
    );
    factory.ok(&["settings", "set", "roles.writer.model", "lens"]);
    says(
        &factory,
        "warning: stage dev_diary/critic: role `critic` is lens, which writes the draft as role `writer`: models praise their own work",
    );
    // It stops nothing.
    let doctor = factory.ok(&["doctor"]);
    assert!(doctor.contains("praise their own work"), "{doctor}");

    // Its own rejection ends the run: it moves the draft.
    factory.edit(
        "pipelines/dev_diary.toml",
        &format!("needs = [\"compose\"]\n{ASKED}"),
        "needs = [\"compose\"]\n",
    );
    factory.ok(&["apply"]);
    says(
        &factory,
        "blocked: stage dev_diary/critic: what it says moves the draft",
    );
}
