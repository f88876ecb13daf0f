//! Posts from one installation to another: all of them in one document, with the addresses that they had, and
//! such a document held against what is here before any of it is kept.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use callboard_core::app::App;
use callboard_core::operations::{Actor, ListEntry, OperationError};
use callboard_core::store::{StoreError, StoreErrorKind, Transaction};
use callboard_core::value::{JsonProblem, json_in};

use super::steps::{bounded, now, schedule};
use crate::diary::id::derived;
use crate::draft::Image;
use crate::markdown;
use crate::site::is_file_name;
use crate::tables::post_slugs::{self, PostSlug};
use crate::tables::posts::{self, Post, PostStatus};

/// The form of the document.
const FORM: u32 = 1;
/// The longest document, in bytes.
pub const LONGEST: u64 = 256 << 20;
/// The most memory that a document takes.
const MOST: u64 = 512 << 20;
/// How far ahead the clock of another installation may have been.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// The most problems of a document that are told.
const TOLD: usize = 20;

/// All posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Posts")]
pub struct CarriedPosts {
    /// The form of this document.
    pub form: u32,
    /// The posts, oldest first.
    pub posts: Vec<CarriedPost>,
}

/// One post, without what is true of one installation alone: its task, its run, its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CarriedPost {
    /// The end of its address, `/posts/SLUG`.
    pub slug: String,
    /// Addresses that it had before, which lead to this one.
    #[serde(default)]
    pub former: Vec<String>,
    /// What it is about, once.
    pub subject: String,
    /// Its title.
    pub title: String,
    /// The title that search engines show; its own, if empty.
    #[serde(default)]
    pub seo_title: String,
    /// What lists and feeds show of the text.
    #[serde(default)]
    pub excerpt: String,
    /// The text.
    pub markdown: String,
    /// What readers find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The built-in composer, or the model, or a person.
    pub written_by: String,
    /// The day it covers, `YYYY-MM-DD`.
    #[serde(default)]
    pub covers: String,
    /// The picture that stands for it.
    #[serde(default)]
    pub featured: Option<Image>,
    /// Where it stands.
    pub status: PostStatus,
    /// When it is published, if it is scheduled.
    #[serde(default)]
    pub scheduled_at: Option<Timestamp>,
    /// When it was published; when it was kept, if it never was.
    pub published_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who edited what was written.
    #[serde(default)]
    pub edited_by: String,
    /// Who said yes to it.
    #[serde(default)]
    pub approved_by: String,
    /// When.
    #[serde(default)]
    pub approved_at: Option<Timestamp>,
}

/// A document that was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DumpedPosts {
    /// How many posts it has.
    pub posts: usize,
}

/// What an import came to, or would.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ImportedPosts {
    /// Whether it counts; without `--yes` nothing was kept.
    pub kept: bool,
    /// The slugs of posts that are new here.
    pub added: Vec<String>,
    /// The slugs of posts that are here as they are in the document.
    pub unchanged: Vec<String>,
}

impl CarriedPost {
    fn of(post: Post, former: Vec<PostSlug>) -> Self {
        let mut former: Vec<String> = former.into_iter().map(|it| it.slug).collect();
        former.retain(|slug| *slug != post.slug);
        former.sort();
        Self {
            slug: post.slug,
            former,
            subject: post.subject,
            title: post.title,
            seo_title: post.seo_title,
            excerpt: post.excerpt,
            markdown: post.markdown,
            tags: post.tags,
            written_by: post.written_by,
            covers: post.covers,
            featured: post.featured,
            status: post.status,
            scheduled_at: post.scheduled_at,
            published_at: post.published_at,
            updated_at: post.updated_at,
            edited_by: post.edited_by,
            approved_by: post.approved_by,
            approved_at: post.approved_at,
        }
    }

    /// The row that it becomes.
    fn post(&self) -> Post {
        let it = self.clone();
        Post {
            id: derived(&["post", &it.subject]),
            slug: it.slug,
            subject: it.subject,
            task: String::new(),
            title: it.title,
            seo_title: it.seo_title,
            excerpt: it.excerpt,
            markdown: it.markdown,
            tags: it.tags,
            written_by: it.written_by,
            covers: it.covers,
            featured: it.featured,
            status: it.status,
            scheduled_at: None,
            run: String::new(),
            published_at: it.published_at,
            updated_at: it.updated_at,
            edited_by: it.edited_by,
            approved_by: it.approved_by,
            approved_at: it.approved_at,
        }
    }

