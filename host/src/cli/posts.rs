//! `posts`: what is published.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;

use super::failure::FAILED;
use super::{Context, Failure};
use crate::app::App;
use crate::site;
use crate::store::posts;

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
        /// Its slug.
        slug: String,
    },
    /// Take a post off the site. Its address says "gone" from then on.
    Remove {
        /// Its slug.
        slug: String,
    },
    /// Write the whole site as static files.
    Export {
        /// The folder to write into.
        folder: PathBuf,
    },
}

impl Posts {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let app = context.app().await?;
        match self {
            Posts::List { limit } => {
                let all = posts::newest(app.store(), limit, 0).await?;
                let rows = all.iter().map(|post| {
                    let (slug, covers) = (post.slug.clone(), post.covers.clone());
                    vec![slug, covers, post.written_by.clone()]
                });
                let header = ["slug", "covers", "written by"];
                context.output.show(&header, rows.collect(), &all);
            }
            Posts::Show { slug } => {
                let post = posts::by_slug(app.store(), &slug).await?;
                let post = post
                    .filter(|post| !post.removed)
                    .ok_or_else(|| no_post(&slug))?;
                context
                    .output
                    .say(format_args!("# {}\n\n{}", post.title, post.markdown));
                if context.output.is_json() {
                    context.output.json(&post);
                }
            }
            Posts::Remove { slug } => {
                let removed = app
                    .store()
                    .execute(posts::remove(&slug, Timestamp::now()))
                    .await?;
                if removed == 0 {
                    return Err(no_post(&slug));
                }
                context.output.say(format_args!("removed {slug}"));
            }
            Posts::Export { folder } => export(context, &app, &folder).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn no_post(slug: &str) -> Failure {
    Failure::usage(format!("there is no published post `{slug}`"))
        .help("`callboard posts list` names them")
}

/// Write the published site into a folder.
pub(super) async fn export(
    context: &Context,
    app: &App,
    folder: &std::path::Path,
) -> Result<(), Failure> {
    let count = u32::try_from(posts::count(app.store()).await?).unwrap_or(u32::MAX);
    let all = posts::newest(app.store(), count, 0).await?;
    let address = &app.config().listen;
    if app.config().site.is_none() {
        context.output.progress(format_args!(
            "warning: feeds, sitemap and canonical links of this export lead to http://{address}/; \
             set `site` in callboard.toml to where readers find it, and export again"
        ));
    }
    let site = app.site(address).await?;
    let target = folder.to_owned();
    let work = tokio::task::spawn_blocking(move || site::export(&site, &all, &target));
    let failed = |error: &dyn std::fmt::Display| Failure::new(FAILED, error.to_string());
    let exported = work
        .await
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))?;
    let folder = folder.display();
    context
        .output
        .say(format_args!("wrote {} files into {folder}", exported.files));
    if context.output.is_json() {
        context
            .output
            .json(&json!({ "files": exported.files, "bytes": exported.bytes }));
    }
    Ok(())
}
