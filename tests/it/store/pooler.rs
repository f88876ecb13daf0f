//! Through pgbouncer: its session mode serves, its transaction and statement modes are refused by name.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::store::granted::QueryLimits;
use callboard_core::store::{Dialect, Store, StoreError, StoreErrorKind, runs};
use callboard_core::value::{Query, Rows, Statement};
use tempfile::TempDir;

use super::runs::{by_id, claimed, queue, record, run};
use crate::support::daemon::eventually;
use crate::support::database::{TestDatabase, runtime};
use crate::support::postgres::user;
use crate::torture::chance::tell;

/// Names the program; `none` says that it is not to be had here.
const PROGRAM: &str = "CALLBOARD_TEST_PGBOUNCER";

/// A pooler before the server of the tests.
struct Pooler {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Pooler {
    /// In a mode, for everybody as one user; `None`, and it is told, where there is no program for it.
    fn start(mode: &str, database: &TestDatabase) -> Option<Self> {
        Self::with(mode, database, &[])
    }

    /// For these users, each as itself.
    fn with(mode: &str, database: &TestDatabase, users: &[&str]) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let listed = folder.path().join("users.txt");
        let lines: String = users
            .iter()
            .map(|user| format!("\"{user}\" \"\"\n"))
            .collect();
        std::fs::write(&listed, lines).expect("a file");
        let listed = Some(listed.as_path()).filter(|_| !users.is_empty());
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, written(mode, port, database.url(), listed)).expect("a file");
        let mut command = Command::new(program);
        if let Some((uid, gid)) = user() {
            chown(folder.path(), Some(uid), Some(gid)).expect("root gives its folder away");
            command.uid(uid).gid(gid);
        }
        let child = command
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let pooler = Self {
            child: child.expect("pgbouncer starts"),
            port,
            _folder: folder,
        };
        eventually("pgbouncer listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port))
                .ok()
                .map(drop)
        });
        Some(pooler)
    }

    fn url(&self) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/pooled?sslmode=disable",
            self.port
        )
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The settings of a pooler before a database of the tests' server, which is on a socket.
fn written(mode: &str, port: u16, url: &str, users: Option<&Path>) -> String {
    let url = url::Url::parse(url).expect("an address");
    let host = url.query_pairs().find(|(key, _)| key == "host");
    let host = host.expect("the folder of a socket").1;
    let name = url.path().trim_start_matches('/');
    let (user, access) = match users {
        Some(users) => (
            "",
            format!("auth_type = trust\nauth_file = {}", users.display()),
        ),
        None => (" user=postgres", "auth_type = any".to_owned()),
    };
    format!(
        "[databases]\npooled = host={host} dbname={name}{user}\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n{access}\n\
         pool_mode = {mode}\ndefault_pool_size = 30\nmax_client_conn = 100\n"
    )
}

