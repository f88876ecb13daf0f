//! What a handler reports. There is no default and no boolean, so "ok" cannot be said by
//! accident; a panic, a trap and a timeout are failures with a kind of their own.

mod failure;
mod kept;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

pub use self::failure::{Failure, FailureKind};
use self::kept::{fallbacks, flags};
use crate::handler::is_name;
use crate::shown::cut;
use crate::value::{self, ColumnError, Statement};

/// Keys and values that a stage hands to the stages after it.
pub type Patch = Map<String, Json>;

/// What came of one call of a handler, as the engine stores it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The work is done.
    Done(Done<Patch>),
    #[serde(untagged)]
    Stopped(Stop),
}

/// The work is done. `P` is what the stage writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Done<P> {
    /// What it hands to the stages after it, by key.
    pub patch: P,
    /// What changed in the world, counted: rows deleted, letters sent.
    #[serde(default)]
    pub effects: Effects,
    /// What was done in a lesser way than it should have been.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<Fallback>,
    /// What speaks against what it hands on, for a person to decide before that is published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// Statements that commit in the transaction of the checkpoint, exactly once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Json>")]
    pub writes: Vec<Statement>,
}

/// Counts by name. A sum stays at the most that a number holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Effects(BTreeMap<String, u64>);

impl Effects {
    /// Count so many more.
    pub fn count(&mut self, name: &str, more: u64) {
        let total = self.0.entry(name.to_owned()).or_default();
        *total = total.saturating_add(more);
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.0.values().copied().fold(0, u64::saturating_add)
    }
}

impl Deref for Effects {
    type Target = BTreeMap<String, u64>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// What a handler writes, by key; the error says why it has no keys.
pub(crate) fn keys_of<W: Serialize>(written: &W) -> Result<Patch, String> {
    match serde_json::to_value(written) {
        Ok(Json::Object(patch)) => Ok(patch),
        Ok(Json::Null) => Ok(Patch::new()),
        Ok(_) => Err("the patch is not an object of keys".to_owned()),
        Err(error) => Err(format!("patch: {error}")),
    }
}

impl<P> Done<P> {
    pub fn new(patch: P) -> Self {
        Self {
            patch,
            effects: Effects::default(),
            fallbacks: Vec::new(),
            flags: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// The same with another patch.
    pub fn with_patch<Q>(self, patch: impl FnOnce(P) -> Q) -> Done<Q> {
        Done {
            patch: patch(self.patch),
            effects: self.effects,
            fallbacks: self.fallbacks,
            flags: self.flags,
            writes: self.writes,
        }
    }

    /// Count an effect.
    #[must_use]
    pub fn effect(mut self, name: &str, count: u64) -> Self {
        self.effects.count(name, count);
        self
    }

    /// It was done in a lesser way: what did not do it, and why.
    #[must_use]
    pub fn fallback(mut self, what: impl Into<String>, why: impl Into<String>) -> Self {
        self.fallbacks.push(Fallback {
            what: what.into(),
            why: why.into(),
        });
        self
    }

    /// Something speaks against what is handed on, and a person is to decide.
    #[must_use]
    pub fn flag(mut self, why: impl Into<String>) -> Self {
        self.flags.push(why.into());
        self
    }

    /// Commit a statement together with the checkpoint.
    #[must_use]
    pub fn write(mut self, statement: Statement) -> Self {
        self.writes.push(statement);
        self
    }
}

/// Something that was done in a lesser way than it should have been. It is no failure, and it
/// is never silent: it is kept with the stage, shown, and a finding if it repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fallback {
    /// What did not do it: `role writer`.
    pub what: String,
    /// Why it did not.
    pub why: String,
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did not do it: {}", self.what, self.why)
    }
}

/// Why a handler did not do its work. Only `failed` is a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Stop {
    /// There was nothing to do.
    NothingToDo {
        /// Why there was not.
        reason: String,
    },
    /// Later: a busy device, a rate limit. No retry is consumed.
    Deferred {
        /// When it may go on.
        until: Timestamp,
        /// What it waits for.
        reason: String,
    },
    /// A decision, never "success with a flag".
    Rejected {
        /// The rule by which.
        rule: String,
        /// Why, for a person.
        detail: String,
        /// What it found, by key: stages that go on from the rejection read it, and so do those that
        /// a `goto` visits again.
        #[serde(default, skip_serializing_if = "Patch::is_empty")]
        patch: Patch,
    },
    /// A dependency did not answer: neither pass nor fail.
    Unavailable {
        /// What did not answer.
        dependency: String,
        /// How it was noticed.
        cause: String,
    },
    /// It failed.
    Failed(Failure),
}

