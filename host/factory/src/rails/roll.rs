//! The rails in the roll call: a rail that is named is one that is needed, and no rail ends or holds the
//! run before what adds them up was asked.

mod heard;

use callboard_core::pipeline::{FOLLOWS, Follow, Pipeline, Stage};
use callboard_core::registry::nearest;
use callboard_core::rollcall::{FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope};
use callboard_core::workspace::Defined;

use super::aggregate::SURFACE;
use super::policy::Config;

/// The handler that adds up what rails came to.
pub(super) const AGGREGATE: &str = "qa.aggregate";

pub(crate) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for defined in scope.definitions.pipelines.values() {
        references.extend(in_vain(defined));
        for (index, stage) in defined.value.stages.iter().enumerate() {
            if handler(stage) != AGGREGATE {
                continue;
            }
            // One that can't be read is a miss of its own.
            let config = serde_json::from_value::<Config>(stage.config.get_ref().clone());
            if let Ok(config) = config {
                references.extend(named(defined, index, stage, &config));
                references.extend(asked(defined, stage, &config));
                references.extend(flagged(defined, index, stage, &config));
                references.extend(heard::list(scope, defined, index, &config));
            }
        }
    }
    references
}

pub(super) fn handler(stage: &Stage) -> &str {
    let handler = stage.handler.as_ref();
    handler.map_or("", |handler| handler.get_ref())
}

pub(super) fn referrer(pipeline: &Pipeline, stage: &Stage) -> Referrer {
    Referrer::Stage {
        pipeline: pipeline.name().to_owned(),
        stage: stage.id().to_owned(),
    }
}

/// Stages that its configuration names: it hears of those that it needs, and of no other.
fn named(
    defined: &Defined<Pipeline>,
    index: usize,
    stage: &Stage,
    config: &Config,
) -> Vec<Reference> {
    let number = index.to_string();
    let refer = |(key, target): (&str, &str)| {
        let known = stage.needed().any(|need| need == target);
        let miss = (!known).then(|| {
            let problem =
                format!("`{target}` is none of the stages that it needs, so nobody asks it");
            let mend = match meant(&defined.value, stage, target) {
                Some(near) => format!("write `{near}`"),
                None if defined.value.stage(target).is_none() => {
                    "name one of its `needs`, or remove it here".to_owned()
                }
                None => format!("add \"{target}\" to its `needs`, or remove it here"),
            };
            Miss {
                because: slip(&defined.value, stage, target),
                ..Miss::new(problem, mend)
            }
        });
        let reference = Reference::new(
            referrer(&defined.value, stage),
            format!("config.{key}"),
            ReferenceKind::Verdict,
            target,
        );
        let place = defined.at(&["stage", &number, "config", key]);
        reference.at(place).missed(miss)
    };
    config.named().map(refer).collect()
}

/// The stage that it needs, where it names one that is not there, or its handler.
fn meant<'s>(pipeline: &Pipeline, stage: &'s Stage, target: &str) -> Option<&'s str> {
    if pipeline.stage(target).is_some() {
        return None;
    }
    let is_called = |need: &&str| pipeline.stage(need).is_some_and(|it| handler(it) == target);
    stage
        .needed()
        .find(is_called)
        .or_else(|| nearest(target, stage.needed()))
}

/// A name among the `needs` that no stage has, and that was to be this one.
fn slip(pipeline: &Pipeline, stage: &Stage, target: &str) -> Option<FirstMiss> {
    let is_there = pipeline.stage(target).is_some();
    let mut lost = stage.needed().filter(|need| pipeline.stage(need).is_none());
    lost.find(|need| is_there && nearest(need, std::iter::once(target)).is_some())?;
    Some(FirstMiss {
        referrer: referrer(pipeline, stage),
        key: "needs".to_owned(),
        target: None,
    })
}

/// Whether a rail is named as required, or was to be: a slip there is a miss of its own, and no other.
fn is_required(pipeline: &Pipeline, stage: &Stage, config: &Config, rail: &str) -> bool {
    let mut names = config.required.iter();
    names.any(|name| name == rail || meant(pipeline, stage, name) == Some(rail))
}

/// What each rail comes to reaches the stage that adds it up.
fn asked(defined: &Defined<Pipeline>, stage: &Stage, config: &Config) -> Vec<Reference> {
    let pipeline = &defined.value;
    let mut references = Vec::new();
    for (index, rail) in pipeline.stages.iter().enumerate() {
        let needed = stage.needed().any(|need| need == rail.id());
        let judges = handler(rail).starts_with(SURFACE) || config.is_required(rail.id());
        if !needed || !judges {
            continue;
        }
        for outcome in told(is_required(pipeline, stage, config, rail.id())) {
            let because = misnamed(pipeline, rail, outcome);
            let miss = unheard(rail, stage, outcome).map(|miss| Miss { because, ..miss });
            let place = defined.at(&["stage", &index.to_string()]);
            let reference = Reference::new(
                referrer(pipeline, rail),
                format!("on.{outcome}"),
                ReferenceKind::Outcome,
                *outcome,
            );
            references.push(reference.at(place).missed(miss));
        }
    }
    references
}

