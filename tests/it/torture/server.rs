//! PostgreSQL servers of a test's own, which it stops, starts and promotes, and one address in
//! front of them that stays the same.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::Connection as _;
use tempfile::TempDir;

use crate::support::database::runtime;
use crate::support::postgres::{command, initialize, run, user};

/// A server with a folder of its own; stopped when it is dropped.
pub(crate) struct Server {
    folder: TempDir,
}

impl Server {
    /// A new server that runs.
    pub(crate) fn new() -> Self {
        let server = Self::empty();
        initialize(&server.data(), user());
        server.start();
        server
    }

    /// A server that follows another one, which is stopped for a moment to be copied.
    pub(crate) fn follow(primary: &Self) -> Self {
        let standby = Self::empty();
        primary.stop("fast");
        let mut copy = Command::new("cp");
        run(copy.arg("-a").arg(primary.data()).arg(standby.data()));
        primary.start();
        let signal = standby.data().join("standby.signal");
        fs::write(&signal, "").expect("a file of the server");
        let settings = standby.data().join("postgresql.auto.conf");
        let mut settings = OpenOptions::new().append(true).open(settings);
        let settings = settings.as_mut().expect("a file of the server");
        let folder = primary.folder.path().display();
        writeln!(settings, "primary_conninfo = 'host={folder} user=postgres'").expect("written");
        standby.start();
        standby
    }

    fn empty() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("callboard-server-")
            .tempdir();
        let folder = folder.expect("a temporary folder");
        if let Some((uid, gid)) = user() {
            chown(folder.path(), Some(uid), Some(gid)).expect("root gives its folder away");
        }
        Self { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, arguments: &[&str]) {
        let mut control = command("pg_ctl", user());
        run(control.args(arguments).arg("-D").arg(self.data()));
    }

    pub(crate) fn start(&self) {
        let options = format!(
            "-c listen_addresses='' -c max_connections=100 -c shared_buffers=32MB \
            -c hot_standby_feedback=on -c unix_socket_directories={}",
            self.folder.path().display()
        );
        let log = self.folder.path().join("log").display().to_string();
        self.control(&["start", "-w", "-t", "120", "-l", &log, "-o", &options]);
    }

    /// Stop it, as `fast` or as `immediate` as a crash.
    pub(crate) fn stop(&self, how: &str) {
        self.control(&["stop", "-w", "-m", how]);
    }

    pub(crate) fn promote(&self) {
        self.control(&["promote", "-w"]);
    }

    /// The address of a database of it, for a user.
    pub(crate) fn url_of(&self, user: &str, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres://{user}@localhost/{database}?host={folder}")
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
    }

    /// Ask the server for one number.
    pub(crate) fn number(&self, sql: &'static str) -> i64 {
        let folder = self.folder.path().display();
        let url = format!("postgres://postgres@localhost/postgres?host={folder}");
        runtime().block_on(async {
            let mut connection = sqlx::PgConnection::connect(&url).await.expect("it runs");
            let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await;
            number.expect("a number")
        })
    }

    pub(crate) fn execute(&self, sql: &'static str) {
        let folder = self.folder.path().display();
        let url = format!("postgres://postgres@localhost/postgres?host={folder}");
        runtime().block_on(async {
            let mut connection = sqlx::PgConnection::connect(&url).await.expect("it runs");
            let done = sqlx::raw_sql(sql).execute(&mut connection).await;
            done.expect("it does as it is told");
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut control = command("pg_ctl", user());
        // It may have been stopped.
        control
            .args(["stop", "-m", "immediate", "-D"])
            .arg(self.data());
        drop(control.output());
    }
}

/// Connections to one address, carried to the server that is behind it now.
pub(crate) struct Address {
    port: u16,
    behind: Arc<Mutex<PathBuf>>,
    carried: Arc<Mutex<Vec<TcpStream>>>,
}

impl Address {
    pub(crate) fn of(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = Self {
            port: listener.local_addr().expect("an address").port(),
            behind: Arc::new(Mutex::new(server.socket())),
            carried: Arc::default(),
        };
        let (behind, carried) = (Arc::clone(&address.behind), Arc::clone(&address.carried));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let socket = locked(&behind).clone();
                let all = client.try_clone();
                locked(&carried).push(all.expect("another handle"));
                std::thread::spawn(move || carry(client, &socket).ok());
            }
        });
        address
    }

    /// The address of a database, for the superuser.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Carry connections to another server from now on; those that are there break.
    pub(crate) fn turn_to(&self, server: &Server) {
        *locked(&self.behind) = server.socket();
        self.cut();
    }

    /// Break every connection, in the middle of whatever it is in.
    pub(crate) fn cut(&self) {
        for client in locked(&self.carried).drain(..) {
            // It may be gone already.
            client.shutdown(Shutdown::Both).ok();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Carry bytes both ways until either side ends.
fn carry(client: TcpStream, socket: &Path) -> io::Result<()> {
    let refuse = |error| {
        client.shutdown(Shutdown::Both).ok();
        error
    };
    let server = UnixStream::connect(socket).map_err(refuse)?;
    client.set_nodelay(true)?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        io::copy(&mut from, &mut to).ok();
        to.shutdown(Shutdown::Both).ok();
    });
    let (mut from, mut to) = (server, client);
    io::copy(&mut from, &mut to).ok();
    to.shutdown(Shutdown::Both)
}

/// Wait until a server has as many synchronous followers as `count`.
#[track_caller]
pub(crate) fn until_followed(primary: &Server, count: i64) {
    let sql = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    crate::support::daemon::eventually("the replica follows", || {
        (primary.number(sql) == count).then_some(())
    });
}
