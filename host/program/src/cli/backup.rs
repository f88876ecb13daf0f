//! `backup`: all that is in the database, in one file.

use std::path::PathBuf;

use callboard_core::operations::backup;
use clap::Args;

use super::output::Answered;
use super::{Context, Failure};

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file, which is made.
    file: PathBuf,
}

impl Backup {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let written = backup::write(&app, &self.file).await?;
        let (file, bytes) = (written.file.display(), written.bytes);
        let key = match &written.key {
            Some(key) => format!("; {}, which opens its secrets, is not in it", key.display()),
            None => String::new(),
        };
        context.output.say(format_args!(
            "{file} has all that is in the database ({bytes} bytes){key}"
        ));
        Ok(context.output.json(&written))
    }
}
