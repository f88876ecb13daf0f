//! `posts`: what is published.

use std::path::PathBuf;

use callboard_core::app::App;
use callboard_core::store::unreadable::Entry;
use callboard_factory::site::{self, Exported};
use callboard_factory::tables::POST;
use callboard_factory::tables::posts::{self, Post};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;

use super::exit::Exit;
use super::output::{self, Answered, word};
use super::{Context, Failure, find};

#[derive(Debug, Subcommand)]
pub(super) enum Posts {
    /// The newest posts.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// One post as Markdown.
    Show {
        /// Its slug, enough of the beginning, or `latest`.
        slug: String,
    },
    /// Take a post off the site. Its address says "gone" from then on.
    Remove {
        /// Its slug, enough of the beginning, or `latest`.
        slug: String,
    },
    /// Write the whole site as static files.
    Export {
        /// The folder to write into.
        folder: PathBuf,
    },
}

impl Posts {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        match self {
            Posts::List { limit } => {
                let all = posts::list(app.store(), limit).await?;
                let rows = all.iter().map(|entry| match entry {
                    Entry::Known(post) => {
                        let (slug, covers) = (post.slug.clone(), post.covers.clone());
                        vec![slug, covers, post.written_by.clone()]
                    }
                    Entry::Broken(broken) => output::broken(broken, 3),
                });
                let header = ["slug", "covers", "written by"];
                Ok(context.output.show(&header, rows.collect(), &all))
            }
            Posts::Show { slug } => {
                let post = published(&app, &slug).await?;
                context.output.say(format_args!("# {}", post.title));
                context.output.say("");
                context.output.text(&post.markdown);
                Ok(context.output.json(&post))
            }
            Posts::Remove { slug } => {
                let slug = published(&app, &slug).await?.slug;
                let remove = posts::remove(&slug, Timestamp::now());
                let removed = app.store().execute(remove).await?;
                context.output.say(format_args!("removed {slug}"));
                let json = json!({ "removed": removed, "slug": slug });
                Ok(context.output.json(&json))
            }
            Posts::Export { folder } => {
                let exported = export(context, &app, &folder).await?;
                tell_export(context, &exported, &folder);
                let json = json!({ "files": exported.files, "bytes": exported.bytes });
                Ok(context.output.json(&json))
            }
        }
    }
}

/// The published post that is named.
async fn published(app: &App, wanted: &str) -> Result<Post, Failure> {
    let slug = find::key(app.store(), &POST, wanted).await?;
    let post = posts::by_slug(app.store(), &slug).await?;
    post.filter(|post| !post.removed)
        .ok_or_else(|| Failure::usage(format!("post `{slug}` was removed just now")))
}

/// Write the published site into a folder.
pub(super) async fn export(
    context: &Context,
    app: &App,
    folder: &std::path::Path,
) -> Result<Exported, Failure> {
    let count = u32::try_from(posts::count(app.store()).await?).unwrap_or(u32::MAX);
    let mut all = Vec::new();
    for entry in posts::list(app.store(), count).await? {
        match entry {
            Entry::Known(post) if post.removed || site::is_file_name(&post.slug) => all.push(post),
            Entry::Known(post) => context.output.warn(format_args!(
                "post `{0}` is left out: its slug is no name of a folder; `callboard posts remove \
                 {1}` takes it off the site",
                post.slug,
                word(&post.slug)
            )),
            Entry::Broken(broken) => context.output.warn(format_args!(
                "post {} is left out: it cannot be read: {}",
                broken.id, broken.detail
            )),
        }
    }
    let address = &app.config().listen;
    if app.config().site.is_none() {
        context.output.warn(format_args!(
            "feeds, sitemap and canonical links of this export lead to http://{address}/; \
             set `site` in callboard.toml to where readers find it, and export again"
        ));
    }
    let site = site::current(app, address).await?;
    let target = folder.to_owned();
    let work = tokio::task::spawn_blocking(move || site::export(&site, &all, &target));
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, error.to_string());
    let exported = work
        .await
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))?;
    Ok(exported)
}

/// Say to people what was written.
pub(super) fn tell_export(context: &Context, exported: &Exported, folder: &std::path::Path) {
    let folder = folder.display();
    context
        .output
        .say(format_args!("wrote {} files into {folder}", exported.files));
}
