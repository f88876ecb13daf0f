//! `callboard posts`: what is published, what was, and what will be.

mod carry;
mod pictures;
mod steps;

use std::path::{Path, PathBuf};

use callboard_core::app::App;
use callboard_core::operations::{ListEntry, UnreadableRow};
use callboard_core::span::Span;
use callboard_factory::operations::posts::{
    self, ExportView, NewTitle, Post, PostMoveView, PostStatus,
};
use callboard_factory::operations::tasks::word as named;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use self::steps::Step;
use super::output::{self, Answered, time, word};
use super::runs::Who;
use super::{Context, Failure};
use crate::http::Listeners;

#[derive(Debug, Subcommand)]
pub(super) enum Posts {
    /// The newest posts, but for those that were removed.
    List {
        /// Only those of one status.
        #[arg(long, value_parser = PossibleValuesParser::new(posts::statuses()))]
        status: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// One post as Markdown.
    Show(Which),
    /// Put a post on the site now, as a new one.
    Publish {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: PostReason,
    },
    /// Have a post published at a time, by a run that waits for it.
    Schedule {
        #[command(flatten)]
        which: Which,
        /// When: `2026-12-01T09:00:00Z`, or `2026-12-01T09:00[Europe/Berlin]`.
        #[arg(long, value_name = "TIME", value_parser = steps::moment)]
        at: Timestamp,
        #[command(flatten)]
        why: PostReason,
    },
    /// Take a post off the site for the time being. Its address is not found until it is back.
    Unpublish {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: PostReason,
    },
    /// Take a post out of all lists and feeds. Its address shows it as before.
    Archive {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: PostReason,
    },
    /// Put a post on the site again as it was, with its day.
    Restore {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: PostReason,
    },
    /// Take a post off the site. Its address says "gone" from then on.
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: PostReason,
    },
    /// Give a post another title, and an address that follows from it. The old address leads to it.
    Retitle {
        #[command(flatten)]
        which: Which,
        /// The title.
        title: String,
        /// The address, in place of the one that follows from the title.
        #[arg(long)]
        slug: Option<String>,
        #[command(flatten)]
        why: PostReason,
    },
    /// All that happened to a post, oldest first.
    History(Which),
    /// Write the whole site as static files, or all posts as one document that `import` reads.
    Export {
        /// The folder to write into; the file, as JSON.
        folder: PathBuf,
        /// What to write.
        #[arg(long = "as", value_enum, default_value_t = Form::Site)]
        form: Form,
    },
    /// Name the pictures that no draft, no post and no run under way refers to.
    UnusedPictures {
        /// How long they have to be there, such as `30d` or `12h`.
        #[arg(long, value_name = "AGE", default_value = "30d")]
        older_than: Span,
        /// Remove them.
        #[arg(long)]
        yes: bool,
    },
    /// Hold posts that are brought against what is here, and say which of them are new.
    Import {
        /// What `export --as json` wrote, or a folder of Markdown documents with front matter.
        file: PathBuf,
        /// Keep those, all of them or none.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        who: Who,
    },
}

/// What an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// The published site, as files for readers.
    Site,
    /// All posts, whatever their status, as one document.
    Json,
}

/// A post.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Its slug, enough of the beginning, one that it had before, or `latest`.
    post: String,
}

/// Who does it, and why.
#[derive(Debug, Args)]
pub(super) struct PostReason {
    /// Why; it is kept with the post.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    who: Who,
}

