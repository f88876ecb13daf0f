//! `publish.post`: an approved draft becomes a post. Post, task and day change in the
//! transaction of the checkpoint, so it happens once or not at all.
//!
//! What is published is the draft that the task names, as it was shown and approved: an edit of a
//! person is in it, and what a stage has changed since without saving it is not. Nothing is, as long as pictures
//! that it shows are not where they are kept. The task is the one
//! that this run makes, whatever the key says; if the run asked a person, it is the draft that got the yes.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::changing::{self, Act};
use crate::diary::id::derived;
use crate::draft::Draft;
use crate::markdown;

use crate::slug;
use crate::tables::diary_days::{self, DayState};
use crate::tables::post_slugs::{self, PostSlug};
use crate::tables::posts::{self, Post, PostStatus};
use crate::tables::tasks::{self, Task, TaskEvent, TaskMove, TaskStatus};
use crate::tables::transitions::{At, Happening};
use crate::tables::{drafts, media};

struct PublishPost;

callboard_core::register!(PublishPost);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Whether the post is kept off the site, to be published by `callboard posts publish`, or at a
    /// time by `callboard posts schedule`.
    #[serde(default)]
    hold: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The id of the task.
    task: String,
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
            .acts_on("task")
            .table("posts", &["select", "insert"])
            .table("post_slugs", &["select", "insert"])
            .table("post_history", &["select", "insert"])
            .table("tasks", &["select", "update"])
            .table("task_history", &["select", "insert"])
            .table("drafts", &["select"])
            .table("diary_days", &["insert", "update"])
            .table("media", &["update"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let task = publishable(call, &reads.task).await?;
        let (draft, editor) = approved(call, &task).await?;
        showable(&draft)?;
        changing::pictured(call, &draft.markdown, draft.featured.as_ref()).await?;
        let slug = free_slug(call, &draft).await?;
        let approval = approval(call, &task).await?;
        let mut post = post(call, draft, &task, slug);
        if config.hold {
            post.status = PostStatus::Unpublished;
        }
        post.edited_by = editor;
        if let Some(TaskMove { who, at, .. }) = approval {
            (post.approved_by, post.approved_at) = (who, Some(at));
        }
        let happening = Happening {
            event: TaskEvent::Publish,
            who: "",
            detail: &post.slug,
            at: At::Moment(call.now),
        };
        let [moved, noted] = tasks::step(&task.id, &happening, &[]);
        let mut done = Done::new(Writes {
            post: post.id.clone(),
            slug: post.slug.clone(),
        });
        done = done.write(moved.exactly(1)).write(noted);
        let detail = format!("made by run {}", call.run);
        done.writes
            .extend(posts::insert(&post, &post.approved_by, &detail));
        done = done.write(media::published(&task.id, &task.run, &post.id));
        if !post.covers.is_empty() {
            let day = diary_days::mark(&post.subject, DayState::Published, &call.run, call.now);
            done = done.write(day);
        }
        let effect = if config.hold {
            "posts_kept"
        } else {
            "posts_published"
        };
        Ok(done.effect(effect, 1))
    }
}

/// Whether the site can show it, before it is among its posts, and its day is one.
fn showable(draft: &Draft) -> Result<(), Stop> {
    let covers = &draft.covers;
    let day = covers.parse::<Date>();
    if !covers.is_empty() && !day.is_ok_and(|day| day.to_string() == *covers) {
        let text =
            format!("the day that it covers, `{covers}`, is no day; it is `YYYY-MM-DD`, or empty");
        return Err(Stop::failed(FailureKind::Input, text));
    }
    let shown = markdown::to_html(&draft.markdown, &draft.title, None);
    let refused = |cause| {
        let text = format!("the text of `{}` cannot be shown: {cause}", draft.title);
        Stop::failed(FailureKind::Input, text)
    };
    shown.map(drop).map_err(refused)
}

