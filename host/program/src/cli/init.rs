//! `init`: write the bundled factory workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use callboard_core::workspace::{self, Files};
use clap::Args;

use super::documents::Initialised;
use super::output::{Answered, word};
use super::{Context, Failure};

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The folder to make; that of `-w` if absent, else this one. Files that are there already
    /// are never written over.
    folder: Option<PathBuf>,
    /// Write it also into a folder that has files of its own; without this, only say what that
    /// would do.
    #[arg(long)]
    yes: bool,
}

impl Init {
    pub(super) fn run(self, context: &Context) -> Result<Answered, Failure> {
        let folder = context.folder(self.folder, "DIR")?;
        let folder = folder.unwrap_or_else(|| context.workspace.clone());
        let files = bundled();
        workspace::refuse_taken(&folder, &files)?;
        let others = workspace::lies_in(&folder)?;
        if !others.is_empty() && !self.yes {
            return Err(plan(&folder, &files, &others));
        }
        workspace::write(&folder, &files)?;
        let output = context.output;
        let name = folder.display().to_string();
        output.say(format_args!(
            "wrote {} files of the factory into {name}",
            files.len()
        ));
        if !others.is_empty() {
            let left = format!("left as they were: {}; {UNREAD}", some(&others));
            output.labelled("", &left);
        }
        output.next(format_args!("-w {} apply", word(&name)));
        Ok(output.json(&Initialised {
            folder: name,
            files: files.into_keys().collect(),
        }))
    }
}

/// What becomes of files that are none of a workspace.
const UNREAD: &str = "what is no part of the workspace is a miss until `.callboardignore` names it, as a .gitignore does";
/// How many names are told.
const TOLD: usize = 5;

/// What would be written beside files that are not of a workspace, and what to do.
fn plan(folder: &Path, files: &Files, others: &[String]) -> Failure {
    let tops: BTreeSet<String> = files
        .keys()
        .map(|file| match file.split_once('/') {
            Some((top, _)) => format!("{top}/"),
            None => file.clone(),
        })
        .collect();
    let tops: Vec<_> = tops.into_iter().collect();
    let name = folder.display();
    let problem = format!("{name} has {}; nothing was written", some(others));
    let (own, here) = (folder.join("factory"), word(&name.to_string()));
    let own = word(&own.display().to_string());
    let help = format!(
        "`callboard init {own}` makes a folder of its own\n\
         `callboard init {here} --yes` adds {} files there, {}, and writes over nothing;\n{UNREAD}",
        files.len(),
        tops.join(", "),
    );
    Failure::usage(problem).help(help)
}

/// The first names of several.
fn some(names: &[String]) -> String {
    let told = names.get(..TOLD).unwrap_or(names).join(", ");
    match names.len().saturating_sub(TOLD) {
        0 => told,
        more => format!("{told} and {more} more"),
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
