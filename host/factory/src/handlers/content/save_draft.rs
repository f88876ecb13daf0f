//! `content.save_draft`: task and draft, committed together with the checkpoint.
//!
//! A subject has one task. If it was rejected or halted, a later run gives it a new draft; if it waits
//! for approval or is published, there is nothing to do. Two runs that race both insert, and
//! the constraints of the schema refuse the second.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::diary::check::Citations;
use crate::diary::id::derived;
use crate::draft::Draft;
use crate::markdown;
use crate::tables::tasks::{Task, TaskStatus};
use crate::tables::{drafts, tasks};

struct SaveDraft;

callboard_core::register!(SaveDraft);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    subject: String,
    draft: Draft,
    citations: Citations,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The id of the task.
    task: String,
    /// The id of its newest draft.
    draft_id: String,
}

impl Handler for SaveDraft {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Saves a checked draft as a task that waits for approval";

    fn needs(&self) -> Needs {
        Needs::default()
            .table("tasks", &["select", "insert", "update"])
            .table("drafts", &["select", "insert"])
    }

    async fn handle(&self, call: &Call, _config: Config, reads: Reads) -> Handled<Writes> {
        // A person is asked about nothing that the site then can't show.
        markdown::to_html(&reads.draft.markdown, &reads.draft.title, None).map_err(|cause| {
            Stop::failed(
                FailureKind::Input,
                format!("the draft cannot be shown: {cause}"),
            )
        })?;
        let existing = existing(call, &reads.subject).await?;
        let is_new = existing.is_none();
        let task = task(call, existing, &reads);
        let draft = draft(call, &task, &reads).await?;
        let written = if is_new {
            tasks::insert(&task)
        } else {
            tasks::renew(&task)
        };
        let writes = Writes {
            task: task.id,
            draft_id: draft.id.clone(),
        };
        let done = Done::new(writes)
            .write(written)
            .write(drafts::insert(&draft));
        Ok(done.effect("drafts_saved", 1))
    }
}

/// The task about the subject, unless it is settled or in the hands of another run.
async fn existing(call: &Call, subject: &str) -> Result<Option<Task>, Stop> {
    let Some(task) = call.read_first(tasks::about(subject)).await? else {
        return Ok(None);
    };
    let short = &task.id[..task.id.len().min(8)];
    match task.status {
        TaskStatus::Published => Err(Stop::nothing_to_do(format!(
            "{subject} is published already"
        ))),
        TaskStatus::Rejected | TaskStatus::Halted => Ok(Some(task)),
        _ if task.run == call.run => Ok(Some(task)),
        TaskStatus::Drafted | TaskStatus::AwaitingApproval => Err(Stop::nothing_to_do(format!(
            "a draft of {subject} waits for approval already: `callboard tasks approve {short}`"
        ))),
    }
}

fn task(call: &Call, existing: Option<Task>, reads: &Reads) -> Task {
    let Call { run, now, .. } = call;
    let id = existing.as_ref().map(|task| task.id.clone());
    Task {
        id: id.unwrap_or_else(|| derived(&["task", run, &reads.subject])),
        subject: reads.subject.clone(),
        topic: reads.draft.title.clone(),
        run: run.clone(),
        status: TaskStatus::AwaitingApproval,
        created_at: existing.map_or(*now, |task| task.created_at),
        updated_at: *now,
    }
}

async fn draft(call: &Call, task: &Task, reads: &Reads) -> Result<drafts::Draft, Stop> {
    let newest = call.read_first(drafts::newest_number(&task.id)).await?;
    let number = newest.unwrap_or_default() + 1;
    let Draft {
        title,
        excerpt,
        markdown,
        written_by,
        ..
    } = &reads.draft;
    let report = reads.draft.report(&json!(reads.citations));
    Ok(drafts::Draft {
        id: derived(&["draft", &task.id, &number.to_string()]),
        task: task.id.clone(),
        number,
        title: title.clone(),
        excerpt: excerpt.clone(),
        markdown: markdown.clone(),
        written_by: written_by.clone(),
        report: report.to_string(),
        created_at: call.now,
    })
}
