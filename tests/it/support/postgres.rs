//! A PostgreSQL server that the tests start themselves.
//!
//! `cargo nextest` runs each test in a process of its own and `cargo test` runs all of them in
//! one, so the server is shared through files in the target folder: the test that comes first
//! starts it, and a process of its own (`keeper.rs`) stops it when no test has used it for a while.
//! A test that uses it holds a shared lock for as long as it lives, so a test that is killed does
//! not keep the server up.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::Shutdown;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{keeper, lock_file, shared_folder};

/// Names the folder with `initdb` and `pg_ctl`; `./just test` sets it.
const BIN: &str = "CALLBOARD_TEST_POSTGRES_BIN";
const OPTIONS: &str = "-c listen_addresses='' -c fsync=off -c full_page_writes=off \
    -c max_connections=200 -c max_prepared_transactions=8 -c shared_buffers=32MB -c unix_socket_directories=";

/// The server of this run.
pub(super) struct Postgres {
    folder: PathBuf,
    /// Held until the process ends.
    _in_use: File,
}

impl Postgres {
    /// The server, started if no test has.
    pub(super) fn shared() -> &'static Self {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(|| {
            let in_use = lock_file(&users());
            in_use.lock_shared().expect("a lock on the server");
            let starting = lock_file(&shared_folder().join("postgres.start"));
            starting.lock().expect("a lock on the start of the server");
            let folder = running().unwrap_or_else(start);
            keeper::ensure();
            Postgres {
                folder,
                _in_use: in_use,
            }
        })
    }

    /// What the server has logged so far.
    pub(super) fn log(&self) -> String {
        let log = fs::read(self.folder.join("log")).expect("the server has a log");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The address of a database, for the superuser.
    pub(super) fn url(&self, database: &str) -> String {
        let socket: String =
            url::form_urlencoded::byte_serialize(path_bytes(&self.folder)).collect();
        format!("postgres://postgres@localhost/{database}?host={socket}")
    }
}

fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

/// A test that uses the server holds a shared lock on this file.
pub(super) fn users() -> PathBuf {
    shared_folder().join("postgres.users")
}

/// Says where the server's files are.
fn state() -> PathBuf {
    shared_folder().join("postgres.folder")
}

/// The folder of a server that answers.
fn running() -> Option<PathBuf> {
    let folder = PathBuf::from(fs::read_to_string(state()).ok()?);
    let stream = UnixStream::connect(folder.join(".s.PGSQL.5432")).ok()?;
    stream.shutdown(Shutdown::Both).ok();
    Some(folder)
}

fn start() -> PathBuf {
    // What a crash left behind.
    stop();
    let folder = tempfile::Builder::new()
        .prefix("callboard-postgres-")
        .tempdir()
        .expect("a temporary folder")
        .keep();
    let user = user();
    if let Some((uid, gid)) = user {
        chown(&folder, Some(uid), Some(gid)).expect("root gives its folder away");
    }
    let data = folder.join("data");
    initialize(&data, user);
    let options = format!("{OPTIONS}{}", folder.display());
    let mut pg_ctl = command("pg_ctl", user);
    pg_ctl.args(["start", "-w", "-t", "120", "-l"]);
    run(pg_ctl
        .arg(folder.join("log"))
        .arg("-D")
        .arg(&data)
        .arg("-o")
        .arg(options));
    fs::write(state(), path_bytes(&folder)).expect("the target folder can be written");
    folder
}

/// A new cluster that trusts everybody who reaches it.
pub(crate) fn initialize(data: &Path, user: Option<(u32, u32)>) {
    let mut initdb = command("initdb", user);
    initdb.args([
        "-A",
        "trust",
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
        "-D",
    ]);
    run(initdb.arg(data));
}

/// Stop the server, if there is one, and remove its files.
pub(super) fn stop() {
    let Ok(folder) = fs::read_to_string(state()) else {
        return;
    };
    let folder = Path::new(&folder);
    let mut pg_ctl = command("pg_ctl", user());
    // It may have gone by itself.
    drop(
        pg_ctl
            .args(["stop", "-m", "immediate", "-D"])
            .arg(folder.join("data"))
            .output(),
    );
    fs::remove_file(state()).ok();
    fs::remove_dir_all(folder).ok();
}

/// A program of PostgreSQL, as a user whom the server does not refuse.
pub(crate) fn command(program: &str, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(bin().join(program));
    command.env("LC_ALL", "C").current_dir(std::env::temp_dir());
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

#[track_caller]
pub(crate) fn run(command: &mut Command) {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("failed to start {name}: {error}"));
    assert!(
        output.status.success(),
        "{name} ended with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The server refuses to run as root: then another user, with user and group.
pub(crate) fn user() -> Option<(u32, u32)> {
    let id = Command::new("id")
        .arg("-u")
        .output()
        .expect("`id` is there");
    if id.stdout.trim_ascii() != b"0" {
        return None;
    }
    let known = fs::read_to_string("/etc/passwd").expect("a list of users");
    let find = |name: &str| {
        let line = known
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(str::parse);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    };
    let found = find("postgres").or_else(|| find("nobody"));
    assert!(
        found.is_some(),
        "root needs a user `postgres` or `nobody` to run the server"
    );
    found
}

/// The folder of `initdb` and `pg_ctl`: as named, on the path, or as Debian has it.
fn bin() -> PathBuf {
    let has_both =
        |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
    if let Some(named) = std::env::var_os(BIN).map(PathBuf::from) {
        assert!(
            has_both(&named),
            "{BIN} names {}, which has no initdb and pg_ctl",
            named.display()
        );
        return named;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> =
        fs::read_dir("/usr/lib/postgresql").map_or(Vec::new(), |found| {
            found
                .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
                .collect()
        });
    let version = |folder: &PathBuf| {
        let name = folder
            .parent()
            .and_then(Path::file_name)
            .and_then(OsStr::to_str);
        name.and_then(|name| name.parse::<u32>().ok())
    };
    debian.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    let found = std::env::split_paths(&path).chain(debian).find(has_both);
    found.unwrap_or_else(|| {
        panic!(
            "no PostgreSQL server (initdb, pg_ctl) on the path; `./just test` installs one, or name its folder in {BIN}"
        )
    })
}
