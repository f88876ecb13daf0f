//! A dump that is restored where the plugins' roles are not known, or under another name: it loses the
//! owners and rights of the functions that it brings along, and nobody can call one of them.

use std::io::{Seek as _, Write as _};
use std::process::Stdio;

use callboard_core::store::granted::stray_passages;
use callboard_core::store::{Dialect, Store};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::attacks;
use super::rights::{tables, unchecked};
use crate::support::database::{TestDatabase, runtime};
use crate::support::factory::Factory;
use crate::support::postgres::{command, user};
use crate::torture::server::Server;

attacks! {
    on_another_server: "a stranger calls each function with its owner's rights of a dump that was restored on another server" => {
        another_server
    };
    under_another_name: "the same of one that was restored on the same server under another name" => { another_name };
    beside_the_tables: "a function of the host's kind beside the tables, open to everybody" => { in_the_shared_schema };
}

/// How a dump is restored.
const WAYS: [&[&str]; 4] = [
    &[],
    &["--no-owner"],
    &["--no-acl"],
    &["--no-owner", "--no-acl"],
];

/// A database in which a plugin has made a deferred write, as a dump.
fn dump(database: &TestDatabase) -> Vec<u8> {
    runtime().block_on(async {
        let store = database.open().await;
        tables(&store).await;
        assert!(stray_passages(&store).await.expect("asked").is_empty());
        store.close().await;
    });
    let mut dump = command("pg_dump", user());
    let dump = dump.args(["-Fc", "-d", database.url()]).output();
    let dump = dump.expect("pg_dump");
    assert!(dump.status.success(), "{dump:?}");
    dump.stdout
}

/// Restore it; what the server refuses of it is left out.
fn restore(dump: &[u8], url: &str, way: &[&str]) {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(dump).expect("written");
    file.rewind().expect("its beginning");
    let mut restore = command("pg_restore", user());
    restore.args(way).args(["-d", url]).stdin(Stdio::from(file));
    drop(restore.output().expect("pg_restore"));
}

async fn told(url: &str, sql: &str) {
    let mut other = PgConnection::connect(url).await.expect("a session");
    let sql = AssertSqlSafe(sql.to_owned());
    let done = sqlx::raw_sql(sql).execute(&mut other).await;
    done.expect("the administrator may");
    other.close().await.expect("it goes");
}

/// The functions that have their owner's rights, each as it is called.
async fn bounded(url: &str) -> Vec<(String, String)> {
    let mut other = PgConnection::connect(url).await.expect("a session");
    let sql = "SELECT nspname::text, format('%I.%I', nspname, proname) FROM pg_proc \
        JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE prosecdef";
    let found = sqlx::query_as(sql).fetch_all(&mut other).await;
    found.expect("an answer")
}

/// A stranger calls each of them, and is refused; gives how many there are.
async fn refused(administrator: &str, stranger: &str) -> usize {
    let found = bounded(administrator).await;
    for (place, called) in &found {
        assert_ne!(place, "public", "{called}");
        let mut other = PgConnection::connect(stranger).await.expect("a session");
        let sql = format!("SELECT {called}('SELECT 1', '{{}}'::text[])");
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut other).await;
        let error = done.expect_err("a stranger may not").to_string();
        assert!(error.contains("permission denied"), "{error}");
    }
    found.len()
}

/// What was restored is shut, is told as it is, and goes as soon as somebody works on the database.
async fn shut(administrator: &str, stranger: &str) {
    let brought = refused(administrator, stranger).await;
    assert!(brought > 1, "the dump has them");
    let looked = Store::open_as_it_is(administrator).await.expect("it opens");
    let strays = stray_passages(&looked).await.expect("an answer");
    assert!(!strays.is_empty(), "it is told");
    looked.close().await;
    let store = Store::open(administrator).await.expect("it opens");
    assert!(stray_passages(&store).await.expect("asked").is_empty());
    assert!(bounded(administrator).await.is_empty());
    let sql = "INSERT INTO public.scratch VALUES (2, 'two') RETURNING 1";
    unchecked(&store, sql).await.expect("what is granted works");
    assert!(stray_passages(&store).await.expect("asked").is_empty());
    assert_eq!(refused(administrator, stranger).await, 2);
    store.close().await;
}

fn another_server() {
    let source = TestDatabase::new(Dialect::Postgres);
    let dump = dump(&source);
    let server = Server::new();
    let administrator = server.url_of("postgres", "postgres");
    runtime().block_on(told(&administrator, "CREATE ROLE stranger LOGIN"));
    let name = url::Url::parse(source.url()).expect("an address");
    let name = name.path().trim_start_matches('/').to_owned();
    let names = [name.as_str(), "other", "third", "fourth"];
    for (name, way) in names.into_iter().zip(WAYS) {
        let create = format!("CREATE DATABASE {name}");
        runtime().block_on(told(&administrator, &create));
        let url = server.url_of("postgres", name);
        restore(&dump, &url, way);
        runtime().block_on(shut(&url, &server.url_of("stranger", name)));
    }
}

fn another_name() {
    let source = TestDatabase::new(Dialect::Postgres);
    let dump = dump(&source);
    let stranger = format!("stranger_{}", std::process::id());
    let create = format!("CREATE ROLE {stranger} LOGIN");
    runtime().block_on(told(source.url(), &create));
    for way in WAYS {
        let other = TestDatabase::new(Dialect::Postgres);
        restore(&dump, other.url(), way);
        let url = other.url().replace("postgres@", &format!("{stranger}@"));
        runtime().block_on(shut(other.url(), &url));
    }
    let drop = format!("DROP ROLE {stranger}");
    runtime().block_on(told(source.url(), &drop));
}

fn in_the_shared_schema() {
    let factory = Factory::bare(Dialect::Postgres);
    let name = format!("callboard_{}_inner", "0123456789abcdef".repeat(2));
    factory.execute(&format!(
        "CREATE FUNCTION public.{name}(statement text, parameters text[]) RETURNS bigint \
        LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::bigint'"
    ));
    let ran = factory.run(&["doctor"]);
    assert_eq!(ran.code, 1, "{ran}");
    for said in ["passages", &name, "PUBLIC may call it", "callboard apply"] {
        let one_line = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(said), "{said}: {ran}");
    }
    factory.ok(&["apply"]);
    let ran = factory.run(&["doctor"]);
    assert!(!ran.stdout.contains(&name), "{ran}");
}
