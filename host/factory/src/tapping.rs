//! What every tap does with what it found: keep what is new or changed, and tell what could not be read.
//! Error is not empty: a tap that could read nothing is unavailable, and one that found nothing new says so.

use std::collections::BTreeMap;

use callboard_core::handler::{Call, Handled};
use callboard_core::outcome::{Done, Stop};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::diary::id::derived;
use crate::research::MissedSource;
use crate::tables::items::{self, BATCH, Item};

/// What a tap writes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tapped {
    /// The ids of those that are new, or have changed: rows of the table `items`.
    pub items: Vec<String>,
}

/// An item with the id and the digest that follow from the rest.
#[must_use]
pub fn sealed(item: Item) -> Item {
    let digest = Sha256::digest(format!("{}\n{}", item.title, item.text));
    let digest = digest[..16].iter().map(|byte| format!("{byte:02x}"));
    Item {
        id: derived(&["item", &item.origin, &item.name]),
        digest: digest.collect(),
        ..item
    }
}

/// What was found, and what could not be read.
#[derive(Debug, Default)]
pub struct TapResult {
    /// Whether anything could be read, though there may be nothing in it.
    pub any: bool,
    pub items: Vec<Item>,
    pub missed: Vec<MissedSource>,
}

impl TapResult {
    /// Keep what is new or changed, in the transaction of the checkpoint. `what` is what was read.
    pub async fn keep(self, call: &Call, what: &str) -> Handled<Tapped> {
        let TapResult { any, items, missed } = self;
        if !any && !missed.is_empty() {
            let causes = missed.iter().map(|it| format!("{}: {}", it.what, it.why));
            let causes: Vec<String> = causes.collect();
            return Err(Stop::unavailable(what, causes.join("; ")));
        }
        let all = items.len();
        let new = changed(call, items).await?;
        if new.is_empty() && missed.is_empty() {
            let reason = format!("{what}: the {all} items there are known");
            return Err(Stop::nothing_to_do(reason));
        }
        let ids = new.iter().map(|item| item.id.clone()).collect();
        let mut done = Done::new(Tapped { items: ids });
        for batch in new.chunks(BATCH) {
            done = done.write(items::upsert(batch));
        }
        let tell = |done: Done<_>, it: MissedSource| done.fallback(it.what, it.why);
        let done = missed.into_iter().fold(done, tell);
        Ok(done.effect("items_kept", new.len() as u64))
    }
}

/// Those that are not kept as they are, each once.
async fn changed(call: &Call, items: Vec<Item>) -> Result<Vec<Item>, Stop> {
    let items: BTreeMap<String, Item> = items.into_iter().map(|it| (it.id.clone(), it)).collect();
    let ids: Vec<&str> = items.keys().map(String::as_str).collect();
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for batch in ids.chunks(BATCH) {
        known.extend(call.read(items::known(batch)).await?);
    }
    let is_new = |item: &Item| known.get(&item.id) != Some(&item.digest);
    Ok(items
        .values()
        .filter(|item| is_new(item))
        .cloned()
        .collect())
}
