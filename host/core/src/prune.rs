//! Rows that are deleted in batches: what the handlers of `retention` share.

use std::time::Duration;

use crate::handler::Call;
use crate::outcome::{FailureKind, Stop};
use crate::value::Statement;

/// Refuse what is no plain name of a table or column: it goes into SQL as it stands.
/// Quotes would not help: SQLite takes an unknown name in quotes for a text.
pub(crate) fn identifiers(names: &[&String]) -> Result<(), Stop> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let plain = |name: &&&String| {
        !name.is_empty()
            && name.chars().all(fits)
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    match names.iter().find(|name| !plain(name)) {
        None => Ok(()),
        Some(name) => Err(Stop::failed(
            FailureKind::Config,
            format!("`{name}` is no name of a table or column; write small letters, digits, `_`"),
        )),
    }
}

/// The column that says of which class a row is, in a table that has two: originals, and summaries
/// that stand for originals which are gone.
const CLASS: &str = "is_summary";

/// The condition that leaves summaries alone, for a table that has them.
pub(crate) async fn keeps_summaries(call: &Call, table: &str) -> Result<&'static str, Stop> {
    let columns = call.resources.columns(table).await?;
    Ok(if columns.iter().any(|column| column == CLASS) {
        " AND is_summary = FALSE"
    } else {
        ""
    })
}

/// How much one call deletes.
#[derive(Clone, Copy)]
pub(crate) struct Batches {
    pub(crate) batch_size: u32,
    pub(crate) max_batches: u32,
}

/// Run a DELETE until it finds no full batch, or the call runs out of batches or time.
/// Each batch is a transaction of its own; repeating it deletes what is left.
pub(crate) async fn delete_in_batches(
    call: &Call,
    delete: &Statement,
    batches: Batches,
) -> Result<u64, Stop> {
    let mut deleted = 0;
    for _ in 0..batches.max_batches {
        if call.remaining() < Duration::from_millis(500) {
            break;
        }
        let rows = call.execute(delete.clone()).await?;
        deleted += rows;
        if rows < u64::from(batches.batch_size) {
            break;
        }
    }
    Ok(deleted)
}

pub(crate) fn id() -> String {
    "id".to_owned()
}

pub(crate) fn batch_size() -> u32 {
    1000
}

pub(crate) fn max_batches() -> u32 {
    100
}
