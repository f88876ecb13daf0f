//! `tap.markdown_folder`: the Markdown documents of a folder are kept, each once and again when it changes.
//! Links are not followed. A document that cannot be read is told with its cause; a folder that cannot be
//! is unavailable.

use std::path::Path;

use callboard_core::blocking;
use callboard_core::confined_folder::ConfinedFolder;
use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{FailureKind, Stop};
use callboard_core::shown::cut;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::documents::{self, Documents};
use crate::front_matter::{self, FrontMatterKeys};
use crate::markdown::{PartKind, parts};
use crate::research::MissedSource;
use crate::tables::items::Item;
use crate::tapping::{TapResult, Tapped, sealed};

struct TapMarkdownFolder;

callboard_core::register!(TapMarkdownFolder);

/// The longest title that is kept.
const TITLE: usize = 300;

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

impl Handler for TapMarkdownFolder {
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
fn read(folder: &str, config: Config, now: Timestamp) -> Result<TapResult, String> {
    let files = ConfinedFolder::open(Path::new(folder), &[]).map_err(|error| error.to_string())?;
    let (listed, missed) = documents::listed(&files);
    let mut documents = Documents::of(&files);
    let mut found = TapResult {
        missed,
        ..TapResult::default()
    };
    for (index, path) in listed.iter().enumerate() {
        let read = if index >= config.most {
            Err(format!("{} documents are read at most", config.most))
        } else {
            documents.read(path, config.bytes)
        };
        match read {
            Ok(text) => {
                let (item, wrong) = item(folder, path, &text, now);
                found.items.push(item);
                found
                    .missed
                    .extend(wrong.map(|why| MissedSource::new(path, why)));
            }
            Err(why) => found.missed.push(MissedSource::new(path, why)),
        }
    }
    found.any = listed.is_empty() && found.missed.is_empty() || !found.items.is_empty();
    Ok(found)
}

/// A document as an item; one whose head cannot be read goes by its first heading, and why.
fn item(folder: &str, path: &str, document: &str, now: Timestamp) -> (Item, Option<String>) {
    let (head, text, wrong) = match front_matter::parted(document) {
        Ok((head, text)) => (head.unwrap_or_default(), text, None),
        Err(why) => (
            FrontMatterKeys::new(),
            front_matter::text(document),
            Some(why),
        ),
    };
    let item = sealed(Item {
        id: String::new(),
        origin: folder.to_owned(),
        name: path.to_owned(),
        url: String::new(),
        title: cut(title(&head, text).unwrap_or_else(|| path.to_owned()), TITLE),
        published: cut(value(&head, "date").unwrap_or_default(), TITLE),
        text: text.to_owned(),
        digest: String::new(),
        found_at: now,
    });
    (item, wrong)
}

/// What its head says, or its first heading.
fn title(head: &FrontMatterKeys, text: &str) -> Option<String> {
    value(head, "title").or_else(|| {
        let parts = parts(text).ok()?;
        let heading = parts
            .into_iter()
            .find(|part| matches!(part.kind, PartKind::Heading(_)));
        heading.map(|part| part.text)
    })
}

/// The text of a key of a head.
fn value(head: &FrontMatterKeys, key: &str) -> Option<String> {
    let value = match head.get(key)? {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(value).filter(|value| !value.is_empty())
}
