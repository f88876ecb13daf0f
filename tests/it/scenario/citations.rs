//! S16: a draft that cites what is not in the material is rejected, whichever handler wrote it.

use callboard_core::store::Dialect::Sqlite;
use serde_json::json;

use crate::support::factory::{DAY, Factory, board};
use crate::support::host::Ran;

/// Publishes a draft that is given, if the rail lets it through.
const FORGED: &str = r#"
name = "forged"
budget = "1m"

[input.repository]
required = true

[input.date]
required = true

[input.draft]
required = true

[[stage]]
id = "collect"
handler = "content.collect_git"

[[stage]]
id = "citations"
handler = "qa.citations"
needs = ["collect"]
required = true

[[stage]]
id = "save"
handler = "content.save_draft"
needs = ["citations"]

[[stage]]
id = "publish"
handler = "publish.post"
needs = ["save"]
"#;

/// Run the pipeline with a draft of this text.
fn publish(markdown: &str) -> (Factory, Ran) {
    let factory = Factory::bare_written(Sqlite);
    factory.write("pipelines/forged.toml", FORGED);
    factory.ok(&["apply"]);
    let repository = board();
    let draft = json!({
        "title": "Search for the archive", "excerpt": "The archive can be searched.",
        "markdown": markdown, "tags": [], "written_by": "nobody", "covers": DAY, "notes": [],
    });
    let inputs = [
        format!("repository={}", repository.path().display()),
        format!("date={DAY}"),
        format!("draft={draft}"),
    ];
    let [repository, date, draft] = &inputs;
    let ran = factory.run(&["run", "forged", "-i", repository, "-i", date, "-i", draft]);
    (factory, ran)
}

#[test]
fn a_draft_that_cites_its_material_is_published() {
    let (factory, ran) = publish("Readers can search now (PR #7).");
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(factory.count("posts"), 1);
}

#[test]
fn a_draft_that_invents_a_source_is_rejected_and_never_published() {
    for (markdown, invented) in [
        ("Readers can search now (PR #999).", "999"),
        ("Readers can search now (`0dead0b`).", "0dead0b"),
        ("Readers can search since v9.9.9 (PR #7).", "9.9.9"),
    ] {
        let (factory, ran) = publish(markdown);
        assert_eq!(ran.code, 1, "{markdown}: {ran}");
        assert!(ran.stdout.starts_with("rejected"), "{ran}");
        assert!(
            ran.stdout.contains("citations") && ran.stdout.contains(invented),
            "{ran}"
        );
        for table in ["posts", "tasks", "drafts", "diary_days"] {
            assert_eq!(factory.count(table), 0, "{table}");
        }
        let stages = factory.texts("SELECT stage FROM stage_runs ORDER BY started_at", "stage");
        assert_eq!(
            stages,
            ["collect", "citations"],
            "nothing comes after the rejection"
        );
    }
}

#[test]
fn a_required_rail_that_gives_no_verdict_is_refused_at_the_roll_call() {
    let factory = Factory::bare_written(Sqlite);
    let unable = FORGED.replace("handler = \"qa.citations\"", "handler = \"probe.store\"");
    factory.write("pipelines/forged.toml", unable);
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("stage forged/citations"), "{ran}");
}
