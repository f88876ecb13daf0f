//! What a run does next, case by case.

mod guards;

use std::time::Duration;

use super::*;
use crate::outcome::{Done, FailureKind};
use crate::store::stage_runs::VisitOf;

const NONE: BTreeSet<String> = BTreeSet::new();

fn pipeline() -> Pipeline {
    toml::from_str(
        r#"
        name = "p"
        budget = "1m"
        stage = [
          { id = "a", handler = "x.a", max_visits = 2 },
          { id = "b", handler = "x.b", needs = ["a"], on.rejected = "goto:a" },
          { id = "c", handler = "x.c", needs = ["a"], when = [{ key = "c", is = true }] },
          { id = "g", gate = "sure?", needs = ["b", "c"] },
        ]"#,
    )
    .expect("a pipeline")
}

fn row(stage: &str, outcome: Outcome, follow: Follow) -> StageRun {
    StageRun {
        run: "r".into(),
        stage: stage.into(),
        visit: 1,
        step: 1,
        what: VisitOf::Handler("x".into()),
        attempts: 1,
        holds: 0,
        outcome,
        follow,
        undone: None,
        superseded: false,
        log: Vec::new(),
        wake_at: None,
        started_at: Timestamp::UNIX_EPOCH,
        finished_at: Timestamp::UNIX_EPOCH,
    }
}

fn done(stage: &str) -> StageRun {
    row(
        stage,
        Outcome::Done(Done::new(Patch::new())),
        Follow::Continue,
    )
}

struct Case {
    pipeline: Pipeline,
    input: Patch,
    rows: Vec<StageRun>,
    under_way: BTreeSet<String>,
    asked: BTreeSet<String>,
}

impl Case {
    fn new(rows: Vec<StageRun>) -> Self {
        let input = serde_json::from_str(r#"{ "c": true }"#).expect("an object");
        Self {
            pipeline: pipeline(),
            input,
            rows,
            under_way: NONE,
            asked: NONE,
        }
    }

    fn plan_input(&self) -> PlanInput<'_> {
        PlanInput {
            pipeline: &self.pipeline,
            input: &self.input,
            rows: &self.rows,
            under_way: &self.under_way,
            asked: &self.asked,
            now: Timestamp::UNIX_EPOCH,
        }
    }

    fn stages(&self) -> Vec<&str> {
        let plan = self.plan_input().plan();
        plan.stages.into_iter().map(Stage::id).collect()
    }

    fn rest(&self) -> Rest {
        self.plan_input().plan().rest
    }
}

fn set(stage: &str) -> BTreeSet<String> {
    BTreeSet::from([stage.to_owned()])
}

#[test]
fn branches_begin_together_and_a_join_waits_for_both() {
    assert_eq!(Case::new(vec![]).stages(), ["a"]);
    let mut case = Case::new(vec![done("a")]);
    assert_eq!(case.stages(), ["b", "c"]);
    case.under_way = set("b");
    assert_eq!(case.stages(), ["c"]);
    case.rows.push(done("c"));
    assert!(case.stages().is_empty() && case.plan_input().plan().gates.is_empty());
    case.under_way = NONE;
    case.rows.push(done("b"));
    assert_eq!(case.plan_input().plan().gates.len(), 1);
    case.asked = set("g");
    assert!(case.plan_input().plan().gates.is_empty());
    assert_eq!(
        case.rest(),
        Rest::Gated {
            detail: "g: sure?".into()
        }
    );
    case.rows.push(done("g"));
    case.asked = NONE;
    let Rest::Ended(end) = case.rest() else {
        panic!("ended")
    };
    assert_eq!(end.status, RunStatus::Done);
}

#[test]
fn a_condition_that_does_not_hold_skips_the_stage() {
    let mut case = Case::new(vec![done("a")]);
    case.input.insert("c".into(), false.into());
    assert_eq!(case.stages(), ["b"]);
    let plan = case.plan_input().plan();
    assert_eq!(plan.skips[0].0.id(), "c");
    assert_eq!(plan.skips[0].1, "`c` is false");
}

#[test]
fn a_held_stage_waits_for_its_time_and_stops_nobody() {
    let mut held = row(
        "b",
        Outcome::Stopped(Stop::unavailable("x", "y")),
        Follow::Hold,
    );
    let later = Timestamp::UNIX_EPOCH + Duration::from_secs(9);
    held.wake_at = Some(later);
    let mut case = Case::new(vec![done("a"), held]);
    assert_eq!(case.stages(), ["c"]);
    let waiting = Rest::Waiting {
        wake_at: later,
        detail: "b: x: y".into(),
    };
    assert_eq!(case.rest(), waiting);
    case.rows[1].wake_at = Some(Timestamp::UNIX_EPOCH);
    assert_eq!(case.stages(), ["b", "c"]);
    assert_eq!(next_visit(&case.rows, "b"), 1, "the same visit goes on");
}

