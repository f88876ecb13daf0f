//! What a read gives is counted while it is read: whatever somebody has put into a table, no answer takes
//! more memory than it may.

use futures_util::{Stream, TryStreamExt as _};
use sqlx::{Column as _, Row};

use super::{StoreError, StoreErrorKind};
use crate::config::CallLimits;
use crate::value::{Rows, Value};

/// What one read may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    pub rows: u64,
    /// Bytes that its rows take in memory.
    pub bytes: u64,
}

impl ReadLimit {
    /// Of what the host reads for itself: more than the checkpoints of a run, or the files of a revision,
    /// may take together.
    pub const HOST: Self = Self::of_bytes(1 << 30);

    pub const fn of_bytes(bytes: u64) -> Self {
        let rows = u64::MAX;
        Self { rows, bytes }
    }

    /// Of what is read for a native handler's call in a table that plugins may write: what a plugin's own
    /// query may give, unless somebody has set it otherwise.
    pub(super) fn of_call() -> Self {
        let limits = CallLimits::default();
        Self {
            rows: limits.rows.into(),
            bytes: limits.row_bytes.into(),
        }
    }

    /// So many times as much.
    pub(super) fn times(self, number: usize) -> Self {
        let bytes = self.bytes.saturating_mul(number as u64);
        Self { bytes, ..self }
    }
}

/// The rows of a stream, one by one, up to a limit.
pub(super) async fn rows<R: Row>(
    mut found: impl Stream<Item = Result<R, sqlx::Error>> + Unpin,
    decode: impl Fn(&R) -> Result<Vec<Value>, StoreError>,
    limit: ReadLimit,
) -> Result<Rows, StoreError> {
    let (mut rows, mut bytes) = (Rows::default(), 0);
    while let Some(row) = found.try_next().await? {
        if rows.columns.is_empty() {
            let names = row.columns().iter();
            rows.columns = names.map(|column| column.name().to_owned()).collect();
        }
        let values = decode(&row)?;
        bytes += size(&values);
        if rows.rows.len() as u64 >= limit.rows {
            return Err(too_large(&format!("more than {} rows", limit.rows)));
        }
        if bytes > limit.bytes {
            return Err(too_large(&format!("more than {}", amount(limit.bytes))));
        }
        rows.rows.push(values);
    }
    Ok(rows)
}

fn size(row: &[Value]) -> u64 {
    let values = row.iter().map(Value::size).sum::<usize>();
    (size_of::<Vec<Value>>() + values) as u64
}

fn amount(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{bytes} bytes"),
        mib => format!("{mib} MiB"),
    }
}

fn too_large(what: &str) -> StoreError {
    let text = format!(
        "the database has {what} to give in one answer, which is the most that is read at once; see what \
         has filled the table that is asked for"
    );
    StoreError::new(StoreErrorKind::TooLarge, text)
}
