//! `completions`: scripts for shells.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};

use super::{Cli, Context, Failure};

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell, e.g. `bash`: `callboard completions bash > ~/.local/share/bash-completion/completions/callboard`.
    shell: clap_complete::Shell,
}

impl Completions {
    #[expect(clippy::unnecessary_wraps, reason = "every command answers alike")]
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "callboard", &mut script);
        context.output.raw(&String::from_utf8_lossy(&script));
        Ok(ExitCode::SUCCESS)
    }
}
