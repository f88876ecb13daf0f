//! A plugin that says what a run is about: a person says yes to one draft or post, and another one is
//! published or changed. It has no grant but `log`, and stands before the gate, where keys may be written.

use callboard_core::store::Dialect::Sqlite;

use super::attacks;
use crate::scenario::roll_call::{add_plugin, misses};
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