/// The program as it is named, on the path, or as Debian has it.
fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(PROGRAM) {
        if named == "none" {
            tell(&format!(
                "SKIPPED: {PROGRAM}=none, nothing is known of pgbouncer"
            ));
            return None;
        }
        return Some(named.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders.find(|folder| folder.join("pgbouncer").is_file());
    let found = found.map(|folder| Path::new(&folder).join("pgbouncer"));
    assert!(
        found.is_some(),
        "no pgbouncer on the path; `./just test` installs it, or set {PROGRAM} to its path, or to \
         `none` to go without"
    );
    found
}

#[test]
fn a_pooler_in_transaction_mode_is_refused_by_name_with_the_mend() {
    refused("transaction");
}

#[test]
fn a_pooler_in_statement_mode_is_refused_by_name_with_the_mend() {
    refused("statement");
}

#[track_caller]
fn refused(mode: &str) {
    let database = TestDatabase::new(Dialect::Postgres);
    let Some(pooler) = Pooler::start(mode, &database) else {
        return;
    };
    runtime().block_on(async {
        for look in [false, true] {
            let url = pooler.url();
            let error = if look {
                callboard_core::store::inspect(&url)
                    .await
                    .expect_err("it is refused")
            } else {
                Store::open(&url).await.err().expect("it is refused")
            };
            assert_eq!(error.kind, StoreErrorKind::Address, "{error}");
            let said = error.to_string();
            assert!(said.contains(&format!("a pooler in {mode} mode")), "{said}");
            assert!(said.contains("`pool_mode = session`"), "{said}");
            assert!(
                said.contains(&format!("127.0.0.1:{}", pooler.port)),
                "{said}"
            );
        }
    });
}

#[test]
fn a_pooler_in_session_mode_serves() {
    let database = TestDatabase::new(Dialect::Postgres);
    let Some(pooler) = Pooler::start("session", &database) else {
        return;
    };
    runtime().block_on(async {
        let store = Store::open(&pooler.url()).await.expect("it opens");
        let mut woken = store.woken();
        queue(&store, &[run("a")]).await;
        store.wake().await;
        woken.changed().await;
        let claim = claimed(&store, Some("a")).await.expect("it is due");
        assert!(record(&store, &claim, runs::RunStatus::Done).await);
        assert_eq!(by_id(&store, "a").await.status, runs::RunStatus::Done);
        let refused = store.query(a_write()).await;
        assert!(refused.is_err(), "a reader does not write: {refused:?}");
        store.close().await;
    });
}

/// A write, from where only is read.
fn a_write() -> Statement {
    Statement::new("DELETE FROM history RETURNING id")
}

/// What a plugin may do.
fn grants() -> Grants {
    toml::from_str("[[db]]\ntable = \"items\"\nverbs = [\"select\"]\n").expect("grants")
}

/// What a plugin reads, in a text whose backslash means itself.
async fn read(store: &Store) -> Result<Rows, StoreError> {
    let limits = CallLimits::default();
    let database = store.granted("library", &grants(), &limits).await?;
    let statement = Statement::new("SELECT id FROM items WHERE id = '\\'");
    let bounds = QueryLimits::of(&limits, Duration::from_secs(30));
    database.query(statement, bounds).await
}

/// The settings of its sessions are made through a pooler that passes no option of the start on.
#[test]
fn a_plugin_reads_through_it_with_its_own_role_and_settings() {
    let database = TestDatabase::new(Dialect::Postgres);
    runtime().block_on(async {
        let store = Store::open(database.url()).await.expect("it opens");
        read(&store).await.expect("without a pooler");
        let role = Query::<String>::new("SELECT role FROM plugin_logins");
        let role = store.read_first(role).await.expect("it is read");
        let role = role.expect("its role is made");
        let name = url::Url::parse(database.url()).expect("an address");
        let name = name.path().trim_start_matches('/');
        let off = format!("ALTER DATABASE \"{name}\" SET standard_conforming_strings = off");
        let set = store.write(move |transaction| {
            Box::pin(async move { transaction.execute(Statement::new(off)).await })
        });
        set.await.expect("it is set");
        let users = ["postgres", role.as_str()];
        if let Some(pooler) = Pooler::with("session", &database, &users) {
            let pooled = Store::open(&pooler.url()).await.expect("it opens");
            for _ in 0..3 {
                read(&pooled).await.expect("through the pooler");
            }
            pooled.close().await;
        }
        store.close().await;
    });
}

#[test]
fn a_pooler_that_makes_a_plugin_somebody_else_is_refused() {
    let database = TestDatabase::new(Dialect::Postgres);
    let Some(pooler) = Pooler::start("session", &database) else {
        return;
    };
    runtime().block_on(async {
        let store = Store::open(&pooler.url()).await.expect("it opens");
        let refused = read(&store).await.expect_err("it is refused");
        assert_eq!(refused.kind, StoreErrorKind::Denied, "{refused}");
        let said = refused.to_string();
        assert!(said.contains("the rights of `postgres`"), "{said}");
        assert!(said.contains("name no `user`"), "{said}");
        store.close().await;
    });
}
