//! `posts`: what is published.

use std::path::{Path, PathBuf};

use callboard_core::app::App;
use callboard_core::operations::{Broken, ListEntry};
use callboard_factory::operations::posts::{self, Exported, Post};
use clap::Subcommand;

use super::output::{self, Answered, word};
use super::{Context, Failure};
use crate::http::Listeners;

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
        let output = context.output;
        match self {
            Posts::List { limit } => {
                let all = posts::list(&app, limit).await?;
                let header = ["slug", "covers", "written by"];
                Ok(output.show(&header, all.iter().map(row).collect(), &all))
            }
            Posts::Show { slug } => {
                let post = posts::show(&app, &slug).await?;
                output.say(format_args!("# {}", post.title));
                output.say("");
                output.text(&post.markdown);
                output.say("");
                output.say(post.made());
                Ok(output.json(&post))
            }
            Posts::Remove { slug } => {
                let removed = posts::remove(&app, &slug).await?;
                output.say(format_args!("removed {}", removed.slug));
                Ok(output.json(&removed))
            }
            Posts::Export { folder } => {
                let exported = export(context, &app, &folder).await?;
                Ok(output.json(&exported))
            }
        }
    }
}

fn row(entry: &ListEntry<Post>) -> Vec<String> {
    match entry {
        ListEntry::Known(post) => {
            let (slug, covers) = (post.slug.clone(), post.covers.clone());
            vec![slug, covers, post.written_by.clone()]
        }
        ListEntry::Broken(broken) => output::broken(broken, 3),
    }
}

/// Write the published site into a folder, and say what came of it.
pub(super) async fn export(
    context: &Context,
    app: &App,
    folder: &Path,
) -> Result<Exported, Failure> {
    let local = &app.config().part::<Listeners>().listen;
    let exported = posts::export(app, folder, local).await?;
    for Broken { id, detail, .. } in &exported.left_out {
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
