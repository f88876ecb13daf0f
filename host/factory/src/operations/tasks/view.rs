//! What is shown of tasks and their drafts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use callboard_core::store::model_calls::StageUse;
use callboard_core::store::named::Short;

use crate::draft::Image;
use crate::images::WhichPicture;
use crate::rails::aggregate::RailsReport;
use crate::tables::drafts::{DraftOrigin, DraftVersion};
use crate::tables::media::MediaRow;
use crate::tables::sources::SourceRow;
use crate::tables::tasks::{Task, TaskEvent, TaskMove, TaskStatus};

/// One piece of content to be made.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Task")]
pub struct TaskView {
    /// Its id.
    pub id: String,
    /// What lists show of the id.
    pub short: String,
    /// What whoever asked for it calls it, so that asking twice makes one.
    pub key: Option<String>,
    /// What it is about, once: `dev_diary:<identity>:<day>`.
    pub subject: String,
    /// The title of its newest draft, or what was asked for.
    pub topic: String,
    /// The run that makes it.
    pub run: String,
    /// The number of the draft that is published once it is approved; 0 as long as there is none.
    pub draft: i64,
    pub status: TaskStatus,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A task with its newest draft.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TaskDetails {
    /// The task itself.
    pub task: TaskView,
    /// The draft that is published once it is approved.
    pub draft: Option<DraftView>,
    /// What stages of its run did in a lesser way than they should have.
    pub fallbacks: Vec<StageFallback>,
    /// What stages of its run took of models, in the order in which they first asked.
    pub models: Vec<StageUse>,
    /// The pictures that the draft shows and that are kept.
    pub pictures: Vec<TaskPicture>,
    /// What was read before it was written.
    pub sources: Vec<TaskSource>,
}

/// A picture that a draft shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TaskPicture {
    /// Which one it was made as.
    pub which: WhichPicture,
    /// Where it is: `/media/NAME`.
    pub src: String,
    /// What it shows, for who does not see it.
    pub alt: String,
    /// What it was made from.
    pub prompt: String,
    /// The protocol of the server that made it.
    pub provider: String,
    /// The model that made it, if the server says.
    pub model: String,
}

/// Something that was read, without its text.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TaskSource {
    /// What the newest run that read it cites it by: `s1`.
    pub number: String,
    /// Where it was read; nowhere, if a person noted it.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Whose site it is.
    pub site: String,
    /// When it says it was published; empty if it does not say.
    pub published: String,
    /// How many characters of its text are kept.
    pub characters: usize,
    /// When it was read.
    pub fetched_at: Timestamp,
}

/// One text of a task.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Draft")]
pub struct DraftView {
    /// Its id.
    pub id: String,
    /// Counted from 1 within its task.
    pub number: i64,
    /// The draft that it was made from, if it was made from one.
    pub parent: Option<i64>,
    /// Whose text it is.
    pub origin: DraftOrigin,
    /// Who edited it, or whose edit is in it; nobody, if it is the pipeline's own.
    pub editor: String,
    /// Its title.
    pub title: String,
    /// What lists show of the text.
    pub excerpt: String,
    /// Words by which the post is found.
    pub tags: Vec<String>,
    /// The title that search engines show; its own, if empty.
    pub seo_title: String,
    /// The day it covers, `YYYY-MM-DD`, which its address has as well; empty if it covers none.
    pub covers: String,
    /// The picture that stands for it.
    pub featured: Option<Image>,
    /// The text.
    pub markdown: String,
    /// The built-in composer, or the model.
    pub written_by: String,
    /// Marked places where a person and the pipeline say different things; it cannot be approved
    /// as long as there are any.
    pub conflicts: i64,
    /// What a person should know before approving it.
    pub notes: Vec<String>,
    /// What the rails said, by rail, and the notes.
    pub report: Json,
    /// When it was kept.
    pub created_at: Timestamp,
}

/// What a stage did in a lesser way.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StageFallback {
    /// The stage's id.
    pub stage: String,
    /// What did not do it: `role writer`.
    pub what: String,
    /// Why it did not.
    pub why: String,
}

