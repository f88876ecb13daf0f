//! `posts unused-pictures`: what nothing shows is named and removed, and what a draft, a post or a run under way may
//! show is not.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use callboard_core::store::Dialect;
use serde_json::Value as Json;

use super::shown::{STAGES, drafted};
use crate::support::factory::{DAY, Factory, board, on_each};
use crate::support::pictures::{PictureServer, png};

const ORPHAN: &str = "0123456789abcdef0123456789abcdef.png";

/// As if all that is kept had been there for 40 days.
fn aged(factory: &Factory) -> Vec<String> {
    let then = SystemTime::now() - Duration::from_secs(40 * 86_400);
    let folder = factory.workspace().join("media");
    let files = fs::read_dir(folder).expect("a folder").flatten();
    let names = files.map(|file| {
        let opened = File::options().append(true).open(file.path());
        opened
            .and_then(|file| file.set_modified(then))
            .expect("a file");
        file.file_name().to_string_lossy().into_owned()
    });
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn unused(factory: &Factory, arguments: &[&str]) -> Vec<String> {
    let line = [&["posts", "unused-pictures"], arguments].concat();
    let said: Json = factory.json(&line);
    let pictures = said["pictures"].as_array().expect("a list").iter();
    pictures
        .map(|it| it["name"].as_str().expect("a name").to_owned())
        .collect()
}

on_each!(
    what_nothing_shows_is_removed_and_what_a_draft_or_a_post_shows_is_not,
    |dialect: Dialect| {
        let server = PictureServer::sdxl();
        let factory = drafted(dialect, &server);
        let all = aged(&factory);
        assert!(all.len() > 1, "{all:?}");
        assert!(unused(&factory, &[]).is_empty(), "a draft shows them");
        factory.write(format!("media/{ORPHAN}"), png(8, 8, 1));
        assert!(unused(&factory, &[]).is_empty(), "it is too young");
        aged(&factory);
        assert_eq!(unused(&factory, &[]), [ORPHAN]);
        let said = factory.ok(&["posts", "unused-pictures"]);
        assert!(said.contains("nothing was removed"), "{said}");
        assert!(unused(&factory, &["--older-than", "50d"]).is_empty());
        let hasty = factory.run(&["posts", "unused-pictures", "--older-than", "1m", "--yes"]);
        assert!(
            hasty.code == 2 && hasty.stderr.contains("younger than an hour"),
            "{hasty}"
        );
        factory.ok(&["tasks", "approve", &factory.task()]);
        // A picture that was in an earlier version of the draft may be wanted again.
        factory.ok(&[
            "tasks",
            "regen-image",
            &factory.task(),
            "--which",
            "featured",
        ]);
        aged(&factory);
        assert_eq!(unused(&factory, &["--yes"]), [ORPHAN]);
        assert!(unused(&factory, &[]).is_empty());
        let left = aged(&factory);
        assert!(
            all.iter().all(|name| left.contains(name)),
            "{all:?}: {left:?}"
        );
    }
);

on_each!(
    what_a_run_under_way_has_made_is_not_removed_until_it_has_ended,
    |dialect: Dialect| {
        let server = PictureServer::sdxl();
        let factory = Factory::bare_written(dialect);
        let citations =
            "[[stage]]\nid = \"citations\"\nhandler = \"qa.citations\"\nneeds = [\"compose\"]\n";
        let gate = "[[stage]]\nid = \"look\"\ngate = \"go on?\"\nneeds = [\"place\"]\n\n";
        let stages = STAGES.replace("needs = [\"place\"]", "needs = [\"look\"]");
        factory.edit(
            "pipelines/dev_diary.toml",
            citations,
            &(gate.to_owned() + &stages),
        );
        factory.edit(
            "pipelines/dev_diary.toml",
            "budget = \"10m\"",
            "budget = \"20m\"",
        );
        // Nothing saves a draft behind the gate.
        let all = factory.read("pipelines/dev_diary.toml");
        let (before, _) = all
            .split_once("[[stage]]\nid = \"save\"")
            .expect("the stage");
        factory.write("pipelines/dev_diary.toml", before);
        factory.ok(&["apply"]);
        factory.ok(&["settings", "set", "images.provider", "sdxl"]);
        factory.ok(&["settings", "set", "images.url", &server.url()]);
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        assert_eq!(factory.count("drafts"), 0);
        let made = aged(&factory);
        assert!(!made.is_empty() && unused(&factory, &["--yes"]).is_empty());
        // Its checkpoints say so by themselves.
        factory.execute("DELETE FROM media");
        assert!(unused(&factory, &["--yes"]).is_empty());
        let run = factory.json(&["runs", "list"])[0]["id"].clone();
        factory.ok(&["runs", "cancel", run.as_str().expect("an id")]);
        assert_eq!(unused(&factory, &["--yes"]), made);
        assert!(aged(&factory).is_empty());
    }
);
