//! Tasks of the daemon that panic: they are begun anew, people are told, and one that does not
//! stay takes the process down instead of leaving a daemon that does nothing.

use callboard_core::fault;
use callboard_core::store::Dialect;
use callboard_core::supervision::AGAIN;

use super::bench::{queue, rack, until_ended, well};
use super::judge;
use crate::support::daemon::{Daemon, eventually};
use crate::support::factory::{Factory, on_each};

/// `serve` whose tasks panic at these points, each as often as it is named.
fn serve(factory: &Factory, points: &[&str]) -> Daemon {
    let faults: Vec<_> = points
        .iter()
        .map(|point| format!("{point}=panic"))
        .collect();
    let mut command = factory.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env(fault::VARIABLE, faults.join(","));
    Daemon::of(command)
}

fn finding(factory: &Factory, task: &str) -> String {
    let sql = format!("SELECT message AS text FROM findings WHERE subject = '{task}'");
    factory.texts(&sql, "text").join("; ")
}

on_each!(
    a_task_of_the_daemon_that_panics_is_begun_anew_and_is_a_finding,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let runs = queue(&factory, "branches", &well(3)).len();
        let points = ["before-look", "before-heartbeat", "before-group"];
        let daemon = serve(&factory, &points);
        until_ended(&factory);
        for task in ["the worker", "the heartbeat", "a committer"] {
            let said = eventually(task, || {
                Some(finding(&factory, task)).filter(|it| !it.is_empty())
            });
            assert!(said.contains("panicked: a fault on purpose"), "{said}");
            assert!(said.contains("its process goes on"), "{said}");
        }
        daemon.signal("TERM");
        let ended = daemon.ended();
        assert_eq!(ended.code, 0, "{ended}");
        judge::always(&factory);
        let done = factory.count("history WHERE status = 'done'");
        assert_eq!(usize::try_from(done), Ok(runs));
    }
);

on_each!(
    a_worker_that_does_not_stay_takes_the_daemon_down_with_a_message,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let daemon = serve(&factory, &["before-look"; AGAIN + 1]);
        let ended = daemon.ended();
        assert_eq!(ended.code, 1, "{ended}");
        let told = "the worker ended by itself again and again: panicked: a fault on purpose";
        assert!(ended.stderr.contains(told), "{ended}");
        let said = finding(&factory, "the worker");
        assert!(said.contains("its process ends"), "{said}");
    }
);
