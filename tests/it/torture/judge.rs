//! The judge: whatever was done to the workers, this holds.

use std::collections::BTreeMap;

use callboard_core::value::{Row, Value};

use super::chance::tell;
use crate::support::factory::Factory;

/// A checkpoint, as the judge looks at it.
pub(super) struct Checkpoint {
    run: String,
    stage: String,
    visit: i64,
    fence: i64,
    outcome: String,
}

/// Look at everything that is left. Gives how many runs of the torture there are, by status.
#[track_caller]
pub(super) fn judge(factory: &Factory) -> BTreeMap<String, usize> {
    let rows = always(factory);
    let statuses = ends_are_true(factory, &rows);
    doctor_agrees(factory, &statuses);
    tell(&format!("judged: {statuses:?}, {} checkpoints", rows.len()));
    statuses
}

/// What holds whatever the pipeline and its people did. Gives the checkpoints.
#[track_caller]
pub(super) fn always(factory: &Factory) -> Vec<Checkpoint> {
    let rows = checkpoints(factory);
    fences_never_decrease(factory, &rows);
    visits_follow_one_another(&rows);
    each_write_happened_once(factory);
    nothing_hangs(factory);
    rows
}

fn text(row: Row<'_>, column: &str) -> String {
    row.text(column).expect("a text")
}

fn number(row: Row<'_>, column: &str) -> i64 {
    row.integer(column).expect("a number")
}

fn checkpoints(factory: &Factory) -> Vec<Checkpoint> {
    let sql = "SELECT run, stage, visit, fence, outcome FROM stage_runs \
        ORDER BY run, step, finished_at";
    let rows = factory.query(sql);
    let rows = rows.iter().map(|row| Checkpoint {
        run: text(row, "run"),
        stage: text(row, "stage"),
        visit: number(row, "visit"),
        fence: number(row, "fence"),
        outcome: text(row, "outcome"),
    });
    rows.collect()
}

/// A worker that lost a run has written nothing after the one that took it.
#[track_caller]
fn fences_never_decrease(factory: &Factory, rows: &[Checkpoint]) {
    for pair in rows.windows(2) {
        let [before, after] = pair else { continue };
        let order = before.run != after.run || before.fence <= after.fence;
        assert!(
            order,
            "run {}: stage {} after its fence",
            after.run, after.stage
        );
    }
    let beyond = "SELECT runs.id AS id FROM stage_runs JOIN runs ON runs.id = stage_runs.run \
        WHERE stage_runs.fence > runs.fence";
    assert_eq!(factory.texts(beyond, "id"), [""; 0], "a fence from nowhere");
}

/// Visits are counted from one, without a gap, and every one belongs to a run.
#[track_caller]
fn visits_follow_one_another(rows: &[Checkpoint]) {
    let mut visits: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
    for row in rows {
        let visits = visits.entry((&row.run, &row.stage)).or_default();
        visits.push(row.visit);
    }
    for ((run, stage), mut visits) in visits {
        visits.sort_unstable();
        assert!(
            visits.iter().copied().eq((1..).take(visits.len())),
            "run {run}: stage {stage} was visited as {visits:?}"
        );
    }
}

/// Every stage that is done has left its write, once, and no other has. One query, so that it
/// holds at any moment.
#[track_caller]
pub(super) fn each_write_happened_once(factory: &Factory) {
    let unlike = "SELECT run || ' ' || stage || ' ' || visit || ': written ' || SUM(written) \
            || ' times, done ' || SUM(done) || ' times' AS text \
        FROM (SELECT run, stage, visit, 1 AS written, 0 AS done FROM torture_writes \
            UNION ALL SELECT run, stage, visit, 0, 1 FROM stage_runs WHERE outcome = 'done' \
                AND handler LIKE 'probe.%' AND handler <> 'probe.guards') AS counted \
        GROUP BY run, stage, visit HAVING SUM(written) <> 1 OR SUM(done) <> 1";
    assert_eq!(factory.texts(unlike, "text"), [""; 0]);
}

/// A run is in one place, and an open one has a worker, a person or a time that moves it on.
#[track_caller]
fn nothing_hangs(factory: &Factory) {
    let both = "open_runs JOIN history ON history.id = open_runs.id";
    assert_eq!(factory.count(both), 0, "a run is open and has ended");
    let idle = "SELECT status || ' ' || id AS text FROM open_runs WHERE \
        (status = 'running' AND (lease_until = 0 OR worker IS NULL)) \
        OR (status <> 'running' AND (lease_until <> 0)) \
        OR (status = 'gated' AND NOT EXISTS \
            (SELECT 1 FROM gates WHERE gates.run = open_runs.id AND decision IS NULL)) \
        OR (status IN ('waiting', 'blocked') AND detail = '')";
    assert_eq!(
        factory.texts(idle, "text"),
        [""; 0],
        "nothing moves these on"
    );
    let asked = "gates WHERE decision IS NULL AND run NOT IN (SELECT id FROM open_runs)";
    assert_eq!(
        factory.count(asked),
        0,
        "a question of a run that has ended"
    );
}

/// A run that has ended has the status that its plan leads to, with the stages that it takes.
#[track_caller]
fn ends_are_true(factory: &Factory, rows: &[Checkpoint]) -> BTreeMap<String, usize> {
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.outcome == "done") {
        *done.entry(&row.run).or_default() += 1;
    }
    let mut statuses = BTreeMap::new();
    let sql = "SELECT id, pipeline, status, detail, input, finished_at FROM runs \
        WHERE origin = 'cli'";
    for row in factory.query(sql).iter() {
        let (id, status) = (text(row, "id"), text(row, "status"));
        *statuses.entry(status.clone()).or_default() += 1;
        let (pipeline, detail) = (text(row, "pipeline"), text(row, "detail"));
        let open = row.value("finished_at") == Ok(&Value::Null);
        if open || status == "cancelled" {
            continue;
        }
        let input = text(row, "input");
        let what = format!("run {id} of {pipeline}, {input}: {status} {detail}");
        assert_eq!(status, expected(&pipeline, &input), "{what}");
        let stages = done.get(id.as_str()).copied().unwrap_or_default();
        let whole = match pipeline.as_str() {
            "branches" => 4,
            "gated" => 3,
            "guarded" => 2,
            _ => 1,
        };
        match status.as_str() {
            "done" => assert_eq!(stages, whole, "{what}"),
            _ => assert!(stages < whole && !detail.is_empty(), "{what}"),
        }
    }
    statuses
}

/// What a plan leads to.
fn expected(pipeline: &str, input: &str) -> &'static str {
    let act = input.rsplit_once('=').map_or("", |(_, act)| act);
    match act.trim_end_matches(['"', '}']) {
        "fails" | "far" | "nul" | "uncommittable" | "traps" | "lies" | "spins" | "refused" => {
            "failed"
        }
        sleep if pipeline == "brief" && sleep.starts_with("sleep") => "failed",
        "rejects" => "rejected",
        "idles" => "nothing-to-do",
        "misses" => "unavailable",
        _ => "done",
    }
}

/// The doctor finds nothing beyond the runs that are blocked. A program without one says so.
#[track_caller]
fn doctor_agrees(factory: &Factory, statuses: &BTreeMap<String, usize>) {
    if factory.run(&["doctor", "--help"]).code != 0 || statuses.contains_key("blocked") {
        return;
    }
    let ran = factory.run(&["doctor"]);
    assert_eq!(ran.code, 0, "{ran}");
}
