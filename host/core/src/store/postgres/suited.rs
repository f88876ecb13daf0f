//! Whether a database is one that this host can work on: what it would be refused by later, in the
//! middle of a run or in words of the server that name no mend, is looked at when it is opened.

use serde::Deserialize;
use sqlx::postgres::PgConnection;

use super::{ANSWER, query};
use crate::store::{StoreError, StoreErrorKind};
use crate::value::Statement;

/// What texts are kept in: everything that a handler may say can be written in it.
const ENCODING: &str = "UTF8";

/// What there is to know; names as they are written in a statement.
const ASKED: &str = "SELECT current_setting('server_encoding') AS encoding, \
    current_setting('search_path') AS path, quote_ident(current_user) AS who, \
    quote_ident(current_database()) AS called, current_setting('track_counts') AS counts, quote_ident(current_schema()) AS place, \
    COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false) AS makes";

/// The place in which the tables are, or are to be made.
pub(super) struct SchemaPlace {
    user: String,
    schema: String,
    /// Whether the user may make tables there.
    makes: bool,
}

/// Look at a database; refused if nothing there could be kept as it is said.
pub(super) async fn place(connection: &mut PgConnection) -> Result<SchemaPlace, StoreError> {
    let rows = query(connection, Statement::new(ASKED), ANSWER).await?;
    let answer = rows.read_first()?;
    suited(answer.ok_or_else(|| StoreError::internal("a question about the database gave no row"))?)
}

/// What a database answers to [`ASKED`].
#[derive(Deserialize)]
struct DatabaseFacts {
    encoding: String,
    path: String,
    who: String,
    called: String,
    counts: String,
    place: Option<String>,
    makes: bool,
}

fn suited(answer: DatabaseFacts) -> Result<SchemaPlace, StoreError> {
    let DatabaseFacts { encoding, path, .. } = answer;
    let (user, name) = (answer.who, answer.called);
    if encoding != ENCODING {
        return Err(refused(format!(
            "its texts are kept in {encoding}, in which not everything can be written: make one with \
             `createdb -E {ENCODING} -T template0`, and restore what `pg_dump {name}` says of this one"
        )));
    }
    // Whether a plugin's trigger put something off to the commit is seen by it.
    if answer.counts != "on" {
        return Err(refused(format!(
            "its server counts no rows (`track_counts` is {}), without which it is never vacuumed, either: as its \
             administrator, `ALTER DATABASE {name} RESET track_counts`, or `ALTER SYSTEM RESET track_counts` and \
             `SELECT pg_reload_conf()`",
            answer.counts
        )));
    }
    let Some(schema) = answer.place else {
        return Err(refused(format!(
            "its `search_path` is `{path}`, and names no schema that is there and that {user} may \
             use: as the owner of the database, `GRANT USAGE, CREATE ON SCHEMA public TO {user}`, or \
             `ALTER ROLE {user} SET search_path = SCHEMA`"
        )));
    };
    Ok(SchemaPlace {
        user,
        schema,
        makes: answer.makes,
    })
}

impl SchemaPlace {
    /// Why the tables are not as they should be: `problem`, unless the user may make none.
    pub(super) fn explained(&self, problem: StoreError) -> StoreError {
        let SchemaPlace { user, schema, .. } = self;
        match problem.kind {
            StoreErrorKind::Absent | StoreErrorKind::Denied if !self.makes => refused(format!(
                "its schema is not the one of this program, and {user} may make no tables there: as \
                 the owner of the database, `GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}`, then \
                 `callboard apply`"
            )),
            _ => problem,
        }
    }
}

fn refused(message: String) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, message)
}
