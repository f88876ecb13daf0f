//! Policies that would eat each other's rows, found from what the contracts of their handlers
//! say. Of two policies on the same table, for a common source:
//!
//! 1. **None deletes what the other writes.** A collapse writes summaries in place of the rows
//!    it is given; a prune that takes summaries loses the memory.
//! 2. **None deletes what the other has yet to read.** A handler that reads rows from an age on
//!    needs them until then, and until its next turn after that. A prune that takes rows sooner,
//!    or whatever their age, takes them first. Rows whose source is gone are excepted: they
//!    stand for nothing.
//!
//! Only policies that are enabled count.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use crate::handler::{Contract, RowAct, RowUse, TableNeed};
use crate::policy::Policy;
use crate::workspace::Defined;

const DAY: f64 = 86_400.0;
/// Times of a schedule that its longest pause is told by.
const TIMES: usize = 24;

/// A policy, and what its handler says of itself.
struct Keeper<'a> {
    defined: &'a Defined<Policy>,
    contract: &'a Contract,
    config: Map<String, Json>,
}

/// Two uses of one class of rows by two policies, the first of which deletes it.
struct Pair<'a> {
    eater: &'a Keeper<'a>,
    deletes: &'a RowUse,
    other: &'a Keeper<'a>,
    uses: &'a RowUse,
}

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let keepers = keepers(scope);
    let mut references = Vec::new();
    for eater in &keepers {
        let others = keepers.iter().filter(|other| other.name() != eater.name());
        for other in others {
            references.extend(pairs(eater, other).iter().filter_map(Pair::reference));
        }
    }
    references
}

fn keepers<'a>(scope: &RollScope<'a>) -> Vec<Keeper<'a>> {
    let policies = scope.definitions.policies.values();
    let enabled = policies.filter(|policy| policy.value.enabled);
    enabled
        .filter_map(|defined| {
            let handler = defined.value.handler.get_ref();
            let contract = &scope.registry.get(handler)?.contract;
            Some(Keeper {
                defined,
                contract,
                config: contract.configured(&defined.value.config),
            })
        })
        .collect()
}

fn pairs<'a>(eater: &'a Keeper<'a>, other: &'a Keeper<'a>) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    for (mine, theirs) in eater.tables().flat_map(|mine| {
        let common = other.tables().filter(move |theirs| {
            let table = mine.table.of(&eater.config);
            table.is_some() && table == theirs.table.of(&other.config)
        });
        common.map(move |theirs| (mine, theirs))
    }) {
        let sources = (eater.source(mine), other.source(theirs));
        if matches!(sources, (Some(mine), Some(theirs)) if mine != theirs) {
            continue;
        }
        let deletes = mine.rows.iter().filter(|rows| rows.act == RowAct::Deletes);
        for deletes in deletes {
            let same = theirs
                .rows
                .iter()
                .filter(|uses| uses.class == deletes.class);
            pairs.extend(same.map(|uses| Pair {
                eater,
                deletes,
                other,
                uses,
            }));
        }
    }
    pairs
}

impl Keeper<'_> {
    fn name(&self) -> &str {
        self.defined.value.name.get_ref()
    }

    fn tables(&self) -> impl Iterator<Item = &TableNeed> {
        self.contract.needs.tables.iter()
    }

    fn source(&self, need: &TableNeed) -> Option<&str> {
        self.config.get(need.source_key.as_ref()?)?.as_str()
    }

    fn days(&self, rows: &RowUse) -> Option<f64> {
        self.config.get(rows.age_key.as_ref()?)?.as_f64()
    }

    /// The days that may pass before it has its next turn.
    fn pause(&self) -> f64 {
        let policy = &self.defined.value;
        let clock = policy.schedules.iter().flat_map(|schedule| {
            let next = |at: &Timestamp| schedule.next(*at);
            let first = next(&Timestamp::UNIX_EPOCH);
            let times: Vec<_> = std::iter::successors(first, next).take(TIMES).collect();
            let pauses = times.windows(2).map(|pair| pair[1].duration_since(pair[0]));
            pauses
                .filter_map(|pause| Duration::try_from(pause).ok())
                .collect::<Vec<_>>()
        });
        let longest = policy
            .every
            .map(|every| every.0)
            .into_iter()
            .chain(clock)
            .max();
        longest.unwrap_or_default().as_secs_f64() / DAY
    }
}

impl Pair<'_> {
    /// `None` if the one has no need of what the other deletes.
    fn reference(&self) -> Option<Reference> {
        let miss = match self.uses.act {
            RowAct::Writes => Some(self.eaten()),
            RowAct::Reads if self.deletes.orphans => return None,
            RowAct::Reads => self.too_soon(self.other.days(self.uses)?),
            RowAct::Deletes => return None,
        };
        let age = self.deletes.age_key.as_ref();
        let key = age.map_or("handler".to_owned(), |key| format!("config.{key}"));
        let path: Vec<&str> = key.split('.').collect();
        let referrer = Referrer::policy(self.eater.name());
        let target = format!("policy {}", self.other.name());
        let reference = Reference::new(referrer, &key, ReferenceKind::Retention, target);
        Some(reference.at(self.eater.defined.at(&path)).missed(miss))
    }

    fn eaten(&self) -> Miss {
        let problem = format!(
            "`{}` deletes the {} rows that policy `{}` writes",
            self.eater.contract.name,
            self.deletes.class,
            self.other.name()
        );
        Miss::new(problem, self.either())
    }

    /// Rows are deleted before the other policy has had its turn with them.
    fn too_soon(&self, age: f64) -> Option<Miss> {
        let (class, other) = (&self.deletes.class, self.other.name());
        let Some(key) = &self.deletes.age_key else {
            let problem = format!(
                "it deletes {class} rows whatever their age, and policy `{other}` reads them after {age} days"
            );
            return Some(Miss::new(problem, self.either()));
        };
        let days = self.eater.days(self.deletes)?;
        let until = age + self.other.pause();
        (days <= until).then(|| {
            let problem = format!(
                "it deletes {class} rows after {days} days, and policy `{other}` reads them after {age} and may come to it on day {} only",
                until.ceil()
            );
            let theirs = self.uses.age_key.as_deref().unwrap_or_default();
            let mend = format!(
                "write `{key} = {}` or more, or a smaller `{theirs}` in {}",
                until.floor() + 1.0,
                self.other.defined.file
            );
            Miss::new(problem, mend)
        })
    }

    fn either(&self) -> String {
        format!(
            "write `enabled = false` in {} or in {}, or keep them to different sources",
            self.eater.defined.file, self.other.defined.file
        )
    }
}
