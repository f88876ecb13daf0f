//! The files of the site in a workspace: texts that are rendered or checked, and what is served as
//! it is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use callboard_core::workspace::Definitions;

use super::{Assets, FOLDER};

/// Endings of the texts that count as templates.
const TEMPLATES: [&str; 4] = ["html", "xml", "css", "js"];

/// The templates by their path below `site/`.
pub(super) fn templates(definitions: &Definitions) -> BTreeMap<String, String> {
    let texts = below(definitions).filter_map(|(name, content)| {
        let ending = name.rsplit('.').next().unwrap_or_default();
        // What is no UTF-8 is refused where the workspace is read.
        let text = std::str::from_utf8(content).ok()?;
        TEMPLATES
            .contains(&ending)
            .then(|| (name.to_owned(), text.to_owned()))
    });
    texts.collect()
}

/// What is served as it is, by its path below `site/`.
pub(super) fn served(definitions: &Definitions) -> impl Iterator<Item = (&str, &Arc<[u8]>)> {
    below(definitions).filter(|(name, _)| {
        let ending = Path::new(name).extension();
        ending.is_none_or(|ending| ending != "html")
    })
}

pub(super) fn assets(definitions: &Definitions) -> Assets {
    let files = served(definitions);
    let files = files.map(|(name, content)| (name.to_owned(), Arc::clone(content)));
    Assets::new(&files.collect())
}

fn below(definitions: &Definitions) -> impl Iterator<Item = (&str, &Arc<[u8]>)> {
    let files = definitions.folders.iter();
    files.filter_map(|(path, content)| {
        let name = path.strip_prefix(FOLDER)?.strip_prefix('/')?;
        Some((name, content))
    })
}