    fn slugs(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.slug).chain(&self.former)
    }

    /// What is wrong with it by itself.
    fn problem(&self) -> Option<String> {
        if let Some(slug) = self.slugs().find(|slug| !is_file_name(slug)) {
            return Some(format!("`{slug}` is no address of a post"));
        }
        if self.title.trim().is_empty() || self.subject.is_empty() {
            return Some("it has no title, or no subject".to_owned());
        }
        if let Some(tag) = self
            .tags
            .iter()
            .find(|tag| tag.is_empty() || tag.contains(','))
        {
            return Some(format!("`{tag}` is no tag"));
        }
        if self.status != PostStatus::Scheduled && self.published_at > now() + AHEAD {
            let at = self.published_at;
            return Some(format!("its `published_at`, {at}, is to come"));
        }
        let shown = markdown::to_html(&self.markdown, &self.title, None);
        shown
            .err()
            .map(|cause| format!("its text cannot be shown: {cause}"))
    }
}

/// All posts that are here; one that can't be read is an error, so that none is lost in silence.
pub async fn dump(app: &App) -> Result<CarriedPosts, OperationError> {
    let mut all = Vec::new();
    for entry in posts::every(app.store()).await? {
        match entry {
            ListEntry::Known(post) => {
                let former = app.store().read(post_slugs::of_post(&post.id)).await?;
                all.push(CarriedPost::of(post, former));
            }
            ListEntry::Broken(broken) => {
                let problem = format!("post {} cannot be read: {}", broken.id, broken.detail);
                return Err(OperationError::failed(problem).mend("`callboard doctor` says more"));
            }
        }
    }
    all.sort_by(|a, b| (a.published_at, &a.slug).cmp(&(b.published_at, &b.slug)));
    Ok(CarriedPosts {
        form: FORM,
        posts: all,
    })
}

/// What a document says. The error names file, line and column.
pub fn parse(text: &str, name: &str) -> Result<CarriedPosts, OperationError> {
    let mend = "`callboard posts export FILE --as json` writes the form";
    let parsed: CarriedPosts = json_in(text, MOST).map_err(|problem| {
        let problem = match problem {
            JsonProblem::Broken(error) => {
                format!("{name}:{}:{}: {error}", error.line(), error.column())
            }
            problem @ JsonProblem::TooLarge(_) => format!("{name} {problem}"),
        };
        OperationError::usage(problem).mend(mend)
    })?;
    if parsed.form != FORM {
        let problem = format!("{name} is of form {}, and {FORM} is read here", parsed.form);
        return Err(OperationError::usage(problem).mend(mend));
    }
    Ok(parsed)
}

/// Keep the posts of a document that are not here, all of them or none; without `keep` it is only said which
/// those are. What is scheduled is so here, too, by a run of its own.
pub async fn import(
    app: &App,
    document: CarriedPosts,
    (name, keep): (&str, bool),
    by: &Actor,
) -> Result<ImportedPosts, OperationError> {
    sound(&document, name)?;
    in_time(app, &document, name).await?;
    let detail = format!("imported at {} from {name}", now());
    let (posts, who, file) = (document.posts.clone(), by.name.clone(), name.to_owned());
    let work = app.store().write(move |transaction| {
        Box::pin(async move {
            let (added, unchanged) = sorted(transaction, &posts, &file).await?;
            for post in added.iter().filter(|_| keep) {
                take(transaction, post, (&who, &detail)).await?;
            }
            let slugs =
                |all: Vec<&CarriedPost>| all.into_iter().map(|it| it.slug.clone()).collect();
            Ok((slugs(added), slugs(unchanged)))
        })
    });
    let (added, unchanged): (Vec<String>, Vec<String>) =
        work.await.map_err(|error| match error.kind {
            StoreErrorKind::Constraint => OperationError::usage(error.message),
            _ => error.into(),
        })?;
    let waits = document.posts.iter();
    let waits = waits.filter(|it| keep && it.status == PostStatus::Scheduled);
    for post in waits.filter(|it| added.contains(&it.slug)) {
        let Some(at) = post.scheduled_at else {
            continue;
        };
        schedule(app, &post.slug, at, by).await?;
    }
    Ok(ImportedPosts {
        kept: keep,
        added,
        unchanged,
    })
}

