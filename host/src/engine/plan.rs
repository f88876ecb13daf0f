//! What a run does next, from its definition and its checkpoints. No IO.

use crate::outcome::{Outcome, Stop};
use crate::pipeline::{Follow, Pipeline, Stage};
use crate::store::runs::RunStatus;
use crate::store::stage_runs::StageRun;

#[derive(Debug, Clone, PartialEq)]
pub struct End {
    pub status: RunStatus,
    pub detail: String,
}

#[derive(Debug)]
pub enum Next<'p> {
    Stage(&'p Stage),
    Gate(&'p Stage),
    Ended(End),
}

/// The next stage in order whose needs are settled, or the end of the run.
pub fn next<'p>(pipeline: &'p Pipeline, rows: &[StageRun]) -> Next<'p> {
    if let Some(end) = live(rows).find_map(ended_by) {
        return Next::Ended(end);
    }
    let order = match pipeline.order() {
        Ok(order) => order,
        Err(circle) => {
            let detail = format!("stages need each other: {}", circle.join(", "));
            return Next::Ended(End {
                status: RunStatus::Failed,
                detail,
            });
        }
    };
    let settled = |id: &str| live(rows).any(|row| row.stage == id);
    let ready = order
        .into_iter()
        .find(|stage| !settled(stage.id()) && stage.needed().all(settled));
    match ready {
        Some(stage) if stage.gate.is_some() => Next::Gate(stage),
        Some(stage) => Next::Stage(stage),
        None => Next::Ended(End {
            status: RunStatus::Done,
            detail: summary(rows),
        }),
    }
}

/// The checkpoints that count.
pub fn live(rows: &[StageRun]) -> impl Iterator<Item = &StageRun> {
    rows.iter().filter(|row| !row.superseded)
}

fn ended_by(row: &StageRun) -> Option<End> {
    let status = match row.follow.as_str() {
        "end" => ending(&row.outcome),
        "fail" => RunStatus::Failed,
        _ => return None,
    };
    Some(End {
        status,
        detail: format!("{}: {}", row.stage, row.outcome.detail()),
    })
}

/// The fixed table from the outcome that ended a run to the run's status.
pub fn ending(outcome: &Outcome) -> RunStatus {
    match outcome {
        Outcome::Done(_) => RunStatus::Done,
        Outcome::Stopped(Stop::NothingToDo { .. }) => RunStatus::NothingToDo,
        Outcome::Stopped(Stop::Rejected { .. }) => RunStatus::Rejected,
        Outcome::Stopped(Stop::Deferred { .. } | Stop::Unavailable { .. }) => {
            RunStatus::Unavailable
        }
        Outcome::Stopped(Stop::Failed(_)) => RunStatus::Failed,
    }
}

/// The counted effects of a run, for a person.
fn summary(rows: &[StageRun]) -> String {
    let details = live(rows)
        .map(|row| row.outcome.detail())
        .filter(|detail| !detail.is_empty());
    details.collect::<Vec<_>>().join(", ")
}

/// Visits of a stage so far, waiting not counted.
pub fn visits(rows: &[StageRun], stage: &str) -> u32 {
    let visits = rows
        .iter()
        .filter(|row| row.stage == stage && row.follow != "hold");
    u32::try_from(visits.count()).unwrap_or(u32::MAX)
}

/// The number of the next row of a stage.
pub fn next_visit(rows: &[StageRun], stage: &str) -> u32 {
    let last = rows
        .iter()
        .filter(|row| row.stage == stage)
        .map(|row| row.visit)
        .max();
    last.unwrap_or_default() + 1
}

/// What follows in fact: a `goto` past its bound ends the run as failed.
pub fn bounded(pipeline: &Pipeline, rows: &[StageRun], follow: Follow) -> Result<Follow, String> {
    let Follow::Goto(target) = &follow else {
        return Ok(follow);
    };
    let Some(stage) = pipeline.stage(target) else {
        return Err(format!("there is no stage `{target}` to go to"));
    };
    let visits = visits(rows, target);
    if visits >= stage.max_visits {
        return Err(format!(
            "stage `{target}` has had its {visits} visits (max_visits)"
        ));
    }
    Ok(follow)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::outcome::{Done, Patch};

    fn pipeline() -> Pipeline {
        toml::from_str(
            r#"
            name = "p"
            budget = "1m"
            stage = [
              { id = "a", handler = "x.a", max_visits = 2 },
              { id = "b", handler = "x.b", needs = ["a"], on.rejected = "goto:a" },
              { id = "g", gate = "sure?", needs = ["b"] },
            ]"#,
        )
        .expect("a pipeline")
    }

    fn row(stage: &str, visit: u32, outcome: Outcome, follow: &str) -> StageRun {
        StageRun {
            run: "r".into(),
            stage: stage.into(),
            visit,
            handler: "x".into(),
            attempts: 1,
            outcome,
            follow: follow.into(),
            superseded: false,
            started_at: Timestamp::UNIX_EPOCH,
            finished_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn done() -> Outcome {
        Outcome::Done(Done::new(Patch::new()))
    }

    #[test]
    fn stages_follow_one_another_up_to_the_gate() {
        let pipeline = pipeline();
        let mut rows = vec![];
        for expected in ["a", "b"] {
            let Next::Stage(stage) = next(&pipeline, &rows) else {
                panic!("{expected}")
            };
            assert_eq!(stage.id(), expected);
            rows.push(row(expected, 1, done(), "continue"));
        }
        assert!(matches!(next(&pipeline, &rows), Next::Gate(_)));
        rows.push(row("g", 1, done(), "continue"));
        let Next::Ended(end) = next(&pipeline, &rows) else {
            panic!("ended")
        };
        assert_eq!(end.status, RunStatus::Done);
    }

    #[test]
    fn an_end_takes_its_status_from_the_outcome() {
        let table = [
            (Stop::nothing_to_do("x"), RunStatus::NothingToDo),
            (Stop::rejected("x", "y"), RunStatus::Rejected),
            (Stop::unavailable("x", "y"), RunStatus::Unavailable),
            (
                Stop::failed(crate::outcome::FailureKind::Input, "y"),
                RunStatus::Failed,
            ),
        ];
        for (stop, status) in table {
            let rows = [row("a", 1, Outcome::Stopped(stop), "end")];
            let Next::Ended(end) = next(&pipeline(), &rows) else {
                panic!("ended")
            };
            assert_eq!(end.status, status);
            assert!(end.detail.starts_with("a: "), "{}", end.detail);
        }
    }

    #[test]
    fn a_loop_has_a_bound() {
        let pipeline = pipeline();
        let goto = || Follow::Goto("a".into());
        let mut rows = vec![row("a", 1, done(), "continue")];
        assert_eq!(bounded(&pipeline, &rows, goto()), Ok(goto()));
        rows.push(row("a", 2, done(), "continue"));
        assert!(
            bounded(&pipeline, &rows, goto())
                .unwrap_err()
                .contains("max_visits")
        );
    }
}
