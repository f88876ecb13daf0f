//! What is written under a key can be read: whatever each writer that may be the last one says of it, part by
//! part, is held against what the reader says.

use serde_json::Value as Json;

use super::{KeyFlow, Staged, outcome_passed_over, passed_over, same_way};
use crate::handler::schema::{
    SchemaPart, UnfitPart, described, takes, unfit, unfit_but_null, values,
};
use crate::outcome::Patch;
use crate::pipeline::{FOLLOWS, Follow, Stage};
use crate::rollcall::Miss;

impl<'a> KeyFlow<'a> {
    /// What a stage writes under a key.
    fn written(&self, number: usize, key: &str) -> Option<SchemaPart<'a>> {
        SchemaPart::key(&self.contract(number)?.writes, key)
    }

    /// What each writer of a key says of it. Nothing of an input key.
    pub(in crate::rollcall) fn written_as(&self, key: &str) -> Vec<SchemaPart<'a>> {
        let writers = self.writers(key).iter();
        writers.filter_map(|it| self.written(*it, key)).collect()
    }

    /// Whether a stage writes a key whenever another one is reached.
    pub(super) fn always_writes(&self, writer: usize, key: &str, reader: &Stage) -> bool {
        let stage = self.stage(writer);
        let contract = self.contract(writer);
        contract.is_some_and(|it| SchemaPart::is_required(&it.writes, key))
            && (passed_over(stage).is_none() || same_way(stage, reader))
    }

    /// The miss of a key that its writer may leave out, though it is done.
    pub(super) fn left_out(&self, reader: &str, key: &str, writer: &Stage) -> Miss {
        let id = writer.id();
        let problem = format!("`{reader}` reads `{key}`, which stage `{id}` may leave out");
        let mut readers = self.readers(key);
        let goes_by = readers.any(|it| it.contract.needs.goes_by.iter().any(|it| it == key));
        let handler = handler(writer);
        let mend = format!("let `{handler}` always write it, or `{reader}` do without it");
        if goes_by || outcome_passed_over(writer).is_some() {
            return Miss::new(problem, mend);
        }
        Miss::new(
            problem,
            format!("{mend}, or write `[input.{key}]` with a default"),
        )
    }

    /// The miss of a key of which a part is written that cannot be read.
    pub(super) fn misfit(&self, staged: &Staged<'_>, key: &str, before: &[usize]) -> Option<Miss> {
        let read = SchemaPart::key(&self.contract(staged.number)?.reads, key)?;
        let writers = self.last(staged, key, before);
        let unfit = if is_there(staged.stage, key) {
            unfit_but_null
        } else {
            unfit
        };
        let (writer, unfit) = writers.into_iter().find_map(|writer| {
            let unfit = unfit(self.written(writer, key)?, read)?;
            Some((self.stage(writer), unfit))
        })?;
        let reader = handler(staged.stage);
        let problem = format!("stage `{}` {}", writer.id(), unfit.told(key, reader));
        Some(Miss::new(problem, self.mend(&unfit, writer, staged.stage)))
    }

    /// Of two names that are alike the slip is a plugin's; of two plugins' the reader's.
    fn mend(&self, unfit: &UnfitPart, writer: &Stage, reader: &Stage) -> String {
        let Some((near, written)) = unfit.meant() else {
            return "name a handler that fits, or put one between that converts it".to_owned();
        };
        let is_native = |stage: &Stage| {
            self.registry
                .get(handler(stage))
                .is_some_and(|it| it.origin.plugin().is_none())
        };
        if is_native(reader) && !is_native(writer) {
            let (writer, near, written) = (handler(writer), written, near);
            return format!("write `{near}` for `{written}` in what `{writer}` writes");
        }
        let reader = handler(reader);
        format!("write `{near}` for `{written}` in what `{reader}` reads")
    }

    /// The stages whose value of a key a stage may read: of those before it all that no other one writes over,
    /// and those from which the run comes back to it.
    fn last(&self, staged: &Staged<'_>, key: &str, before: &[usize]) -> Vec<usize> {
        let graph = &staged.graph;
        let written_over = |writer: usize| {
            before.iter().any(|other| {
                graph.is_after(*other, writer)
                    && !graph.is_after(writer, *other)
                    && self.always_writes(*other, key, staged.stage)
            })
        };
        let mut last: Vec<usize> = before
            .iter()
            .copied()
            .filter(|it| !written_over(*it))
            .collect();
        let behind = |number: usize, other: usize| number == other || graph.is_after(number, other);
        for (number, stage) in self.pipeline.stages.iter().enumerate() {
            for target in returns(stage).filter_map(|target| graph.number(&target)) {
                let again = self.writers(key).iter().filter(|writer| {
                    behind(number, **writer)
                        && behind(**writer, target)
                        && behind(staged.number, target)
                });
                let again = again.filter(|it| !before.contains(it));
                last.extend(again.copied());
            }
        }
        last
    }

    /// What may be under a key when a stage is reached; `None` where a writer is not known, or nobody writes it.
    pub(in crate::rollcall) fn held(&self, staged: &Staged<'_>, key: &str) -> Option<Held<'a>> {
        if !self.unknown.is_empty() {
            return None;
        }
        let input = self.pipeline.input.get(key);
        let given = input.map(|_| {
            let readers = self.readers(key);
            readers
                .filter_map(|it| SchemaPart::key(&it.contract.reads, key))
                .collect()
        });
        let writers = self.writers(key).iter().copied();
        let before: Vec<usize> = writers
            .filter(|it| staged.graph.is_after(staged.number, *it))
            .collect();
        let mut writers = before.iter();
        let always = input.is_some_and(|input| input.required || input.default.is_some())
            || writers.any(|it| self.always_writes(*it, key, staged.stage));
        let last = self.last(staged, key, &before);
        let written: Option<Vec<SchemaPart<'a>>> =
            last.iter().map(|it| self.written(*it, key)).collect();
        let written = written?;
        let is_held = given.is_some() || !written.is_empty();
        is_held.then_some(Held {
            written,
            given,
            always,
        })
    }
}

