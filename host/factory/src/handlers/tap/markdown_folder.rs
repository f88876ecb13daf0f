//! `tap.markdown_folder`: the Markdown documents of a folder are kept, each once and again when it changes.
//! Links are not followed. A document that cannot be read is told with its cause; a folder that cannot be
//! is unavailable.

use std::ffi::OsString;
use std::path::Path;

use callboard_core::blocking;
use callboard_core::confined_folder::{ConfinedFolder, FileKind};
use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{FailureKind, Stop};
use callboard_core::shown::cut;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::markdown::{PartKind, parts};
use crate::research::Missed;
use crate::tables::items::Item;
use crate::tapping::{Found, Tapped, sealed};

struct MarkdownFolder;

callboard_core::register!(MarkdownFolder);

/// How deep folders are looked into.
const DEPTH: usize = 8;
/// The longest title that is kept.
const TITLE: usize = 300;
/// The line that begins and ends the head of a document.
const FENCES: [&str; 2] = ["---", "+++"];

/// How much is read.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Documents at most, by their paths; the rest is told as not read.
    #[schemars(range(min = 1, max = 5000))]
    most: usize,
    /// The largest document that is read, in bytes.
    #[schemars(range(min = 100, max = 1_048_576))]
    bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            most: 1000,
            bytes: 256 << 10,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The folder.
    #[schemars(extend("format" = "path"))]
    folder: String,
}

impl Handler for MarkdownFolder {
    type Config = Config;
    type Reads = Reads;
    type Writes = Tapped;

    const SUMMARY: &'static str = "Keeps the Markdown documents of a folder";

    fn needs(&self) -> Needs {
        Needs::default().table("items", &["select", "insert", "update"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Tapped> {
        let folder = reads.folder.trim().to_owned();
        if folder.is_empty() {
            let message = "`folder` is empty; give a folder with Markdown documents";
            return Err(Stop::failed(FailureKind::Input, message));
        }
        let now = call.now;
        let name = folder.clone();
        let read = blocking::wait(move || read(&folder, config, now)).await;
        let unavailable = |cause: String| Stop::unavailable(&name, cause);
        let found = read.map_err(|error| unavailable(error.to_string()))?;
        found.map_err(unavailable)?.keep(call, &name).await
    }
}

/// The documents of a folder, in the order of their paths.
fn read(folder: &str, config: Config, now: Timestamp) -> Result<Found, String> {
    let files = ConfinedFolder::open(Path::new(folder), &[]).map_err(|error| error.to_string())?;
    let mut found = Found {
        any: true,
        ..Found::default()
    };
    let mut documents = Vec::new();
    listed(&files, "", DEPTH, &mut documents, &mut found.missed);
    documents.sort();
    for (index, path) in documents.iter().enumerate() {
        let read = if index >= config.most {
            Err(format!("{} documents are read at most", config.most))
        } else {
            document(&files, path, config.bytes)
        };
        match read {
            Ok(text) => found.items.push(item(folder, path, &text, now)),
            Err(why) => found.missed.push(Missed::new(path, why)),
        }
    }
    found.any = documents.is_empty() && found.missed.is_empty() || !found.items.is_empty();
    Ok(found)
}

/// The paths of the documents below a folder; what cannot be looked into is missed.
fn listed(
    files: &ConfinedFolder,
    folder: &str,
    deeper: usize,
    documents: &mut Vec<String>,
    missed: &mut Vec<Missed>,
) {
    let shown = if folder.is_empty() { "." } else { folder };
    let names: Vec<(OsString, FileKind)> = match files.list(folder) {
        Ok(names) => names,
        Err(refusal) => return missed.push(Missed::new(shown, refusal.problem)),
    };
    for (name, kind) in names {
        let Some(name) = name.to_str() else {
            missed.push(Missed::new(name.to_string_lossy(), "its name is not UTF-8"));
            continue;
        };
        let path = match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let is_document = Path::new(name)
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("md"));
        match kind {
            _ if name.starts_with('.') => {}
            FileKind::Folder if deeper == 0 => {
                missed.push(Missed::new(path, format!("folders are read {DEPTH} deep")));
            }
            FileKind::Folder => listed(files, &path, deeper - 1, documents, missed),
            FileKind::File if is_document => documents.push(path),
            FileKind::Link | FileKind::Special if is_document => {
                missed.push(Missed::new(
                    path,
                    "it is no file, and links are not followed",
                ));
            }
            _ => {}
        }
    }
}

fn document(files: &ConfinedFolder, path: &str, most: u64) -> Result<String, String> {
    let bytes = files
        .read(path, most)
        .map_err(|refusal| refusal.problem.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

fn item(folder: &str, path: &str, text: &str, now: Timestamp) -> Item {
    let (head, text) = parted(text);
    sealed(Item {
        id: String::new(),
        origin: folder.to_owned(),
        name: path.to_owned(),
        url: String::new(),
        title: cut(title(head, text).unwrap_or_else(|| path.to_owned()), TITLE),
        published: cut(value(head, "date").unwrap_or_default(), TITLE),
        text: text.to_owned(),
        digest: String::new(),
        found_at: now,
    })
}

/// A document as its head, if it has one, and its text.
fn parted(document: &str) -> (&str, &str) {
    let parts = FENCES.iter().find_map(|fence| {
        let rest = document.strip_prefix(fence)?.strip_prefix('\n')?;
        rest.split_once(&format!("\n{fence}\n"))
    });
    let (head, text) = parts.unwrap_or(("", document));
    (head, text.trim_start_matches('\n'))
}

/// What its head says, or its first heading.
fn title(head: &str, text: &str) -> Option<String> {
    value(head, "title").or_else(|| {
        let parts = parts(text).ok()?;
        let heading = parts
            .into_iter()
            .find(|part| matches!(part.kind, PartKind::Heading(_)));
        heading.map(|part| part.text)
    })
}

/// The value of a key on one line of a head, in YAML or TOML.
fn value(head: &str, key: &str) -> Option<String> {
    let mut lines = head.lines();
    let value = lines.find_map(|line| {
        let (name, value) = line.split_once([':', '='])?;
        (name.trim() == key).then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    });
    value.filter(|value| !value.is_empty())
}
