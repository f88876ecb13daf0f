//! A guest's SQL with the check switched off: what the server itself holds. Deferred writes go
//! through `execute_unchecked`, and a plugin's own login through a plain connection.

use std::collections::BTreeSet;
use std::time::Duration;

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::store::granted::{DeferredWriter, execute_unchecked, functions};
use callboard_core::store::{Dialect, Store, StoreError, StoreErrorKind};
use callboard_core::value::Statement;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use super::attacks;
use crate::support::database::with_database;
use crate::tidy::source::sources;

attacks! {
    another_role: "a deferred write takes another role, or the session's user, by set_config" => { takes_another_role };
    the_inner_function_altered: "a plugin's own login alters the function that runs its writes, so that it runs as its caller" => { alters_the_inner_function };
    a_function_altered_from_inside: "a deferred write alters the functions that run it" => {
        || refused(&[
            "ALTER FUNCTION callboard_inner(text, text[]) SECURITY INVOKER",
            "DO $$ BEGIN EXECUTE 'RESET ROLE'; END $$",
            "RESET ROLE",
            "SET SESSION AUTHORIZATION DEFAULT",
            "SELECT 1; RESET ROLE",
        ])
    };
    what_the_host_would_find: "a deferred write leaves the host's session a table that hides another, or a statement under a known name" => {
        || refused(&[
            "CREATE TEMP TABLE open_runs (id text)",
            "SELECT 'x' AS id INTO TEMP open_runs",
            "PREPARE sqlx_s_1 AS SELECT 1",
            "DEALLOCATE ALL",
            "LISTEN callboard",
            "DECLARE kept CURSOR WITH HOLD FOR SELECT 1",
            "COMMIT",
        ])
    };
    secrets_of_the_host: "a deferred write copies what the host alone may read into a granted table" => {
        || refused(&[
            "INSERT INTO public.scratch SELECT 7, digest FROM public.plugin_logins RETURNING 1",
            "INSERT INTO public.scratch SELECT 7, value FROM public.settings RETURNING 1",
            "INSERT INTO public.scratch SELECT 7, rolpassword FROM pg_authid RETURNING 1",
            "SELECT name FROM public.locks FOR UPDATE",
            "UPDATE public.locks SET name = 'x' RETURNING 1",
            "SELECT pg_read_file('PG_VERSION')",
        ])
    };
    a_trigger_at_the_commit: "a deferred write of a table whose trigger is deferred, until the host commits" => { leaves_it_to_the_commit };
    a_trigger_put_off_again: "a deferred write of a table whose trigger puts off what it writes, again and again" => { puts_it_off_again };
    a_setting_left_behind: "a deferred write changes settings of the host's session" => { changes_settings };
    what_only_does_something: "a function of the server that does something: makes an object, takes a lock, sends, sleeps, sets" => {
        names_what_does_something
    };
    all_that_a_login_may_take: "a plugin's login holds thousands of advisory locks, large objects and messages while the host works" => {
        takes_what_everybody_may
    };
    locks_of_the_host: "a plugin's login takes each lock that a guest can name, and the host goes on" => { takes_every_lock };
    no_lock_by_number: "the host synchronises by advisory locks" => { reads_the_sources };
    a_table_of_its_own: "a plugin's login makes a temporary table" => { makes_a_table };
    what_is_approved: "a deferred write of a plugin that was granted everything changes the draft that waits for approval, and its task" => {
        writes_what_is_approved
    };
    a_password_in_a_table: "the password of a plugin's login is read from the database" => { reads_the_password };
}

const MINUTE: Duration = Duration::from_secs(60);

fn grants() -> Grants {
    let text =
        "db = [{ table = \"scratch\", verbs = [\"select\", \"insert\", \"update\", \"delete\"] }]";
    toml::from_str(text).expect("grants")
}

fn attacker() -> DeferredWriter {
    DeferredWriter {
        plugin: "attacker".to_owned(),
        grants: grants(),
        limits: CallLimits::default(),
    }
}

