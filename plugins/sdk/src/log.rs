//! Levelled lines into the trace of the run.
//!
//! ```ignore
//! log::info("cluster written", &[("members", &8), ("summary", &id)]);
//! ```

use std::fmt::Display;

use crate::bindings::callboard::plugin::log as host;

/// How much a line matters.
pub use host::Level;

/// Fields of a line: names and whatever can be shown.
pub type Fields<'a> = &'a [(&'a str, &'a dyn Display)];

/// Write one line. The host cuts long ones and counts them.
pub fn write(level: Level, message: &str, fields: Fields<'_>) {
    let fields: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.to_string()))
        .collect();
    host::write(level, message, &fields);
}

/// A line for whoever follows every step.
pub fn trace(message: &str, fields: Fields<'_>) {
    write(Level::Trace, message, fields);
}

/// A line for whoever mends the plugin.
pub fn debug(message: &str, fields: Fields<'_>) {
    write(Level::Debug, message, fields);
}

/// A line for whoever reads the run.
pub fn info(message: &str, fields: Fields<'_>) {
    write(Level::Info, message, fields);
}

/// Something that an operator may want to mend.
pub fn warn(message: &str, fields: Fields<'_>) {
    write(Level::Warn, message, fields);
}

/// Something that went wrong.
pub fn error(message: &str, fields: Fields<'_>) {
    write(Level::Error, message, fields);
}
