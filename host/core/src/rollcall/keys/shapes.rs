//! What is written under a key can be read: whatever each writer that may be the last one says of it, part by
//! part, is held against what the reader says.

use super::{KeyFlow, Staged, outcome_passed_over, passed_over, same_way};
use crate::handler::schema::{Part, Unfit, unfit};
use crate::pipeline::{FOLLOWS, Follow, Stage};
use crate::rollcall::Miss;

impl<'a> KeyFlow<'a> {
    /// What a stage writes under a key.
    fn written(&self, number: usize, key: &str) -> Option<Part<'a>> {
        Part::key(&self.contract(number)?.writes, key)
    }

    /// What each writer of a key says of it. Nothing of an input key.
    pub(in crate::rollcall) fn written_as(&self, key: &str) -> Vec<Part<'a>> {
        let writers = self.writers(key).iter();
        writers.filter_map(|it| self.written(*it, key)).collect()
    }

    /// Whether a stage writes a key whenever another one is reached.
    pub(super) fn always_writes(&self, writer: usize, key: &str, reader: &Stage) -> bool {
        let stage = self.stage(writer);
        let contract = self.contract(writer);
        contract.is_some_and(|it| Part::is_required(&it.writes, key))
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
        let read = Part::key(&self.contract(staged.number)?.reads, key)?;
        let writers = self.last(staged, key, before);
        let (writer, unfit) = writers.into_iter().find_map(|writer| {
            let unfit = unfit(self.written(writer, key)?, read)?;
            Some((self.stage(writer), unfit))
        })?;
        let reader = handler(staged.stage);
        let problem = format!("stage `{}` {}", writer.id(), unfit.told(key, reader));
        Some(Miss::new(problem, self.mend(&unfit, writer, staged.stage)))
    }

    /// Of two names that are alike the slip is a plugin's; of two plugins' the reader's.
    fn mend(&self, unfit: &Unfit, writer: &Stage, reader: &Stage) -> String {
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

    /// What may be under a key when a stage is reached: what its writers say, and whether there is always
    /// something. `None` where a run is started with it, or a writer is not known.
    pub(in crate::rollcall) fn held(
        &self,
        staged: &Staged<'_>,
        key: &str,
    ) -> Option<(Vec<Part<'a>>, bool)> {
        if self.pipeline.input.contains_key(key) || !self.unknown.is_empty() {
            return None;
        }
        let writers = self.writers(key).iter().copied();
        let before: Vec<usize> = writers
            .filter(|it| staged.graph.is_after(staged.number, *it))
            .collect();
        let always = before
            .iter()
            .any(|it| self.always_writes(*it, key, staged.stage));
        let last = self.last(staged, key, &before);
        let parts: Option<Vec<Part<'a>>> = last.iter().map(|it| self.written(*it, key)).collect();
        parts
            .filter(|parts| !parts.is_empty())
            .map(|parts| (parts, always))
    }
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
