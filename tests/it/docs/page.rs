//! A page, read: its text, and its blocks of commands with what they show.

use std::fs;
use std::ops::Range;
use std::path::Path;

use comrak::nodes::{Node, NodeValue};
use comrak::{Arena, Options};

pub(super) struct Page {
    pub(super) text: String,
    pub(super) blocks: Vec<Block>,
}

pub(super) struct Block {
    /// The lines of the page between the fences.
    pub(super) lines: Range<usize>,
    pub(super) text: String,
    pub(super) kind: Kind,
    /// What a reader has done meanwhile, by the text between the blocks: `<!-- first: … -->`.
    pub(super) first: Vec<String>,
    /// `<!-- not run: … -->`
    pub(super) not_run: Option<String>,
    pub(super) commands: Vec<Command>,
}

pub(super) enum Kind {
    /// Commands after `$ `, and what they print.
    Console,
    /// Commands only. They have to succeed; what they print is not shown.
    Commands,
    /// A file that the reader writes: `<!-- file: PATH -->`.
    File(String),
}

pub(super) struct Command {
    pub(super) line: String,
    pub(super) shown: Vec<String>,
}

impl Page {
    pub(super) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()));
        let arena = Arena::new();
        let root = comrak::parse_document(&arena, &text, &Options::default());
        let blocks = root.descendants().filter_map(Block::of).collect();
        Self { text, blocks }
    }
}

impl Block {
    fn of(node: Node<'_>) -> Option<Self> {
        let data = node.data.borrow();
        let NodeValue::CodeBlock(code) = &data.value else {
            return None;
        };
        let above = comments_above(node);
        let after = |name: &str| above.iter().find_map(|it| it.strip_prefix(name));
        let kind = match (code.info.as_str(), after("file:")) {
            ("console", _) => Kind::Console,
            ("sh", _) => Kind::Commands,
            (_, Some(path)) => Kind::File(path.trim().to_owned()),
            (word, None) => {
                let hidden = code.literal.lines().find(|line| is_command(line));
                assert_eq!(hidden, None, "a command in a block of `{word}` is not run");
                return None;
            }
        };
        let first = after("first:").unwrap_or_default().lines();
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let block = Self {
            lines: data.sourcepos.start.line..data.sourcepos.end.line - 1,
            commands: kind.commands(&code.literal),
            text: code.literal.clone(),
            kind,
            first: first
                .filter(|it| !it.is_empty())
                .map(str::to_owned)
                .collect(),
            not_run: after("not run:").map(words),
        };
        Some(block)
    }
}

/// Whether a line looks like a command that a page should not hide from its test.
fn is_command(line: &str) -> bool {
    line.starts_with("$ ") || line.starts_with("callboard ")
}

/// The texts of the comments right above a block.
fn comments_above(node: Node<'_>) -> Vec<String> {
    let nodes = node.preceding_siblings().skip(1);
    nodes.map_while(comment).collect()
}

/// The text of a comment in HTML.
fn comment(node: Node<'_>) -> Option<String> {
    let NodeValue::HtmlBlock(html) = &node.data.borrow().value else {
        return None;
    };
    let text = html
        .literal
        .trim()
        .strip_prefix("<!--")?
        .strip_suffix("-->")?;
    Some(text.trim().to_owned())
}

impl Kind {
    fn commands(&self, literal: &str) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        for line in literal.lines() {
            let command = match self {
                Self::Console => line.strip_prefix("$ "),
                Self::Commands => Some(line),
                Self::File(_) => return commands,
            };
            match (command, commands.last_mut()) {
                (Some(command), _) => commands.push(Command {
                    line: command.to_owned(),
                    shown: Vec::new(),
                }),
                (None, Some(last)) => last.shown.push(line.to_owned()),
                (None, None) => panic!("a block begins with what no command printed: {line}"),
            }
        }
        commands
    }

    /// A command as the page has it.
    pub(super) fn written(&self, command: &str) -> String {
        match self {
            Self::Console => format!("$ {command}"),
            Self::Commands | Self::File(_) => command.to_owned(),
        }
    }
}