impl From<ColumnError> for Stop {
    fn from(error: ColumnError) -> Self {
        Stop::failed(FailureKind::Internal, error)
    }
}

impl Stop {
    pub fn nothing_to_do(reason: impl Into<String>) -> Self {
        Stop::NothingToDo {
            reason: reason.into(),
        }
    }

    pub fn rejected(rule: &str, detail: impl Into<String>) -> Self {
        Stop::Rejected {
            rule: rule.to_owned(),
            detail: detail.into(),
            patch: Patch::new(),
        }
    }

    /// The same rejection, which hands on what was found: keys that the handler declares that it
    /// writes. Nothing but a rejection hands anything on.
    #[must_use]
    pub fn handing_on<W: Serialize>(self, found: &W) -> Self {
        match (self, keys_of(found)) {
            (Stop::Rejected { rule, detail, .. }, Ok(patch)) => Stop::Rejected {
                rule,
                detail,
                patch,
            },
            (Stop::Rejected { .. }, Err(problem)) => Stop::failed(FailureKind::Internal, problem),
            (other, _) => other,
        }
    }

    pub fn unavailable(dependency: impl Into<String>, cause: impl fmt::Display) -> Self {
        Stop::Unavailable {
            dependency: dependency.into(),
            cause: cause.to_string(),
        }
    }

    /// A failure that another attempt cannot mend.
    pub fn failed(kind: FailureKind, message: impl fmt::Display) -> Self {
        Stop::Failed(Failure {
            kind,
            message: message.to_string(),
            retryable: false,
        })
    }

    /// A failure that another attempt may mend.
    pub fn retryable(kind: FailureKind, message: impl fmt::Display) -> Self {
        Stop::Failed(Failure {
            kind,
            message: message.to_string(),
            retryable: true,
        })
    }
}

/// The most characters that are kept of a text that a handler says.
pub const LONGEST: usize = 4_000;
/// Characters that are kept of the detail of a run: what a stage said, which was cut before, with its
/// name, what it came to, and the note about the cut.
pub const DETAIL: usize = LONGEST + 200;
/// The most characters of a word of it: a rule, a dependency.
const LONGEST_WORD: usize = 200;
/// The most effects that one call counts.
const MOST_EFFECTS: usize = 64;
/// The most statements that commit with one checkpoint, which others wait for.
const MOST_WRITES: usize = 100;
impl Outcome {
    /// What is kept of what a handler said, native or plugin: its texts cut with a note, and a
    /// failure in place of effects that have no name, or too many.
    #[must_use]
    pub fn bounded(self) -> Self {
        match self {
            Outcome::Done(done) => match unfit(&done.effects).or_else(|| too_many(&done.writes)) {
                None => Outcome::Done(Done {
                    fallbacks: fallbacks(done.fallbacks),
                    flags: flags(done.flags),
                    ..done
                }),
                Some(problem) => Outcome::Stopped(Stop::failed(FailureKind::Internal, problem)),
            },
            Outcome::Stopped(stop) => Outcome::Stopped(stop.bounded()),
        }
    }

    /// What is handed to the stages after it: by work that is done, and by a rejection, if it says
    /// what it found.
    pub fn patch(&self) -> Option<&Patch> {
        match self {
            Outcome::Done(done) => Some(&done.patch),
            Outcome::Stopped(Stop::Rejected { patch, .. }) if !patch.is_empty() => Some(patch),
            Outcome::Stopped(_) => None,
        }
    }

    /// Bytes that what was written takes in memory, about.
    pub fn tree(&self) -> u64 {
        let patch = self.patch().into_iter().flat_map(|patch| patch.values());
        patch.map(value::tree_of).sum()
    }

