//! `publish.replace_picture`: each picture that was made takes the place of the one before it, in a
//! new version of the draft and, if there is a post, in that. All of it changes in the transaction
//! of the checkpoint, with a line in the history of the task. The task is the one that the run makes or was
//! asked to change, and the pictures are those that it made, whatever the keys say.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use callboard_core::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::changing::{self, Act};
use crate::diary::id::derived;
use crate::draft::{self, Image};
use crate::images::WhichPicture;
use crate::images::plan::MadePicture;
use crate::markdown::pictures::replace;
use crate::tables::drafts::{self, DraftOrigin};
use crate::tables::media;
use crate::tables::posts::{self, POSTS, Post, PostEvent};
use crate::tables::tasks::{self, Task, TaskEvent};
use crate::tables::transitions::{At, Happening, StoredWord};

struct ReplacePicture;

callboard_core::register!(ReplacePicture);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The id of the task.
    task: String,
    images: Vec<MadePicture>,
    /// Who asked for it.
    by: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The number of the new version of the draft.
    number: i64,
    /// The id of the post that shows it.
    post: Option<String>,
    /// Where the picture is, of several the first.
    src: String,
}

impl Handler for ReplacePicture {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Puts pictures in the place of those of a draft and its post";

    fn needs(&self) -> Needs {
        Needs::default()
            .acts_on("task")
            .acts_on("images")
            .acts_on("by")
            .table("tasks", &["select", "update"])
            .table("task_history", &["select", "insert"])
            .table("drafts", &["select", "insert"])
            .table("posts", &["select", "update"])
            .table("post_history", &["select", "insert"])
            .table("media", &["select", "update"])
    }

    async fn handle(&self, call: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        let wrong = |text: String| Stop::failed(FailureKind::Input, text);
        let first = reads.images.first();
        let first = first.ok_or_else(|| wrong("no picture was made".to_owned()))?;
        let task = changing::task(call, &reads.task, Act::Change).await?;
        changing::pictures(call, &reads.images).await?;
        if tasks::TASKS
            .to(Some(task.status), TaskEvent::Illustrate)
            .is_none()
        {
            let (id, status) = (&task.id, task.status.word());
            let text = format!("task {id} is {status}, and its pictures cannot be made anew now");
            return Err(wrong(text));
        }
        // Where no person asks for it, it is this run.
        let by = reads.by.filter(|by| !by.trim().is_empty());
        let by = by.unwrap_or_else(|| format!("run {}", call.run));
        let new = version(call, &task, &reads.images, &by).await?;
        let told = reads.images.iter();
        let told = told.map(|made| format!("{}: {}", made.which, made.prompt));
        let detail = told.collect::<Vec<_>>().join("; ");
        let happening = Happening {
            event: TaskEvent::Illustrate,
            who: &by,
            detail: &detail,
            at: At::Moment(call.now),
        };
        let set = [("draft", Value::Integer(new.number))];
        // A post that was removed stays as it was taken off the site.
        let post = call.read_first(posts::of_task(&task.id)).await?;
        let is_open = |post: &Post| POSTS.to(Some(post.status), PostEvent::Edit).is_some();
        let post = post.filter(is_open);
        let mut done = Done::new(Writes {
            number: new.number,
            post: post.as_ref().map(|post| post.id.clone()),
            src: first.image.src.clone(),
        })
        .write(drafts::insert(&new))
        .effect("pictures_replaced", reads.images.len() as u64);
        let [moved, noted] = tasks::step(&task.id, &happening, &set);
        done = done.write(moved.exactly(1)).write(noted);
        if let Some(mut post) = post {
            (post.markdown, post.featured) = replaced(post.markdown, post.featured, &reads.images)?;
            let happening = Happening {
                event: PostEvent::Edit,
                who: &by,
                detail: &detail,
                at: At::Moment(call.now),
            };
            done.writes.extend(posts::illustrate(&post, &happening));
            done = done
                .write(media::published(&task.id, &call.run, &post.id))
                .effect("posts_changed", 1);
        }
        Ok(done)
    }
}

/// The version of the draft with the pictures.
async fn version(
    call: &Call,
    task: &Task,
    made: &[MadePicture],
    by: &str,
) -> Result<drafts::DraftVersion, Stop> {
    let wrong = |text: String| Stop::failed(FailureKind::Input, text);
    let all = call.read(drafts::of_task(&task.id)).await?;
    let number = all.last().map_or(0, |draft| draft.number) + 1;
    let old = all.into_iter().find(|draft| draft.number == task.draft);
    let old = old.ok_or_else(|| wrong(format!("task {} has no draft", task.id)))?;
    let mut text: draft::Draft = old
        .text()
        .map_err(|error| wrong(format!("draft {} can't be read: {error}", old.number)))?;
    (text.markdown, text.featured) = replaced(text.markdown, text.featured, made)?;
    Ok(drafts::DraftVersion {
        id: derived(&["draft", &task.id, &number.to_string()]),
        number,
        parent: Some(old.number),
        origin: DraftOrigin::Person,
        editor: drafts::editors(&old.editor, by),
        details: drafts::details(&text),
        markdown: text.markdown,
        created_at: call.now,
        ..old
    })
}

/// A text with each picture in its place.
fn replaced(
    mut markdown: String,
    mut featured: Option<Image>,
    made: &[MadePicture],
) -> Result<(String, Option<Image>), Stop> {
    let wrong = |error: &dyn std::fmt::Display| Stop::failed(FailureKind::Input, error);
    for MadePicture { which, image, .. } in made {
        let WhichPicture::Inline(number) = which else {
            featured = Some(image.clone());
            continue;
        };
        let text = replace(&markdown, *number, &image.src, &image.alt);
        let text = text.map_err(|error| wrong(&error))?;
        markdown = text.ok_or_else(|| wrong(&format!("the text has no {which} any more")))?;
    }
    Ok((markdown, featured))
}
