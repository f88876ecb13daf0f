//! Tasks of the daemon that panic: they are begun anew, people are told, and one that does not
//! stay takes the process down instead of leaving a daemon that does nothing.

use callboard_core::fault;
use callboard_core::store::Dialect;
use callboard_core::supervision::AGAIN;

use super::bench::{queue, rack, until_ended, well};
use super::judge;
use crate::support::daemon::{Daemon, eventually, get};
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

/// Where a task panics, and what it is called.
const TASKS: [(&str, &str); 5] = [
    ("before-look", "the worker"),
    ("before-heartbeat", "the heartbeat"),
    ("before-group", "a committer"),
    ("before-site", "the listener of the site"),
    ("before-console", "the listener of the console"),
];

on_each!(
    a_task_of_the_daemon_that_panics_is_begun_anew_and_is_a_finding,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let runs = queue(&factory, "branches", &well(3)).len();
        let daemon = serve(&factory, &TASKS.map(|(point, _)| point));
        let (site, console) = (daemon.address(), daemon.console());
        until_ended(&factory);
        for (_, task) in TASKS {
            let said = eventually(task, || {
                Some(finding(&factory, task)).filter(|it| !it.is_empty())
            });
            assert!(said.contains("panicked: a fault on purpose"), "{said}");
            assert!(said.contains("its process goes on"), "{said}");
        }
        assert_eq!(get(site, "/health").status, 200);
        assert_eq!(get(console, "/console").status, 200);
        daemon.signal("TERM");
        let ended = daemon.ended();
        assert_eq!(ended.code, 0, "{ended}");
        judge::always(&factory);
        let done = factory.count("history WHERE status = 'done'");
        assert_eq!(usize::try_from(done), Ok(runs));
    }
);

on_each!(
    a_task_that_does_not_stay_takes_the_daemon_down_with_a_message,
    |dialect: Dialect| {
        let factory = rack(dialect);
        for (point, task) in [TASKS[0], TASKS[3]] {
            let ended = serve(&factory, &[point; AGAIN + 1]).ended();
            assert_eq!(ended.code, 1, "{ended}");
            let told = "ended by itself again and again: panicked: a fault on purpose";
            assert!(ended.stderr.contains(&format!("{task} {told}")), "{ended}");
            let said = finding(&factory, task);
            assert!(said.contains("its process ends"), "{said}");
        }
    }
);
