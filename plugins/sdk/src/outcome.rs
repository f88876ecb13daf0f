//! [`Done`]: the work was carried out, with what it wrote and what it changed.

use crate::db::Value;

/// The work was carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Done<W> {
    pub(crate) patch: W,
    pub(crate) effects: Vec<(String, u64)>,
    pub(crate) fallbacks: Vec<(String, String)>,
    pub(crate) writes: Vec<(String, Vec<Value>)>,
}

impl<W> Done<W> {
    /// Done, with the keys it writes.
    pub fn new(patch: W) -> Self {
        Self {
            patch,
            effects: Vec::new(),
            fallbacks: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// Count something that changed in the world: rows deleted, posts published. A call
    /// without effects is one that changed nothing, and the host keeps the score.
    #[must_use]
    pub fn effect(mut self, name: &str, count: u64) -> Self {
        self.effects.push((name.to_owned(), count));
        self
    }

    /// It was done in a lesser way than it should have been: what did not do it, and why. The
    /// host shows it, and tells a person if it repeats.
    #[must_use]
    pub fn fallback(mut self, what: &str, why: &str) -> Self {
        self.fallbacks.push((what.to_owned(), why.to_owned()));
        self
    }

    /// A statement that commits together with the checkpoint of the stage: exactly once,
    /// where a direct write is at least once.
    #[must_use]
    pub fn defer(mut self, statement: &str, params: impl IntoIterator<Item = Value>) -> Self {
        self.writes
            .push((statement.to_owned(), params.into_iter().collect()));
        self
    }
}
