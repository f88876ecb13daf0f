//! Every key that a stage reads is written before it, or the run starts with it.
//!
//! A key that the contract's schema requires has to be there on every way to the stage: a
//! writer that may be passed over does not count. One that it does not require may be absent.
//! Where a stage before names no known handler, what it writes is unknown, so nothing is said about
//! keys; the missing handler is a miss of its own.

mod shapes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

pub(super) use self::shapes::Held;
use super::lacking::Lacking;
use super::lost::{Lost, lost};
use super::pipelines::{Staged, broken_need};
use super::{FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope, named};
use crate::handler::{Contract, OUTCOMES};
use crate::pipeline::{FOLLOWS, Follow, Graph, InputKey, Pipeline, Stage};
use crate::registry::{HandlerEntry, Registry, nearest};
use crate::workspace::Defined;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for defined in scope.definitions.pipelines.values() {
        let flow = KeyFlow::of(&defined.value, scope.registry);
        let lacking = flow.lacking(&Graph::of(&defined.value));
        for staged in Staged::all(defined) {
            references.extend(flow.reads(&staged, &lacking));
            references.extend(flow.clashes(&staged, &lacking));
        }
        references.extend(flow.inputs(defined));
    }
    references
}

/// Who writes which key in a pipeline, worked out once.
pub(super) struct KeyFlow<'a> {
    pipeline: &'a Pipeline,
    registry: &'a Registry,
    handlers: Vec<Option<&'a HandlerEntry>>,
    /// The stages that write each key, by number, in their order.
    writers: BTreeMap<&'a str, Vec<usize>>,
    /// Stages that name no known handler: what they write is unknown.
    unknown: Vec<usize>,
    /// Keys that are named and are no input, and that no stage writes.
    lost: BTreeMap<&'a str, Lost>,
}

