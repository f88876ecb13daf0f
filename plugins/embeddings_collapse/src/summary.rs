//! The row that stands for a cluster. Everything here is pure: the same members give the
//! same row.

use std::collections::BTreeMap;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::date;
use crate::pool::{Member, Pool};

/// How long a preview may be; the column's readers count on it.
const PREVIEW_CHARS: usize = 500;
/// The least each member gets of the preview, so that a word or two stay readable.
const LEAST_SHARE: usize = 40;
const SEPARATOR: &str = " | ";

/// A summary row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    pub id: String,
    pub source_table: String,
    pub source_id: String,
    pub content_hash: String,
    pub text: String,
    pub model: String,
    pub dimensions: i64,
    pub embedding: Vec<f32>,
    pub metadata: String,
    pub writer: String,
    pub now: i64,
}

impl Summary {
    /// The summary of a cluster. `embedding` is the mean of its members.
    pub(crate) fn of(
        members: &[&Member],
        pool: &Pool,
        source_table: &str,
        now: i64,
        embedding: Vec<f32>,
    ) -> Self {
        let source_id = source_id(members, source_table, now);
        let writer = dominant(members.iter().map(|member| member.writer.as_str()));
        // The one place where a model's summary would come in, with `method` saying so.
        let (text, method) = (join(members), "joined");
        let metadata = json!({
            "collapsed_source_ids": distinct(members.iter().map(|member| member.source_id.as_str())),
            "members": members.len(),
            "method": method,
            "model": pool.model,
            "dominant": writer,
        });
        Self {
            id: format!("sum-{}", hex(&source_id, 16)),
            source_table: source_table.to_owned(),
            source_id,
            content_hash: hex(&text, 32),
            text,
            model: pool.model.clone(),
            dimensions: pool.dimensions,
            embedding,
            metadata: metadata.to_string(),
            writer,
            now,
        }
    }
}

/// `summary/<table>/<day>/<hash of the member ids>`.
fn source_id(members: &[&Member], source_table: &str, now: i64) -> String {
    let ids = distinct(members.iter().map(|member| member.id.as_str()));
    format!(
        "summary/{source_table}/{}/{}",
        date::compact(now),
        hex(&ids.join("\n"), 8)
    )
}

/// The previews one after the other, each with its fair share of the room.
fn join(members: &[&Member]) -> String {
    let previews = distinct(
        members
            .iter()
            .map(|member| member.preview.trim())
            .filter(|text| !text.is_empty()),
    );
    let share = (PREVIEW_CHARS / previews.len().max(1))
        .saturating_sub(SEPARATOR.len())
        .max(LEAST_SHARE);
    let clipped: Vec<String> = previews.into_iter().map(|text| clip(text, share)).collect();
    clip(&clipped.join(SEPARATOR), PREVIEW_CHARS)
}

/// At most `chars` characters; what is cut ends in an ellipsis.
fn clip(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The most frequent text, the first in the alphabet among equals.
fn dominant<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    let best = counts.iter().rev().max_by_key(|(_, count)| **count);
    best.map_or_else(String::new, |(text, _)| (*text).to_owned())
}

/// Sorted, each once.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut texts: Vec<&str> = texts.collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// The first `bytes` bytes of SHA-256, in hexadecimal.
fn hex(text: &str, bytes: usize) -> String {
    let digest = Sha256::digest(text);
    let nibbles = digest
        .iter()
        .take(bytes)
        .flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests;
