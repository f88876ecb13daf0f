//! What a person names: found by one reading of names, or refused with what may have been meant.

use super::{ErrorKind, OperationError};
use crate::registry::nearest;
use crate::store::named::{self, LATEST, NameMatch, Short};
use crate::store::runs::{self, Run};
use crate::store::{Store, StoreError};

pub use crate::store::named::Noun;

/// The key of what is named by its id or key, its beginning, its end, what lists show, or
/// `latest`.
pub async fn key(store: &Store, noun: &Noun, wanted: &str) -> Result<String, OperationError> {
    match named::find(store, noun, wanted).await? {
        NameMatch::One(key) => Ok(key),
        NameMatch::None => {
            let known = named::newest(store, noun).await?;
            if known.is_empty() {
                return Err(none(noun));
            }
            let known = known.iter().map(String::as_str).chain([LATEST]);
            Err(unknown(noun.name, wanted, known, noun.list))
        }
        NameMatch::Several(keys) => {
            let problem = format!(
                "`{wanted}` is more than one {}: write more of it",
                noun.name
            );
            let short = Short::of(store, noun, keys.iter().map(String::as_str)).await?;
            let keys: Vec<_> = keys.iter().map(|key| short.show(key)).collect();
            Err(OperationError::usage(problem).mend(format!("it is one of {}", keys.join(", "))))
        }
    }
}

/// That there is nothing of a kind, and how the first comes to be: no name is a slip then.
fn none(noun: &Noun) -> OperationError {
    let (message, mend) = noun.none;
    OperationError::new(ErrorKind::Unknown, message).mend(mend)
}

/// The run that is named.
pub(super) async fn run(store: &Store, wanted: &str) -> Result<Run, OperationError> {
    let id = key(store, &named::RUN, wanted).await?;
    runs::by_id(store, &id)
        .await?
        .ok_or_else(|| gone("run", &id))
}

/// What was found by its name a moment ago, and is there no more.
pub fn gone(what: &str, id: &str) -> OperationError {
    StoreError::internal(format!("{what} {id} was there a moment ago")).into()
}

/// What is said of a name that nothing has: the one that may have been meant, or how to list them.
pub fn unknown<'k>(
    what: &str,
    wanted: &str,
    known: impl Iterator<Item = &'k str>,
    list: &str,
) -> OperationError {
    let message = format!("there is no {what} `{wanted}`");
    let mend = meant(wanted, known, &format!("`{list}` names them"));
    OperationError::new(ErrorKind::Unknown, message).mend(mend)
}

/// The name that may have been meant; else what to do instead.
pub fn meant<'k>(wanted: &str, known: impl Iterator<Item = &'k str>, otherwise: &str) -> String {
    match nearest(wanted, known) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => otherwise.to_owned(),
    }
}
