//! `content.save_draft`: task and draft, committed together with the checkpoint.
//!
//! A task that was asked for is the one of its run. Any other is found by its subject, which has one task:
//! if it was rejected or halted, a later run gives it a new draft; if it waits for approval, there is
//! nothing to do. Nor is there if it is published, be it the task of this very run. Two runs that race both insert, and the constraints of the
//! schema refuse the second.
//!
//! What a person edited meanwhile is not lost: it is merged into what the same run writes after it.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use callboard_core::value::{Statement, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::diary::check::Citations;
use crate::diary::id::derived;
use crate::draft::{Draft, DraftReports};
use crate::markdown;
use crate::rails::aggregate::RailsReport;
use crate::tables::drafts::{self, DraftOrigin};
use crate::tables::tasks::{self, NewTask, Task, TaskEvent, TaskStatus};
use crate::tables::transitions::{At, Happening};

mod merging;

struct SaveDraft;

callboard_core::register!(SaveDraft);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// What the draft is about, once. Without it the run is, or the task that was asked for.
    #[serde(default)]
    subject: Option<String>,
    draft: Draft,
    /// What the rail of the diary's citations said, where there is one.
    #[serde(default)]
    citations: Option<Citations>,
    /// What all rails came to, where they were added up.
    #[serde(default)]
    report: Option<RailsReport>,
    /// Whether a person should look before it is published.
    #[serde(default)]
    flagged: bool,
}

impl Reads {
    fn said(&self) -> DraftReports {
        DraftReports {
            citations: json!(self.citations),
            rails: json!(self.report),
            flagged: self.flagged,
        }
    }
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
            .acts_on("subject")
            .goes_by("report")
            .goes_by("flagged")
            .goes_by("citations")
            .table("tasks", &["select", "insert", "update"])
            .table("task_history", &["select", "insert"])
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
        let (existing, subject) = existing(call, reads.subject.as_deref()).await?;
        let id = existing.as_ref().map(|task| task.id.clone());
        let id = id.unwrap_or_else(|| derived(&["task", &call.run, &subject]));
        let kept = call.read(drafts::of_task(&id)).await?;
        let new = new_drafts(call, &id, kept, &reads);
        let Some(newest) = new.last() else {
            return Err(Stop::failed(FailureKind::Internal, "no draft was made"));
        };
        let mut done = Done::new(Writes {
            task: id.clone(),
            draft_id: newest.id.clone(),
        });
        for write in task(call, existing.is_none(), &subject, newest) {
            done = done.write(write);
        }
        let is_merge = newest.origin == DraftOrigin::Merge;
        for draft in &new {
            done = done.write(drafts::insert(draft));
        }
        done = done.effect("drafts_saved", 1);
        Ok(if is_merge {
            done.effect("drafts_merged", 1)
        } else {
            done
        })
    }
}

/// The task of the draft, unless it is settled or in the hands of another run, and its subject.
async fn existing(call: &Call, said: Option<&str>) -> Result<(Option<Task>, String), Stop> {
    let own = call.read_first(tasks::made_by(&call.run)).await?;
    // What is published stays as it is; a draft beside it would never be looked at.
    if let Some(task) = own.as_ref().filter(|it| it.status == TaskStatus::Published) {
        let reason = format!("{} is published already", task.subject);
        return Err(Stop::nothing_to_do(reason));
    }
    let own_subject = own.as_ref().map(|task| task.subject.clone());
    let subject = said.map(str::to_owned).or(own_subject);
    let subject = subject.unwrap_or_else(|| format!("run:{}", call.run));
    let about = call.read_first(tasks::about(&subject)).await?;
    let (Some(task), true) = (&about, own.is_none() || about != own) else {
        return Ok((own, subject));
    };
    match task.taken(own.is_some()) {
        Some(reason) => Err(Stop::nothing_to_do(reason)),
        None => Ok((about, subject)),
    }
}

fn task(
    call: &Call,
    is_new: bool,
    subject: &str,
    newest: &drafts::DraftVersion,
) -> impl Iterator<Item = Statement> {
    let happening = Happening {
        event: TaskEvent::Save,
        who: "",
        detail: &newest.written_by,
        at: At::Moment(call.now),
    };
    let drafts::DraftVersion { task, number, .. } = newest;
    let statements = if is_new {
        let new = NewTask {
            id: task,
            key: None,
            subject,
            asked: "",
            topic: &newest.title,
            run: &call.run,
            pipeline: &call.pipeline,
            draft: *number,
        };
        tasks::insert(&new, &happening)
    } else {
        let set = [
            ("subject", Value::from(subject)),
            ("topic", Value::from(newest.title.as_str())),
            ("run", Value::from(call.run.as_str())),
            ("pipeline", Value::from(call.pipeline.as_str())),
            ("draft", Value::Integer(*number)),
        ];
        tasks::step(task, &happening, &set)
    };
    statements.into_iter()
}

/// The draft as the pipeline has it and, if a person edited the one before, both in one.
fn new_drafts(
    call: &Call,
    task: &str,
    mut kept: Vec<drafts::DraftVersion>,
    reads: &Reads,
) -> Vec<drafts::DraftVersion> {
    let number = kept.last().map_or(0, |draft| draft.number) + 1;
    let draft = &reads.draft;
    let said = reads.said();
    let own = drafts::DraftVersion {
        id: derived(&["draft", task, &number.to_string()]),
        task: task.to_owned(),
        number,
        parent: None,
        origin: DraftOrigin::Pipeline,
        editor: String::new(),
        run: call.run.clone(),
        title: draft.title.clone(),
        excerpt: draft.excerpt.clone(),
        markdown: draft.markdown.clone(),
        written_by: draft.written_by.clone(),
        details: drafts::details(draft),
        report: draft.report(&said).to_string(),
        conflicts: 0,
        created_at: call.now,
    };
    // What was edited of a draft that was rejected is rejected with it.
    kept.retain(|draft| draft.run == call.run);
    let merged = merging::merged(&kept, &own, draft, &said);
    std::iter::once(own).chain(merged).collect()
}
