//! Every key that a stage reads is written before it, or the run starts with it.
//!
//! A key that the contract's schema requires has to be there on every way to the stage: a
//! writer that may be passed over does not count. One that it does not require may be absent.
//! Where a stage before names no known handler, nobody knows what it writes, so nothing is
//! said about keys; the missing handler is a miss of its own.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

use super::pipelines::{Staged, broken_need, upstream};
use super::{Kind, Miss, Reference, Referrer, Roster};
use crate::handler::{Contract, schema};
use crate::pipeline::{FOLLOWS, Follow, Pipeline, Stage};
use crate::registry::Registry;
use crate::workspace::Defined;

pub(super) fn list(roster: &Roster<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for defined in roster.definitions.pipelines.values() {
        let flow = Flow {
            pipeline: &defined.value,
            registry: roster.registry,
        };
        for staged in Staged::all(defined) {
            references.extend(flow.reads(&staged));
            references.extend(flow.clashes(&staged));
        }
        references.extend(flow.inputs(defined));
    }
    references
}

struct Flow<'a> {
    pipeline: &'a Pipeline,
    registry: &'a Registry,
}

impl<'a> Flow<'a> {
    fn contract(&self, stage: &Stage) -> Option<&'a Contract> {
        let handler = stage.handler.as_ref()?;
        self.registry
            .get(handler.get_ref())
            .map(|entry| &entry.contract)
    }

    fn writes(&self, stage: &Stage, key: &str) -> bool {
        let contract = self.contract(stage);
        contract.is_some_and(|contract| properties(&contract.writes).contains_key(key))
    }

    /// Stages before `stage`; `None` if one of them names no known handler.
    fn before(&self, stage: &Stage) -> Option<Vec<&'a Stage>> {
        let ids = upstream(self.pipeline, stage.id());
        let stages = ids.iter().filter_map(|id| self.pipeline.stage(id));
        let known = |stage: &Stage| stage.handler.is_none() || self.contract(stage).is_some();
        stages.map(|stage| known(stage).then_some(stage)).collect()
    }

    fn reads(&self, staged: &Staged<'_>) -> Vec<Reference> {
        let (Some(contract), Some(before)) =
            (self.contract(staged.stage), self.before(staged.stage))
        else {
            return Vec::new();
        };
        let needed = required(&contract.reads);
        let mut references = Vec::new();
        for (key, schema) in properties(&contract.reads) {
            let writers: Vec<&Stage> = before
                .iter()
                .copied()
                .filter(|stage| self.writes(stage, key))
                .collect();
            let absent = if needed.contains(key.as_str()) {
                self.absent(staged.stage, key, &writers)
            } else {
                None
            };
            let broken = || broken_need(self.pipeline, staged.stage.id());
            let absent = absent.map(|miss| miss.because(broken()));
            let miss = absent.or_else(|| self.misfit(key, schema, &writers));
            references.push(staged.reference("handler", Kind::Key, key).missed(miss));
        }
        references
    }

    /// The miss of a required key that may not be there.
    fn absent(&self, stage: &Stage, key: &str, writers: &[&Stage]) -> Option<Miss> {
        let input = self.pipeline.input.get(key);
        let given = input.is_some_and(|input| input.required || input.default.is_some());
        let sure = |writer: &&Stage| passed_over(writer).is_none() || same_way(writer, stage);
        if given || writers.iter().any(sure) {
            return None;
        }
        let reader = stage
            .handler
            .as_ref()
            .map_or("", |handler| handler.get_ref());
        if let Some((writer, outcome)) = writers
            .iter()
            .find_map(|writer| Some((writer, passed_over(writer)?)))
        {
            if !writer.when.is_empty() {
                let problem = format!(
                    "`{reader}` reads `{key}`, which stage `{}` does not write when its condition does not hold",
                    writer.id()
                );
                let mend = format!(
                    "write `[input.{key}]` with a default, or the same `when` in stage `{}`",
                    stage.id()
                );
                return Some(Miss::new(problem, mend));
            }
            let problem = format!(
                "`{reader}` reads `{key}`, which stage `{}` does not write when it is {outcome}, and the run goes on",
                writer.id()
            );
            let mend = format!(
                "write `on.{outcome} = \"end\"` in stage `{}`, or `[input.{key}]` with a default",
                writer.id()
            );
            return Some(Miss::new(problem, mend));
        }
        if input.is_some() {
            let problem = format!("`{reader}` reads `{key}`, and a run may start without it");
            return Some(Miss::new(
                problem,
                format!("add `required = true` or a `default` to [input.{key}]"),
            ));
        }
        let problem = format!("`{reader}` reads `{key}`, and nothing before it writes it");
        Some(Miss::new(problem, self.source(stage, key)))
    }

    /// Who could write a key.
    fn source(&self, stage: &Stage, key: &str) -> String {
        let mut others = self
            .pipeline
            .stages
            .iter()
            .filter(|other| other.id() != stage.id());
        if let Some(writer) = others.find(|other| self.writes(other, key)) {
            return format!(
                "add \"{}\" to the `needs` of stage `{}`",
                writer.id(),
                stage.id()
            );
        }
        let input = format!("add `[input.{key}]` with `required = true`");
        let giver = self
            .registry
            .iter()
            .find(|entry| properties(&entry.contract.writes).contains_key(key));
        match giver {
            Some(entry) => format!(
                "add a stage with `handler = \"{}\"` before it, or {input}",
                entry.contract.name
            ),
            None => input,
        }
    }

    /// The miss of a key that is written as one type and read as another.
    fn misfit(&self, key: &str, read: &Json, writers: &[&Stage]) -> Option<Miss> {
        let wanted = types(read);
        writers.iter().find_map(|writer| {
            let written = types(properties(&self.contract(writer)?.writes).get(key)?);
            let fits = written.iter().any(|kind| {
                wanted.contains(kind) || *kind == "integer" && wanted.contains("number")
            });
            let known = !written.is_empty() && !wanted.is_empty();
            (known && !fits).then(|| {
                let (written, wanted) = (listed(&written), listed(&wanted));
                let problem = format!(
                    "stage `{}` writes `{key}` as {written}, and it is read as {wanted}",
                    writer.id()
                );
                Miss::new(
                    problem,
                    "name a handler that fits, or put one between that converts it",
                )
            })
        })
    }

    /// Stages in parallel that write the same key, each pair once.
    fn clashes(&self, staged: &Staged<'_>) -> Vec<Reference> {
        let Some(contract) = self.contract(staged.stage) else {
            return Vec::new();
        };
        let id = staged.stage.id();
        let above = upstream(self.pipeline, id);
        let earlier = self
            .pipeline
            .stages
            .iter()
            .take_while(|other| other.id() != id);
        let parallel = earlier.filter(|other| {
            !above.contains(other.id()) && !upstream(self.pipeline, other.id()).contains(id)
        });
        let mut references = Vec::new();
        for other in parallel {
            for (key, _) in properties(&contract.writes)
                .iter()
                .filter(|(key, _)| self.writes(other, key))
            {
                let problem = format!(
                    "stages `{}` and `{id}` both write `{key}`, and neither needs the other",
                    other.id()
                );
                let mend = format!("add \"{}\" to the `needs` of stage `{id}`", other.id());
                let reference = staged.reference("handler", Kind::Key, key);
                let broken = [other.id(), id].map(|id| broken_need(self.pipeline, id));
                let miss = Miss::new(problem, mend).because(broken.into_iter().flatten().next());
                references.push(reference.missed(Some(miss)));
            }
        }
        references
    }

    /// Inputs: a default fits who reads it, and somebody does.
    fn inputs(&self, defined: &Defined<Pipeline>) -> Vec<Reference> {
        let referrer = Referrer::pipeline(self.pipeline.name());
        let mut references = Vec::new();
        for (key, input) in &self.pipeline.input {
            let contracts = self
                .pipeline
                .stages
                .iter()
                .filter_map(|stage| self.contract(stage));
            let readers: Vec<&Contract> = contracts
                .filter(|contract| properties(&contract.reads).contains_key(key))
                .collect();
            let place = defined.at(&["input", key, "default"]);
            let name = format!("input.{key}");
            if readers.is_empty() {
                let note = Reference::new(&referrer, &name, Kind::Unread, "no stage reads it");
                references.push(note.at(place));
                continue;
            }
            let default = input.default.as_ref();
            let miss = default.and_then(|default| {
                readers
                    .iter()
                    .find_map(|reader| unfit(reader, key, default))
            });
            references.push(
                Reference::new(&referrer, name, Kind::Input, key)
                    .at(place)
                    .missed(miss),
            );
        }
        references
    }
}

