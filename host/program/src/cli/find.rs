//! What a person names, where a command looks for it by itself.

use callboard_core::operations::named::{self, Noun};
use callboard_core::store::Store;

use super::Failure;

pub(super) use callboard_core::operations::named::meant;

/// The key of what is named.
pub(super) async fn key(store: &Store, noun: &Noun, wanted: &str) -> Result<String, Failure> {
    Ok(named::key(store, noun, wanted).await?)
}

/// What is said of a name that nothing has.
pub(super) fn unknown<'k>(
    what: &str,
    wanted: &str,
    known: impl Iterator<Item = &'k str>,
    list: &str,
) -> Failure {
    named::unknown(what, wanted, known, list).into()
}
