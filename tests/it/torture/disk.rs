//! A disk that is full, on SQLite: files that may not grow beyond a limit. Nothing that could
//! not be kept counts, and the work goes on once there is room.

use std::fs;
use std::process::Command;

use callboard_core::store::Dialect;

use super::bench::{queue, rack, until_ended, well};
use super::chance::{Chance, length};
use super::judge::{each_write_happened_once, judge};
use super::worker::Worker;
use crate::support::daemon::eventually;
use crate::support::factory::Factory;
use crate::support::program;

/// How much room there is beyond what the database has, in KiB.
const ROOM: usize = 100;

/// A worker whose files may not grow beyond so many KiB: writes fail as on a full disk, since
/// the signal that would end it is ignored.
fn confined(factory: &Factory, kilobytes: usize) -> Worker {
    let program = program();
    let script = format!(
        "trap '' XFSZ; ulimit -S -f {}; exec {} work",
        kilobytes * 2,
        program.display()
    );
    let known = factory.command(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", &script]).env_clear();
    command.current_dir(factory.workspace());
    command.envs(
        known
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    Worker::spawn(command)
}

/// Let its files grow again.
fn free(worker: &Worker) {
    let mut command = Command::new("prlimit");
    let id = worker.id().to_string();
    let status = command.args(["--pid", &id, "--fsize=unlimited"]).status();
    assert!(status.expect("`prlimit` is there").success());
}

/// The size of the database or its log, whichever is greater, in KiB.
fn size(factory: &Factory) -> usize {
    let sizes = ["callboard.db", "callboard.db-wal"].map(|name| {
        let file = fs::metadata(factory.workspace().join(name));
        file.map_or(0, |file| file.len())
    });
    usize::try_from(sizes[0].max(sizes[1]) / 1024).expect("a small number")
}

#[test]
fn a_full_disk_stops_the_work_and_loses_nothing() {
    let mut chance = Chance::new("disk full");
    let factory = rack(Dialect::Sqlite);
    let mut runs = 0;
    for _ in 0..length(1, 8) {
        let more = 300 + chance.below(300);
        queue(&factory, "gated", &well(more / 3));
        queue(&factory, "branches", &well(more - more / 3));
        runs += more;
        let limit = size(&factory) + ROOM;
        let worker = confined(&factory, limit);
        eventually("the disk is full", || {
            let said = worker.said();
            let full = said.contains("is full") || said.contains("disk I/O error");
            full.then_some(())
        });
        // Not one stage of those that could not be kept counts.
        each_write_happened_once(&factory);
        free(&worker);
        until_ended(&factory);
        worker.drain();
        assert_eq!(judge(&factory), [("done".to_owned(), runs)].into());
    }
}
