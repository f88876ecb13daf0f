//! `completions`: scripts for shells.

use clap::{Args, CommandFactory as _};

use super::output::Answered;
use super::{Cli, Context, Failure};

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell, e.g. `bash`: `callboard completions bash > ~/.local/share/bash-completion/completions/callboard`.
    shell: clap_complete::Shell,
}

impl Completions {
    #[expect(clippy::unnecessary_wraps, reason = "every command answers alike")]
    pub(super) fn run(self, context: &Context) -> Result<Answered, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "callboard", &mut script);
        let name = format!("completions of {}", self.shell);
        Ok(context.output.file(&name, &script))
    }
}
