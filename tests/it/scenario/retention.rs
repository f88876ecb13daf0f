//! S14: collapse and prune, each twice and in any order, through the bundled plugins: the
//! summaries survive, an original goes once, and the counts agree.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use callboard_core::store::Dialect;
use callboard_core::value::Value;
use serde_json::Value as Json;

use crate::support::factory::{Factory, KEEP, on_each};
use crate::support::repository::{GitFolder, repository};

const COLLAPSE: &str = "embeddings_collapse_commits";
const PRUNE: &str = "embeddings_orphan_prune_commits";
const COMMITS: usize = 60;
const KEPT: usize = 45;
const WORK: [&str; 6] = [
    "fix: close the connection after the last answer of the feed",
    "feat: search the archive by words of the title",
    "docs: describe how a plugin is granted a table",
    "refactor: split the parser of the settings file",
    "perf: read the embeddings in batches of a thousand",
    "test: cover the retention of old summaries",
];

/// A repository of two years, ten commits of each kind of work.
fn two_years() -> GitFolder {
    let repository = repository();
    let mut stream = String::new();
    for number in 0..COMMITS {
        let time = 1_704_100_000 + number * 12 * 86_400;
        let subject = format!(
            "{}, part {}",
            WORK[number % WORK.len()],
            number / WORK.len()
        );
        writeln!(stream, "commit refs/heads/main").expect("a text");
        writeln!(stream, "committer Ada <ada@example.org> {time} +0000").expect("a text");
        writeln!(stream, "data {}\n{subject}", subject.len()).expect("a text");
    }
    repository.git(&["fast-import", "--quiet"], &stream);
    repository
}

/// A factory whose memory holds the repository, with policies that find something in it.
fn remembering(dialect: Dialect) -> Factory {
    let factory = Factory::written(dialect);
    factory.edit(
        &format!("policies/{KEEP}.toml"),
        "keep = 20000",
        &format!("keep = {KEPT}"),
    );
    let collapse = format!("policies/{COLLAPSE}.toml");
    factory.edit(&collapse, "age_days = 90", "age_days = 1");
    factory.edit(&collapse, "cluster_size = 8", "cluster_size = 5");
    factory.ok(&["apply"]);
    let repository = two_years();
    let path = format!("repository={}", repository.path().display());
    factory.ok(&["run", "remember", "--input", &path]);
    assert_eq!(
        factory.count("embeddings"),
        i64::try_from(COMMITS).expect("small")
    );
    factory
}

/// What the memory holds.
#[derive(Debug, Clone, PartialEq)]
struct Memory {
    originals: BTreeSet<String>,
    /// Ids of summaries.
    summaries: BTreeSet<String>,
    /// The originals that summaries stand for, each as often as it is named.
    folded: Vec<String>,
}

fn memory(factory: &Factory) -> Memory {
    let rows = factory.query("SELECT id, source_id, is_summary, metadata FROM embeddings");
    let mut memory = Memory {
        originals: BTreeSet::new(),
        summaries: BTreeSet::new(),
        folded: Vec::new(),
    };
    for row in rows.iter() {
        if row.value("is_summary") == Ok(&Value::Boolean(false)) {
            memory
                .originals
                .insert(row.text("source_id").expect("a text"));
            continue;
        }
        memory.summaries.insert(row.text("id").expect("a text"));
        let metadata: Json =
            serde_json::from_str(&row.text("metadata").expect("a text")).expect("JSON");
        let members = metadata["collapsed_source_ids"]
            .as_array()
            .expect("its members")
            .iter();
        memory
            .folded
            .extend(members.map(|id| id.as_str().expect("an id").to_owned()));
    }
    memory
}

/// Run a policy; gives its status and the effects that it counted.
#[track_caller]
fn policy(factory: &Factory, name: &str) -> (String, Json) {
    let ran = factory.run(&["policies", "run", name]);
    assert_eq!(ran.code, 0, "{name}: {ran}");
    let runs = factory.json(&["runs", "list", "--limit", "1"]);
    let shown = factory.json(&["runs", "show", runs[0]["id"].as_str().expect("an id")]);
    let status = shown["run"]["status"]
        .as_str()
        .expect("a status")
        .to_owned();
    let sql = "SELECT report FROM stage_runs ORDER BY started_at DESC, run DESC LIMIT 1";
    let report: Json = serde_json::from_str(&factory.texts(sql, "report")[0]).expect("JSON");
    (status, report["effects"].clone())
}

