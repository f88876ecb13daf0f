//! The native handlers that any factory needs: one file each, below the folder of its surface.
//!
//! A new file is found by itself; its handler's name is `<surface>.<file>`. Nothing imports a
//! handler by name. See `docs/contributing.md`.

mod probe {
    automod::dir!("src/handlers/probe");
}

mod retention {
    automod::dir!("src/handlers/retention");

    use std::time::Duration;

    use crate::handler::Call;
    use crate::outcome::{FailureKind, Stop};
    use crate::value::{Rows, Statement};

    /// Refuse what is no plain name of a table or column: it goes into SQL as it stands.
    /// Quotes would not help: SQLite takes an unknown name in quotes for a text.
    fn identifiers(names: &[&String]) -> Result<(), Stop> {
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
                format!(
                    "`{name}` is no name of a table or column; write small letters, digits, `_`"
                ),
            )),
        }
    }

    /// The condition that leaves summaries alone, for the table that has them.
    fn keeps_summaries(table: &str) -> &'static str {
        if table == "embeddings" {
            " AND is_summary = FALSE"
        } else {
            ""
        }
    }

    /// The column `total` of the only row.
    fn total(rows: &Rows) -> Result<u64, Stop> {
        let total = rows.first().map(|row| row.integer("total")).transpose();
        let total = total.map_err(|error| Stop::failed(FailureKind::Internal, error))?;
        Ok(total.unwrap_or_default().unsigned_abs())
    }

    /// How much one call deletes.
    #[derive(Clone, Copy)]
    struct Batches {
        batch_size: u32,
        max_batches: u32,
    }

    /// Run a DELETE until it finds no full batch, or the call runs out of batches or time.
    /// Each batch is a transaction of its own; repeating it deletes what is left.
    async fn delete_in_batches(
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

    fn id() -> String {
        "id".to_owned()
    }

    fn batch_size() -> u32 {
        1000
    }

    fn max_batches() -> u32 {
        100
    }
}
