//! Stops the shared PostgreSQL server when no test uses it any more. It is this test binary once
//! more, in a process of its own, because no test knows that it is the last one.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{lock_file, postgres, shared_folder};

/// Set for the process that keeps the server, and for no other.
const KEEPS: &str = "CALLBOARD_TEST_KEEPS_POSTGRES";
/// How often to look, and how many looks in a row without a user make the end.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS: u32 = 30;

/// Held by the keeper.
fn kept() -> PathBuf {
    shared_folder().join("postgres.keeper")
}

/// Start a keeper, unless there is one.
#[expect(
    clippy::zombie_processes,
    reason = "it outlives whoever starts it, and ends by itself"
)]
pub(super) fn ensure() {
    let lock = lock_file(&kept());
    if lock.try_lock().is_err() {
        return;
    }
    drop(lock);
    let mut keeper = Command::new(std::env::current_exe().expect("the test binary"));
    keeper
        .args([
            "--exact",
            "--ignored",
            "support::keeper::keeps_the_server_until_it_is_unused",
        ])
        .env(KEEPS, "1")
        // Neither a test's end nor an interrupt of the terminal ends it, and it holds none of
        // the pipes that the end of a test is recognised by.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    keeper.spawn().expect("the test binary starts once more");
}

#[test]
#[ignore = "no test: the tests start it, as the process that stops their PostgreSQL server"]
fn keeps_the_server_until_it_is_unused() {
    if std::env::var_os(KEEPS).is_none() {
        return;
    }
    let keeper = lock_file(&kept());
    if keeper.try_lock().is_err() {
        return;
    }
    let users = lock_file(&postgres::users());
    let mut unused = 0;
    while unused < LOOKS {
        std::thread::sleep(LOOK);
        unused = if is_free(&users) { unused + 1 } else { 0 };
    }
    // A test that comes now waits, and then starts a server and a keeper of its own.
    while users.try_lock().is_err() {
        std::thread::sleep(LOOK);
    }
    postgres::stop();
    keeper.unlock().expect("it is ours");
}

fn is_free(users: &File) -> bool {
    users.try_lock().is_ok() && users.unlock().is_ok()
}