/// The task, if it is time to publish it.
async fn publishable(call: &Call, id: &str) -> Result<Task, Stop> {
    let task = changing::task(call, id, Act::Publish).await?;
    let subject = &task.subject;
    if let Some(Post { slug, .. }) = call.read_first(posts::about(subject)).await? {
        let done = format!("already published as `{slug}`");
        return Err(Stop::nothing_to_do(done));
    }
    let rejected = |how: &str| Err(Stop::rejected("task", format!("task {id} {how}")));
    match task.status {
        TaskStatus::Rejected => rejected("was rejected"),
        TaskStatus::Halted => rejected("was halted with its run"),
        TaskStatus::Cancelled => rejected("was cancelled"),
        TaskStatus::AwaitingApproval => {
            rejected("waits for approval: `callboard tasks approve` gives it, if its gate is there")
        }
        TaskStatus::Published => Err(Stop::nothing_to_do(format!(
            "{subject} is published already"
        ))),
        TaskStatus::InProgress | TaskStatus::Drafted | TaskStatus::Approved => Ok(task),
    }
}

/// Who said yes to the draft of the task. If the run asked, there is no post without that.
async fn approval(call: &Call, task: &Task) -> Result<Option<TaskMove>, Stop> {
    let last = call.read_first(tasks::last_word(&task.id)).await?;
    let is_yes = |it: &TaskMove| it.event == TaskEvent::Approve && it.draft == task.draft;
    if last.as_ref().is_some_and(is_yes) {
        return Ok(last);
    }
    let asked = call.read_first(tasks::asked(&task.id, &call.run)).await?;
    match (asked, last) {
        (Some(_), Some(last)) => Err(Stop::rejected("task", unapproved(call, task, &last))),
        _ => Ok(None),
    }
}

/// Why there is no yes to the draft as it stands, and what asks for one.
fn unapproved(call: &Call, task: &Task, last: &TaskMove) -> String {
    let (id, number, run) = (&task.id, task.draft, &call.run);
    let draft = format!("draft {number} of task {id}");
    let again =
        format!("`callboard runs retry {run} --from GATE` asks again, with the name of its gate");
    match last.event {
        TaskEvent::Withdraw => format!(
            "nobody said yes to {draft}: its gate was withdrawn when the run moved to a revision without it; \
            a new run makes it anew"
        ),
        TaskEvent::Approve => {
            let other = last.draft;
            format!("{draft} is not the one that was approved, which is draft {other}; {again}")
        }
        TaskEvent::Ask => format!("nobody has decided about {draft} yet; {again}"),
        TaskEvent::SendBack | TaskEvent::Reject => {
            format!(
                "{draft} was not approved: {} said no last; {again}",
                last.who
            )
        }
        _ => format!("{draft} has changed since somebody was asked about it; {again}"),
    }
}

/// The draft of the task that is published, and who edited it.
async fn approved(call: &Call, task: &Task) -> Result<(Draft, String), Stop> {
    let (id, number) = (&task.id, task.draft);
    let input = |problem: String| Stop::failed(FailureKind::Input, problem);
    let row = call.read_first(drafts::numbered(id, number)).await?;
    let row = row.ok_or_else(|| input(format!("draft {number} of task {id} is not there")))?;
    if row.conflicts > 0 {
        let (conflicts, rule) = (row.conflicts, "conflicts");
        let detail = format!("draft {number} of task {id} has {conflicts} unsettled conflicts");
        return Err(Stop::rejected(rule, detail));
    }
    let text = row.text().map_err(|error| {
        let problem = format!("draft {number} of task {id} cannot be read: {error}");
        input(problem)
    })?;
    Ok((text, row.editor))
}

/// Title and day as an address; with `-2` and so on if another post has it, or had it. If another run
/// takes it before the checkpoint, the stage looks again.
async fn free_slug(call: &Call, draft: &Draft) -> Result<String, Stop> {
    let base = slug::of_post(&draft.title, &draft.covers);
    let taken: Vec<PostSlug> = call.read(post_slugs::beginning(&base)).await?;
    let taken: Vec<String> = taken.into_iter().map(|it| it.slug).collect();
    Ok(slug::free(&base, &taken))
}

fn post(call: &Call, draft: Draft, task: &Task, slug: String) -> Post {
    Post {
        id: derived(&["post", &task.subject]),
        slug,
        subject: task.subject.clone(),
        task: task.id.clone(),
        title: draft.title,
        seo_title: draft.seo_title,
        excerpt: draft.excerpt,
        markdown: draft.markdown,
        tags: draft.tags,
        written_by: draft.written_by,
        covers: draft.covers,
        featured: draft.featured,
        status: PostStatus::Published,
        scheduled_at: None,
        run: String::new(),
        published_at: call.now,
        updated_at: call.now,
        edited_by: String::new(),
        approved_by: String::new(),
        approved_at: None,
    }
}
