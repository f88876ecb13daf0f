//! `posts export --as json` and `posts import`: all posts as one document.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use callboard_core::app::App;
use callboard_core::operations::{Actor, OperationError};
use callboard_factory::operations::posts::{self, DumpedPosts};

use crate::cli::output::Answered;
use crate::cli::runs::Who;
use crate::cli::{Context, Failure};

/// Write the document into a file that is not there yet, as a whole or not at all.
pub(super) async fn export(context: &Context, app: &App, path: &Path) -> Result<Answered, Failure> {
    let all = posts::dump(app).await?;
    let text = posts::written(&all)?;
    let unwritten = |error| OperationError::unwritten(path.display(), &error);
    let mut file = File::create_new(path).map_err(unwritten)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a document is none.
        fs::remove_file(path).ok();
        return Err(unwritten(error).into());
    }
    let (many, shown) = (all.posts.len(), path.display());
    context
        .output
        .say(format_args!("wrote {many} posts into {shown}"));
    Ok(context.output.json(&DumpedPosts { posts: many }))
}

pub(super) async fn import(
    context: &Context,
    app: &App,
    path: &Path,
    keep: bool,
    who: Who,
) -> Result<Answered, Failure> {
    let by = Actor {
        name: who.by,
        reason: String::new(),
    };
    let (document, origin) = posts::read(path).await?;
    let imported = posts::import(app, document, (&origin, keep), &by).await?;
    let output = context.output;
    for slug in &imported.added {
        output.say(format_args!("new: {slug}"));
    }
    for left in &imported.left_out {
        output.say(format_args!("left out: {left}"));
    }
    let (new, same) = (imported.added.len(), imported.unchanged.len());
    if keep {
        output.say(format_args!(
            "{new} posts imported, {same} were here already"
        ));
    } else {
        output.say(format_args!(
            "{new} posts would be imported, {same} are here already; nothing was kept"
        ));
        if new > 0 {
            output.next(format_args!("posts import {} --yes", origin.name));
        }
    }
    Ok(output.json(&imported))
}