/// Each post that waits for a time has one that is to come, and that a run may wait for.
async fn in_time(app: &App, document: &CarriedPosts, name: &str) -> Result<(), OperationError> {
    for (number, post) in document.posts.iter().enumerate() {
        if post.status != PostStatus::Scheduled || is_here(app, post).await? {
            continue;
        }
        let place = format!(
            "nothing is imported: {name}: posts[{number}], `{}`",
            post.slug
        );
        let Some(at) = post.scheduled_at else {
            let problem = format!("{place}: it is `scheduled`, and has no `scheduled_at`");
            let mend = "write one, or `\"status\": \"unpublished\"`";
            return Err(OperationError::usage(problem).mend(mend));
        };
        bounded(app, &post.slug, at).await.map_err(|error| {
            let problem = format!("{place}: {error}");
            OperationError::new(error.kind, problem)
                .mend("write another `scheduled_at`, or `\"status\": \"unpublished\"`")
        })?;
    }
    Ok(())
}

async fn is_here(app: &App, post: &CarriedPost) -> Result<bool, OperationError> {
    let here = app.store().read_first(posts::about(&post.subject)).await?;
    Ok(here.is_some())
}

/// Each post by itself, and no two of one name.
fn sound(document: &CarriedPosts, name: &str) -> Result<(), OperationError> {
    let (mut problems, mut seen) = (Vec::new(), BTreeSet::new());
    for (number, post) in document.posts.iter().enumerate() {
        let place = format!("{name}: posts[{number}], `{}`", post.slug);
        problems.extend(post.problem().map(|problem| format!("{place}: {problem}")));
        let names = post.slugs().map(|slug| format!("address `{slug}`"));
        for said in names.chain([format!("subject `{}`", post.subject)]) {
            if !seen.insert(said.clone()) {
                problems.push(format!("{place}: {said} is there twice"));
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.truncate(TOLD);
    let problem = format!("nothing is imported: {}", problems.join("; "));
    Err(OperationError::usage(problem))
}

/// Which posts are new, and which are here as they are; any other refuses them all.
async fn sorted<'p>(
    transaction: &mut Transaction<'_>,
    posts: &'p [CarriedPost],
    name: &str,
) -> Result<(Vec<&'p CarriedPost>, Vec<&'p CarriedPost>), StoreError> {
    let (mut added, mut unchanged, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for (number, post) in posts.iter().enumerate() {
        let place = format!("{name}: posts[{number}], `{}`", post.slug);
        let here = transaction.read_first(posts::about(&post.subject)).await?;
        if let Some(here) = here {
            let former = transaction.read(post_slugs::of_post(&here.id)).await?;
            let here = CarriedPost::of(here, former);
            // A move here, such as the schedule of an import, changed nothing that a document says.
            let same = CarriedPost {
                updated_at: post.updated_at,
                ..here.clone()
            };
            if same == *post {
                unchanged.push(post);
            } else {
                let slug = &here.slug;
                problems.push(format!("{place}: it is here as `{slug}`, and is another"));
            }
            continue;
        }
        for slug in post.slugs() {
            if transaction
                .read_first(post_slugs::owner(slug))
                .await?
                .is_some()
            {
                problems.push(format!(
                    "{place}: another post has the address `{slug}`, or had it"
                ));
            }
        }
        added.push(post);
    }
    if problems.is_empty() {
        return Ok((added, unchanged));
    }
    problems.truncate(TOLD);
    let problem = format!("nothing is imported: {}", problems.join("; "));
    Err(StoreError::new(StoreErrorKind::Constraint, problem))
}

/// Begin a post as it was, with the addresses that it had.
async fn take(
    transaction: &mut Transaction<'_>,
    carried: &CarriedPost,
    (who, detail): (&str, &str),
) -> Result<(), StoreError> {
    let post = carried.post();
    for statement in posts::insert(&post, who, detail) {
        transaction.execute(statement).await?;
    }
    for slug in &carried.former {
        let own = PostSlug {
            slug: slug.clone(),
            post: post.id.clone(),
            since: carried.published_at,
        };
        transaction.execute(post_slugs::take(&own)).await?;
    }
    Ok(())
}
