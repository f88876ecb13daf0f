//! `publish.post`: an approved draft becomes a post. Post, task and day change in the
//! transaction of the checkpoint, so it happens once or not at all.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diary::id::derived;
use crate::diary::text::slug;
use crate::draft::Draft;
use crate::markdown;
use crate::tables::diary_days::{self, DayState};
use crate::tables::media;
use crate::tables::posts::{self, Post};
use crate::tables::tasks::{self, TaskStatus};

struct PublishPost;

callboard_core::register!(PublishPost);

/// The longest address of a post, without its day.
const SLUG: usize = 70;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The id of the task.
    task: String,
    draft: Draft,
    subject: String,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The id of the post.
    post: String,
    /// The last part of its address.
    slug: String,
}

impl Handler for PublishPost {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Publishes an approved draft as a post, once a subject";

    fn needs(&self) -> Needs {
        Needs::default()
            .table("posts", &["select", "insert"])
            .table("tasks", &["select", "update"])
            .table("diary_days", &["insert", "update"])
            .table("media", &["update"])
    }

    async fn handle(&self, call: &Call, _config: Config, reads: Reads) -> Handled<Writes> {
        let Reads {
            task,
            draft,
            subject,
        } = reads;
        unpublished(call, &subject).await?;
        showable(&draft)?;
        approvable(call, &task, &subject).await?;
        let slug = free_slug(call, &draft).await?;
        let post = post(call, draft, subject, (task, slug));
        let Post {
            id,
            slug,
            subject,
            task,
            ..
        } = post.clone();
        let pictures = media::published(&task, &id);
        let task = tasks::set_status(&task, TaskStatus::Published, call.now);
        let day = diary_days::mark(&subject, DayState::Published, &call.run, call.now);
        let done = Done::new(Writes { post: id, slug });
        Ok(done
            .write(posts::insert(&post))
            .write(task)
            .write(day)
            .write(pictures)
            .effect("posts_published", 1))
    }
}

/// Whether the site can show it, before it is among its posts.
fn showable(draft: &Draft) -> Result<(), Stop> {
    let shown = markdown::to_html(&draft.markdown, &draft.title, None);
    let refused = |cause| {
        let text = format!("the text of `{}` cannot be shown: {cause}", draft.title);
        Stop::failed(FailureKind::Input, text)
    };
    shown.map(drop).map_err(refused)
}

async fn unpublished(call: &Call, subject: &str) -> Result<(), Stop> {
    match call.read_first(posts::about(subject)).await? {
        Some(Post { slug, .. }) => Err(Stop::nothing_to_do(format!(
            "already published as `{slug}`"
        ))),
        None => Ok(()),
    }
}

async fn approvable(call: &Call, task: &str, subject: &str) -> Result<(), Stop> {
    let found = call.read_first(tasks::about(subject)).await?;
    match found
        .filter(|found| found.id == task)
        .map(|task| task.status)
    {
        None => Err(Stop::failed(
            FailureKind::Input,
            format!("task {task} about {subject} is not there"),
        )),
        Some(TaskStatus::Rejected) => {
            Err(Stop::rejected("task", format!("task {task} was rejected")))
        }
        Some(TaskStatus::Halted) => Err(Stop::rejected(
            "task",
            format!("task {task} was halted with its run"),
        )),
        Some(TaskStatus::Published) => Err(Stop::nothing_to_do(format!(
            "{subject} is published already"
        ))),
        Some(TaskStatus::Drafted | TaskStatus::AwaitingApproval) => Ok(()),
    }
}

/// Title and day as an address; with `-2` and so on if another post has it.
async fn free_slug(call: &Call, draft: &Draft) -> Result<String, Stop> {
    let words = slug(&draft.title, SLUG);
    let words = if words.is_empty() {
        "diary".to_owned()
    } else {
        words
    };
    let base = format!("{words}-{}", slug(&draft.covers, SLUG));
    let base = base.trim_end_matches('-');
    let taken = call.read(posts::slugs(base)).await?;
    let numbered = (2..=taken.len() + 2).map(|number| format!("{base}-{number}"));
    let mut free = std::iter::once(base.to_owned())
        .chain(numbered)
        .filter(|slug| !taken.contains(slug));
    free.next()
        .ok_or_else(|| Stop::failed(FailureKind::Internal, "no address is free"))
}

fn post(call: &Call, draft: Draft, subject: String, (task, slug): (String, String)) -> Post {
    Post {
        id: derived(&["post", &subject]),
        slug,
        subject,
        task,
        title: draft.title,
        excerpt: draft.excerpt,
        markdown: draft.markdown,
        tags: draft.tags,
        written_by: draft.written_by,
        covers: draft.covers,
        featured: draft.featured,
        removed: false,
        published_at: call.now,
        updated_at: call.now,
    }
}