/// One move of a task.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "TaskMove")]
pub struct TaskMoveView {
    /// Counted from 1.
    pub step: i64,
    /// Where it was; nowhere, if it began.
    pub from: Option<TaskStatus>,
    /// Where it is from then on.
    pub to: TaskStatus,
    /// What happened.
    pub event: TaskEvent,
    /// The run that made it then.
    pub run: String,
    /// The number of its draft then; 0 if it had none.
    pub draft: i64,
    /// Who did it; nobody, if it was its run.
    pub who: String,
    /// What there is to say of it.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// What changed from one draft of a task to another.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Diff")]
pub struct DiffView {
    /// The task's id.
    pub task: String,
    /// The number of the older draft.
    pub old: i64,
    /// The number of the newer one.
    pub new: i64,
    /// Lines of title and text, as a unified diff; empty if they are the same.
    pub diff: String,
}

/// A task that was ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Cancelled {
    /// The task as it is now.
    pub task: TaskView,
    /// Whether a worker has its run, and is asked to end it.
    pub asked: bool,
}

impl TaskView {
    pub(super) fn of(task: Task, short: &Short) -> Self {
        Self {
            short: short.show(&task.id).to_owned(),
            id: task.id,
            key: task.key,
            subject: task.subject,
            topic: task.topic,
            run: task.run,
            draft: task.draft,
            status: task.status,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}

impl From<TaskMove> for TaskMoveView {
    fn from(it: TaskMove) -> Self {
        Self {
            step: it.step,
            from: it.from_status,
            to: it.to_status,
            event: it.event,
            run: it.run,
            draft: it.draft,
            who: it.who,
            detail: it.detail,
            at: it.at,
        }
    }
}

impl DraftView {
    /// What all rails came to, if they were asked and it can be read.
    pub fn rails(&self) -> Option<RailsReport> {
        serde_json::from_value(self.report["rails"].clone()).ok()
    }

    /// Whether a person should look before it is published.
    pub fn is_flagged(&self) -> bool {
        self.report["flagged"] == true
    }
}

impl TaskPicture {
    pub(super) fn of(src: String, row: MediaRow) -> Self {
        Self {
            which: row.which,
            src,
            alt: row.alt,
            prompt: row.prompt,
            provider: row.provider,
            model: row.model,
        }
    }
}

impl From<SourceRow> for TaskSource {
    fn from(it: SourceRow) -> Self {
        Self {
            number: it.number,
            url: it.url,
            title: it.title,
            site: it.site,
            published: it.published,
            characters: it.text.chars().count(),
            fetched_at: it.fetched_at,
        }
    }
}

impl From<DraftVersion> for DraftView {
    fn from(draft: DraftVersion) -> Self {
        let (report, mut notes) = match serde_json::from_str::<Json>(&draft.report) {
            Ok(report) => {
                let notes = report["notes"].as_array().into_iter().flatten();
                let notes = notes.filter_map(|note| note.as_str().map(str::to_owned));
                let notes = notes.collect();
                (report, notes)
            }
            Err(error) => {
                let note = format!("the report of this draft cannot be read: {error}");
                (Json::Null, vec![note])
            }
        };
        let judged = report["rails"]["text"].as_str().filter(|it| !it.is_empty());
        // One that cannot be read is told where it is published.
        let text = draft.text().unwrap_or_default();
        if judged.is_some_and(|judged| judged != text.digest()) {
            notes.insert(0, "the rails judged another text than this one".to_owned());
        }
        Self {
            notes,
            report,
            tags: text.tags,
            seo_title: text.seo_title,
            covers: text.covers,
            featured: text.featured,
            id: draft.id,
            number: draft.number,
            parent: draft.parent,
            origin: draft.origin,
            editor: draft.editor,
            title: draft.title,
            excerpt: draft.excerpt,
            markdown: draft.markdown,
            written_by: draft.written_by,
            conflicts: draft.conflicts,
            created_at: draft.created_at,
        }
    }
}
