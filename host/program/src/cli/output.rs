//! The only place that prints: tables and sentences for people, JSON for programs. Whatever is
//! printed is [`Shown`] first, so that no text from outside moves the cursor, forges a line or
//! turns the direction of writing.
//!
//! A command ends with [`Answered`], which only an output makes: with `--format json` exactly one
//! document is on standard output, the answer or the failure, or a document a line where lines are
//! followed.

mod streams;
mod table;
mod wrap;

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};

use callboard_core::foreign_reader;
use callboard_core::operations::{Newest, UnreadableRow};
use callboard_core::shown::{self, Shown};
use clap::error::ErrorKind;
use serde::Serialize;
use serde_json::Value as Json;

use self::streams::MessageLevel;
pub(super) use self::streams::{lost, screen, until_lost, write_documents};
use super::documents::TextFile;
use super::exit::Exit;
use super::failure::Failure;

/// Where and how a command prints. Findings go to standard output, progress and errors to
/// standard error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

/// Proof that a command has answered in the form that was asked for: a command without a JSON
/// document does not compile.
#[derive(Debug)]
#[must_use = "a command ends with it"]
pub(super) struct Answered(Exit);

impl Answered {
    /// The same answer with another exit code than 0.
    pub(super) fn with(mut self, exit: Exit) -> Self {
        self.0 = exit;
        self
    }

    pub(super) fn exit(&self) -> Exit {
        self.0
    }
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Whether standard error is a terminal whose user wants colours (<https://no-color.org>).
    pub(super) fn coloured_errors() -> bool {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        !unwanted && std::io::stderr().is_terminal()
    }

    /// A table for people, or `value` for programs.
    pub(super) fn show(
        self,
        header: &[&str],
        rows: Vec<Vec<impl Into<Shown>>>,
        value: &impl Serialize,
    ) -> Answered {
        self.table(header, rows);
        self.json(value)
    }

    /// The newest of something, a row each, and that there are more: beside the answer, so that it stays the same
    /// list for programs.
    pub(super) fn newest<T: Serialize>(
        self,
        header: &[&str],
        newest: &Newest<T>,
        row: impl Fn(&T) -> Vec<String>,
    ) -> Answered {
        let rows = newest.rows.iter().map(row).collect();
        let answered = self.show(header, rows, &newest.rows);
        if newest.more {
            let shown = newest.rows.len();
            self.progress(format_args!(
                "only the newest {shown} are shown; `--limit NUMBER` shows more"
            ));
        }
        answered
    }

    /// The one document for programs; people do not see it.
    pub(super) fn json(self, value: &impl Serialize) -> Answered {
        if self.json {
            match serde_json::to_string_pretty(value) {
                Ok(text) => streams::answer(shown::json(&text)),
                Err(error) => {
                    let problem = format!("the answer is no JSON: {error}");
                    self.failure(&Failure::new(Exit::Defect, problem));
                    return Answered(Exit::Defect);
                }
            }
        }
        Answered(Exit::Done)
    }

    /// One JSON document on a line of its own, of many.
    #[expect(
        clippy::unused_self,
        reason = "printing is a right of whoever has an output"
    )]
    pub(super) fn json_line(self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => streams::answer(shown::json(&text)),
            Err(error) => {
                let problem = format!("the answer is no JSON: {error}");
                let text = format_args!("error: {problem}");
                streams::aside(MessageLevel::Error, text, || message(&problem));
            }
        }
    }

    /// The end of lines that were followed, each of which was a document.
    #[expect(
        clippy::unused_self,
        reason = "printing is a right of whoever has an output"
    )]
    pub(super) fn lines_end(self) -> Answered {
        Answered(Exit::Done)
    }

    /// A table for people that fits the terminal. Empty tables say so.
    pub(super) fn table(self, header: &[&str], rows: Vec<Vec<impl Into<Shown>>>) {
        if rows.is_empty() {
            self.say("(none)");
            return;
        }
        let cells = |row: Vec<_>| row.into_iter().map(Into::into).collect();
        let rows: Vec<Vec<Shown>> = rows.into_iter().map(cells).collect();
        if !self.json {
            for line in table::lines(header, &rows, table::width()) {
                streams::answer(line);
            }
        }
    }

    /// A sentence on one line for people; programs do not see it.
    pub(super) fn say(self, text: impl Display) {
        if !self.json {
            streams::answer(Shown::line(text));
        }
    }

    /// What may be typed next, in the words that stand behind `callboard`: they can be typed as
    /// they are printed, so whatever else there is to say is a line of its own.
    pub(super) fn next(self, command: impl Display) {
        self.say(format_args!("next: callboard {command}"));
    }

    /// A text of several lines for people, such as a draft.
    pub(super) fn text(self, text: impl Display) {
        if !self.json {
            streams::answer(Shown::lines(text));
        }
    }

    /// A text with its label for people, wrapped where the terminal ends. Further lines of it stand
    /// below the first, so that none can be taken for a line of its own.
    pub(super) fn labelled(self, label: &str, text: &str) {
        if !self.json {
            streams::answer(wrap::lines(label, text, table::width()));
        }
    }

    /// The same where each line is to be found by its words, as wide as it is.
    pub(super) fn whole(self, label: &str, text: &str) {
        if !self.json {
            streams::answer(labelled(label, text));
        }
    }

    /// A line about work under way, on standard error.
    pub(super) fn progress(self, text: impl Display) {
        self.live("");
        let text = text.to_string();
        let document = || message(text.trim());
        streams::aside(MessageLevel::Info, Shown::line(&text), document);
    }

    /// A line about what may not be as it is meant, on standard error.
    pub(super) fn warn(self, text: impl Display) {
        self.live("");
        let text = text.to_string();
        let line = Shown::line(format_args!("warning: {text}"));
        streams::aside(MessageLevel::Warn, line, || message(&text));
    }

    /// Whether a line of standard error can be written over.
    #[expect(
        clippy::unused_self,
        reason = "printing is a right of whoever has an output"
    )]
    pub(super) fn is_live(self) -> bool {
        std::io::stderr().is_terminal() && !streams::are_documents()
    }

    /// Write over the last line of standard error, on a terminal; an empty text takes it away.
    pub(super) fn live(self, text: impl Display) {
        if self.is_live() {
            streams::beside(&format!("\r\u{1b}[K{}", Shown::line(text)));
        }
    }

    /// A file as it is, or readable where it comes to a terminal.
    pub(super) fn file(self, name: &str, content: &[u8]) -> Answered {
        let text = String::from_utf8_lossy(content);
        if !self.json {
            callboard_core::standard_error::written();
            let mut stdout = std::io::stdout().lock();
            streams::written(if stdout.is_terminal() {
                write!(stdout, "{}", Shown::lines(&text))
            } else {
                stdout.write_all(content)
            });
        }
        self.json(&TextFile {
            file: name.to_owned(),
            content: text.into_owned(),
        })
    }

    /// What went wrong, and the mend: for people on standard error, and for programs as the
    /// document that stands in place of the answer.
    pub(super) fn failure(self, failure: &Failure) {
        if self.json {
            self.json_line(&failure.document());
        }
        self.live("");
        let mut lines = vec![labelled("error: ", &failure.why.message)];
        for misread in &failure.why.misreads {
            let place = Shown::line(&misread.place);
            let line = format!("{place}: {}", misread.message);
            lines.push(labelled("  ", &line));
            lines.push(labelled("    help: ", &misread.mend));
        }
        if let Some(help) = &failure.why.mend {
            lines.push(labelled("  help: ", help));
        }
        streams::aside(MessageLevel::Error, lines.join("\n"), || said(failure));
    }
}

