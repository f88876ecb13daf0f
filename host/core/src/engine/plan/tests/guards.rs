//! What may be published past a guard is worked out from the edges of a pipeline; here each small
//! pipeline is carried out on every way that there is, and both say the same.

use super::*;
use crate::pipeline::{Graph, breaches};

const DRAFT: &str = r#"{ id = "draft", handler = "x.a", max_visits = 2 }"#;
const RAIL: &str = r#"{ id = "rail", handler = "qa.r", required = true"#;
const GATE: &str = r#"{ id = "gate", gate = "sure?""#;
const POST: &str = r#"{ id = "post", handler = "publish.p""#;

/// What a rail may report.
const REPORTED: [&str; 3] = ["nothing-to-do", "rejected", "unavailable"];
const BY_RAIL: [&str; 4] = ["skip", "fail", "goto:draft", "goto:post"];
const BY_GATE: [&str; 3] = ["continue", "goto:draft", "goto:post"];

/// Every pipeline of a draft, a required rail, a gate and a publication, as a text.
fn all() -> Vec<String> {
    let rail_needs = ["", "\"draft\"", "\"gate\"", "\"post\""];
    let gate_needs = ["", "\"draft\"", "\"rail\"", "\"post\""];
    let post_needs = [
        "",
        "\"draft\"",
        "\"rail\"",
        "\"gate\"",
        "\"rail\", \"gate\"",
    ];
    let mut by_rail = vec![String::new()];
    for outcome in REPORTED {
        by_rail.extend(BY_RAIL.map(|follow| format!(", on.{outcome} = \"{follow}\"")));
    }
    let mut by_gate = vec![String::new()];
    by_gate.extend(BY_GATE.map(|follow| format!(", on.rejected = \"{follow}\"")));
    let when = ", when = [{ key = \"c\", is = true }]";
    let mut texts = Vec::new();
    for (a, b, c) in product(&rail_needs, &gate_needs, &post_needs) {
        for (rail, gate, whens) in product(&by_rail, &by_gate, &[["", ""], [when, ""], ["", when]])
        {
            let [rail_when, gate_when] = whens;
            texts.push(format!(
                "name = \"p\"\nbudget = \"1m\"\nstage = [{DRAFT},\n\
                 {RAIL}, needs = [{a}]{rail}{rail_when} }},\n\
                 {GATE}, needs = [{b}]{gate}{gate_when} }},\n\
                 {POST}, needs = [{c}] }}]"
            ));
        }
    }
    texts
}

fn product<A: Clone, B: Clone, C: Clone>(a: &[A], b: &[B], c: &[C]) -> Vec<(A, B, C)> {
    let pairs = a.iter().flat_map(|a| b.iter().map(move |b| (a, b)));
    let triples = pairs.flat_map(|(a, b)| c.iter().map(move |c| (a, b, c)));
    triples
        .map(|(a, b, c)| (a.clone(), b.clone(), c.clone()))
        .collect()
}

#[test]
fn what_is_published_past_a_guard_is_found_in_every_small_pipeline() {
    let (mut breached, mut guarded) = (0, 0);
    for text in all() {
        let pipeline: Pipeline = toml::from_str(&text).expect(&text);
        let graph = Graph::of(&pipeline);
        if graph.circle().next().is_some() {
            continue;
        }
        let told = breaches(&pipeline, &graph, 3).next().is_some();
        let inputs = [true, false].map(|c| Patch::from_iter([("c".to_owned(), c.into())]));
        let mut inputs = inputs.iter();
        let happens = inputs.any(|input| publishes_past(&pipeline, &graph, input, &[]));
        assert_eq!(told, happens, "told and happens\n{text}");
        *(if told { &mut breached } else { &mut guarded }) += 1;
    }
    assert!(breached > 1_000 && guarded > 100, "{breached} {guarded}");
}

/// Whether a run that stands so may come to the publication before the guards have said yes.
fn publishes_past(
    pipeline: &Pipeline,
    graph: &Graph<'_>,
    input: &Patch,
    rows: &[StageRun],
) -> bool {
    let plan = PlanInput {
        pipeline,
        input,
        rows,
        under_way: &NONE,
        asked: &NONE,
        now: Timestamp::UNIX_EPOCH,
    };
    let plan = plan.plan();
    let begins = plan.stages.iter().chain(&plan.gates);
    let mut next: Vec<(&Stage, Outcome, Follow)> = Vec::new();
    for stage in begins {
        if stage.id() == "post" {
            if !guards_said_yes(pipeline, graph, rows) {
                return true;
            }
            continue;
        }
        for outcome in outcomes(stage) {
            let follow = bounded(pipeline, rows, stage.follow(outcome.name()));
            next.push((stage, outcome, follow.unwrap_or(Follow::End)));
        }
    }
    for (stage, why) in plan.skips {
        let skipped = Outcome::Stopped(Stop::nothing_to_do(why));
        next.push((stage, skipped, Follow::Skip));
    }
    next.retain(|(_, _, follow)| *follow != Follow::Hold);
    next.into_iter().any(|(stage, outcome, follow)| {
        let rows = after(pipeline, rows, stage, outcome, follow);
        publishes_past(pipeline, graph, input, &rows)
    })
}

/// What a stage may report that a pipeline of these says something about.
fn outcomes(stage: &Stage) -> Vec<Outcome> {
    let mut outcomes = vec![Outcome::Done(Done::new(Patch::new()))];
    if stage.id() == "rail" {
        let others = [
            Stop::nothing_to_do("x"),
            Stop::rejected("x", "y"),
            Stop::unavailable("x", "y"),
        ];
        outcomes.extend(others.map(Outcome::Stopped));
    }
    if stage.gate.is_some() {
        outcomes.push(Outcome::Stopped(Stop::rejected("x", "no")));
    }
    outcomes
}

/// The checkpoints after one more.
fn after(
    pipeline: &Pipeline,
    rows: &[StageRun],
    stage: &Stage,
    outcome: Outcome,
    follow: Follow,
) -> Vec<StageRun> {
    let mut rows = rows.to_vec();
    let mut row = row(stage.id(), outcome, follow);
    row.visit = next_visit(&rows, stage.id());
    row.step = newest(&rows) + 1;
    let back = match &row.follow {
        Follow::Goto(target) => pipeline.downstream(target),
        _ => NONE,
    };
    rows.push(row);
    for row in &mut rows {
        row.superseded |= back.contains(&row.stage);
    }
    rows
}

/// Whether each required rail is done, and each gate that the publication comes after approved.
fn guards_said_yes(pipeline: &Pipeline, graph: &Graph<'_>, rows: &[StageRun]) -> bool {
    let said =
        |id: &str| live(rows).any(|row| row.stage == id && matches!(row.outcome, Outcome::Done(_)));
    let mut stages = pipeline.stages.iter().enumerate();
    stages.all(|(number, stage)| {
        let is_guard = stage.required || stage.gate.is_some() && graph.is_after(3, number);
        !is_guard || said(stage.id())
    })
}
