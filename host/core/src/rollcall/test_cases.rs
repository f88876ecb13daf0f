//! Tests: what they start, give, say and expect is there. A test that names what is gone would pass
//! by never asking.

mod lacks;

use serde_json::Value as Json;
use toml::Spanned;

use self::lacks::Asked;
use super::keys::KeyFlow;
use super::{FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope, named};
use crate::handler::schema::stray;
use crate::pipeline::{Pipeline, Stage};
use crate::registry::nearest;
use crate::settings::{SettingType, fits};
use crate::workspace::{Defined, SaidDecision, TestCase, TestDecision, is_folder_name};

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let (mut references, mut asked) = (Vec::new(), Asked::new());
    for (name, defined) in &scope.definitions.test_cases {
        let case = DefinedTest {
            scope,
            referrer: Referrer::TestCase(name.clone()),
            defined,
        };
        let target = defined.value.pipeline.get_ref();
        let pipelines = &scope.definitions.pipelines;
        let pipeline = pipelines.get(target).map(|it| &it.value);
        let known = pipelines.keys().map(String::as_str);
        let miss = pipeline
            .is_none()
            .then(|| unknown("pipeline", target, known));
        let kind = ReferenceKind::Pipeline;
        references.push(case.spanned("pipeline", kind, &defined.value.pipeline, miss));
        let settings = case.settings();
        let slip = settings.iter().find(|it| it.miss.is_some());
        let slip = slip.map(|it| FirstMiss::new(&it.referrer, &it.key));
        references.extend(settings);
        references.extend(case.cassette());
        if let Some(pipeline) = pipeline {
            references.extend(case.input(pipeline));
            references.extend(case.missing(pipeline));
            references.extend(case.decisions(pipeline));
            references.extend(case.stages(pipeline));
            references.extend(case.keys(pipeline));
            references.extend(lacks::list(&case, pipeline, &mut asked, slip.as_ref()));
        }
    }
    references
}

/// The miss of a name, with the one that may have been meant.
fn unknown<'n>(noun: &str, name: &str, known: impl Iterator<Item = &'n str> + Clone) -> Miss {
    let mend = match nearest(name, known.clone()) {
        Some(near) => format!("write `{near}`"),
        None => format!("write one of {}", named(known)),
    };
    Miss::new(format!("there is no {noun} `{name}`"), mend)
}

/// A test in its definition.
struct DefinedTest<'a> {
    scope: &'a RollScope<'a>,
    referrer: Referrer,
    defined: &'a Defined<TestCase>,
}

