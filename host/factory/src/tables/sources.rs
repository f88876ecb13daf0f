//! `sources`: what was read before a post was written, kept with its subject.

use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement, select};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One source of a subject. `id` follows from the subject and the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "sources")]
pub struct SourceRow {
    pub id: String,
    /// What the post is about, as its task has it.
    pub subject: String,
    /// The run that read it last.
    pub run: String,
    /// What that run cites it by: `s1`.
    pub number: String,
    pub url: String,
    pub title: String,
    pub site: String,
    /// When it says it was published; empty if it does not say.
    pub published: String,
    pub text: String,
    #[serde(with = "micros")]
    pub fetched_at: Timestamp,
}

/// Insert sources, in one statement; what was read before is replaced.
pub fn upsert(sources: &[SourceRow]) -> Statement {
    Statement::insert_all(sources).then(
        "ON CONFLICT (id) DO UPDATE SET run = excluded.run, number = excluded.number, \
            title = excluded.title, site = excluded.site, published = excluded.published, \
            text = excluded.text, fetched_at = excluded.fetched_at",
    )
}

/// What was read about a subject, in the order of its newest run.
pub fn about(subject: &str) -> Query<SourceRow> {
    select("WHERE subject = $1 ORDER BY fetched_at DESC, number").bind(subject)
}
