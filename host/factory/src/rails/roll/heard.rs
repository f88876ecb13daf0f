//! What rails hand on can be read by the stage that adds them up, there are some, and one of them has a score where
//! one is asked for. Each of these is told where it is missing, and is no reference where it is not.

use callboard_core::handler::Contract;
use callboard_core::handler::schema::{SchemaPart, stray, unfit_by_word};
use callboard_core::pipeline::{Pipeline, Stage};
use callboard_core::rollcall::{Miss, Reference, ReferenceKind, RollScope};
use callboard_core::workspace::Defined;

use super::{AGGREGATE, handler, referrer};
use crate::rails::aggregate::SURFACE;
use crate::rails::policy::Config;
use crate::rails::review::Review;

/// A rail that the stage needs: where it stands, and what its handler says of itself.
struct Rail<'a> {
    number: usize,
    stage: &'a Stage,
    contract: &'a Contract,
}

pub(super) fn list(
    scope: &RollScope<'_>,
    defined: &Defined<Pipeline>,
    index: usize,
    config: &Config,
) -> Vec<Reference> {
    let stage = &defined.value.stages[index];
    // A stage or a handler that is not there is a miss of its own.
    let Some(rails) = rails(scope, &defined.value, stage, config) else {
        return Vec::new();
    };
    let review = schemars::schema_for!(Review).to_value();
    let unread = rails.iter().filter_map(|rail| {
        let miss = unread(rail, &review)?;
        let reference = Reference::new(
            referrer(&defined.value, rail.stage),
            "handler",
            ReferenceKind::Verdict,
            AGGREGATE,
        );
        let place = defined.at(&["stage", &rail.number.to_string(), "handler"]);
        Some(reference.at(place).missed(Some(miss)))
    });
    let mut references: Vec<Reference> = unread.collect();
    let lacking = match config.threshold {
        _ if rails.is_empty() && config.required.is_empty() => Some(("needs", none())),
        Some(least) if !rails.is_empty() => {
            unscored(&rails, config, least).map(|miss| ("config.threshold", miss))
        }
        _ => None,
    };
    references.extend(lacking.map(|(key, miss)| {
        let number = index.to_string();
        let path: Vec<&str> = ["stage", &number]
            .into_iter()
            .chain(key.split('.'))
            .collect();
        let referrer = referrer(&defined.value, stage);
        let reference = Reference::new(referrer, key, ReferenceKind::Verdict, AGGREGATE);
        reference.at(defined.at(&path)).missed(Some(miss))
    }));
    references
}

/// The rails that a stage needs; `None` if not all that it needs is known.
fn rails<'a>(
    scope: &RollScope<'a>,
    pipeline: &'a Pipeline,
    stage: &Stage,
    config: &Config,
) -> Option<Vec<Rail<'a>>> {
    let mut rails = Vec::new();
    for need in stage.needed() {
        let mut stages = pipeline.stages.iter().enumerate();
        let (number, stage) = stages.find(|(_, it)| it.id() == need)?;
        // A gate judges, and is no rail.
        if stage.handler.is_none() {
            continue;
        }
        let contract = &scope.registry.get(handler(stage))?.contract;
        if contract.name.starts_with(SURFACE) || config.is_required(need) {
            rails.push(Rail {
                number,
                stage,
                contract,
            });
        }
    }
    Some(rails)
}

/// What a rail hands on, as far as it may be its review: whatever has findings.
fn reviews<'a>(rail: &Rail<'a>) -> impl Iterator<Item = (&'a str, SchemaPart<'a>)> {
    let writes = &rail.contract.writes;
    let keys = writes["properties"].as_object().into_iter().flatten();
    let parts = keys.filter_map(|(key, _)| Some((key.as_str(), SchemaPart::key(writes, key)?)));
    parts.filter(|(_, part)| stray(*part, "/findings").is_none())
}