pub(super) async fn tables(store: &Store) {
    let create = "CREATE TABLE scratch (id BIGINT PRIMARY KEY, name TEXT)";
    store
        .execute(Statement::new(create))
        .await
        .expect("a table");
    unchecked(
        store,
        "INSERT INTO public.scratch VALUES (1, 'one') RETURNING 1",
    )
    .await
    .expect("what is granted works");
}

/// A deferred write of any text.
pub(super) async fn unchecked(store: &Store, sql: &str) -> Result<u64, StoreError> {
    let call = (sql.to_owned(), Vec::new());
    let work = store.write(move |transaction| {
        Box::pin(async move { execute_unchecked(transaction, &attacker(), call, MINUTE).await })
    });
    work.await
}

/// One value of one row.
async fn text(store: &Store, sql: &str) -> String {
    let rows = store.query(Statement::new(sql)).await.expect(sql);
    rows.first().expect("a row").text("found").expect("a text")
}

async fn role(store: &Store) -> String {
    text(
        store,
        "SELECT role AS found FROM public.plugin_logins WHERE plugin = 'attacker'",
    )
    .await
}

/// A connection as the plugin's own role; the test's server lets everybody in.
async fn login(store: &Store, url: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().expect("an address");
    let options = options.username(&role(store).await);
    options.connect().await.expect("it logs in")
}

async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(connection).await.map(drop)
}

fn refused(texts: &'static [&'static str]) {
    with_database(Dialect::Postgres, async |store: Store, _url: String| {
        tables(&store).await;
        for sql in texts {
            let answer = unchecked(&store, sql).await;
            assert!(answer.is_err(), "{sql}: {answer:?}");
        }
        let rows = text(
            &store,
            "SELECT string_agg(name, ' ') AS found FROM public.scratch",
        )
        .await;
        assert_eq!(rows, "one");
        unchecked(
            &store,
            "UPDATE public.scratch SET name = 'still' RETURNING 1",
        )
        .await
        .expect("what is granted still works");
    });
}

fn writes_what_is_approved() {
    with_database(Dialect::Postgres, async |store: Store, _url: String| {
        tables(&store).await;
        let verbs = "verbs = [\"select\", \"insert\", \"update\", \"delete\"]";
        for table in ["drafts", "tasks", "task_history"] {
            let text = format!("db = [{{ table = \"{table}\", {verbs} }}]");
            let granted = DeferredWriter {
                grants: toml::from_str(&text).expect("grants"),
                ..attacker()
            };
            for (sql, may) in [
                (format!("SELECT 1 FROM public.{table}"), true),
                (
                    format!("UPDATE public.{table} SET run = 'x' RETURNING 1"),
                    false,
                ),
                (format!("DELETE FROM public.{table} RETURNING 1"), false),
            ] {
                let (granted, call) = (granted.clone(), (sql.clone(), Vec::new()));
                let work = store.write(move |transaction| {
                    Box::pin(
                        async move { execute_unchecked(transaction, &granted, call, MINUTE).await },
                    )
                });
                let answer = work.await;
                assert_eq!(answer.is_ok(), may, "{sql}: {answer:?}");
            }
        }
    });
}

fn takes_another_role() {
    with_database(Dialect::Postgres, async |store: Store, _url: String| {
        tables(&store).await;
        for setting in ["role", "session_authorization"] {
            for local in [true, false] {
                let sql = format!("SELECT set_config('{setting}', 'none', {local})");
                let error = unchecked(&store, &sql).await.expect_err("it is refused");
                assert!(error.message.contains("security-definer"), "{sql}: {error}");
            }
        }
    });
}