    /// The one-word name of the outcome, as pipelines write it in `on.<outcome>`.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Done(_) => "done",
            Outcome::Stopped(stop) => stop.name(),
        }
    }

    /// What was done in a lesser way than it should have been.
    pub fn fallbacks(&self) -> &[Fallback] {
        match self {
            Outcome::Done(done) => &done.fallbacks,
            Outcome::Stopped(_) => &[],
        }
    }

    /// What speaks against what is handed on.
    pub fn flags(&self) -> &[String] {
        match self {
            Outcome::Done(done) => &done.flags,
            Outcome::Stopped(_) => &[],
        }
    }

    /// One sentence for a person. Of an outcome that is [bounded](Self::bounded) it is hardly longer than
    /// a text that a handler says, which is not cut again: the note would count only what is cut here.
    pub fn detail(&self) -> String {
        match self {
            Outcome::Done(done) => {
                let counts = done
                    .effects
                    .iter()
                    .map(|(name, count)| format!("{name} {count}"));
                let fallbacks = done.fallbacks.iter().map(ToString::to_string);
                let counts = counts.collect::<Vec<_>>().join(", ");
                let flags = done.flags.iter().map(|why| format!("flagged: {why}"));
                sentence(std::iter::once(counts).chain(flags).chain(fallbacks))
            }
            Outcome::Stopped(stop) => stop.to_string(),
        }
    }
}

/// One sentence for a person, no longer than what is kept of any text.
pub fn sentence(parts: impl IntoIterator<Item = String>) -> String {
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    cut(parts.collect::<Vec<_>>().join("; "), LONGEST)
}

/// Why statements are too many to commit with the checkpoint.
fn too_many(writes: &[Statement]) -> Option<String> {
    let count = Some(writes.len()).filter(|count| *count > MOST_WRITES)?;
    Some(format!(
        "{count} writes are deferred, and {MOST_WRITES} allowed; give one statement many rows, or write directly"
    ))
}

/// What is wrong with the effects that a handler counted.
fn unfit(effects: &Effects) -> Option<String> {
    if effects.len() > MOST_EFFECTS {
        let problem = format!(
            "{} effects are counted, and {MOST_EFFECTS} allowed",
            effects.len()
        );
        return Some(format!("{problem}; count what is alike under one name"));
    }
    let unnamed = effects.keys().find(|name| !is_name(name))?;
    let name = cut(unnamed, LONGEST_WORD);
    Some(format!(
        "`{name}` is no name of an effect; write 1 to 64 of `a-z`, `0-9` and `_`"
    ))
}

impl Stop {
    fn bounded(self) -> Self {
        let text = |text: String| cut(text, LONGEST);
        let word = |word: String| cut(word, LONGEST_WORD);
        match self {
            Stop::NothingToDo { reason } => Stop::NothingToDo {
                reason: text(reason),
            },
            Stop::Deferred { until, reason } => Stop::Deferred {
                until,
                reason: text(reason),
            },
            Stop::Rejected {
                rule,
                detail,
                patch,
            } => Stop::Rejected {
                rule: word(rule),
                detail: text(detail),
                patch,
            },
            Stop::Unavailable { dependency, cause } => Stop::Unavailable {
                dependency: word(dependency),
                cause: text(cause),
            },
            Stop::Failed(failure) => Stop::Failed(Failure {
                message: text(failure.message),
                ..failure
            }),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Stop::NothingToDo { .. } => "nothing-to-do",
            Stop::Deferred { .. } => "deferred",
            Stop::Rejected { .. } => "rejected",
            Stop::Unavailable { .. } => "unavailable",
            Stop::Failed(_) => "failed",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::NothingToDo { reason } => f.write_str(reason),
            Stop::Deferred { until, reason } => write!(f, "{reason}; again at {until}"),
            Stop::Rejected { rule, detail, .. } => write!(f, "{rule}: {detail}"),
            Stop::Unavailable { dependency, cause } => write!(f, "{dependency}: {cause}"),
            Stop::Failed(failure) => failure.fmt(f),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

#[cfg(test)]
mod tests;
