//! The roll call: before anything runs, every name that anything refers to has to answer.
//!
//! [`call`] lists each reference of a workspace, those that answer too, as (referrer, key,
//! kind, target), with the place where it is written. One that does not answer has a
//! [`Miss`]: what is missing, and the line or command that mends it. Each family of
//! references has a file here; only `schema` asks the database.

mod acted;
mod addition;
mod asked;
mod bounds;
mod budgets;
mod causes;
mod component;
mod concern;
mod conditions;
mod configuration;
mod declarations;
mod granted_roles;
mod grants;
mod guards;
mod handlers;
mod judged;
mod keys;
mod lacking;
mod lost;
mod pipelines;
mod plugins;
mod policies;
mod prices;
mod prompts;
mod reach;
mod referrer;
mod retention;
mod rows;
mod sample;
mod schedules;
mod schema;
mod settings;
mod settling;
mod test_cases;
mod unable;
mod unread;

use std::fmt;
use std::path::Path;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;

pub use self::causes::FirstMiss;
pub(crate) use self::causes::Misses;
pub(crate) use self::concern::Concern;
pub(crate) use self::handlers::handler_of;
pub use self::referrer::Referrer;
use self::schema::LiveSchema;
pub use self::unread::list as unread;
use crate::registry::Registry;
use crate::settings::Snapshot;
use crate::store::{Store, StoreError};
use crate::workspace::{Definitions, Place};

/// Who is called, and who is there to answer.
#[derive(Clone, Copy)]
pub struct RollScope<'a> {
    /// The folder of the workspace.
    pub folder: &'a Path,
    pub definitions: &'a Definitions,
    pub registry: &'a Registry,
    /// Plugins that did not load.
    pub refused: &'a [RefusedPlugin],
    pub store: &'a Store,
    pub settings: &'a Snapshot,
    /// Files below `handlers/` as known when the program was built, `<surface>/<name>.rs`.
    pub native_files: &'a [&'a str],
}

/// A family of references that a tenant knows of.
pub type RollRule = fn(&RollScope<'_>) -> Vec<Reference>;

/// The rules of a tenant.
pub struct RollRules(pub &'static [RollRule]);

inventory::collect!(RollRules);

/// One that asks the database, too.
pub type LiveRule = for<'s> fn(RollScope<'s>) -> BoxFuture<'s, Result<Vec<Reference>, StoreError>>;

/// The rules of a tenant that ask the database.
pub struct LiveRules(pub &'static [LiveRule]);

inventory::collect!(LiveRules);

/// A plugin that did not load, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedPlugin {
    pub plugin: String,
    pub problem: String,
    pub mend: String,
}

/// What a reference refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[schemars(rename = "ReferenceKind")]
#[serde(rename_all = "kebab-case")]
pub enum ReferenceKind {
    /// A pipeline by name.
    Pipeline,
    /// A handler by name.
    Handler,
    /// A configuration that has to fit the handler's schema.
    Config,
    /// A stage that is needed or gone to.
    Stage,
    /// An order in which the stages can run.
    Order,
    /// The name of an outcome, and what follows from it.
    Outcome,
    /// A bound of a loop.
    Visits,
    /// A stage that ends the run.
    Terminal,
    /// The question of a gate.
    Gate,
    /// A verdict that is required.
    Verdict,
    /// A key that a stage reads or writes.
    Key,
    /// A key that a run is started with.
    Input,
    /// A length of time.
    Time,
    /// How many runs may do something.
    Limit,
    Setting,
    Role,
    Prompt,
    /// A variable of a prompt.
    Variable,
    /// A template of a tenant.
    Template,
    /// A table of the live schema.
    Table,
    /// A column of a table of the live schema.
    Column,
    /// What one policy keeps for another.
    Retention,
    Plugin,
    Component,
    /// A version of the WIT contract.
    Wit,
    /// Something a plugin asks for.
    Grant,
    /// What a plugin said of itself when it was applied.
    Contract,
    /// A file of a native handler.
    NativeFile,
    /// A file or folder of the workspace.
    File,
    /// A note: a handler that nothing refers to.
    Unreferenced,
    /// A note: a setting that nothing reads.
    Unread,
}

impl fmt::Display for ReferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl ReferenceKind {
    /// Whether it is worth knowing, rather than a reference.
    pub fn is_note(self) -> bool {
        matches!(self, ReferenceKind::Unreferenced | ReferenceKind::Unread)
    }
}

/// A name, who says it, and whether it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reference {
    /// Who refers.
    #[schemars(with = "String")]
    pub referrer: Referrer,
    /// Under which key.
    pub key: String,
    pub kind: ReferenceKind,
    /// What is referred to.
    pub target: String,
    /// Where it is written, if it is in a file of the workspace.
    pub place: Option<Place>,
    /// Why it does not answer.
    pub miss: Option<Miss>,
}

/// What is missing, and the line or command that mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Miss {
    /// What is missing.
    pub problem: String,
    /// The line or command that mends it.
    pub mend: String,
    /// The reference that has to answer first. If it does, this is a miss of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<FirstMiss>,
    /// It is a value that its pipeline waits for: runs of that are blocked, and nothing else is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// It stops nothing, and a person should know of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub warns: bool,
    /// The settings without a value, if one of each mends it.
    #[serde(skip)]
    pub unset: Vec<String>,
}