/// A text as a line of the log has it.
fn message(text: &str) -> Json {
    Json::from_iter([("message", text)])
}

/// A failure as a line of the log has it, whose text is its `message`.
fn said(failure: &Failure) -> Json {
    let mut said = serde_json::to_value(failure.document()).unwrap_or_default();
    if let Some(members) = said.as_object_mut()
        && let Some(error) = members.remove("error")
    {
        members.insert("message".to_owned(), error);
    }
    said
}

/// What clap says of a command line. Its own help has the style of the terminal; what it says of
/// arguments quotes them, and so has none.
pub(super) fn usage(error: &clap::Error, json: bool) -> Exit {
    if !error.use_stderr() {
        streams::written(error.print());
        return Exit::Done;
    }
    let text = error.render().to_string();
    let failure = misused(error, &text);
    if json {
        Output::new(true).json_line(&failure.document());
    }
    let text = Shown::lines(text.trim_end());
    streams::aside(MessageLevel::Error, text, || said(&failure));
    Exit::Usage
}

/// What is wrong with a command line, in a sentence. Where nothing but a command is missing, clap
/// shows the help.
fn misused(error: &clap::Error, text: &str) -> Failure {
    let missing = [
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
        ErrorKind::MissingSubcommand,
    ];
    if missing.contains(&error.kind()) {
        let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
        let usage = usage.unwrap_or("callboard").split(" [").next();
        let command = usage.unwrap_or_default().trim_end_matches(" <COMMAND>");
        let problem = format!("`{command}` lacks the command that says what to do");
        return Failure::usage(problem).help(format!("`{command} --help` names them"));
    }
    let lines = text.trim_start_matches("error: ").lines().map(str::trim);
    let lines = lines.take_while(|line| !line.starts_with("Usage:"));
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    Failure::usage(lines.join(" ")).help("`callboard --help` explains the rest")
}

/// Have panics told on lines that nothing in them can forge.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // The caller of the reader tells it, with the name of what was read.
        if foreign_reader::is_reading() {
            return;
        }
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("of no name");
        let place = panic.location().map(ToString::to_string);
        let place = place.unwrap_or_default();
        let cause = panic.payload_as_str().unwrap_or("without a text");
        let trace = std::backtrace::Backtrace::capture();
        let trace = match trace.status() {
            std::backtrace::BacktraceStatus::Captured => format!("\n{trace}"),
            _ => String::new(),
        };
        let head = format!("thread '{}' panicked at {place}:", Shown::line(name));
        let text = format!("{head}\n{}{}", Shown::lines(cause), Shown::lines(&trace));
        let document = || {
            let message = ("message", format!("{head} {cause}"));
            Json::from_iter([message, ("trace", trace)])
        };
        streams::aside(MessageLevel::Error, text, document);
    }));
}

/// A word of a command line, as a shell reads it whole.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn labelled(label: &str, text: &str) -> String {
    wrap::lines(label, text, None)
}

/// A time for people: UTC, to the second.
pub(super) fn time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The row of a table for what cannot be read, of so many columns.
pub(super) fn broken(row: &UnreadableRow, columns: usize) -> Vec<String> {
    let mut cells = vec![row.id.clone(), row.status.to_owned(), row.detail.clone()];
    cells.resize(columns, String::new());
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_by_a_shell_as_it_was_meant() {
        let words = ["factory", "../my factory", "it's", "$HOME", ""];
        let read = words.map(|text| {
            let line = format!("printf %s {}", word(text));
            let ran = std::process::Command::new("sh")
                .args(["-c", &line])
                .output();
            String::from_utf8(ran.expect("a shell").stdout).expect("UTF-8")
        });
        assert_eq!(read, words);
        assert_eq!(word("../a"), "../a");
    }
}
