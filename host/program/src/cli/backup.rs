//! `backup`: all that is in the database, in one file, and the pictures that it names, in a folder.

use std::path::PathBuf;

use callboard_factory::operations::backup;
use clap::Args;

use super::output::Answered;
use super::{Context, Failure};

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file, which is made.
    file: PathBuf,
    /// A folder for the pictures, which are not in the database. It gets those that it does not have.
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
}

impl Backup {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let written = backup::write(&app, &self.file, self.pictures.as_deref()).await?;
        let (file, bytes) = (written.file.display(), written.bytes);
        let key = match &written.key {
            Some(key) => format!("; {}, which opens its secrets, is not in it", key.display()),
            None => String::new(),
        };
        context.output.say(format_args!(
            "{file} has all that is in the database ({bytes} bytes){key}"
        ));
        let beside = &written.pictures;
        match &beside.folder {
            Some(folder) => {
                let (kept, copied) = (beside.kept - beside.missing.len(), beside.copied);
                let folder = folder.display();
                context.output.say(format_args!(
                    "{folder} has its {kept} pictures, {copied} of them new"
                ));
            }
            None if beside.kept > 0 => context.output.warn(format_args!(
                "{} pictures are in the media store, and not in the backup; `--pictures FOLDER` copies them",
                beside.kept
            )),
            None => {}
        }
        for name in &beside.missing {
            let told = format_args!("picture {name} is missing: the media store does not have it");
            context.output.warn(told);
        }
        Ok(context.output.json(&written))
    }
}
