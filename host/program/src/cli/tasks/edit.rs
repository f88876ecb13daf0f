//! `tasks edit`: a person's version of a draft.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use callboard_core::app::App;
use callboard_core::operations::{OperationError, given};
use callboard_factory::operations::tasks::{self, DraftView};
use clap::Args;
use tempfile::TempPath;

use super::NamedTask;
use crate::cli::output::{Answered, screen};
use crate::cli::runs::Who;
use crate::cli::{Context, Failure};

/// The editor, where the environment names none.
const EDITOR: &str = "vi";
/// The longest text of a person, in bytes.
const LONGEST: u64 = 4 << 20;

/// A version to write.
#[derive(Debug, Args)]
pub(in crate::cli) struct Edit {
    #[command(flatten)]
    which: NamedTask,
    /// The text, in place of an editor; a first line `# …` is its title.
    #[arg(long)]
    file: Option<PathBuf>,
    /// The title.
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    who: Who,
}

impl Edit {
    pub(super) async fn run(self, context: &Context, app: &App) -> Result<Answered, Failure> {
        let id = &self.which.id;
        let details = tasks::show(app, id).await?;
        let short = &details.task.short;
        let draft = details
            .draft
            .ok_or_else(|| Failure::usage(format!("task {short} has no draft to edit yet")))?;
        let (written, place) = match (&self.file, &self.title) {
            (Some(file), _) => (Some(given::text(file, LONGEST).await?), None),
            (None, Some(_)) => (None, None),
            (None, None) => {
                let place = in_editor(&draft)?;
                match given::text(&place, LONGEST).await {
                    Ok(text) => (Some(text), Some(place)),
                    Err(error) => return Err(left(error.into(), Some(place), short)),
                }
            }
        };
        let (title, markdown) = written.as_deref().map_or((None, None), parted);
        let edit = tasks::Edit {
            title: self.title.as_deref().or(title),
            markdown,
            seen: draft.number,
            by: &self.who.by,
        };
        // By its id: meanwhile another one may be the latest.
        let edited = tasks::edit(app, &details.task.id, edit).await;
        let edited = edited.map_err(|error| left(error.into(), place, short))?;
        let output = context.output;
        match &edited {
            Some(new) => {
                let (number, conflicts) = (new.number, new.conflicts);
                output.say(format_args!("draft {number} of task {short}"));
                if let Some(newer) = new.parent.filter(|newer| *newer != draft.number) {
                    output.warn(format_args!(
                        "draft {newer} came meanwhile, and both are in it"
                    ));
                }
                if conflicts > 0 {
                    output.warn(format_args!(
                        "{conflicts} conflicts are still to be settled"
                    ));
                }
                output.next(format_args!("tasks diff {short}"));
            }
            None => output.say("nothing was changed"),
        }
        Ok(output.json(edited.as_ref().unwrap_or(&draft)))
    }
}

/// The title, if the text begins with one, and the rest.
fn parted(text: &str) -> (Option<&str>, Option<&str>) {
    let title = text.trim_start().strip_prefix("# ");
    match title.map(|rest| rest.split_once('\n').unwrap_or((rest, ""))) {
        Some((title, rest)) => (Some(title.trim()), Some(rest.trim_matches('\n'))),
        None => (None, Some(text)),
    }
}

/// A failure after which what a person wrote in the editor is still where it was written.
fn left(failure: Failure, place: Option<TempPath>, task: &str) -> Failure {
    let Some(Ok(path)) = place.map(TempPath::keep) else {
        return failure;
    };
    let path = path.display();
    let first = failure.why.mend.clone().map(|mend| mend + "; ");
    let first = first.unwrap_or_default();
    failure.help(format!(
        "{first}what you wrote is in {path}: `callboard tasks edit {task} --file {path}`"
    ))
}

/// What a person makes of a draft, and the file that it is in until it is kept.
fn in_editor(draft: &DraftView) -> Result<TempPath, Failure> {
    let wrong =
        |error: std::io::Error| OperationError::unwritten("the draft for the editor", &error);
    let mut file = tempfile::Builder::new()
        .prefix("draft-")
        .suffix(".md")
        .tempfile()
        .map_err(wrong)?;
    write!(file, "# {}\n\n{}\n", draft.title, draft.markdown).map_err(wrong)?;
    let chosen = ["VISUAL", "EDITOR"].into_iter().find_map(std::env::var_os);
    let editor = chosen.unwrap_or_else(|| EDITOR.into());
    let said = editor.to_string_lossy().into_owned();
    // It is the person's own program, with its own words, terminal and environment.
    let ended = Command::new("sh")
        .args(["-c", "eval \"$0 \\\"\\$1\\\"\""])
        .arg(&editor)
        .arg(file.path())
        .stdout(screen().map_err(wrong)?)
        .status();
    let help = "set EDITOR to one that is there, or use `--file`";
    match ended {
        Ok(status) if status.success() => Ok(file.into_temp_path()),
        Ok(status) => Err(Failure::usage(format!("editor `{said}`: {status}")).help(help)),
        Err(error) => Err(Failure::usage(format!("editor `{said}`: {error}")).help(help)),
    }
}

#[cfg(test)]
mod tests {
    use super::parted;

    #[test]
    fn a_text_may_begin_with_its_title() {
        assert_eq!(parted("# One\n\ntwo\n"), (Some("One"), Some("two")));
        assert_eq!(parted("one\n# Two\n"), (None, Some("one\n# Two\n")));
        assert_eq!(parted("# One"), (Some("One"), Some("")));
    }
}
