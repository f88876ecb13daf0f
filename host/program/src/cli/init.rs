//! `init`: write the bundled factory workspace.

use std::path::PathBuf;

use clap::Args;

use super::documents::Initialised;
use super::output::Answered;
use super::{Context, Failure};
use callboard_core::workspace::{self, Files};

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The folder to make; that of `-w` if absent, else this one. Files that are there already
    /// are never written over.
    folder: Option<PathBuf>,
}

impl Init {
    pub(super) fn run(self, context: &Context) -> Result<Answered, Failure> {
        let folder = context.folder(self.folder, "DIR")?;
        let folder = folder.unwrap_or_else(|| context.workspace.clone());
        let files = bundled();
        workspace::write(&folder, &files)?;
        let folder = folder.display();
        context.output.say(format_args!(
            "wrote {} files of the factory into {folder}",
            files.len()
        ));
        context
            .output
            .say(format_args!("next: callboard -w {folder} apply"));
        Ok(context.output.json(&Initialised {
            folder: folder.to_string(),
            files: files.into_keys().collect(),
        }))
    }
}

/// The factory workspace that the binary carries.
pub(super) fn bundled() -> Files {
    callboard_factory::pack()
        .workspace
        .iter()
        .map(|(path, content)| ((*path).to_owned(), content.to_vec()))
        .collect()
}
