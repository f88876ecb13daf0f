//! Whom a reference that does not answer concerns: the pipelines that depend on it, which wait
//! until it answers. What no pipeline depends on stops nothing.

use super::RunnableRevision;
use crate::pipeline::Pipeline;
use crate::rollcall::{self, Concern, Reference};

impl RunnableRevision {
    /// The references that a pipeline depends on and that do not answer; of those that follow
    /// from another, that other.
    pub fn misses_of(&self, pipeline: &Pipeline) -> Vec<&Reference> {
        let misses = rollcall::Misses::of(self.misses.iter());
        let grants = self.writers.iter();
        let concern = Concern {
            pipeline,
            registry: &self.registry,
            grants: grants
                .map(|(plugin, writer)| (plugin.as_str(), &writer.grants))
                .collect(),
        };
        concern.roots(&misses)
    }
}
