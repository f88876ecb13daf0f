//! The passages that are not as they are made: what lies in their schema, or beside the tables, and is not
//! exactly what this program makes for a plugin of this database goes before anything else.

use super::passage::Passage;
use super::passage_place::{PassageFunction, PassageSchema, all, schema};
use super::role::{Login, quoted};
use crate::store::locks::Lock;
use crate::store::{Backend, Store, StoreError, StoreErrorKind, Transaction};
use crate::value::Statement;

/// Something with the host's rights, or a plugin's, that is not as it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrayPassage {
    /// What it is, and what is wrong.
    pub problem: String,
    /// The statement that mends it.
    pub mend: String,
}

fn is_as_made(found: &PassageFunction) -> bool {
    let mut plugins = found.plugins.split(' ');
    plugins.any(|plugin| {
        let login = Login::new(&found.database, &found.schema, &found.passages, plugin);
        Passage::of(&login).has(found)
    })
}

fn stray(found: &PassageFunction) -> StrayPassage {
    let PassageFunction { owner, callers, .. } = found;
    let called = format!(
        "{}.{}({})",
        quoted(&found.place),
        quoted(&found.name),
        found.arguments
    );
    let callers = if callers.is_empty() {
        "nobody"
    } else {
        callers
    };
    StrayPassage {
        problem: format!(
            "the function {called} is none that callboard made for a plugin of this database: it has the \
            rights of `{owner}`, and besides that user {callers} may call it"
        ),
        mend: format!("DROP ROUTINE IF EXISTS {called}"),
    }
}

fn stray_schema(schema: &PassageSchema) -> Option<StrayPassage> {
    let (place, owner) = (quoted(&schema.place), &schema.owner);
    if schema.is_strange {
        return Some(StrayPassage {
            problem: format!("the schema {place} is of `{owner}`, and not of callboard's own user"),
            mend: format!("DROP SCHEMA {place} CASCADE"),
        });
    }
    schema.is_open.then(|| StrayPassage {
        problem: format!("everybody may look into the schema {place}"),
        mend: format!("REVOKE ALL ON SCHEMA {place} FROM PUBLIC"),
    })
}

fn strays(schema: Option<&PassageSchema>, functions: &[PassageFunction]) -> Vec<StrayPassage> {
    let functions = functions.iter().filter(|it| !is_as_made(it));
    let schema = schema.and_then(stray_schema);
    schema.into_iter().chain(functions.map(stray)).collect()
}

/// What is not as it is made; nothing on SQLite.
pub async fn stray_passages(store: &Store) -> Result<Vec<StrayPassage>, StoreError> {
    if let Backend::Sqlite(_) = store.backend() {
        return Ok(Vec::new());
    }
    let place = store.read_first(schema()).await?;
    Ok(strays(place.as_ref(), &store.read(all()).await?))
}

/// Remove it. What is not callboard's to remove is told to the log, and by `callboard doctor`.
pub(in crate::store) async fn put_right(store: &Store) -> Result<(), StoreError> {
    for stray in stray_passages(store).await? {
        let problem = stray.problem.clone();
        let mended = store.write(move |transaction| Box::pin(mend(transaction, stray)));
        match mended.await {
            Ok(()) => tracing::warn!("{problem}; put right"),
            Err(error) if error.kind == StoreErrorKind::Denied => {
                tracing::error!(%error, "{problem}; `callboard doctor` says what mends it");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Mend one, unless it was meanwhile.
async fn mend(transaction: &mut Transaction<'_>, stray: StrayPassage) -> Result<(), StoreError> {
    Lock::Logins.acquire(transaction).await?;
    let place = transaction.read_first(schema()).await?;
    let functions = transaction.read(all()).await?;
    if strays(place.as_ref(), &functions).contains(&stray) {
        transaction.execute(Statement::new(stray.mend)).await?;
    }
    Ok(())
}
