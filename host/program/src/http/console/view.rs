//! What the console shows, as plain data. `/console.json` is this, unchanged.

use jiff::Timestamp;
use serde::Serialize;

/// Everything on the first page.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ConsoleView {
    /// What the workspace is called.
    pub name: String,
    /// The active revision, if one was ever applied.
    pub revision: Option<RevisionView>,
    pub settings_digest: String,
    pub registry_digest: String,
    pub handlers: Vec<HandlerView>,
    pub plugins: Vec<PluginView>,
    pub pipelines: Vec<PipelineView>,
    pub policies: Vec<PolicyView>,
    /// Newest first.
    pub runs: Vec<RunView>,
    /// Open questions to a person, oldest first.
    pub gates: Vec<GateView>,
    /// References that nothing answers.
    pub misses: Vec<MissView>,
    /// How many references the roll call checked.
    pub references: usize,
}

/// The active revision.
#[derive(Debug, Clone, Serialize)]
pub struct RevisionView {
    pub number: i64,
    pub digest: String,
    pub note: String,
    pub activated_at: Timestamp,
}

/// A registered handler.
#[derive(Debug, Clone, Serialize)]
pub struct HandlerView {
    pub name: String,
    pub origin: String,
    pub summary: String,
    /// Definitions that name it.
    pub referenced_by: Vec<String>,
}

/// A plugin and what it may do.
#[derive(Debug, Clone, Serialize)]
pub struct PluginView {
    pub name: String,
    pub version: String,
    pub description: String,
    pub digest: String,
    pub handlers: Vec<String>,
    pub grants: Vec<String>,
}

/// A pipeline and its stages in order.
#[derive(Debug, Clone, Serialize)]
pub struct PipelineView {
    pub name: String,
    pub description: String,
    pub stages: Vec<StageView>,
}

/// A stage: a handler, or a gate.
#[derive(Debug, Clone, Serialize)]
pub struct StageView {
    pub id: String,
    pub handler_or_gate: String,
    /// Stages that have to be done before it.
    pub needs: Vec<String>,
}

/// A scheduled upkeep definition and its last run.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyView {
    pub name: String,
    pub handler: String,
    pub table: String,
    pub every: String,
    pub last_status: Option<String>,
    pub last_finished: Option<Timestamp>,
}

/// A run and its stages so far.
#[derive(Debug, Clone, Serialize)]
pub struct RunView {
    pub id: String,
    pub pipeline: String,
    pub status: String,
    pub detail: String,
    pub created_at: Timestamp,
    pub stages: Vec<StageRunView>,
}

/// What came of one visit of a stage.
#[derive(Debug, Clone, Serialize)]
pub struct StageRunView {
    pub id: String,
    pub outcome: String,
    pub detail: String,
    pub millis: u64,
}

/// A question that waits for a person.
#[derive(Debug, Clone, Serialize)]
pub struct GateView {
    /// Empty if the run makes no task.
    pub task: String,
    pub title: String,
    pub question: String,
    pub since: Timestamp,
}

/// A reference that nothing answers.
#[derive(Debug, Clone, Serialize)]
pub struct MissView {
    pub referrer: String,
    pub target: String,
    pub problem: String,
    pub mend: String,
    /// File and line, if it stands in a file.
    pub place: String,
}

/// One of everything, with a text that must stay text.
#[cfg(test)]
pub(super) fn sample() -> ConsoleView {
    let text = |text: &str| text.to_owned();
    ConsoleView {
        name: text("Board"),
        revision: Some(RevisionView {
            number: 3,
            digest: text("0123456789abcdef"),
            note: text("<script>alert(1)</script>"),
            activated_at: Timestamp::UNIX_EPOCH,
        }),
        settings_digest: text("00112233445566"),
        registry_digest: text("aabbccddeeff00"),
        handlers: vec![HandlerView {
            name: text("content.dev_diary"),
            origin: text("native (dev_diary.rs)"),
            summary: text("Collects a day"),
            referenced_by: vec![text("pipeline dev_diary")],
        }],
        plugins: vec![PluginView {
            name: text("echo"),
            version: text("1.0.0"),
            description: text("Says it again"),
            digest: text("ffeeddccbbaa"),
            handlers: vec![text("content.echo")],
            grants: vec![text("select on posts")],
        }],
        pipelines: vec![sample_pipeline()],
        policies: vec![PolicyView {
            name: text("nightly"),
            handler: text("retention.ttl_prune"),
            table: text("embeddings"),
            every: text("1d"),
            last_status: None,
            last_finished: None,
        }],
        runs: vec![sample_run()],
        gates: vec![GateView {
            task: text("0190a0b0"),
            title: text("A post"),
            question: text("Publish it?"),
            since: Timestamp::UNIX_EPOCH,
        }],
        misses: vec![MissView {
            referrer: text("pipeline dev_diary, stage judge"),
            target: text("handler qa.tone"),
            problem: text("no such handler"),
            mend: text("did you mean qa.tune?"),
            place: text("pipelines/dev_diary.toml:12"),
        }],
        references: 12,
    }
}

#[cfg(test)]
fn sample_run() -> RunView {
    let text = |text: &str| text.to_owned();
    RunView {
        id: text("0190a0b0-0000-7000-8000-000000000001"),
        pipeline: text("dev_diary"),
        status: text("failed"),
        detail: text("timeout: no answer"),
        created_at: Timestamp::UNIX_EPOCH,
        stages: vec![StageRunView {
            id: text("collect"),
            outcome: text("failed"),
            detail: text("timeout: no answer"),
            millis: 1200,
        }],
    }
}

#[cfg(test)]
fn sample_pipeline() -> PipelineView {
    let text = |text: &str| text.to_owned();
    let stage = |id: &str, unit: &str, needs: &[&str]| StageView {
        id: text(id),
        handler_or_gate: text(unit),
        needs: needs.iter().map(|need| text(need)).collect(),
    };
    PipelineView {
        name: text("dev_diary"),
        description: text("A day in a repository"),
        stages: vec![
            stage("collect", "content.dev_diary", &[]),
            stage("approve", "gate", &["collect"]),
        ],
    }
}