/// What may be under a key.
pub(in crate::rollcall) struct Held<'a> {
    /// What its writers say of it.
    pub(in crate::rollcall) written: Vec<SchemaPart<'a>>,
    /// Where a run may be started with it, what its readers say of it, each of whom has to take it.
    given: Option<Vec<SchemaPart<'a>>>,
    /// Whether there is always something.
    always: bool,
}

impl Held<'_> {
    pub(in crate::rollcall) fn may_be(&self, value: &Json) -> bool {
        !self.always && value.is_null() || self.some(|part| takes(part, value))
    }

    pub(in crate::rollcall) fn may_be_number(&self) -> bool {
        self.some(may_be_number)
    }

    /// Whether it is so of what some writer says, or of what all say who read what is given.
    fn some(&self, is: impl Fn(SchemaPart<'_>) -> bool) -> bool {
        let given = self.given.as_ref();
        self.written.iter().any(|part| is(*part))
            || given.is_some_and(|parts| parts.iter().all(|part| is(*part)))
    }

    /// What it is, for a person: "written as boolean".
    pub(in crate::rollcall) fn told(&self) -> String {
        let told = |how: &str, parts: &[SchemaPart<'_>], or: &str| {
            let mut told: Vec<String> = parts.iter().filter_map(|it| described(*it)).collect();
            told.dedup();
            (!told.is_empty()).then(|| format!("{how} as {}", told.join(or)))
        };
        let given = self.given.as_deref().unwrap_or_default();
        let ways = [
            told("written", &self.written, " or "),
            told("given", given, " and as "),
        ];
        ways.into_iter().flatten().collect::<Vec<_>>().join(" or ")
    }
}

fn may_be_number(part: SchemaPart<'_>) -> bool {
    // What says nothing takes this one, too.
    let said = described(part);
    said.is_none_or(|said| {
        said.split(" or ")
            .any(|kind| matches!(kind, "integer" | "number"))
    }) || values(part).is_some_and(|values| values.iter().any(|value| value.is_number()))
}

/// Whether a key is there, and not null, wherever a stage runs: a condition of it asks for that.
pub(super) fn is_there(stage: &Stage, key: &str) -> bool {
    let mut conditions = stage.when.iter().filter(|it| it.key.get_ref() == key);
    conditions.any(|it| it.unmet(&Patch::new()).is_some())
}

/// The handler that a stage names.
fn handler(stage: &Stage) -> &str {
    let handler = stage.handler.as_ref();
    handler.map_or("", |handler| handler.get_ref())
}

/// The stages to which a run may go back from one.
fn returns(stage: &Stage) -> impl Iterator<Item = String> {
    let outcomes = FOLLOWS
        .iter()
        .filter_map(|(outcome, _)| match stage.follow(outcome) {
            Follow::Goto(target) => Some(target),
            _ => None,
        });
    let parts = stage.regenerate.values();
    outcomes.chain(parts.map(|target| target.get_ref().clone()))
}