impl Miss {
    pub fn new(problem: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            mend: mend.into(),
            because: None,
            waits: false,
            warns: false,
            unset: Vec::new(),
        }
    }

    /// It lacks no more than the values of settings.
    #[must_use]
    pub fn unset(self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let unset = keys.into_iter().map(Into::into).collect();
        Self { unset, ..self }
    }

    /// Runs of its pipeline wait for it, and nothing else does.
    #[must_use]
    pub fn waiting(self) -> Self {
        Self {
            waits: true,
            ..self
        }
    }

    /// It stops nothing.
    #[must_use]
    pub fn warning(self) -> Self {
        Self {
            warns: true,
            ..self
        }
    }

    /// Whether nothing can be applied or run with it.
    fn stops(&self) -> bool {
        !self.waits && !self.warns
    }
}

impl Reference {
    /// A reference that answers, so far.
    pub fn new(
        referrer: impl Into<Referrer>,
        key: impl Into<String>,
        kind: ReferenceKind,
        target: impl Into<String>,
    ) -> Self {
        Self {
            referrer: referrer.into(),
            key: key.into(),
            kind,
            target: target.into(),
            place: None,
            miss: None,
        }
    }

    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    #[must_use]
    pub fn missed(mut self, miss: Option<Miss>) -> Self {
        self.miss = miss;
        self
    }
}

/// Every reference of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RollReport {
    /// Each reference, those that answer too.
    pub references: Vec<Reference>,
}

impl RollReport {
    /// References that do not answer, but for those that a pipeline waits for and for warnings.
    pub fn misses(&self) -> impl Iterator<Item = &Reference> {
        self.missed(Miss::stops)
    }

    /// References that do not answer yet, for which a pipeline waits.
    pub fn waiting(&self) -> impl Iterator<Item = &Reference> {
        self.missed(|miss| miss.waits)
    }

    /// What stops nothing, and a person should know of.
    pub fn warnings(&self) -> impl Iterator<Item = &Reference> {
        self.missed(|miss| miss.warns)
    }

    /// What one test of the workspace is held to: all that is defined, without other tests. Which values it
    /// lacks is told by itself; those that only other pipelines want are none of its business.
    #[must_use]
    pub fn of_test(mut self, name: &str) -> Self {
        self.references
            .retain(|reference| match &reference.referrer {
                Referrer::TestCase(test) => test == name,
                _ => reference.miss.as_ref().is_none_or(|it| it.unset.is_empty()),
            });
        self
    }

    fn missed(&self, is: fn(&Miss) -> bool) -> impl Iterator<Item = &Reference> {
        let references = self.references.iter();
        references.filter(move |reference| reference.miss.as_ref().is_some_and(is))
    }

    /// How many references have to answer: all but those that a pipeline waits for, and warnings.
    pub fn asked(&self) -> usize {
        self.references.len() - self.waiting().count() - self.warnings().count()
    }

    /// References that answer, without notes.
    pub fn answers(&self) -> impl Iterator<Item = &Reference> {
        let answered = self
            .references
            .iter()
            .filter(|reference| reference.miss.is_none());
        answered.filter(|reference| !reference.kind.is_note())
    }

    /// What is worth knowing and stops nothing.
    pub fn notes(&self) -> impl Iterator<Item = &Reference> {
        self.references
            .iter()
            .filter(|reference| reference.kind.is_note())
    }
}

/// Call the roll. A database that does not answer is an error, and no miss: what is written needs no
/// mend, and the caller that waits for a roll asks again.
pub async fn call(scope: &RollScope<'_>) -> Result<RollReport, StoreError> {
    let schema = LiveSchema::live(scope).await?;
    let logins = plugins::logins(scope).await?;
    let families = [
        handlers::list(scope),
        configuration::list(scope),
        pipelines::list(scope),
        guards::list(scope),
        judged::list(scope),
        acted::list(scope),
        reach::list(scope),
        keys::list(scope),
        conditions::list(scope),
        settling::list(scope),
        budgets::list(scope),
        policies::list(scope, &schema),
        retention::list(scope),
        rows::list(scope),
        schedules::list(scope),
        settings::list(scope),
        declarations::list(scope),
        schema::list(scope, &schema),
        prices::list(scope),
        prompts::list(scope),
        test_cases::list(scope),
        plugins::list(scope),
        grants::list(scope, &schema),
    ];
    let mut references: Vec<Reference> = families.into_iter().flatten().collect();
    let rules = inventory::iter::<RollRules>().flat_map(|rules| rules.0);
    references.extend(rules.flat_map(|rule| rule(scope)));
    for rule in inventory::iter::<LiveRules>().flat_map(|rules| rules.0) {
        references.extend(rule(*scope).await?);
    }
    references.extend(logins);
    causes::same_target(&mut references);
    Ok(RollReport { references })
}

/// Names that are listed at most; a person reads no more.
const LISTED: usize = 30;

/// Names as a person reads them: `a`, `b` and `c`.
fn named<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names = names.into_iter();
    let listed = names.by_ref().take(LISTED);
    let mut quoted: Vec<_> = listed.map(|name| format!("`{name}`")).collect();
    match names.count() {
        0 => {}
        more => quoted.push(format!("{more} more")),
    }
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests;