impl DefinedTest<'_> {
    fn spanned(
        &self,
        key: &str,
        kind: ReferenceKind,
        target: &Spanned<String>,
        miss: Option<Miss>,
    ) -> Reference {
        let place = self.defined.place(target.span());
        let reference = Reference::new(&self.referrer, key, kind, target.get_ref());
        reference.at(place).missed(miss)
    }

    fn at(&self, path: &[&str], kind: ReferenceKind, miss: Option<Miss>) -> Reference {
        let target = path.last().copied().unwrap_or_default();
        let reference = Reference::new(&self.referrer, path.join("."), kind, target);
        reference.at(self.defined.at(path)).missed(miss)
    }

    /// A cassette is that of one test: recording one would take the answers of another away.
    fn cassette(&self) -> Option<Reference> {
        let name = self.defined.value.cassette.as_ref()?;
        let cases = self.scope.definitions.test_cases.values();
        let mut others = cases.filter(|other| other.value.name() != self.defined.value.name());
        let other = others.find(|other| {
            let theirs = other.value.cassette.as_ref();
            theirs.is_some_and(|theirs| theirs.get_ref() == name.get_ref())
        });
        let miss = other.map(|other| {
            let other = other.value.name();
            let problem = format!(
                "the cassette `{}` is that of test `{other}`, too",
                name.get_ref()
            );
            Miss::new(problem, "give each test its own")
        });
        let miss = miss.or_else(|| {
            let word = name.get_ref();
            (!is_folder_name(word)).then(|| {
                let problem = format!("`{word}` is no name of a folder");
                Miss::new(problem, format!("write `{}`", self.defined.value.name()))
            })
        });
        Some(self.spanned("cassette", ReferenceKind::File, name, miss))
    }

    /// Each setting is declared, and its value one of its type.
    fn settings(&self) -> Vec<Reference> {
        let declared = &self.scope.definitions.settings;
        let settings = self.defined.value.settings.iter().map(|(key, value)| {
            let miss = match declared.get(key) {
                None => Some(unknown("setting", key, declared.keys().map(String::as_str))),
                Some(setting) if setting.value.kind == SettingType::Secret => {
                    let problem = format!("`{key}` is a secret, which anybody could read here");
                    let mend = "remove it: what is played needs none, and `--record` takes the one that is set";
                    Some(Miss::new(problem, mend))
                }
                Some(setting) => fits(key, setting.value.kind, value).err().map(|misfit| {
                    let mend = format!("write a value of type {}", setting.value.kind);
                    let mend = misfit
                        .meant
                        .map_or(mend, |meant| format!("write \"{meant}\""));
                    Miss::new(format!("`{key}`: {}", misfit.problem), mend)
                }),
            };
            self.at(&["settings", key], ReferenceKind::Setting, miss)
        });
        settings.collect()
    }

    /// Each key that is given is declared, and fits who reads it.
    fn input(&self, pipeline: &Pipeline) -> Vec<Reference> {
        let given = self.defined.value.input.iter().map(|(key, value)| {
            let known = pipeline.input.keys().map(String::as_str);
            let declared = pipeline.input.contains_key(key);
            let miss = (!declared).then(|| unknown("input", key, known));
            let miss = miss.or_else(|| self.unfit(pipeline, key, value));
            self.at(&["input", key], ReferenceKind::Input, miss)
        });
        given.collect()
    }

    fn unfit(&self, pipeline: &Pipeline, key: &str, value: &Json) -> Option<Miss> {
        let unfit = self.scope.registry.unfit(pipeline, key, value)?;
        Some(Miss::new(unfit.of("it"), unfit.mend("value")))
    }

    /// Keys that a run cannot do without, and that the test does not give.
    fn missing(&self, pipeline: &Pipeline) -> Vec<Reference> {
        let given = &self.defined.value.input;
        let needed = pipeline.input.iter().filter(|(key, declared)| {
            declared.required && declared.default.is_none() && !given.contains_key(*key)
        });
        let missing = needed.map(|(key, _)| {
            let problem = format!("the test does not give the input `{key}`");
            let miss = Miss::new(problem, format!("add `{key}` below `[input]`"));
            let reference = Reference::new(&self.referrer, "input", ReferenceKind::Input, key);
            reference.at(self.defined.at(&["input"])).missed(Some(miss))
        });
        missing.collect()
    }

    /// What is said is said at a gate, and what is to be made anew is something that can be.
    fn decisions(&self, pipeline: &Pipeline) -> Vec<Reference> {
        let mut references = Vec::new();
        for decision in &self.defined.value.decisions {
            let gates = pipeline.stages.iter().filter(|stage| stage.gate.is_some());
            let gate = gates
                .clone()
                .find(|stage| stage.id() == decision.gate.get_ref());
            let known = gates.map(Stage::id);
            let miss = gate
                .is_none()
                .then(|| unknown("gate", decision.gate.get_ref(), known));
            let kind = ReferenceKind::Gate;
            references.push(self.spanned("decision.gate", kind, &decision.gate, miss));
            if let Some(gate) = gate {
                references.extend(self.part(gate, decision));
            }
        }
        references
    }

    /// What is made anew is one of the gate's parts, and is said where something is.
    fn part(&self, gate: &Stage, decision: &TestDecision) -> Option<Reference> {
        let parts = || gate.regenerate.keys().map(String::as_str);
        let (part, miss) = match (&decision.part, decision.said) {
            (None, SaidDecision::Regenerated) => {
                let problem = "it does not say what is made anew";
                let miss = match parts().next() {
                    Some(_) => Miss::new(problem, format!("add `part`, one of {}", named(parts()))),
                    None => Miss::new(
                        problem,
                        "write `as = \"approved\"` or `\"rejected\"`: the gate has no parts",
                    ),
                };
                (&decision.gate, Some(miss))
            }
            (None, _) => return None,
            (Some(part), SaidDecision::Regenerated) if parts().next().is_some() => {
                let there = gate.regenerate.contains_key(part.get_ref());
                (
                    part,
                    (!there).then(|| unknown("part", part.get_ref(), parts())),
                )
            }
            (Some(part), SaidDecision::Regenerated) => {
                let problem = format!("there is no part `{}`: the gate has none", part.get_ref());
                (
                    part,
                    Some(Miss::new(
                        problem,
                        "write `as = \"approved\"` or `\"rejected\"`",
                    )),
                )
            }
            (Some(part), _) => {
                let problem = "only what is made anew has a `part`";
                (
                    part,
                    Some(Miss::new(
                        problem,
                        "remove it, or write `as = \"regenerated\"`",
                    )),
                )
            }
        };
        Some(self.spanned("decision.part", ReferenceKind::Stage, part, miss))
    }

    fn stages(&self, pipeline: &Pipeline) -> Vec<Reference> {
        let stages = self.defined.value.expect.stages.keys().map(|id| {
            let known = pipeline.stages.iter().map(Stage::id);
            let miss = pipeline
                .stage(id)
                .is_none()
                .then(|| unknown("stage", id, known));
            self.at(&["expect", "stages", id], ReferenceKind::Stage, miss)
        });
        stages.collect()
    }

    /// A key that nobody writes is absent in every run, and so is a part that none of its writers has.
    fn keys(&self, pipeline: &Pipeline) -> Vec<Reference> {
        let flow = KeyFlow::of(pipeline, self.scope.registry);
        let keys = self.defined.value.expect.keys.iter().map(|expected| {
            let key = &expected.key;
            let known = flow.keys();
            let there = known.is_none_or(|known| known.contains(key.get_ref().as_str()));
            let known = flow.keys().unwrap_or_default();
            let miss = (!there).then(|| unknown("key", key.get_ref(), known.iter().copied()));
            let miss = miss.or_else(|| astray(&flow, key.get_ref(), &expected.at));
            self.spanned("expect.key", ReferenceKind::Key, key, miss)
        });
        keys.collect()
    }
}

/// The miss of a pointer that leads nowhere in what any writer of the key says of it.
fn astray(flow: &KeyFlow<'_>, key: &str, at: &str) -> Option<Miss> {
    let writers = flow.written_as(key).into_iter();
    // Of several writers, one that has the part is enough.
    let strays: Option<Vec<(String, Vec<&str>)>> = writers.map(|it| stray(it, at)).collect();
    let (segment, parts) = strays?.into_iter().next()?;
    let problem = format!("`{key}` has no part `{segment}` (`{at}`)");
    let mend = match nearest(&segment, parts.iter().copied()) {
        Some(near) => format!("write `{near}`"),
        None if parts.is_empty() => {
            format!("remove `/{segment}`: what stands there has no such parts")
        }
        None => format!("write one of {}", named(parts)),
    };
    Some(Miss::new(problem, mend))
}
