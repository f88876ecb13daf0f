//! Stages that come after nobody who writes what they read, though somebody does: one name that lacks in
//! `needs` is told once, and whatever follows from it with that.

use super::{FirstMiss, Referrer};
use crate::pipeline::{Graph, Pipeline};

/// A stage, a key that nothing before it gives, and a stage that writes it.
pub(super) type MissingKey<'k> = (usize, &'k str, usize);

/// Those of one pipeline.
pub(super) struct Lacking(Vec<(usize, usize, FirstMiss)>);

impl Lacking {
    pub(super) fn of<'k>(pipeline: &Pipeline, lacks: impl Iterator<Item = MissingKey<'k>>) -> Self {
        let lacks = lacks.map(|(stage, key, writer)| {
            let referrer = Referrer::stage(pipeline.name(), pipeline.stages[stage].id());
            (
                stage,
                writer,
                FirstMiss::new(referrer, "handler").with_target(key),
            )
        });
        Self(lacks.collect())
    }

    /// The miss whose mend also has `stage` come after `other`: one at or before it lacks that one, or one
    /// behind that.
    pub(super) fn explains(
        &self,
        graph: &Graph<'_>,
        stage: usize,
        other: usize,
    ) -> Option<FirstMiss> {
        let reaches = |from: usize, to: usize| from == to || graph.is_after(from, to);
        let mut all = self.0.iter();
        let lack =
            all.find(|(lacks, writer, _)| reaches(stage, *lacks) && reaches(*writer, other))?;
        Some(lack.2.clone())
    }
}