/// It may not look into the schema of its function. Were it altered all the same, it would run with the
/// rights of its caller, which has none; and before the next deferred write it is made anew.
fn alters_the_inner_function() {
    with_database(Dialect::Postgres, async |store: Store, url: String| {
        tables(&store).await;
        let mut own = login(&store, &url).await;
        let signed = "SELECT format('%I.%I(text, text[])', nspname, proname) AS found FROM pg_proc \
            JOIN pg_namespace ON pg_namespace.oid = pronamespace \
            JOIN pg_roles ON pg_roles.oid = proowner WHERE prosecdef AND ";
        let role = role(&store).await;
        let inner = text(&store, &format!("{signed} rolname = '{role}'")).await;
        let outer = text(
            &store,
            &format!("{signed} rolname LIKE 'callboard_%_between'"),
        )
        .await;
        let (outer_name, _) = outer.split_once('(').expect("a signature");
        let alter = format!("ALTER FUNCTION {inner} SECURITY INVOKER");
        run(&mut own, &alter).await.expect_err("it is not there");
        let altered = format!("ALTER FUNCTION {outer} SECURITY INVOKER");
        run(&mut own, &altered).await.expect_err("not its own");
        let replace =
            format!("CREATE OR REPLACE FUNCTION {inner} RETURNS bigint LANGUAGE sql AS 'SELECT 1'");
        run(&mut own, &replace).await.expect_err("it may make none");
        store.execute(Statement::new(alter)).await.expect("altered");
        for sql in [
            "INSERT INTO public.scratch SELECT 7, digest FROM public.plugin_logins RETURNING 1",
            "INSERT INTO public.scratch VALUES (7, 'x') RETURNING 1",
            "SELECT set_config('role', 'none', true)",
        ] {
            let direct = Statement::new(format!("SELECT {outer_name}($1, '{{}}') AS n")).bind(sql);
            let called = store.write(move |transaction| Box::pin(transaction.query(direct)));
            let error = called.await.expect_err("it has no rights");
            assert_eq!(error.kind, StoreErrorKind::Denied, "{sql}: {error}");
        }
        unchecked(
            &store,
            "INSERT INTO public.scratch VALUES (7, 'x') RETURNING 1",
        )
        .await
        .expect("it is made anew");
        unchecked(&store, "SELECT digest FROM public.plugin_logins")
            .await
            .expect_err("not granted");
    });
}

/// A trigger that waits for the commit runs as who caused it.
fn leaves_it_to_the_commit() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        tables(&store).await;
        for sql in [
            "CREATE FUNCTION tells() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS \
             $$ BEGIN UPDATE scratch SET name = current_user WHERE id = NEW.id; RETURN NULL; END $$",
            "CREATE CONSTRAINT TRIGGER tells AFTER INSERT ON scratch DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION tells()",
        ] {
            store.execute(Statement::new(sql)).await.expect("made");
        }
        let insert = "INSERT INTO public.scratch (id, name) VALUES (71, 'x') RETURNING 1";
        unchecked(&store, insert).await.expect("it is granted");
        let who = text(
            &store,
            "SELECT name AS found FROM public.scratch WHERE id = 71",
        )
        .await;
        assert_eq!(who, role(&store).await);
    });
}

/// It says at each step that everything is to wait for the commit, and there is nothing left at the commit.
fn puts_it_off_again() {
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        tables(&store).await;
        for sql in [
            "CREATE FUNCTION puts_off() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS \
             $$ BEGIN SET CONSTRAINTS ALL DEFERRED; \
             IF NEW.id < 900 THEN INSERT INTO scratch VALUES (NEW.id + 100, current_user); END IF; \
             RETURN NULL; END $$",
            "CREATE CONSTRAINT TRIGGER puts_off AFTER INSERT ON scratch DEFERRABLE \
             FOR EACH ROW EXECUTE FUNCTION puts_off()",
        ] {
            store.execute(Statement::new(sql)).await.expect("made");
        }
        let insert = "INSERT INTO public.scratch (id, name) VALUES (101, 'x') RETURNING 1";
        unchecked(&store, insert).await.expect("it is granted");
        let said = "SELECT string_agg(DISTINCT name, ' ') || ' ' || COUNT(*) AS found \
            FROM public.scratch WHERE id > 200";
        let wanted = format!("{} 8", role(&store).await);
        assert_eq!(text(&store, said).await, wanted);
    });
}

