//! `--record` and `--replay`: the cassette of a command that carries runs out.

use std::path::PathBuf;

use callboard_core::app::App;
use clap::Args;

use super::Failure;

#[derive(Debug, Default, Args)]
pub(super) struct Cassette {
    /// Keep each answer of models and HTTP servers in this folder, by what was asked. A question
    /// that was recorded there before is recorded anew.
    #[arg(long, value_name = "DIR", conflicts_with = "replay")]
    record: Option<PathBuf>,

    /// Answer from this folder in place of models and HTTP servers: nothing goes to the network, and
    /// what was not recorded is not available.
    #[arg(long, value_name = "DIR")]
    replay: Option<PathBuf>,
}

impl Cassette {
    /// Put it in, before anything is asked.
    pub(super) fn put(&self, app: &App) -> Result<(), Failure> {
        let (folder, put) = match (&self.record, &self.replay) {
            (Some(folder), _) => (folder, app.record(folder)),
            (None, Some(folder)) => (folder, app.replay(folder)),
            (None, None) => return Ok(()),
        };
        put.map_err(|error| {
            Failure::usage(format!("the cassette {}: {error}", folder.display()))
                .help("`--record DIR` makes one")
        })
    }
}
