//! How a deferred write runs as its plugin inside the host's transaction on PostgreSQL: through
//! two functions, one in the other, each with the rights of its owner. The inner one belongs to
//! the plugin's role and executes the statement; the outer one belongs to a role that cannot log
//! in and has no right but to call the inner one.
//!
//! Inside, the server refuses to change the role and the session's user, which it does not
//! while `SET ROLE` holds. And one function is not enough: its owner may alter it to run with
//! the rights of its caller. Of the inner one that is the role without rights.
//!
//! The inner one opens the statement as a cursor, which the server does with one statement that
//! gives rows and with nothing else: no command on the session, such as a table that hides
//! another or a statement prepared under a name of the host's, comes through either.
//!
//! What the statement leaves for the commit, such as a trigger that is deferred, is done at its end: at the
//! commit it would run with the rights of the host, and as long as it likes. What is done then may put
//! something off again (`SET CONSTRAINTS ALL DEFERRED` in a trigger), so it is done until nothing is left: only
//! a row that was written can have left something, and a round that wrote none was the last.

use super::catalog::SEARCH_PATH;
use super::passage_place::{self, PassageFunction};
use super::role::{Login, quoted};
use crate::store::{StoreError, Transaction};
use crate::value::Statement;

/// The body of the inner function. `$1` of the statement is the array of its parameters. Triggers of constraints,
/// which the server has itself, write nothing and are no reason to count.
const INNER: &str = "DECLARE answer refcursor; touched bigint; written numeric; before numeric; \
    BEGIN \
    OPEN answer NO SCROLL FOR EXECUTE statement USING parameters; \
    MOVE FORWARD ALL FROM answer; \
    GET DIAGNOSTICS touched = ROW_COUNT; \
    CLOSE answer; \
    SET CONSTRAINTS ALL IMMEDIATE; \
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgdeferrable AND NOT tgisinternal) THEN \
    LOOP \
    SELECT pg_catalog.sum(n_tup_ins + n_tup_upd + n_tup_del) INTO written \
    FROM pg_catalog.pg_stat_xact_all_tables; \
    EXIT WHEN written = before; \
    before := written; \
    SET CONSTRAINTS ALL IMMEDIATE; \
    END LOOP; \
    END IF; \
    RETURN touched; \
    END";

/// The functions of one plugin.
pub(super) struct Passage<'a> {
    login: &'a Login,
    /// The role that owns the outer one.
    between: String,
    inner: String,
    outer: String,
}

impl<'a> Passage<'a> {
    pub(super) fn of(login: &'a Login) -> Self {
        Self {
            login,
            between: login.named("between"),
            inner: login.named("inner"),
            outer: login.named("outer"),
        }
    }

    /// The outer function, as it is called.
    pub(super) fn outer(&self) -> String {
        format!("{}.{}", quoted(&self.login.passages), quoted(&self.outer))
    }

    fn inner(&self) -> String {
        format!("{}.{}", quoted(&self.login.passages), quoted(&self.inner))
    }

    fn outer_body(&self) -> String {
        format!("BEGIN RETURN {}(statement, parameters); END", self.inner())
    }

    /// Whether a function is one of the two, exactly as it is made.
    pub(super) fn has(&self, found: &PassageFunction) -> bool {
        let is = |name: &str, owner: &str, callers: &str, body: &str| {
            found.name == name
                && found.owner == owner
                && found.callers == callers
                && found.body == body
        };
        found.place == self.login.passages
            && found.arguments == "statement text, parameters text[]"
            && found.is_bounded
            && (is(&self.inner, &self.login.role, &self.between, INNER)
                || is(&self.outer, &self.between, "", &self.outer_body()))
    }

    /// Whether both are there as they were made.
    pub(super) async fn is_there(
        &self,
        transaction: &mut Transaction<'_>,
    ) -> Result<bool, StoreError> {
        let found = passage_place::named([&self.inner, &self.outer]);
        let found = transaction.read(found).await?;
        Ok(found.iter().filter(|it| self.has(it)).count() == 2)
    }

    /// Make both anew. What the role of the plugin is granted is granted afterwards.
    pub(super) async fn make(&self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        let exists = Statement::new("SELECT 1 AS one FROM pg_roles WHERE rolname = $1");
        let exists = transaction.query(exists.bind(&self.between)).await?;
        let (between, role) = (quoted(&self.between), quoted(&self.login.role));
        if exists.first().is_none() {
            let create = format!("CREATE ROLE {between} NOLOGIN NOINHERIT");
            transaction.execute(Statement::new(create)).await?;
            let member = format!("GRANT {between} TO CURRENT_USER");
            transaction.execute(Statement::new(member)).await?;
        }
        passage_place::make(transaction, &self.login.passages).await?;
        let place = quoted(&self.login.passages);
        let mut commands = vec![
            format!("REVOKE ALL ON SCHEMA {place} FROM PUBLIC, {between}, {role}"),
            // A role that comes to own a function has to be allowed to make one, for this moment.
            format!("GRANT USAGE, CREATE ON SCHEMA {place} TO {between}, {role}"),
        ];
        commands.extend(function(&self.inner(), INNER, &role, Some(&between)));
        let body = self.outer_body();
        commands.extend(function(&self.outer(), &body, &between, None));
        commands.extend([
            format!("REVOKE ALL ON SCHEMA {place} FROM {between}, {role}"),
            format!("GRANT USAGE ON SCHEMA {place} TO {between}"),
        ]);
        for command in commands {
            transaction.execute(Statement::new(command)).await?;
        }
        Ok(())
    }
}

/// The commands that make a function with the rights of `owner`, which only its owner and `caller` may call.
fn function(name: &str, body: &str, owner: &str, caller: Option<&str>) -> Vec<String> {
    let signed = format!("{name}(text, text[])");
    let mut commands = vec![
        format!("DROP FUNCTION IF EXISTS {signed}"),
        format!(
            "CREATE FUNCTION {name}(statement text, parameters text[]) RETURNS bigint \
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = {SEARCH_PATH} AS $passage${body}$passage$"
        ),
        format!("REVOKE ALL ON FUNCTION {signed} FROM PUBLIC"),
    ];
    commands.extend(caller.map(|caller| format!("GRANT EXECUTE ON FUNCTION {signed} TO {caller}")));
    commands.push(format!("ALTER FUNCTION {signed} OWNER TO {owner}"));
    commands
}
