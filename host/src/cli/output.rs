//! The only place that prints: tables and sentences for people, JSON for programs.

use std::io::IsTerminal as _;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde::Serialize;

use super::failure::Failure;
use crate::workspace::Misread;

/// Where and how a command prints. Findings go to standard output, progress and errors to
/// standard error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
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
    pub(super) fn show(self, header: &[&str], rows: Vec<Vec<String>>, value: &impl Serialize) {
        if self.json {
            self.json(value);
        } else {
            self.table(header, rows);
        }
    }

    /// One JSON document.
    #[expect(
        clippy::unused_self,
        reason = "printing is a right of whoever has an output"
    )]
    pub(super) fn json(self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => anstream::println!("{text}"),
            Err(error) => anstream::eprintln!("error: the answer is no JSON: {error}"),
        }
    }

    /// One JSON document on a line of its own, of many.
    #[expect(
        clippy::unused_self,
        reason = "printing is a right of whoever has an output"
    )]
    pub(super) fn json_line(self, value: &serde_json::Value) {
        anstream::println!("{value}");
    }

    /// A table that fits the terminal. Empty tables say so.
    #[expect(
        clippy::unused_self,
        reason = "printing is a right of whoever has an output"
    )]
    pub(super) fn table(self, header: &[&str], rows: Vec<Vec<String>>) {
        if rows.is_empty() {
            anstream::println!("(none)");
            return;
        }
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(width) = std::env::var("COLUMNS")
            .ok()
            .and_then(|text| text.parse().ok())
        {
            table.set_width(width);
        }
        table.set_header(
            header
                .iter()
                .map(|name| name.to_uppercase())
                .collect::<Vec<_>>(),
        );
        table.add_rows(
            rows.into_iter()
                .map(|row| row.into_iter().map(|cell| plain(&cell)).collect::<Vec<_>>()),
        );
        // What names a row is to be copied in one piece.
        if let Some(names) = table.column_mut(0) {
            names.set_constraint(ColumnConstraint::ContentWidth);
        }
        for line in table.lines() {
            anstream::println!("{}", line.trim_end());
        }
    }

    /// A sentence for people; programs do not see it.
    pub(super) fn say(self, text: impl std::fmt::Display) {
        if !self.json {
            anstream::println!("{text}");
        }
    }

    /// A line about work under way, on standard error.
    #[expect(
        clippy::unused_self,
        reason = "printing is a right of whoever has an output"
    )]
    pub(super) fn progress(self, text: impl std::fmt::Display) {
        anstream::eprintln!("{text}");
    }

    /// Text as it is, such as a script of completions.
    #[expect(
        clippy::unused_self,
        reason = "printing is a right of whoever has an output"
    )]
    pub(super) fn raw(self, text: &str) {
        anstream::print!("{text}");
    }

    /// What went wrong, and the mend.
    pub(super) fn failure(self, failure: &Failure) {
        if self.json {
            self.json(&failure.to_json());
        }
        anstream::eprintln!("error: {}", failure.message);
        for misread in &failure.misreads {
            anstream::eprintln!("  {}", misread_line(misread));
        }
        if let Some(help) = &failure.help {
            anstream::eprintln!("  help: {help}");
        }
    }
}

fn misread_line(misread: &Misread) -> String {
    format!(
        "{}: {}\n    help: {}",
        misread.place, misread.message, misread.mend
    )
}

/// Control characters from the outside do not reach the terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// A time for people: UTC, to the second.
pub(super) fn time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The part of an id that people read and type. Ids of version 7 begin with the time, so
/// the end tells them apart best; the whole is accepted everywhere.
pub(super) fn short(id: &str) -> String {
    id.chars().take(18).collect()
}
