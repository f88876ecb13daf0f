//! What a run may put before readers, or change of what they see: what it makes itself, and what whoever
//! started it named. Keys say what a stage is to act on; the database and the start of the run, which no
//! stage writes, say whether it may. The roll has said so of the pipeline; here it is so of the run.

use std::collections::BTreeSet;

use callboard_core::handler::Call;
use callboard_core::outcome::{FailureKind, Stop};

use crate::draft::Image;
use crate::images::plan::MadePicture;
use crate::media::{Media, PUT_BACK, StoreClient, absent, is_kept, missing, names};
use crate::tables::posts::{self, Post, PostStatus};
use crate::tables::tasks::{self, Task};
use crate::tables::{media as rows, post_slugs};

/// What is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It is put before readers: only what this run makes.
    Publish,
    /// It is made anew, published or not: what this run makes, or was asked to change.
    Change,
}

/// The key by which a run is asked to change a task.
const TASK: &str = "task";
/// The key by which it is asked to change a post.
const SLUG: &str = "slug";

/// The address of a post as people write it.
pub fn slug(said: &str) -> &str {
    said.trim().trim_start_matches("/posts/")
}

/// The task of an id, if this run may do that with it.
pub async fn task(call: &Call, id: &str, act: Act) -> Result<Task, Stop> {
    let Some(task) = call.read_first(tasks::by_id(id)).await? else {
        let problem = format!("task {id} is not there");
        return Err(Stop::failed(FailureKind::Input, problem));
    };
    let named = act == Act::Change && said(call, TASK) == Some(id);
    if task.run == call.run || named {
        return Ok(task);
    }
    let how = match act {
        Act::Publish => "",
        Act::Change => ", and is not what it was asked to change",
    };
    let detail = format!(
        "task {id} is not what this run makes, but run {}{how}",
        task.run
    );
    Err(Stop::rejected("task", detail))
}

/// The published post about a subject, if this run may change it; none if there is none.
pub async fn post(call: &Call, subject: &str) -> Result<Option<Post>, Stop> {
    let post = call.read_first(posts::about(subject)).await?;
    let Some(post) = post.filter(|post| post.status == PostStatus::Published) else {
        return Ok(None);
    };
    // It may have another address since.
    let named = match said(call, SLUG).map(slug) {
        Some(named) => call.read_first(post_slugs::owner(named)).await?,
        None => None,
    };
    if named.is_none_or(|named| named.post != post.id) {
        task(call, &post.task, Act::Change).await?;
    }
    Ok(Some(post))
}

/// The published post at an address that it has or had, if this run published it or may change it; none if
/// there is none.
pub async fn post_at(call: &Call, address: &str) -> Result<Option<Post>, Stop> {
    match call.read_first(posts::named(slug(address))).await? {
        Some(due) if due.run == call.run && due.status == PostStatus::Published => Ok(Some(due)),
        Some(other) => post(call, &other.subject).await,
        None => Ok(None),
    }
}

/// Whether pictures are those that this run made.
pub async fn pictures(call: &Call, images: &[MadePicture]) -> Result<(), Stop> {
    for made in images {
        let row = call.read_first(rows::by_id(&made.id)).await?;
        if !row.is_some_and(|row| row.run == call.run && made.image.src == row.src()) {
            let (which, src) = (made.which, &made.image.src);
            let detail = format!("the picture {which}, {src}, is not one that this run made");
            return Err(Stop::rejected("picture", detail));
        }
    }
    Ok(())
}

/// Whether the pictures that readers would be shown are there, and the one that stands for the text is one
/// that is kept: what is fetched from elsewhere may be another one tomorrow.
pub async fn pictured(call: &Call, text: &str, featured: Option<&Image>) -> Result<(), Stop> {
    if let Some(Image { src, .. }) = featured.filter(|image| !is_kept(image)) {
        let problem = format!("its picture `{src}` is none that is kept: those are `/media/NAME`");
        return Err(Stop::failed(FailureKind::Input, problem));
    }
    let names = names(text, featured);
    let names: BTreeSet<_> = names.into_iter().collect();
    if names.is_empty() {
        return Ok(());
    }
    let client = StoreClient::within(call, call.remaining() / 2);
    let media = Media::existing(&call.settings, call.resources.folder(), client);
    let absent = match media {
        Ok(media) => absent(media.as_ref(), &names).await,
        Err(error) => Err(error),
    };
    let cause = match absent {
        Ok(absent) => missing(&absent, names.len()),
        Err(error) => Some(error.to_string()),
    };
    cause.map_or(Ok(()), |cause| {
        Err(Stop::unavailable(
            "media store",
            format!(
                "{cause}; {PUT_BACK}, or, if they are lost, cancel the run, and \
                `callboard tasks retry` with `--from` the stage that makes them"
            ),
        ))
    })
}

/// What the run was started with under a key.
fn said<'c>(call: &'c Call, key: &str) -> Option<&'c str> {
    call.asked.get(key)?.as_str()
}
