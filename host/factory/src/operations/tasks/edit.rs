//! A person's own version of a draft, and what changed from one version to another.

use jiff::Timestamp;

use callboard_core::app::App;
use callboard_core::operations::OperationError;
use callboard_core::store::{StoreError, StoreErrorKind};
use callboard_core::value::Value;

use super::{DiffView, DraftView, TaskView, found};
use crate::diary::id::derived;
use crate::draft::merge::{self, MergeSide};
use crate::markdown;
use crate::tables::drafts::{self, DraftOrigin, DraftVersion};
use crate::tables::tasks::{self, TASKS, TaskEvent};
use crate::tables::transitions::{At, Happening, StoredWord};

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
/// on. What came since the draft that it was written from is merged into it. `None` if it says the same.
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
    let all = app.store().read(drafts::of_task(&task.id)).await?;
    let seen = the(&all, &task, edit.seen)?;
    // Whatever a task names is the newest; a number that another took meanwhile is refused.
    let newest = all.last().unwrap_or(seen);
    let Some(new) = edited(seen, newest, &edit)? else {
        return Ok(None);
    };
    keep(app, &task, &edit, new.clone()).await?;
    Ok(Some(new.into()))
}

/// The draft as a person has it, if anything is different, with what came since `seen`.
fn edited(
    seen: &DraftVersion,
    newest: &DraftVersion,
    edit: &Edit<'_>,
) -> Result<Option<DraftVersion>, OperationError> {
    let title = edit.title.unwrap_or(&seen.title).trim();
    // An editor ends what it writes with a line, which is no change.
    let end = &seen.markdown[seen.markdown.trim_end().len()..];
    let markdown = edit.markdown.unwrap_or(&seen.markdown).trim_end();
    let markdown = format!("{markdown}{end}");
    if title == seen.title && markdown == seen.markdown {
        return Ok(None);
    }
    if title.is_empty() || markdown.trim().is_empty() {
        return Err(OperationError::usage("a draft has a title and a text"));
    }
    let is_newest = seen.number == newest.number;
    let names = (
        format!("{}, edited by {}", seen.number, edit.by),
        format!("{}, which came meanwhile", newest.number),
    );
    let side = |text, name| MergeSide { text, name };
    let title = if title == seen.title {
        &newest.title
    } else {
        title
    };
    let markdown = merge::merge(
        &seen.markdown,
        side(&markdown, &names.0),
        side(&newest.markdown, &names.1),
    );
    markdown::to_html(&markdown, title, None)
        .map_err(|cause| OperationError::usage(format!("the draft cannot be shown: {cause}")))?;
    // Marks are those of a merge; elsewhere they are words of the text.
    let most = if is_newest {
        newest.conflicts
    } else {
        i64::MAX
    };
    let number = newest.number + 1;
    Ok(Some(DraftVersion {
        id: derived(&["draft", &newest.task, &number.to_string()]),
        number,
        parent: Some(newest.number),
        origin: if is_newest {
            DraftOrigin::Person
        } else {
            DraftOrigin::Merge
        },
        editor: drafts::editors(&newest.editor, edit.by),
        title: title.to_owned(),
        conflicts: merge::unsettled(&markdown).min(most),
        markdown,
        created_at: Timestamp::now(),
        ..newest.clone()
    }))
}

async fn keep(
    app: &App,
    task: &TaskView,
    edit: &Edit<'_>,
    new: DraftVersion,
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
    let all = app.store().read(drafts::of_task(&task.id)).await?;
    let (old, new) = if let Some((old, new)) = numbers {
        (the(&all, &task, old)?, the(&all, &task, new)?)
    } else {
        let new = the(&all, &task, task.draft)?;
        let before = new.parent.unwrap_or(new.number - 1).max(1);
        (the(&all, &task, before)?, new)
    };
    let name = |draft: &DraftVersion| match draft.origin {
        DraftOrigin::Pipeline => format!("draft {} by {}", draft.number, draft.written_by),
        DraftOrigin::Person => format!("draft {}, edited by {}", draft.number, draft.editor),
        DraftOrigin::Merge => format!("draft {}, with the edit of {}", draft.number, draft.editor),
    };
    let [(old_text, old_name), (new_text, new_name)] =
        [old, new].map(|draft| (going_out(draft), name(draft)));
    let side = |text, name| MergeSide { text, name };
    Ok(DiffView {
        diff: merge::unified(side(&old_text, &old_name), side(&new_text, &new_name)),
        task: task.id.clone(),
        old: old.number,
        new: new.number,
    })
}

