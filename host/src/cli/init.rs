//! `init`: write the bundled factory workspace.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Context, Failure};
use crate::bundle;
use crate::workspace::{self, Files};

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The folder to make; files that are there already are never written over.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

impl Init {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let files = bundled();
        workspace::write(&self.folder, &files)?;
        let folder = self.folder.display();
        context.output.say(format_args!(
            "wrote {} files of the factory into {folder}",
            files.len()
        ));
        context
            .output
            .say(format_args!("next: callboard -w {folder} apply"));
        if context.output.is_json() {
            context.output.json(&files.keys().collect::<Vec<_>>());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The factory workspace that the binary carries.
pub(super) fn bundled() -> Files {
    bundle::FILES
        .iter()
        .map(|(path, content)| ((*path).to_owned(), content.to_vec()))
        .collect()
}
