//! A person's own version of a draft, and what changed from one version to another.

use jiff::Timestamp;

use callboard_core::app::App;
use callboard_core::operations::OperationError;
use callboard_core::store::{StoreError, StoreErrorKind};
use callboard_core::value::Value;

use super::{DiffView, DraftView, TaskView, found};
use crate::diary::id::derived;
use crate::draft::merge::{self, Side};
use crate::markdown;
use crate::tables::drafts::{self, Draft, Origin};
use crate::tables::tasks::{self, TASKS, TaskEvent};
use crate::tables::transitions::{At, Happening, Word};

/// What a person writes in the place of a draft.
#[derive(Debug)]
pub struct Edit<'e> {
    /// The title, if it is another one.
    pub title: Option<&'e str>,
    /// The text, if it is another one.
    pub markdown: Option<&'e str>,
    /// The draft that it was written from.
    pub seen: i64,
    /// Who writes.
    pub by: &'e str,
}

/// Keep a person's version of a draft, which is the one that is approved and published from then
/// on. `None` if it says the same.
pub async fn edit(
    app: &App,
    wanted: &str,
    edit: Edit<'_>,
) -> Result<Option<DraftView>, OperationError> {
    let task = found(app, wanted).await?;
    if TASKS.to(Some(task.status), TaskEvent::Edit).is_none() {
        let (short, status) = (&task.short, task.status.word());
        let problem = format!("task {short} is {status}, and its draft cannot be edited");
        return Err(OperationError::usage(problem));
    }
    let all = drafts::of_task(app.store(), &task.id).await?;
    let old = the(&all, &task, edit.seen)?;
    let number = all.last().map_or(0, |draft| draft.number) + 1;
    let Some(new) = edited(old, &edit, number)? else {
        return Ok(None);
    };
    keep(app, &task, &edit, new.clone()).await?;
    Ok(Some(new.into()))
}

/// The draft as a person has it, if anything is different.
fn edited(old: &Draft, edit: &Edit<'_>, number: i64) -> Result<Option<Draft>, OperationError> {
    let title = edit.title.unwrap_or(&old.title).trim();
    let markdown = edit.markdown.unwrap_or(&old.markdown);
    if title == old.title && markdown == old.markdown {
        return Ok(None);
    }
    if title.is_empty() || markdown.trim().is_empty() {
        return Err(OperationError::usage("a draft has a title and a text"));
    }
    markdown::to_html(markdown, title, None)
        .map_err(|cause| OperationError::usage(format!("the draft cannot be shown: {cause}")))?;
    Ok(Some(Draft {
        id: derived(&["draft", &old.task, &number.to_string()]),
        number,
        parent: Some(old.number),
        origin: Origin::Person,
        editor: editors(&old.editor, edit.by),
        title: title.to_owned(),
        markdown: markdown.to_owned(),
        // Marks are those of a merge; elsewhere they are words of the text.
        conflicts: merge::unsettled(markdown).min(old.conflicts),
        created_at: Timestamp::now(),
        ..old.clone()
    }))
}

/// Everybody who had a hand in it.
fn editors(before: &str, by: &str) -> String {
    if before.is_empty() || before.split(", ").any(|known| known == by) {
        let all = if before.is_empty() { by } else { before };
        return all.to_owned();
    }
    format!("{before}, {by}")
}

async fn keep(
    app: &App,
    task: &TaskView,
    edit: &Edit<'_>,
    new: Draft,
) -> Result<(), OperationError> {
    let happening = Happening {
        event: TaskEvent::Edit,
        who: edit.by,
        detail: "",
        at: At::Moment(new.created_at),
    };
    let set = [
        ("topic", Value::from(new.title.as_str())),
        ("draft", Value::Integer(new.number)),
    ];
    let [step, note] = tasks::step(&task.id, &happening, &set);
    let changed = format!(
        "task {} changed meanwhile: look at it with `callboard tasks show`, and edit it again",
        task.short
    );
    let insert = drafts::insert(&new);
    let kept = app.store().write(move |transaction| {
        Box::pin(async move {
            if transaction.execute(step).await? != 1 {
                return Err(StoreError::new(StoreErrorKind::Constraint, changed));
            }
            transaction.execute(note).await?;
            // A draft that came meanwhile has its number.
            transaction.execute(insert).await?;
            Ok(())
        })
    });
    Ok(kept.await?)
}

/// What changed from one draft of a task to another: the two that are named, or the newest and the
/// one that it was made from.
pub async fn diff(
    app: &App,
    wanted: &str,
    numbers: Option<(i64, i64)>,
) -> Result<DiffView, OperationError> {
    let task = found(app, wanted).await?;
    let all = drafts::of_task(app.store(), &task.id).await?;
    let (old, new) = if let Some((old, new)) = numbers {
        (the(&all, &task, old)?, the(&all, &task, new)?)
    } else {
        let new = the(&all, &task, task.draft)?;
        let before = new.parent.unwrap_or(new.number - 1).max(1);
        (the(&all, &task, before)?, new)
    };
    let text = |draft: &Draft| format!("# {}\n\n{}\n", draft.title, draft.markdown.trim_end());
    let name = |draft: &Draft| match draft.origin {
        Origin::Pipeline => format!("draft {} by {}", draft.number, draft.written_by),
        Origin::Person => format!("draft {}, edited by {}", draft.number, draft.editor),
        Origin::Merge => format!("draft {}, with the edit of {}", draft.number, draft.editor),
    };
    let [(old_text, old_name), (new_text, new_name)] =
        [old, new].map(|draft| (text(draft), name(draft)));
    let side = |text, name| Side { text, name };
    Ok(DiffView {
        diff: merge::unified(side(&old_text, &old_name), side(&new_text, &new_name)),
        task: task.id.clone(),
        old: old.number,
        new: new.number,
    })
}

/// A draft by its number.
fn the<'d>(all: &'d [Draft], task: &TaskView, number: i64) -> Result<&'d Draft, OperationError> {
    all.iter()
        .find(|draft| draft.number == number)
        .ok_or_else(|| {
            let short = &task.short;
            let problem = match all.last() {
                Some(last) => {
                    let last = last.number;
                    format!("task {short} has no draft {number}; the newest is {last}")
                }
                None => format!("task {short} has no draft yet"),
            };
            OperationError::usage(problem)
        })
}
