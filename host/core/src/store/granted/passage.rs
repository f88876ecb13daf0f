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
//! commit it would run with the rights of the host, and as long as it likes.

use super::catalog::SEARCH_PATH;
use super::role::{Login, quoted};
use crate::store::{StoreError, Transaction};
use crate::value::{Query, Statement};

/// The body of the inner function. `$1` of the statement is the array of its parameters.
const INNER: &str = "DECLARE answer refcursor; touched bigint; \
    BEGIN \
    OPEN answer NO SCROLL FOR EXECUTE statement USING parameters; \
    MOVE FORWARD ALL FROM answer; \
    GET DIAGNOSTICS touched = ROW_COUNT; \
    CLOSE answer; \
    SET CONSTRAINTS ALL IMMEDIATE; \
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
        format!("{}.{}", quoted(&self.login.schema), quoted(&self.outer))
    }

    fn inner(&self) -> String {
        format!("{}.{}", quoted(&self.login.schema), quoted(&self.inner))
    }

    fn outer_body(&self) -> String {
        format!("BEGIN RETURN {}(statement, parameters); END", self.inner())
    }

    /// Whether both are there as they were made.
    pub(super) async fn is_there(
        &self,
        transaction: &mut Transaction<'_>,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT COUNT(*) AS found FROM pg_proc \
            JOIN pg_namespace ON pg_namespace.oid = pronamespace \
            JOIN pg_roles ON pg_roles.oid = proowner \
            WHERE nspname = $1 AND prosecdef AND proconfig = ARRAY[$8] AND (\
                (proname = $2 AND rolname = $3 AND prosrc = $4) \
                OR (proname = $5 AND rolname = $6 AND prosrc = $7))";
        let find = Query::<i64>::new(sql)
            .bind(&self.login.schema)
            .bind(&self.inner)
            .bind(&self.login.role)
            .bind(INNER)
            .bind(&self.outer)
            .bind(&self.between)
            .bind(self.outer_body())
            .bind(format!("search_path={SEARCH_PATH}"));
        Ok(transaction.read_one(find).await? == 2)
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
        let schema = quoted(&self.login.schema);
        let mut commands = vec![
            format!("REVOKE ALL ON SCHEMA {schema} FROM {between}"),
            // A role that comes to own a function has to be allowed to make one, for this moment.
            format!("GRANT USAGE, CREATE ON SCHEMA {schema} TO {between}, {role}"),
        ];
        commands.extend(function(&self.inner(), INNER, &role, &between));
        let body = self.outer_body();
        commands.extend(function(&self.outer(), &body, &between, "CURRENT_USER"));
        commands.push(format!(
            "REVOKE CREATE ON SCHEMA {schema} FROM {between}, {role}"
        ));
        for command in commands {
            transaction.execute(Statement::new(command)).await?;
        }
        Ok(())
    }
}

/// The commands that make a function with the rights of `owner`, which only `caller` may call.
fn function(name: &str, body: &str, owner: &str, caller: &str) -> [String; 5] {
    let signed = format!("{name}(text, text[])");
    [
        format!("DROP FUNCTION IF EXISTS {signed}"),
        format!(
            "CREATE FUNCTION {name}(statement text, parameters text[]) RETURNS bigint \
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = {SEARCH_PATH} AS $passage${body}$passage$"
        ),
        format!("REVOKE ALL ON FUNCTION {signed} FROM PUBLIC"),
        format!("GRANT EXECUTE ON FUNCTION {signed} TO {caller}"),
        format!("ALTER FUNCTION {signed} OWNER TO {owner}"),
    ]
}