fn number(effects: &Json, key: &str) -> usize {
    let number = effects[key]
        .as_u64()
        .unwrap_or_else(|| panic!("no `{key}` in {effects}"));
    usize::try_from(number).expect("small")
}

/// Collapse, and hold what it says against what is there.
fn collapse(factory: &Factory) -> (String, usize) {
    let before = memory(factory);
    let (status, effects) = policy(factory, COLLAPSE);
    let after = memory(factory);
    assert!(
        after.summaries.is_superset(&before.summaries),
        "a summary is lost"
    );
    let gone: BTreeSet<_> = before
        .originals
        .difference(&after.originals)
        .cloned()
        .collect();
    let folded: BTreeSet<_> = after.folded.iter().cloned().collect();
    assert_eq!(
        folded.len(),
        after.folded.len(),
        "an original is folded twice"
    );
    assert!(
        folded.is_superset(&gone),
        "an original went without a summary"
    );
    assert!(
        folded.is_disjoint(&after.originals),
        "a folded original is still there"
    );
    if status == "done" {
        assert_eq!(
            number(&effects, "embeddings_deleted"),
            gone.len(),
            "{effects}"
        );
        let made = after.summaries.len() - before.summaries.len();
        assert_eq!(number(&effects, "summaries_written"), made, "{effects}");
    } else {
        assert_eq!(before, after);
    }
    (status, gone.len())
}

/// Prune, and hold what it says against what is there.
fn prune(factory: &Factory) -> (String, usize) {
    let before = memory(factory);
    let (status, effects) = policy(factory, PRUNE);
    let after = memory(factory);
    assert_eq!(after.summaries, before.summaries, "summaries survive");
    assert_eq!(after.folded, before.folded);
    let gone = before.originals.len() - after.originals.len();
    if status == "done" {
        assert_eq!(number(&effects, "embeddings_deleted"), gone, "{effects}");
    } else {
        assert_eq!(gone, 0);
    }
    let known: BTreeSet<_> = factory
        .texts("SELECT id FROM commits", "id")
        .into_iter()
        .collect();
    assert!(after.originals.is_subset(&known), "an orphan is left");
    (status, gone)
}

on_each!(prune_then_collapse_each_twice, |dialect| {
    let factory = remembering(dialect);
    assert_eq!(policy(&factory, KEEP).0, "done");
    let (status, orphans) = prune(&factory);
    assert_eq!((status.as_str(), orphans), ("done", COMMITS - KEPT));
    assert_eq!(
        prune(&factory),
        ("nothing-to-do".to_owned(), 0),
        "once is enough"
    );
    let (status, folded) = collapse(&factory);
    assert_eq!(status, "done");
    assert!(folded > 0);
    let once = memory(&factory);
    assert!(!once.summaries.is_empty());
    collapse(&factory);
    assert_eq!(prune(&factory).1, 0, "nothing is an orphan");
    assert!(memory(&factory).summaries.is_superset(&once.summaries));
});

on_each!(collapse_then_prune_each_twice, |dialect| {
    let factory = remembering(dialect);
    let (status, folded) = collapse(&factory);
    assert_eq!(status, "done");
    assert!(folded > 0);
    let once = memory(&factory);
    // Sources of summaries go, too; the summaries stay all the same.
    assert_eq!(policy(&factory, KEEP).0, "done");
    prune(&factory);
    prune(&factory);
    collapse(&factory);
    prune(&factory);
    let twice = memory(&factory);
    assert!(twice.summaries.is_superset(&once.summaries));
    // What was folded is not remembered once more when the history is read again.
    let repository = two_years();
    let path = format!("repository={}", repository.path().display());
    factory.ok(&["run", "remember", "--input", &path]);
    let again = memory(&factory);
    let folded: BTreeSet<_> = again.folded.iter().cloned().collect();
    assert!(
        folded.is_disjoint(&again.originals),
        "a folded commit came back"
    );
});