impl Posts {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let (which, step, why) = match self {
            Posts::List { status, limit } => {
                return list(context, &app, status.as_deref(), limit).await;
            }
            Posts::Show(which) => return show(context, &app, &which.post).await,
            Posts::History(which) => return history(context, &app, &which.post).await,
            Posts::Import { file, yes, who } => {
                return carry::import(context, &app, &file, yes, who).await;
            }
            Posts::UnusedPictures { older_than, yes } => {
                return pictures::unused(context, &app, older_than, yes).await;
            }
            Posts::Export {
                folder,
                form: Form::Json,
            } => return carry::export(context, &app, &folder).await,
            Posts::Export { folder, .. } => {
                let exported = export(context, &app, &folder).await?;
                return Ok(context.output.json(&exported));
            }
            Posts::Publish { which, why } => (which, Step::Publish, why),
            Posts::Schedule { which, at, why } => (which, Step::Schedule(at), why),
            Posts::Unpublish { which, why } => (which, Step::Unpublish, why),
            Posts::Archive { which, why } => (which, Step::Archive, why),
            Posts::Restore { which, why } => (which, Step::Restore, why),
            Posts::Remove { which, why } => (which, Step::Remove, why),
            Posts::Retitle {
                which,
                title,
                slug,
                why,
            } => (which, Step::Retitle(NewTitle { title, slug }), why),
        };
        step.take(context, &app, &which.post, why).await
    }
}

async fn list(
    context: &Context,
    app: &App,
    status: Option<&str>,
    limit: u32,
) -> Result<Answered, Failure> {
    let all = posts::list(app, status, limit).await?;
    let header = ["slug", "status", "covers", "written by"];
    Ok(context.output.newest(&header, &all, row))
}

async fn show(context: &Context, app: &App, wanted: &str) -> Result<Answered, Failure> {
    let post = posts::show(app, wanted).await?;
    let output = context.output;
    output.say(format_args!("# {}", post.title));
    output.say("");
    output.text(&post.markdown);
    output.say("");
    output.say(post.made());
    if post.status != PostStatus::Published {
        output.say(format_args!("it is {}", stands(&post)));
    }
    Ok(output.json(&post))
}

async fn history(context: &Context, app: &App, wanted: &str) -> Result<Answered, Failure> {
    let moves = posts::history(app, wanted).await?;
    let header = ["at", "event", "status", "who", "detail"];
    let row = |it: &PostMoveView| {
        let (event, to) = (named(it.event).to_owned(), named(it.to).to_owned());
        vec![time(it.at), event, to, it.who.clone(), it.detail.clone()]
    };
    let rows = moves.iter().map(row).collect();
    Ok(context.output.show(&header, rows, &moves))
}

fn row(entry: &ListEntry<Post>) -> Vec<String> {
    match entry {
        ListEntry::Known(post) => {
            let (slug, covers) = (post.slug.clone(), post.covers.clone());
            vec![slug, stands(post), covers, post.written_by.clone()]
        }
        ListEntry::Broken(broken) => output::broken(broken, 4),
    }
}

/// Its status, with the time for which it is scheduled.
fn stands(post: &Post) -> String {
    let status = named(post.status);
    match post.scheduled_at {
        Some(at) => format!("{status} for {}", time(at)),
        None => status.to_owned(),
    }
}

/// Write the published site into a folder, and say what came of it.
pub(super) async fn export(
    context: &Context,
    app: &App,
    folder: &Path,
) -> Result<ExportView, Failure> {
    let local = &app.config().part::<Listeners>().listen;
    let exported = posts::export(app, folder, local).await?;
    for UnreadableRow { id, detail, .. } in &exported.left_out {
        context.output.warn(format_args!(
            "post {id} is left out: it cannot be read: {detail}"
        ));
    }
    for slug in &exported.no_folders {
        let named = word(slug);
        context.output.warn(format_args!(
            "post `{slug}` is left out: its slug is no name of a folder; `callboard posts remove \
             {named}` takes it off the site"
        ));
    }
    for name in &exported.no_pictures {
        context.output.warn(format_args!(
            "picture {name} is missing: the media store does not have it, and a post shows it"
        ));
    }
    if let Some(address) = &exported.leads_to {
        context.output.warn(format_args!(
            "feeds, sitemap and canonical links of this export lead to {address}; \
             set `site` in callboard.toml to where readers find it, and export again"
        ));
    }
    let (files, folder) = (exported.files, folder.display());
    context
        .output
        .say(format_args!("wrote {files} files into {folder}"));
    Ok(exported)
}