/// What is published of a draft, in lines: what stands beside the text, then the text. Details that cannot
/// be read are told where the draft is published.
fn going_out(row: &DraftVersion) -> String {
    let text = row.text().unwrap_or_default();
    let picture = text.featured.map(|it| format!("{} ({})", it.src, it.alt));
    let beside = [
        ("found as", text.seo_title),
        ("excerpt", row.excerpt.clone()),
        ("tags", text.tags.join(", ")),
        ("covers", text.covers),
        ("picture", picture.unwrap_or_default()),
    ];
    let beside = beside.iter().filter(|(_, it)| !it.is_empty());
    let beside: String = beside
        .map(|(label, it)| format!("{label}: {it}\n"))
        .collect();
    format!("{beside}# {}\n\n{}\n", row.title, row.markdown.trim_end())
}

/// A draft by its number.
fn the<'d>(
    all: &'d [DraftVersion],
    task: &TaskView,
    number: i64,
) -> Result<&'d DraftVersion, OperationError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(number: i64, title: &str, markdown: &str) -> DraftVersion {
        DraftVersion {
            id: number.to_string(),
            task: "t".to_owned(),
            number,
            parent: None,
            origin: DraftOrigin::Person,
            editor: "bob".to_owned(),
            run: "r".to_owned(),
            title: title.to_owned(),
            excerpt: String::new(),
            markdown: markdown.to_owned(),
            written_by: "built-in composer".to_owned(),
            details: format!("details of {number}"),
            report: "{}".to_owned(),
            conflicts: 0,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn by_ada<'e>(title: Option<&'e str>, markdown: Option<&'e str>) -> Edit<'e> {
        Edit {
            title,
            markdown,
            seen: 2,
            by: "ada",
        }
    }

    #[test]
    fn what_came_while_somebody_edited_is_in_the_edit() {
        let seen = draft(2, "Old", "one\n\ntwo\n\n![a](/media/a.png)");
        let newest = draft(3, "New", "one\n\ntwo\n\n![b](/media/b.png)");
        let ada = by_ada(None, Some("ONE\n\ntwo\n\n![a](/media/a.png)"));
        let both = edited(&seen, &newest, &ada).expect("an edit").expect("new");
        assert_eq!(both.markdown, "ONE\n\ntwo\n\n![b](/media/b.png)");
        assert_eq!(
            (both.title.as_str(), both.details.as_str()),
            ("New", "details of 3")
        );
        assert_eq!(
            (both.number, both.parent, both.origin),
            (4, Some(3), DraftOrigin::Merge)
        );
        assert_eq!((both.editor.as_str(), both.conflicts), ("bob, ada", 0));
        let titled = edited(&seen, &newest, &by_ada(Some("Mine"), None));
        let titled = titled.expect("an edit").expect("new");
        assert_eq!(
            (titled.title, titled.markdown),
            ("Mine".to_owned(), newest.markdown.clone())
        );
        let clash = by_ada(None, Some("one\n\ntwo\n\n![c](/media/c.png)"));
        let clash = edited(&seen, &newest, &clash)
            .expect("an edit")
            .expect("new");
        assert_eq!(clash.conflicts, 1, "{}", clash.markdown);
    }

    #[test]
    fn an_edit_of_the_newest_is_as_it_was_written() {
        let seen = draft(2, "Old", "one\n\n<<<<<<< draft 1, as words");
        let ada = by_ada(None, Some("<<<<<<< draft 1, as words\n\ntwo"));
        let new = edited(&seen, &seen, &ada).expect("an edit").expect("new");
        assert_eq!(
            (new.markdown.as_str(), new.conflicts),
            ("<<<<<<< draft 1, as words\n\ntwo", 0)
        );
        assert_eq!((new.number, new.origin), (3, DraftOrigin::Person));
        let same = by_ada(Some("Old"), None);
        assert!(edited(&seen, &seen, &same).expect("an edit").is_none());
    }
}
