//! What a person names: found by one reading of names, or refused with what may have been meant.

use callboard_core::registry::nearest;
use callboard_core::store::named::{self, Found, Noun, Short};
use callboard_core::store::runs::{self, Run};
use callboard_core::store::{Store, StoreError};
use callboard_factory::tables::TASK;
use callboard_factory::tables::tasks::{self, Task};

use super::Failure;

/// The key of what is named by its id or key, its beginning, its end, what lists show, or
/// `latest`.
pub(super) async fn key(store: &Store, noun: &Noun, wanted: &str) -> Result<String, Failure> {
    match named::find(store, noun, wanted).await? {
        Found::One(key) => Ok(key),
        Found::None => {
            let known = named::newest(store, noun).await?;
            let known = known.iter().map(String::as_str);
            Err(unknown(noun.name, wanted, known, noun.list))
        }
        Found::Several(keys) => {
            let problem = format!(
                "`{wanted}` is more than one {}: write more of it",
                noun.name
            );
            let short = Short::of(store, noun, keys.iter().map(String::as_str)).await?;
            let keys: Vec<_> = keys.iter().map(|key| short.show(key)).collect();
            Err(Failure::usage(problem).help(format!("it is one of {}", keys.join(", "))))
        }
    }
}

/// The run that is named.
pub(super) async fn run(store: &Store, wanted: &str) -> Result<Run, Failure> {
    let id = key(store, &named::RUN, wanted).await?;
    runs::by_id(store, &id)
        .await?
        .ok_or_else(|| gone("run", &id))
}

/// The task that is named.
pub(super) async fn task(store: &Store, wanted: &str) -> Result<Task, Failure> {
    let id = key(store, &TASK, wanted).await?;
    tasks::by_id(store, &id)
        .await?
        .ok_or_else(|| gone("task", &id))
}

fn gone(what: &str, id: &str) -> Failure {
    StoreError::internal(format!("{what} {id} was there a moment ago")).into()
}

/// What is said of a name that nothing has: the one that may have been meant, or how to list them.
pub(super) fn unknown<'k>(
    what: &str,
    wanted: &str,
    known: impl Iterator<Item = &'k str>,
    list: &str,
) -> Failure {
    let failure = Failure::usage(format!("there is no {what} `{wanted}`"));
    failure.help(meant(wanted, known, &format!("`{list}` names them")))
}

/// The name that may have been meant; else what to do instead.
pub(super) fn meant<'k>(
    wanted: &str,
    known: impl Iterator<Item = &'k str>,
    otherwise: &str,
) -> String {
    match nearest(wanted, known) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => otherwise.to_owned(),
    }
}