/// What was to be said of an outcome, and is said under a name that none has, or below `[stage.config]`.
fn misnamed(pipeline: &Pipeline, rail: &Stage, outcome: &str) -> Option<FirstMiss> {
    let known = |name: &str| FOLLOWS.iter().any(|(known, _)| *known == name);
    let mut slips = rail.on.keys().filter(|name| !known(name));
    let slip = slips.find(|name| nearest(name, std::iter::once(outcome)).is_some());
    let below = rail
        .config
        .get_ref()
        .get("on")
        .map(|_| "config.on".to_owned());
    Some(FirstMiss {
        referrer: referrer(pipeline, rail),
        key: slip.map(|name| format!("on.{name}")).or(below)?,
        target: None,
    })
}

/// A rail that rejects in vain: the run goes on, and nothing that it needs it for adds it up.
fn in_vain(defined: &Defined<Pipeline>) -> Vec<Reference> {
    let stages = &defined.value.stages;
    let heard = |rail: &Stage| {
        let mut adding = stages.iter().filter(|it| handler(it) == AGGREGATE);
        adding.any(|it| it.needed().any(|need| need == rail.id()))
    };
    let rails = stages.iter().enumerate().filter(|(_, rail)| {
        let passes = matches!(rail.follow("rejected"), Follow::Skip | Follow::Continue);
        let judges = handler(rail).starts_with(SURFACE) && handler(rail) != AGGREGATE;
        judges && passes && !heard(rail)
    });
    let references = rails.map(|(index, rail)| {
        let problem = "the run goes on when it rejects, and no `qa.aggregate` needs it, so nobody hears of it";
        let mend = format!(
            "add \"{}\" to the `needs` of a stage with `handler = \"{AGGREGATE}\"`, or write `on.rejected = \"end\"`",
            rail.id()
        );
        let kind = ReferenceKind::Verdict;
        let reference = Reference::new(referrer(&defined.value, rail), "on.rejected", kind, AGGREGATE);
        let place = defined.at(&["stage", &index.to_string(), "on", "rejected"]);
        reference.at(place).missed(Some(Miss::new(problem, mend).warning()))
    });
    references.collect()
}

/// What is to be flagged after so many rejections comes to that before its way back is used up: the stage that it
/// goes back to has a visit for each of them, and one before.
fn flagged(
    defined: &Defined<Pipeline>,
    index: usize,
    stage: &Stage,
    config: &Config,
) -> Option<Reference> {
    let most = config.flag_after?;
    let Follow::Goto(target) = stage.follow("rejected") else {
        return None;
    };
    // One that is not there is a miss of its own.
    let visits = defined.value.stage(&target)?.max_visits;
    // One that nothing can go back to is missed there.
    let because = (visits < 2).then(|| FirstMiss {
        referrer: referrer(&defined.value, stage),
        key: "on.rejected".to_owned(),
        target: Some(target.clone()),
    });
    let miss = (visits <= most).then(|| {
        let problem = format!(
            "stage `{target}` may be visited {visits} times, so the run ends as rejected before {most} rejections are flagged"
        );
        let least = most.saturating_add(1);
        let mend = format!("write `max_visits = {least}` in stage `{target}`, or a smaller `flag_after`");
        Miss { because, ..Miss::new(problem, mend) }
    });
    let number = index.to_string();
    let place = defined.at(&["stage", &number, "config", "flag_after"]);
    let referrer = referrer(&defined.value, stage);
    let key = "config.flag_after";
    let reference = Reference::new(referrer, key, ReferenceKind::Visits, most.to_string());
    Some(reference.at(place).missed(miss))
}

/// The outcomes after which the run has to go on. One that is required may hold the run, or end it as
/// failed, by itself; one that advises may not.
fn told(required: bool) -> &'static [&'static str] {
    if required {
        &["done", "rejected", "nothing-to-do"]
    } else {
        &["done", "rejected", "nothing-to-do", "unavailable", "failed"]
    }
}

fn unheard(rail: &Stage, stage: &Stage, outcome: &str) -> Option<Miss> {
    let what = match rail.follow(outcome) {
        Follow::Continue | Follow::Skip => return None,
        // What is not come to then is a miss in every pipeline.
        Follow::Hold | Follow::End | Follow::Fail if outcome == "done" => return None,
        Follow::Hold => "holds the run",
        Follow::End | Follow::Fail => "ends the run",
        Follow::Goto(_) => "sends the run back",
    };
    let problem = format!(
        "{what} when it is {outcome}, so `{}` is not asked",
        stage.id()
    );
    let mend = format!("write `on.{outcome} = \"skip\"` in stage `{}`", rail.id());
    Some(Miss::new(problem, mend))
}
