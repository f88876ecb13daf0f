//! Where the functions of deferred writes lie on PostgreSQL: in a schema of their own, which gives nobody
//! anything by itself. A dump that is restored where the plugins' roles are not known loses the owners and
//! rights of what it has, and a function that it brings along is shut there; what is in the schema and
//! is not exactly what this program makes for a plugin of this database goes before anything else.

use serde::Deserialize;

use super::catalog::SEARCH_PATH;
use super::passage::Passage;
use super::role::{Login, quoted};
use crate::store::locks::Lock;
use crate::store::{Backend, Store, StoreError, StoreErrorKind, Transaction};
use crate::value::{Query, Statement};

/// The name of the schema, which goes by that of the tables and not by that of the database.
pub(super) const NAME: &str = "'callboard_passages_' \
    || left(encode(sha256(convert_to(current_schema()::text, 'UTF8')), 'hex'), 12)";

/// What may be wrong with the schema itself, in the words of a query.
const OPEN: &str = "SELECT nspname::text AS place, pg_get_userbyid(nspowner)::text AS owner, \
        NOT pg_has_role(nspowner, 'USAGE') AS is_strange, \
        COALESCE((SELECT bool_or(grantee = 0) FROM aclexplode(nspacl)), FALSE) AS is_open \
    FROM pg_namespace WHERE nspname = ";

/// A function of the schema, or one of that kind beside the tables, where none belongs.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub(super) place: String,
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) owner: String,
    /// Who else may call it.
    pub(super) callers: String,
    pub(super) body: String,
    /// Whether it has its owner's rights, and looks for what it names where it should.
    pub(super) is_bounded: bool,
    database: String,
    schema: String,
    passages: String,
    /// The plugins that have a login, parted by spaces.
    plugins: String,
}

/// Something with the host's rights, or a plugin's, that is not as it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrayPassage {
    /// What it is, and what is wrong.
    pub problem: String,
    /// The statement that mends it.
    pub mend: String,
}

fn found<T>(condition: &str) -> Query<T> {
    Query::new(format!(
        "SELECT nspname::text AS place, proname::text AS name, \
            pg_get_function_identity_arguments(pg_proc.oid) AS arguments, \
            pg_get_userbyid(proowner)::text AS owner, \
            COALESCE((SELECT string_agg(DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' \
                    ELSE pg_get_userbyid(grantee)::text END, ' ') \
                FROM aclexplode(COALESCE(proacl, acldefault('f', proowner))) \
                WHERE grantee <> proowner), '') AS callers, \
            prosrc AS body, \
            prosecdef AND COALESCE(proconfig = ARRAY['search_path={SEARCH_PATH}'], FALSE) \
                AS is_bounded, \
            current_database()::text AS database, current_schema()::text AS schema, \
            {NAME} AS passages, \
            COALESCE((SELECT string_agg(plugin, ' ') FROM plugin_logins), '') AS plugins \
        FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE {condition}"
    ))
}

/// Those of two names.
pub(super) fn named([inner, outer]: [&str; 2]) -> Query<Found> {
    let condition = format!("nspname = {NAME} AND proname IN ($1, $2)");
    found(&condition).bind(inner).bind(outer)
}

fn all() -> Query<Found> {
    found(&format!(
        "nspname = {NAME} OR (nspname = current_schema() \
            AND proname ~ '^callboard_[0-9a-f]{{32}}_(inner|outer)$')"
    ))
}

impl Found {
    fn is_as_made(&self) -> bool {
        let mut plugins = self.plugins.split(' ');
        plugins.any(|plugin| {
            let login = Login::new(&self.database, &self.schema, &self.passages, plugin);
            Passage::of(&login).has(self)
        })
    }

    fn stray(&self) -> StrayPassage {
        let Self { owner, callers, .. } = self;
        let called = format!(
            "{}.{}({})",
            quoted(&self.place),
            quoted(&self.name),
            self.arguments
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
}

#[derive(Deserialize)]
struct Schema {
    place: String,
    owner: String,
    is_strange: bool,
    is_open: bool,
}

impl Schema {
    fn stray(&self) -> Option<StrayPassage> {
        let (place, owner) = (quoted(&self.place), &self.owner);
        if self.is_strange {
            return Some(StrayPassage {
                problem: format!(
                    "the schema {place} is of `{owner}`, and not of callboard's own user"
                ),
                mend: format!("DROP SCHEMA {place} CASCADE"),
            });
        }
        self.is_open.then(|| StrayPassage {
            problem: format!("everybody may look into the schema {place}"),
            mend: format!("REVOKE ALL ON SCHEMA {place} FROM PUBLIC"),
        })
    }
}

fn schema() -> Query<Schema> {
    Query::new(format!("{OPEN}{NAME}"))
}

fn strays(schema: Option<&Schema>, functions: &[Found]) -> Vec<StrayPassage> {
    let functions = functions.iter().filter(|it| !it.is_as_made());
    let schema = schema.and_then(Schema::stray);
    schema
        .into_iter()
        .chain(functions.map(Found::stray))
        .collect()
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

/// See to it that the schema is there, and callboard's.
pub(super) async fn make(transaction: &mut Transaction<'_>, name: &str) -> Result<(), StoreError> {
    let place = transaction.read_first(schema()).await?;
    let Some(place) = place else {
        let create = format!("CREATE SCHEMA {}", quoted(name));
        transaction.execute(Statement::new(create)).await?;
        return Ok(());
    };
    if !place.is_strange {
        return Ok(());
    }
    let message = format!(
        "the schema {name} is of `{}`: let its owner or a superuser remove it",
        place.owner
    );
    Err(StoreError::new(StoreErrorKind::Denied, message))
}
