//! The native handlers: one file each, below the folder of its surface.
//!
//! A new file is found by itself; its handler's name is `<surface>.<file>`. Nothing imports a
//! handler by name. See `docs/contributing.md`.

mod content {
    automod::dir!("src/handlers/content");
}

mod probe {
    automod::dir!("src/handlers/probe");
}

mod publish {
    automod::dir!("src/handlers/publish");
}

mod qa {
    automod::dir!("src/handlers/qa");
}

mod retention {
    automod::dir!("src/handlers/retention");

    use crate::outcome::{FailureKind, Stop};
    use crate::value::Rows;

    /// Refuse what is no plain name of a table or column: it goes into SQL as it stands.
    fn identifier(name: &str) -> Result<(), Stop> {
        let plain = name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if plain && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(());
        }
        let message =
            format!("`{name}` is no name of a table or column; write letters, digits, `_`");
        Err(Stop::failed(FailureKind::Config, message))
    }

    /// The column `total` of the only row.
    fn total(rows: &Rows) -> Result<u64, Stop> {
        let total = rows.first().map(|row| row.integer("total")).transpose();
        let total = total.map_err(|error| Stop::failed(FailureKind::Internal, error))?;
        Ok(total.unwrap_or_default().unsigned_abs())
    }
}

mod tap {
    automod::dir!("src/handlers/tap");
}

#[cfg(test)]
mod bench;