fn changes_settings() {
    // Those of the language appear with its first use.
    const SETTINGS: &str = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) AS found FROM pg_settings \
        WHERE name NOT LIKE 'plpgsql.%'";
    with_database(Dialect::Postgres, async |store: Store, _url: String| {
        tables(&store).await;
        let work = store.write(move |transaction| {
            Box::pin(async move {
                let before = transaction.query(Statement::new(SETTINGS)).await?;
                for sql in [
                    "SELECT set_config('statement_timeout', '0', false)",
                    "SELECT set_config('search_path', 'pg_temp', false)",
                    "SELECT set_config('standard_conforming_strings', 'off', false)",
                    "SELECT set_config('enable_indexscan', 'off', true)",
                    "SELECT pg_advisory_lock(7)",
                ] {
                    let call = (sql.to_owned(), Vec::new());
                    execute_unchecked(transaction, &attacker(), call, MINUTE).await?;
                }
                let after = transaction.query(Statement::new(SETTINGS)).await?;
                assert_eq!(before, after);
                let locks = "SELECT COUNT(*) AS n FROM pg_locks WHERE locktype = 'advisory'";
                let locks = transaction.query(Statement::new(locks)).await?;
                assert_eq!(locks.first().expect("a row").integer("n")?, 0);
                Ok(())
            })
        });
        work.await.expect("each of them may run");
    });
}

fn takes_every_lock() {
    with_database(Dialect::Postgres, async |store: Store, url: String| {
        tables(&store).await;
        let mut own = login(&store, &url).await;
        for sql in [
            "LOCK TABLE locks",
            "LOCK TABLE migrations IN ACCESS SHARE MODE",
            "SELECT * FROM public.locks",
            "SELECT * FROM public.locks FOR SHARE",
        ] {
            run(&mut own, sql).await.expect_err(sql);
        }
        // Those that the host took once, "callbo", "callbl", "callsc" and "callro".
        for key in ["callbo", "callbl", "callsc", "callro"] {
            let key = key
                .bytes()
                .fold(0_i64, |key, byte| (key << 8) | i64::from(byte));
            run(&mut own, &format!("SELECT pg_advisory_lock({key})"))
                .await
                .expect("it is free");
        }
        let work = async {
            let other = Store::open(&url).await.expect("it opens");
            unchecked(&other, "DELETE FROM public.scratch RETURNING 1")
                .await
                .expect("it is deleted");
            let claimant = callboard_core::store::claims::Claimant {
                worker: "w".to_owned(),
                lease: MINUTE,
                suspect: 3,
            };
            let claimed = callboard_core::store::claims::take(&other, &claimant, 1).await;
            assert!(claimed.expect("it claims").is_empty());
        };
        tokio::time::timeout(MINUTE, work)
            .await
            .expect("nothing waits");
    });
}

/// What is not only computed is not on the list, whatever else the server comes to have.
fn names_what_does_something() {
    with_database(Dialect::Postgres, async |store: Store, _url: String| {
        tables(&store).await;
        let sql = "SELECT DISTINCT proname::text AS found FROM pg_proc \
            WHERE provolatile = 'v' AND pronamespace = 'pg_catalog'::regnamespace";
        let rows = store.query(Statement::new(sql)).await.expect("functions");
        let names = rows.iter().map(|row| row.text("found").expect("a name"));
        let names: BTreeSet<_> = names.collect();
        for name in [
            "lo_create",
            "lo_from_bytea",
            "pg_advisory_lock",
            "pg_notify",
            "pg_sleep",
            "set_config",
        ] {
            assert!(names.contains(name), "{name}");
        }
        let DeferredWriter { grants, limits, .. } = attacker();
        let database = store.granted("attacker", &grants, &limits).await;
        let database = database.expect("granted");
        for name in &names {
            // The clock and chance.
            if ["clock_timestamp", "random"].contains(&name.as_str()) {
                continue;
            }
            assert!(functions().all(|(listed, _)| listed != name), "{name}");
            let answer = database.authorise(&format!("SELECT \"{name}\"(1)")).await;
            let error = answer.expect_err(name);
            assert_eq!(error.kind, StoreErrorKind::Denied, "{name}: {error}");
        }
    });
}

