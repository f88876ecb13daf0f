//! A plugin that says what a run is about: a person says yes to one draft or post, and another one is
//! published or changed. It has no grant but `log`, and stands before the gate, where keys may be written.

use callboard_core::handler::OUTCOMES;
use callboard_core::outcome::Outcome;
use callboard_core::registry::Registry;
use callboard_core::store::Dialect::Sqlite;
use callboard_factory::diary::composer::compose;
use serde_json::{Value as Json, json};

use super::attacks;
use crate::diary::bench::{Bench, TEMPLATE, bundle, handler, said};
use crate::scenario::roll_call::{add_plugin, misses};
use crate::support::database::runtime;
use crate::support::factory::{BARE, Factory};

attacks! {
    another_task_is_approved: "a plugin writes `task` before the gate, so that a draft is published that nobody approved" => {
        || is_refused("dev_diary", ("save", "approve"), "plugin `actor` writes `task`, which says what stage `publish` acts on")
    };
    another_post_is_refreshed: "a plugin writes `subject`, so that another post gets the excerpt and the tags" => {
        || is_refused("seo_refresh", ("seo", "approve"), "plugin `actor` writes `subject`, which says what stage `publish` acts on")
    };
    another_picture_is_replaced: "a plugin writes `task`, so that a picture goes into the post of another one" => {
        || is_refused("image_rebuild", ("make", "replace"), "plugin `actor` writes `task`, which says what stage `replace` acts on")
    };
    another_post_is_changed_by_the_run: "a key says another post, task or picture at the time of the run than whoever started it" => {
        what_is_changed_is_what_was_asked_for
    };
    another_slug_is_loaded: "a plugin writes `slug`, so that another post is looked at than was asked for" => {
        || is_refused_before("seo_refresh", "load", "plugin `actor` writes `slug`, which says what stage `load` acts on")
    };
    another_subject_is_taken: "a plugin writes `subject` before the draft is kept, so that another day is taken for published" => {
        || is_refused("dev_diary", ("citations", "save"), "plugin `actor` writes `subject`, which says what stage `save` acts on")
    };
    a_verdict_is_given: "whoever starts a run says what the rails came to, or which changes there were" => {
        what_was_judged_is_no_input
    };
    an_earlier_round_is_told: "a plugin, or whoever starts a run, says which draft was the best so far and what the rails found in it" => {
        an_earlier_round_is_told_by_nobody_else
    };
    a_key_is_left_open: "a key that a publication or a decision goes by is in nobody's list" => {
        what_is_gone_by_is_closed_to_plugins
    };
    another_task_stands_before_the_gate: "a plugin writes `task` in a pipeline that publishes nothing, so that a gate moves another one" => {
        || is_refused("dev_diary", ("save", "approve"), "plugin `actor` writes `task`, which says what the run is about")
    };
}

/// With the plugin between two stages, the workspace has a miss that says why.
fn is_refused(pipeline: &str, (before, behind): (&str, &str), why: &str) {
    let factory = Factory::bare_written(Sqlite);
    let granted = "[grants.actor]\nlog = true\n[[grants.actor.http]]\nhost = \"127.0.0.1\"\nscheme = \"http\"\nmethods = [\"GET\"]\nprivate = true\n";
    factory.write("callboard.toml", format!("{BARE}{granted}"));
    add_plugin(&factory, "actor");
    let path = format!("pipelines/{pipeline}.toml");
    let swap = format!(
        "[[stage]]\nid = \"swap\"\nhandler = \"content.swaps\"\nneeds = [\"{before}\"]\nconfig.to = \"5250de\"\n\n"
    );
    let text = factory.read(&path);
    let head = format!("[[stage]]\nid = \"{behind}\"");
    let (above, below) = text.split_once(&head).expect("the stage");
    let below = below.replacen(&format!("\"{before}\""), "\"swap\"", 1);
    let below = if why.ends_with("the run is about") {
        // Without what publishes.
        below.split_once("[[stage]]").expect("a stage").0.to_owned()
    } else {
        below
    };
    factory.write(&path, format!("{above}{swap}{head}{below}"));
    misses(&factory.run(&["apply"]), &[why]);
}

/// What a stage goes by is said by a stage before it, and not with the input.
fn what_was_judged_is_no_input() {
    let factory = Factory::bare_written(Sqlite);
    let path = "pipelines/dev_diary.toml";
    let text = factory.read(path);
    for (key, stage) in [
        ("report", "save"),
        ("flagged", "save"),
        ("bundle", "citations"),
    ] {
        factory.write(
            path,
            text.replacen("[input.", &format!("[input.{key}]\n\n[input."), 1),
        );
        let why = format!("whoever starts a run would say `{key}`, which stage `{stage}` goes by");
        misses(&factory.run(&["apply"]), &[&why]);
    }
}

/// What was judged in an earlier round is said by the stage that judged, and by nobody else.
fn an_earlier_round_is_told_by_nobody_else() {
    let factory = Factory::bare_written(Sqlite);
    factory.write(
        "callboard.toml",
        format!("{BARE}[grants.actor]\nlog = true\n[[grants.actor.http]]\nhost = \"127.0.0.1\"\nscheme = \"http\"\nmethods = [\"GET\"]\nprivate = true\n"),
    );
    add_plugin(&factory, "actor");
    let path = "pipelines/judge.toml";
    let judge = |input: &str, needs: &str| {
        format!(
            "name = \"judge\"\nbudget = \"5m\"\n[input.draft]\nrequired = true\n{input}[[stage]]\nid = \"links\"\nhandler = \"qa.links\"\n[[stage]]\nid = \"sum\"\nhandler = \"qa.aggregate\"\nneeds = {needs}\n"
        )
    };
    let why = "reads as it wrote it itself on an earlier visit";
    for key in ["best", "report"] {
        factory.write(path, judge(&format!("[input.{key}]\n"), "[\"links\"]"));
        let why = format!("whoever starts a run would say `{key}`, which stage `sum` {why}");
        misses(&factory.run(&["apply"]), &[&why]);
    }
    let plugged = "[[stage]]\nid = \"before\"\nhandler = \"content.prejudges\"\n";
    factory.write(path, judge("", "[\"links\", \"before\"]") + plugged);
    let why = format!("plugin `actor` writes `best`, which stage `sum` {why}");
    misses(&factory.run(&["apply"]), &[&why]);
}