#[test]
fn an_end_takes_its_status_from_the_gravest_outcome() {
    let table = [
        (Stop::nothing_to_do("x"), RunStatus::NothingToDo),
        (Stop::unavailable("x", "y"), RunStatus::Unavailable),
        (Stop::rejected("x", "y"), RunStatus::Rejected),
        (Stop::failed(FailureKind::Input, "y"), RunStatus::Failed),
    ];
    let mut rows = Vec::new();
    for (stop, status) in table {
        rows.push(row("a", Outcome::Stopped(stop), Follow::End));
        let case = Case::new(rows.clone());
        assert!(case.stages().is_empty());
        let Rest::Ended(end) = case.rest() else {
            panic!("ended")
        };
        assert_eq!(end.status, status);
        assert!(end.detail.starts_with("a: "), "{}", end.detail);
    }
}

#[test]
fn a_stage_that_nothing_lets_begin_is_a_failure_and_no_success() {
    let mut case = Case::new(vec![done("a"), done("b"), done("c"), done("g")]);
    case.rows[1].superseded = true;
    case.rows[0].superseded = true;
    case.pipeline.stages[0].needs = vec![toml::Spanned::new(0..0, "b".to_owned())];
    let Rest::Ended(end) = case.rest() else {
        panic!("ended")
    };
    assert_eq!(end.status, RunStatus::Failed);
    assert!(end.detail.contains("a, b"), "{}", end.detail);
}

#[test]
fn a_loop_has_a_bound() {
    let pipeline = pipeline();
    let goto = || Follow::Goto("a".into());
    let mut rows = vec![done("a")];
    assert_eq!(bounded(&pipeline, &rows, goto()), Ok(goto()));
    rows.push(done("a"));
    let error = bounded(&pipeline, &rows, goto()).unwrap_err();
    assert!(error.contains("max_visits"), "{error}");
}

#[test]
fn effects_of_one_name_are_told_together() {
    let counted = |stage: &str, counts: &[(&str, u64)]| {
        let mut done = Done::new(Patch::new());
        for (name, count) in counts {
            done.effects.count(name, *count);
        }
        row(stage, Outcome::Done(done), Follow::Continue)
    };
    let rows = [
        counted("a", &[("rows", 1)]),
        counted("b", &[("acts", 1), ("rows", 2)]),
        counted("c", &[("acts", 1)]),
    ];
    assert_eq!(summary(&rows), "rows 3, acts 2");
}

fn patch(text: &str) -> Patch {
    serde_json::from_str(text).expect("an object")
}

#[test]
fn what_a_rejection_found_is_there_for_those_after_it_and_for_those_it_sends_back_to() {
    let wrote = |stage: &str, text: &str| {
        let done = Outcome::Done(Done::new(patch(text)));
        row(stage, done, Follow::Continue)
    };
    let found = |follow| {
        let stop = Stop::rejected("dry", "too dry").handing_on(&patch(r#"{"k": "best", "n": 1}"#));
        row("b", Outcome::Stopped(stop), follow)
    };
    let input = Patch::new();
    let mut rows = vec![wrote("a", r#"{"k": "first"}"#), found(Follow::Skip)];
    assert_eq!(keys(&input, &rows), patch(r#"{"k": "best", "n": 1}"#));
    rows[1] = found(Follow::Goto("a".into()));
    (rows[0].superseded, rows[1].superseded) = (true, true);
    let back = patch(r#"{"k": "best", "n": 1, "feedback": "too dry"}"#);
    assert_eq!(keys(&input, &rows), back);
    rows.push(wrote("a", r#"{"k": "second"}"#));
    let anew = patch(r#"{"k": "second", "n": 1, "feedback": "too dry"}"#);
    assert_eq!(keys(&input, &rows), anew);
    // What was found before that is not: only the last way back counts.
    let mut last = row(
        "b",
        Outcome::Stopped(Stop::rejected("x", "y")),
        Follow::Goto("a".into()),
    );
    last.superseded = true;
    rows.push(last);
    assert_eq!(
        keys(&input, &rows),
        patch(r#"{"k": "second", "feedback": "y"}"#)
    );
}

#[test]
fn a_stage_reads_what_came_of_those_that_it_needs_and_of_no_other() {
    let pipeline = pipeline();
    let gate = pipeline.stage("g").expect("a stage");
    let stop = Stop::rejected("dry", "too dry").handing_on(&patch(r#"{"k": 1}"#));
    let mut old = done("b");
    old.superseded = true;
    let rows = [
        done("a"),
        old,
        row("b", Outcome::Stopped(stop), Follow::Skip),
        row(
            "c",
            Outcome::Stopped(Stop::unavailable("x", "y")),
            Follow::Skip,
        ),
    ];
    let told = serde_json::json!({
        "b": { "handler": "x", "outcome": "rejected", "rule": "dry", "detail": "too dry", "patch": { "k": 1 } },
        "c": { "handler": "x", "outcome": "unavailable", "dependency": "x", "cause": "y" },
    });
    assert_eq!(outcomes(gate, &rows), told);
}
