//! What a plugin is told when its grants do not allow a statement: the table, the verb, and the
//! lines that would allow it. Whose statement it is, `about` says.

use crate::grants::Verb;
use crate::schema;
use crate::store::{StoreError, StoreErrorKind};

/// Whether no grant can open `table` to a plugin.
pub(super) fn belongs_to_host(table: &str) -> bool {
    schema::belongs_to_host(table)
}

/// The denial of a verb on a table.
pub(super) fn table(plugin: &str, table: &str, verb: Verb) -> String {
    let (open, verb) = (verb.can_be_granted(table), verb.as_str());
    if belongs_to_host(table) {
        return format!(
            "may not {verb} on table `{table}`: it belongs to the host, and no grant opens it"
        );
    }
    if !open {
        return format!(
            "may not {verb} on table `{table}`: plugins may read it, and no grant opens it further"
        );
    }
    let lines = format!("table = \"{table}\"\nverbs = [\"{verb}\"]");
    format!(
        "may not {verb} on table `{table}`; to allow it, write in callboard.toml\n\
         [[grants.{plugin}.db]]\n{lines}\nand in its plugin.toml\n[[ask.db]]\n{lines}"
    )
}

/// The denial of what a script may not do.
pub(super) fn script(what: &str) -> String {
    let what = what.split(" (").next().unwrap_or(what);
    format!("may make and fill tables of its own database, and not use {what}")
}

/// The denial of a function that is not on the list.
pub(super) fn function(name: &str) -> String {
    format!(
        "may not call the database function `{name}`: it is not on the list of functions that plugins may use"
    )
}

/// The denial of anything that is no plain statement on rows.
pub(super) fn statement(what: &str) -> String {
    format!(
        "may not use {what} in a statement; one SELECT, INSERT, UPDATE or DELETE is what it may run"
    )
}

/// The denial of every statement where one may run a function that is neither the server's nor an
/// extension's.
pub(super) fn made_cast(cast: &str) -> String {
    format!(
        "may run no statement: the database has a cast from {cast} with a function of its own, \
         which any statement may make it run; drop it with DROP CAST, or keep what needs it in another database"
    )
}

pub(super) fn denied(message: String) -> StoreError {
    StoreError::new(StoreErrorKind::Denied, message)
}
