//! A page as its run tells it.

use super::alike::Names;
use super::page::{Block, Command, Kind, Page};
use super::shell::{CTRL_C, Shell};
use crate::support::host::Host;

/// Stands on a line of its own for lines that a page leaves out.
const LEFT_OUT: &str = "…";

/// A page, or a part of it, after its commands were run.
#[derive(Default)]
pub(super) struct Told {
    /// With each line that holds as it was, so that what does not hold stands out.
    pub(super) kept: String,
    /// With everything as it was printed.
    pub(super) fresh: String,
}

impl Told {
    fn both(&mut self, line: &str) {
        self.add(line, line);
    }

    fn add(&mut self, kept: &str, fresh: &str) {
        for (text, line) in [(&mut self.kept, kept), (&mut self.fresh, fresh)] {
            text.push_str(line);
            text.push('\n');
        }
    }

    /// Lines that the page does not have.
    fn more<'l>(&mut self, names: &Names, lines: impl Iterator<Item = &'l String>) {
        for line in lines {
            self.add(&names.shown(line), names.at_home(line).trim_end());
        }
    }
}

/// Run every block of the page.
#[track_caller]
pub(super) fn told(page: &Page, host: &Host) -> Told {
    let folder = std::fs::canonicalize(host.workspace()).expect("it is there");
    let mut names = Names::new(folder.display().to_string());
    let mut shell = Shell::new(host);
    let mut told = Told::default();
    let lines: Vec<&str> = page.text.lines().collect();
    let mut from = 0;
    for block in page.blocks.iter().filter(|block| block.not_run.is_none()) {
        if let Kind::File(path) = &block.kind {
            host.write(path, &block.text);
            continue;
        }
        lines[from..block.lines.start]
            .iter()
            .for_each(|line| told.both(line));
        from = block.lines.end;
        for line in &block.first {
            succeeds(&mut shell, line);
        }
        run(block, &mut shell, &mut names, &mut told);
    }
    lines[from..].iter().for_each(|line| told.both(line));
    told
}

#[track_caller]
fn run(block: &Block, shell: &mut Shell, names: &mut Names, told: &mut Told) {
    for command in &block.commands {
        let line = names.run(&command.line);
        let written = |line: &str| block.kind.written(line);
        told.add(&written(&command.line), &written(&names.at_home(&line)));
        if matches!(block.kind, Kind::Console) {
            let printed = prints(command, &line, shell, names);
            align(&command.shown, &printed, names, told);
        } else {
            succeeds(shell, &line);
        }
    }
}

/// Run what is not compared. A run that waits for a person has not failed.
#[track_caller]
fn succeeds(shell: &mut Shell, line: &str) {
    let printed = shell.run(line);
    assert!(
        matches!(printed.code, 0 | 4),
        "`{line}` ended with {}\n{}",
        printed.code,
        printed.lines.join("\n")
    );
}

#[track_caller]
fn prints(command: &Command, line: &str, shell: &mut Shell, names: &mut Names) -> Vec<String> {
    let before = command.shown.iter().position(|line| line == CTRL_C);
    let printed = match before {
        None => shell.run(line),
        Some(0) => panic!("`{line}`: nothing says when it is time for {CTRL_C}"),
        Some(at) => {
            let last = &command.shown[at - 1];
            shell.until(line, |printed| names.alike(last, printed))
        }
    };
    printed.lines
}

/// Lay what was printed beside what the page shows.
fn align(shown: &[String], printed: &[String], names: &mut Names, told: &mut Told) {
    let mut rest = printed;
    let mut shown = shown.iter().peekable();
    while let Some(line) = shown.next() {
        let sought = if line == LEFT_OUT {
            shown.peek().copied()
        } else {
            Some(line)
        };
        let at = match sought {
            Some(sought) => rest.iter().position(|printed| names.alike(sought, printed)),
            None => Some(rest.len()),
        };
        let Some(at) = at else {
            // What the page shows was not printed.
            continue;
        };
        let (before, after) = rest.split_at(at);
        if line != LEFT_OUT {
            told.more(names, before.iter());
            let fresh = names.fresh(line, &after[0]);
            told.add(line, &fresh);
            rest = &after[1..];
        } else if at > 0 {
            told.both(LEFT_OUT);
            rest = after;
        }
    }
    told.more(names, rest.iter());
}