/// Of what is kept, settled, added up and published, a plugin may say the text alone.
fn what_is_gone_by_is_closed_to_plugins() {
    let registry = Registry::native().expect("native handlers");
    let mut open = Vec::new();
    for entry in registry.iter() {
        let (contract, needs) = (&entry.contract, &entry.contract.needs);
        let name = contract.name.as_str();
        let adds_up = ["qa.aggregate", "content.save_draft"].contains(&name);
        if !(contract.publishes() || contract.decides || adds_up) {
            continue;
        }
        let closed = [&needs.acts_on, &needs.goes_by, &needs.own].into_iter();
        let closed: Vec<&String> = closed.flatten().collect();
        let keys = contract.reads["properties"].as_object().expect("keys");
        let keys = keys.keys().filter(|key| !closed.contains(key));
        // That one is the engine's, whoever else says it.
        let keys = keys.filter(|key| *key != OUTCOMES);
        open.extend(keys.map(|key| format!("{name} {key}")));
    }
    let texts = [
        "content.save_draft draft",
        "publish.refresh draft",
        "qa.aggregate draft",
        "qa.settle draft",
    ];
    assert_eq!(open, texts);
}

/// A post of a run of its own; gives its task and its slug.
async fn published(bench: &Bench, subject: &str) -> (Json, Json) {
    let draft = compose(&bundle(), TEMPLATE).expect("a text");
    let input = json!({ "draft": draft, "subject": subject });
    let save = handler("content.save_draft");
    let saved = bench.call(save, subject, json!({}), input).await;
    let task = bench.commit(saved).await["task"].clone();
    let post = handler("publish.post");
    let done = bench.call(post, subject, json!({}), json!({ "task": task }));
    let slug = bench.commit(done.await).await["slug"].clone();
    (task, slug)
}

fn what_is_changed_is_what_was_asked_for() {
    runtime().block_on(async {
        let bench = Bench::new().await;
        let (one, other) = ("dev_diary:one:2026-06-25", "dev_diary:other:2026-06-25");
        let (task, slug) = published(&bench, one).await;
        let (other_task, _) = published(&bench, other).await;
        let call = async |name: &str, asked: &Json, input: Json| {
            let run = ("another run", asked.clone());
            bench.call_asked(handler(name), run, json!({}), input).await
        };
        let refused = |outcome: Outcome, why: &str| {
            let told = said(&outcome);
            assert!(told.starts_with("rejected: ") && told.contains(why), "{told}");
        };
        let mut draft = json!(compose(&bundle(), TEMPLATE).expect("a text"));
        draft["excerpt"] = json!("What is shown of it.");
        let refresh = |subject: &str| json!({ "subject": subject, "draft": draft });
        let asked = json!({ "slug": format!("/posts/{}", slug.as_str().expect("a slug")) });
        let mine = call("publish.refresh", &asked, refresh(one)).await;
        assert_eq!(said(&mine), "done: posts_refreshed 1");
        let why = "is not what it was asked to change";
        refused(call("publish.refresh", &asked, refresh(other)).await, why);
        refused(call("publish.refresh", &json!({}), refresh(one)).await, why);
        // Its own run may, too.
        let own = bench.call(handler("publish.refresh"), one, json!({}), refresh(one));
        assert_eq!(said(&own.await), "done: posts_refreshed 1");

        let image = json!({ "src": "/media/x.png", "alt": "", "width": 1, "height": 1, "mime": "image/png", "bytes": 1 });
        let made = json!([{ "id": "made elsewhere", "which": "featured", "image": image, "prompt": "" }]);
        let replace = |task: &Json| json!({ "task": task, "images": made });
        let asked = json!({ "task": task });
        let name = "publish.replace_picture";
        refused(call(name, &asked, replace(&other_task)).await, why);
        let why = "is not one that this run made";
        refused(call(name, &asked, replace(&task)).await, why);
    });
}

/// With the plugin in front of the first stage, the workspace has a miss that says why.
fn is_refused_before(pipeline: &str, first: &str, why: &str) {
    let factory = Factory::bare_written(Sqlite);
    let granted = "[grants.actor]\nlog = true\n[[grants.actor.http]]\nhost = \"127.0.0.1\"\nscheme = \"http\"\nmethods = [\"GET\"]\nprivate = true\n";
    factory.write("callboard.toml", format!("{BARE}{granted}"));
    add_plugin(&factory, "actor");
    let path = format!("pipelines/{pipeline}.toml");
    let head = format!("[[stage]]\nid = \"{first}\"\n");
    let swap = "[[stage]]\nid = \"swap\"\nhandler = \"content.swaps\"\nconfig.to = \"another\"\n\n";
    factory.edit(&path, &head, &format!("{swap}{head}needs = [\"swap\"]\n"));
    misses(&factory.run(&["apply"]), &[why]);
}