impl<'a> KeyFlow<'a> {
    pub(super) fn of(pipeline: &'a Pipeline, registry: &'a Registry) -> Self {
        let entry = |stage: &Stage| registry.get(stage.handler.as_ref()?.get_ref());
        let handlers: Vec<Option<&HandlerEntry>> = pipeline.stages.iter().map(entry).collect();
        let mut writers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, entry) in handlers.iter().enumerate() {
            let written = entry.iter();
            let written = written.flat_map(|it| properties(&it.contract.writes).keys());
            for key in written {
                writers.entry(key).or_default().push(number);
            }
        }
        let stages = pipeline.stages.iter().zip(&handlers).enumerate();
        let is_unknown =
            |(stage, entry): (&Stage, &Option<_>)| stage.handler.is_some() && entry.is_none();
        let unknown = stages.filter_map(|(number, it)| is_unknown(it).then_some(number));
        let unknown = unknown.collect();
        let read = handlers.iter().flatten();
        let read = read.flat_map(|it| properties(&it.contract.reads).keys());
        let lost = lost(pipeline, read.map(String::as_str), &writers);
        Self {
            pipeline,
            registry,
            handlers,
            writers,
            unknown,
            lost,
        }
    }

    fn contract(&self, number: usize) -> Option<&'a Contract> {
        self.handlers[number].map(|entry| &entry.contract)
    }

    fn stage(&self, number: usize) -> &'a Stage {
        &self.pipeline.stages[number]
    }

    fn writers(&self, key: &str) -> &[usize] {
        self.writers.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether what every stage before one writes is known.
    fn knows_before(&self, staged: &Staged<'_>) -> bool {
        let mut unknown = self.unknown.iter();
        !unknown.any(|it| staged.graph.is_after(staged.number, *it))
    }

    /// Whether a key is no input and nothing before a stage writes it, as far as that is known.
    pub(super) fn is_absent(&self, key: &str, staged: &Staged<'_>) -> bool {
        let mut writers = self.writers(key).iter();
        !self.pipeline.input.contains_key(key)
            && self.knows_before(staged)
            && !writers.any(|it| staged.graph.is_after(staged.number, *it))
    }

    /// The input keys, and all that stages write; `None` if that is not known.
    pub(super) fn keys(&self) -> Option<BTreeSet<&'a str>> {
        let input = self.pipeline.input.keys().map(String::as_str);
        let written = self.writers.keys().copied();
        self.unknown
            .is_empty()
            .then(|| input.chain(written).collect())
    }

    /// The input keys, and those that stages before one write.
    pub(super) fn keys_before(&self, staged: &Staged<'_>) -> BTreeSet<&'a str> {
        let input = self.pipeline.input.keys().map(String::as_str);
        let is_before = |writer: &usize| staged.graph.is_after(staged.number, *writer);
        let writers = self.writers.iter();
        let written = writers.filter(|(_, writers)| writers.iter().any(is_before));
        input.chain(written.map(|(key, _)| *key)).collect()
    }

    fn reads(&self, staged: &Staged<'_>, lacking: &Lacking) -> Vec<Reference> {
        let contract = self.contract(staged.number);
        let Some(contract) = contract.filter(|_| self.knows_before(staged)) else {
            return Vec::new();
        };
        let needed = required(&contract.reads);
        let mut references = Vec::new();
        for key in properties(&contract.reads).keys() {
            let writers = self.writers(key).iter().copied();
            let writers = writers.filter(|it| staged.graph.is_after(staged.number, *it));
            let writers: Vec<usize> = writers.collect();
            let absent = if needed.contains(key.as_str()) {
                self.absent(staged.stage, key, &writers)
            } else {
                None
            };
            let absent = absent.map(|miss| {
                let writer = self.lacks(staged.number, key, &staged.graph);
                let first =
                    writer.and_then(|it| lacking.explains(&staged.graph, staged.number, it));
                miss.because(staged.broken_need()).because(first)
            });
            let miss = absent.or_else(|| self.misfit(staged, key, &writers));
            references.push(
                staged
                    .reference("handler", ReferenceKind::Key, key)
                    .missed(miss),
            );
        }
        references
    }

    /// The keys that stages cannot do without and that nothing before them gives, each with a stage
    /// that writes it.
    pub(super) fn lacking(&self, graph: &Graph<'_>) -> Lacking {
        let stages = self.handlers.iter().enumerate();
        let lacks = stages.flat_map(|(number, entry)| {
            let keys = entry.map(|it| required(&it.contract.reads));
            let keys = keys.into_iter().flatten();
            keys.filter_map(move |key| Some((number, key, self.lacks(number, key, graph)?)))
        });
        Lacking::of(self.pipeline, lacks)
    }

    /// The stage that writes a key which nothing before another one gives.
    fn lacks(&self, number: usize, key: &str, graph: &Graph<'_>) -> Option<usize> {
        let mut writers = self.writers(key).iter().copied();
        if self.pipeline.input.contains_key(key)
            || writers.clone().any(|it| graph.is_after(number, it))
        {
            return None;
        }
        writers.find(|it| *it != number && !graph.is_after(*it, number))
    }

    /// The miss of a required key that may not be there.
    fn absent(&self, stage: &Stage, key: &str, writers: &[usize]) -> Option<Miss> {
        let input = self.pipeline.input.get(key);
        let given = input.is_some_and(|input| input.required || input.default.is_some());
        let sure = |writer: &usize| self.always_writes(*writer, key, stage);
        let may_be = input.is_some() || !writers.is_empty();
        if given || writers.iter().any(sure) || may_be && shapes::is_there(stage, key) {
            return None;
        }
        let writers: Vec<&Stage> = writers.iter().map(|it| self.stage(*it)).collect();
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
                let miss = Miss::new(problem, self.instead_of_when(key, writer, stage));
                return Some(miss.because(self.broken_when(writer)));
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
        if let Some(writer) = writers.last() {
            return Some(self.left_out(reader, key, writer));
        }
        if input.is_some() {
            let problem = format!("`{reader}` reads `{key}`, and a run may start without it");
            return Some(Miss::new(
                problem,
                format!("add `required = true` or a `default` to [input.{key}]"),
            ));
        }
        let problem = format!("`{reader}` reads `{key}`, and nothing before it writes it");
        let miss = Miss::new(problem, self.source(stage, key));
        Some(miss.because(self.misnamed(key)))
    }

    /// What to write where a key is written on a condition. What guards a publication has none, and a
    /// default would be judged and approved in place of what was to be written.
    fn instead_of_when(&self, key: &str, writer: &Stage, reader: &Stage) -> String {
        let mut stages = self.pipeline.stages.iter();
        if stages.any(|stage| stage.required || stage.gate.is_some()) {
            return format!(
                "remove the `when` of stage `{}`; what ends the run is an outcome of a stage before it, \
                 with `on.nothing-to-do = \"end\"`",
                writer.id()
            );
        }
        format!(
            "write `[input.{key}]` with a default, or the same `when` in stage `{}`",
            reader.id()
        )
    }

    /// A condition of a stage that asks for what is no key of the pipeline.
    fn broken_when(&self, stage: &Stage) -> Option<FirstMiss> {
        let mut asked = stage.when.iter().map(|it| it.key.get_ref());
        let unknown = asked
            .find(|key| !self.pipeline.input.contains_key(*key) && self.writers(key).is_empty())?;
        let referrer = Referrer::stage(self.pipeline.name(), stage.id());
        Some(FirstMiss::new(referrer, "when").with_target(unknown))
    }

    /// Who could write a key.
    fn source(&self, stage: &Stage, key: &str) -> String {
        let writers = self.writers(key).iter().map(|it| self.stage(*it));
        let mut others = writers.filter(|other| other.id() != stage.id());
        if let Some(writer) = others.next() {
            return format!(
                "add \"{}\" to the `needs` of stage `{}`",
                writer.id(),
                stage.id()
            );
        }
        let input = format!("add `[input.{key}]` with `required = true`");
        let giver = self.registry.iter().find(|entry| {
            // One that cannot do without it lacks it, too.
            let lacks = required(&entry.contract.reads).contains(key);
            properties(&entry.contract.writes).contains_key(key) && !lacks
        });
        let Some(giver) = giver.map(|entry| &entry.contract.name) else {
            return input;
        };
        let mut readers = self.readers(key);
        let stage = format!("add a stage with `handler = \"{giver}\"` before it");
        if readers.any(|it| it.contract.needs.goes_by.iter().any(|it| it == key)) {
            return stage;
        }
        format!("{stage}, or {input}")
    }

    /// A key that a stage in parallel writes, too: each stage once a key, with the first.
    fn clashes(&self, staged: &Staged<'_>, lacking: &Lacking) -> Vec<Reference> {
        let Some(contract) = self.contract(staged.number) else {
            return Vec::new();
        };
        let (id, number, graph) = (staged.stage.id(), staged.number, &staged.graph);
        let mut references = Vec::new();
        for key in properties(&contract.writes).keys() {
            let mut earlier = self.writers(key).iter().copied();
            let parallel = earlier.find(|other| {
                *other < number
                    && !graph.is_after(number, *other)
                    && !graph.is_after(*other, number)
            });
            let Some(other) = parallel else { continue };
            let first = self.stage(other).id();
            let problem = format!(
                "stages `{first}` and `{id}` both write `{key}`, and neither needs the other"
            );
            let mend = format!("add \"{first}\" to the `needs` of stage `{id}`");
            let reference = staged.reference("handler", ReferenceKind::Key, key);
            let broken = [other, number].map(|it| broken_need(self.pipeline, graph, it));
            let miss = Miss::new(problem, mend).because(broken.into_iter().flatten().next());
            let first = lacking.explains(graph, number, other);
            let miss = miss.because(first.or_else(|| lacking.explains(graph, other, number)));
            references.push(reference.missed(Some(miss)));
        }
        references
    }

    /// Inputs: a stage reads each, and a default fits what the stage takes.
    fn inputs(&self, defined: &Defined<Pipeline>) -> Vec<Reference> {
        let referrer = Referrer::pipeline(self.pipeline.name());
        let mut references = Vec::new();
        for (key, input) in &self.pipeline.input {
            let reference =
                Reference::new(&referrer, format!("input.{key}"), ReferenceKind::Input, key);
            if self.is_idle(key) {
                let reference = reference.at(defined.at(&["input", key]));
                references.push(reference.missed(Some(self.idle(key))));
                continue;
            }
            let default = input.default.as_ref();
            let unfit = default.and_then(|it| self.registry.unfit(self.pipeline, key, it));
            let miss = unfit.map(|it| Miss::new(it.of("the default"), it.mend("default")));
            let miss = miss.or_else(|| unheard(key, input));
            let place = defined.at(&["input", key, "default"]);
            references.push(reference.at(place).missed(miss));
        }
        references
    }

    /// Handlers that read a key, each once, however many stages call it.
    fn readers(&self, key: &str) -> impl Iterator<Item = &'a HandlerEntry> {
        let handlers = self.handlers.iter().copied().flatten();
        let mut known = BTreeSet::new();
        handlers
            .filter(move |it| properties(&it.contract.reads).contains_key(key))
            .filter(move |it| known.insert(it.contract.name.as_str()))
    }

    /// Whether an input is read by no stage, no condition and no limit, as far as that is known.
    fn is_idle(&self, input: &str) -> bool {
        let limit = self.pipeline.limits.key.as_ref();
        let conditions = self.pipeline.stages.iter().flat_map(|stage| &stage.when);
        let mut keys = limit.into_iter().chain(conditions.map(|it| &it.key));
        self.unknown.is_empty()
            && self.readers(input).next().is_none()
            && !keys.any(|key| key.get_ref() == input)
    }

    /// The key that an input which is not read was to be: one that is read, and no input.
    fn meant(&self, idle: &str) -> Option<&'a str> {
        let lost = self.lost.iter().filter(|(_, lost)| !lost.is_alone());
        nearest(idle, lost.map(|(key, _)| *key))
    }

    /// What names an unread input by another name, if that is the only one to say so.
    fn misspelt(&self, idle: &str) -> Option<FirstMiss> {
        let lost = self.lost.iter().filter(|(_, lost)| lost.is_alone());
        let near = nearest(idle, lost.map(|(key, _)| *key))?;
        self.lost[near].by.first().cloned()
    }

    /// The miss of an input that is not read.
    fn idle(&self, key: &str) -> Miss {
        let mend = match self.meant(key) {
            Some(near) => format!("write `[input.{near}]`, or remove it"),
            None => format!("remove [input.{key}], or add a stage whose handler reads it"),
        };
        let miss = Miss::new(format!("nothing reads the input `{key}`"), mend);
        match self.meant(key) {
            Some(_) => miss,
            None => miss.because(self.misspelt(key)),
        }
    }

    /// The miss of a name that is no key, where either the name or an input may be misspelt.
    pub(super) fn no_key(&self, problem: String, key: &str, known: &BTreeSet<&str>) -> Miss {
        if let Some(cause) = self.misnamed(key) {
            let input = cause.key.clone();
            return Miss::new(problem, format!("write `[input.{key}]` for `[{input}]`"))
                .because(cause);
        }
        let known = known.iter().copied();
        match nearest(key, known.clone()) {
            Some(near) => Miss::new(problem, format!("write `{near}`")),
            None if known.len() == 0 => {
                Miss::new(problem, format!("remove it, or add `[input.{key}]`"))
            }
            None => Miss::new(problem, format!("name one of {}", named(known))),
        }
    }

    /// The input that was to be a key, and is of another name.
    pub(super) fn misnamed(&self, key: &str) -> Option<FirstMiss> {
        let inputs = self.pipeline.input.keys();
        let mut idle = inputs.filter(|input| self.is_idle(input));
        let input = idle.find(|input| self.meant(input) == Some(key))?;
        let referrer = Referrer::pipeline(self.pipeline.name());
        Some(FirstMiss::new(referrer, format!("input.{input}")))
    }
}

/// The miss of what is said of an input, and that no run goes by.
fn unheard(key: &str, input: &InputKey) -> Option<Miss> {
    if key == OUTCOMES {
        let problem = format!(
            "what a run is started with under `{key}` is read by nobody: what stages came to is there"
        );
        return Some(Miss::new(problem, format!("remove [input.{key}]")));
    }
    (input.required && input.default.is_some()).then(|| {
        let problem = format!("`{key}` is required and has a default, so nobody has to give it");
        Miss::new(problem, "remove `required`, or the `default`")
    })
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

/// The properties of a schema of an object.
pub(super) fn properties(schema: &Json) -> &Map<String, Json> {
    static NONE: LazyLock<Map<String, Json>> = LazyLock::new(Map::new);
    let properties = schema.get("properties").and_then(Json::as_object);
    properties.unwrap_or(&NONE)
}

/// The keys without which nothing fits a schema of an object.
pub(super) fn required(schema: &Json) -> BTreeSet<&str> {
    let required = schema.get("required").and_then(Json::as_array);
    required
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect()
}