/// The miss of a review that nobody could read.
fn unread(rail: &Rail<'_>, review: &serde_json::Value) -> Option<Miss> {
    reviews(rail).find_map(|(key, part)| {
        let unfit = unfit_by_word(part, SchemaPart::of(review))?;
        let name = &rail.contract.name;
        let problem = format!("`{name}` {}", unfit.told(key, AGGREGATE));
        let mend = match unfit.meant() {
            Some((near, written)) => format!("write `{written}` for `{near}` in what `{name}` writes"),
            None => format!(
                "write the review of `{name}` as `qa.aggregate` reads it: `score` from 0 to 100 or none, and `findings` with \
                 `rule`, `severity` (`info`, `warning` or `error`), `message`, `line` and `excerpt`"
            ),
        };
        Some(Miss::new(problem, mend))
    })
}

fn none() -> Miss {
    let problem = "none of the stages that it needs is a rail, so it would wait for one";
    Miss::new(
        problem,
        "add a stage with a handler of the surface `qa` to its `needs`",
    )
}

/// The miss of a least score where none counts.
fn unscored(rails: &[Rail<'_>], config: &Config, least: u32) -> Option<Miss> {
    let has_score =
        |rail: &&Rail<'_>| reviews(rail).any(|(_, part)| stray(part, "/score").is_none());
    let scored: Vec<&Rail<'_>> = rails.iter().filter(has_score).collect();
    let counts = |rail: &&Rail<'_>| config.weight(rail.stage.id()) > 0;
    if scored.iter().any(counts) {
        return None;
    }
    let problem = format!("no rail gives a score that counts, and {least} is the least");
    let mend = match scored.first() {
        Some(rail) => format!(
            "write `config.weights = {{ {} = 1 }}`, or remove `threshold`",
            rail.stage.id()
        ),
        None => "add a rail that gives a score to its `needs`, or remove `threshold`".to_owned(),
    };
    Some(Miss::new(problem, mend))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn told(findings: Json) -> Option<Miss> {
        let parts = json!({ "score": { "type": "integer", "minimum": 0 }, "findings": { "type": "array", "items": findings } });
        let review =
            json!({ "type": "object", "properties": parts, "required": ["score", "findings"] });
        let contract = json!({
            "name": "qa.house", "summary": "", "config": {}, "reads": {}, "needs": {}, "always_gives_a_verdict": true,
            "writes": { "type": "object", "properties": { "house": review }, "required": ["house"] },
        });
        let contract: Contract = serde_json::from_value(contract).expect("a contract");
        let stage: Stage =
            toml::from_str("id = \"house\"\nhandler = \"qa.house\"").expect("a stage");
        let rail = Rail {
            number: 0,
            stage: &stage,
            contract: &contract,
        };
        unread(&rail, &schemars::schema_for!(Review).to_value())
    }

    /// What a plugin writes by a type of its own is held against the one that reads it.
    #[test]
    fn a_review_is_one_that_can_be_read() {
        let finding = |severity: Json| {
            json!({
                "type": "object", "required": ["rule", "severity", "message"],
                "properties": { "rule": { "type": "string" }, "message": { "type": "string" }, "severity": severity },
            })
        };
        assert_eq!(told(finding(json!({ "enum": ["info", "error"] }))), None);
        assert_eq!(told(json!({})), None);
        for (severity, problem) in [
            (
                json!({ "type": "string" }),
                "`qa.house` writes `/findings/*/severity` of `house` as string, and it is read as \"info\" or \"warning\" or \"error\"",
            ),
            (
                json!({ "type": "string", "enum": ["warn", "error"] }),
                "`qa.house` may write `/findings/*/severity` of `house` as \"warn\", and it is read as \"info\" or \"warning\" or \"error\"",
            ),
        ] {
            assert_eq!(told(finding(severity)).expect("a miss").problem, problem);
        }
        let mut nameless = finding(json!({ "const": "error" }));
        nameless["properties"] =
            json!({ "role": { "type": "string" }, "message": {}, "severity": {} });
        let miss = told(nameless).expect("a miss");
        assert!(miss.problem.contains("without `rule`"), "{miss:?}");
        assert!(
            miss.mend
                .starts_with("write `rule` for `role` in what `qa.house` writes"),
            "{miss:?}"
        );
    }
}