/// With the check switched off everybody may do this, in any database: the host neither waits for it
/// nor believes it, and no lock outlives the plugin's session.
fn takes_what_everybody_may() {
    with_database(Dialect::Postgres, async |store: Store, url: String| {
        tables(&store).await;
        let mut own = login(&store, &url).await;
        for sql in [
            "SELECT pg_advisory_lock(i) FROM generate_series(-1000, 1000) AS i",
            "SELECT pg_advisory_lock(1, i) FROM generate_series(-100, 100) AS i",
            "SELECT lo_from_bytea(0, 'x')",
            "SELECT pg_notify('callboard_runs', 'x') FROM generate_series(1, 100)",
            "SELECT set_config('statement_timeout', '0', false)",
            "BEGIN",
            "SELECT pg_advisory_xact_lock(9000)",
        ] {
            run(&mut own, sql).await.expect("everybody may");
        }
        let mut sleeping = login(&store, &url).await;
        let asleep = tokio::spawn(async move { run(&mut sleeping, "SELECT pg_sleep(3600)").await });
        let work = async {
            let other = Store::open(&url).await.expect("it opens");
            unchecked(
                &other,
                "UPDATE public.scratch SET name = 'mine' RETURNING 1",
            )
            .await
            .expect("it is changed");
            let held = text(
                &other,
                "SELECT string_agg(DISTINCT usename::text, ' ') AS found FROM pg_locks \
                    JOIN pg_stat_activity USING (pid) \
                    WHERE locktype = 'advisory' AND datname = current_database()",
            )
            .await;
            assert_eq!(held, role(&store).await, "nobody else has or awaits one");
        };
        tokio::time::timeout(MINUTE, work)
            .await
            .expect("nothing waits");
        asleep.abort();
    });
}

fn makes_a_table() {
    with_database(Dialect::Postgres, async |store: Store, url: String| {
        tables(&store).await;
        let mut own = login(&store, &url).await;
        for sql in [
            "CREATE TEMP TABLE x (a int)",
            "CREATE TABLE public.x (a int)",
            "CREATE SCHEMA x",
        ] {
            run(&mut own, sql).await.expect_err(sql);
        }
    });
}

fn reads_the_sources() {
    let sources = sources().into_iter();
    for source in sources.filter(|source| source.path.starts_with("host/")) {
        let (file, text) = (&source.path, &source.text);
        let taken = text.replace("pg_advisory_unlock_all", "");
        assert!(!taken.contains("pg_advisory"), "{file}");
        assert!(!taken.contains("pg_try_advisory"), "{file}");
        let named = text.contains("execute_unchecked");
        let may = file.ends_with("granted.rs") || file.ends_with("granted/deferred.rs");
        assert!(!named || may, "{file} goes around the check");
    }
}

fn reads_the_password() {
    with_database(Dialect::Postgres, async |store: Store, _url: String| {
        tables(&store).await;
        let secret = [7; 32];
        store.derive_logins(secret);
        let limits = CallLimits::default();
        store
            .granted("attacker", &grants(), &limits)
            .await
            .expect("a login");
        let digest = text(&store, "SELECT digest AS found FROM public.plugin_logins").await;
        assert_eq!(digest.len(), 64, "{digest}");
        // The server holds what it made of the password; the password itself is not there.
        let role = role(&store).await;
        let scram = text(
            &store,
            &format!("SELECT rolpassword AS found FROM pg_authid WHERE rolname = '{role}'"),
        )
        .await;
        assert!(scram.starts_with("SCRAM-SHA-256"), "{scram}");
        let columns = store.columns("plugin_logins").await.expect("columns");
        assert_eq!(columns, ["plugin", "role", "digest"]);
    });
}