/// Whether a stage only runs where another one does, too: it has all of its conditions, and
/// nothing else passes over that one.
fn same_way(writer: &Stage, reader: &Stage) -> bool {
    let has = |condition| reader.when.iter().any(|known| known == condition);
    outcome_passed_over(writer).is_none() && writer.when.iter().all(has)
}

/// What passes over a stage while the run goes on: an outcome, or a condition.
fn passed_over(stage: &Stage) -> Option<&'static str> {
    if stage.when.is_empty() {
        outcome_passed_over(stage)
    } else {
        Some("skipped")
    }
}

fn outcome_passed_over(stage: &Stage) -> Option<&'static str> {
    let outcomes = FOLLOWS
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| *name != "done");
    let mut passing =
        outcomes.filter(|name| matches!(stage.follow(name), Follow::Continue | Follow::Skip));
    passing.next()
}

/// The miss of a default that does not fit a reader.
fn unfit(reader: &Contract, key: &str, default: &Json) -> Option<Miss> {
    let error = misfits(reader, key, default)?;
    let problem = format!(
        "the default does not fit what `{}` reads: {error}",
        reader.name
    );
    Some(Miss::new(problem, "write a default that fits"))
}

/// Why the value of a key does not fit a reader.
pub(super) fn misfits(reader: &Contract, key: &str, value: &Json) -> Option<String> {
    let mut schema = reader.reads.clone();
    schema.as_object_mut()?.remove("required");
    let instance = Json::Object(Map::from_iter([(key.to_owned(), value.clone())]));
    let validator = schema::compiled(&schema).ok()?;
    let error = validator.validate(&instance).err()?;
    Some(schema::problem(&error))
}

/// The properties of a schema of an object, followed through one reference.
fn properties(schema: &Json) -> &Map<String, Json> {
    static NONE: LazyLock<Map<String, Json>> = LazyLock::new(Map::new);
    let properties = resolved(schema).get("properties").and_then(Json::as_object);
    properties.unwrap_or(&NONE)
}

fn required(schema: &Json) -> BTreeSet<&str> {
    let required = resolved(schema).get("required").and_then(Json::as_array);
    required
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect()
}

fn resolved(schema: &Json) -> &Json {
    let pointer = schema
        .get("$ref")
        .and_then(Json::as_str)
        .and_then(|reference| reference.strip_prefix('#'));
    pointer
        .and_then(|pointer| schema.pointer(pointer))
        .unwrap_or(schema)
}

/// The types that a schema names; none if it does not say.
fn types(schema: &Json) -> BTreeSet<&str> {
    match schema.get("type") {
        Some(Json::String(kind)) => BTreeSet::from([kind.as_str()]),
        Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).collect(),
        _ => BTreeSet::new(),
    }
}

fn listed(types: &BTreeSet<&str>) -> String {
    types.iter().copied().collect::<Vec<_>>().join(" or ")
}
