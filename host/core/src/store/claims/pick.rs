//! Which of the runs that are due are taken: by priority, pipelines in turn, within the limits
//! of their keys. No IO.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Candidate;
use super::rates::Starts;

/// Runs of a pipeline and key that are under way.
#[derive(Debug, Clone, Deserialize)]
pub struct Load {
    pub pipeline: String,
    #[serde(rename = "limit_key")]
    pub key: Option<String>,
    pub at_once: Option<i64>,
    pub runs: i64,
}

/// What there is to choose from.
#[derive(Debug)]
pub struct ClaimChoice {
    loads: Vec<Load>,
    slots: usize,
    /// Runs of each key under way, and what this choice adds.
    by_key: BTreeMap<String, i64>,
    /// Runs of each rated key that started within its window, and what this choice adds.
    by_rate: BTreeMap<String, i64>,
    offered: BTreeMap<String, Candidate>,
}

impl ClaimChoice {
    pub fn new(loads: Vec<Load>, slots: usize) -> Self {
        let mut by_key = BTreeMap::new();
        for load in &loads {
            if let Some(key) = &load.key {
                *by_key.entry(key.clone()).or_default() += load.runs;
            }
        }
        Self {
            loads,
            slots,
            by_key,
            by_rate: BTreeMap::new(),
            offered: BTreeMap::new(),
        }
    }

    /// Keys that have no place left.
    pub fn full_keys(&self) -> BTreeSet<String> {
        let full = self.loads.iter().filter_map(|load| {
            let (key, most) = (load.key.as_ref()?, load.at_once?);
            (self.by_key.get(key)? >= &most).then(|| key.clone())
        });
        full.collect()
    }

    /// Offer runs of one pipeline with what started of their keys; gives the keys that are
    /// spent once as many of them as can are taken.
    pub(super) fn offer(
        &mut self,
        candidates: Vec<Candidate>,
        started: &Starts,
    ) -> BTreeSet<String> {
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for candidate in candidates {
            if let Some(key) = &candidate.key {
                if candidate.rate.is_some() {
                    let runs = started.of(&candidate);
                    self.by_rate.entry(key.clone()).or_insert(runs);
                }
                *counts.entry(key.clone()).or_default() += 1;
            }
            self.offered.insert(candidate.id.clone(), candidate);
        }
        let spent = self.offered.values().filter_map(|candidate| {
            let key = candidate.key.as_ref()?;
            let offered = counts.get(key).copied().unwrap_or_default();
            (self.room(candidate)? <= offered).then(|| key.clone())
        });
        spent.collect()
    }

    /// How many more runs of a candidate's key fit; `None` is no limit.
    fn room(&self, candidate: &Candidate) -> Option<i64> {
        let key = candidate.key.as_ref()?;
        let count = |map: &BTreeMap<String, i64>| map.get(key).copied().unwrap_or_default();
        let slots = candidate.at_once.map(|most| most - count(&self.by_key));
        let starts = candidate.rate.map(|most| most - count(&self.by_rate));
        [slots, starts].into_iter().flatten().min()
    }

    /// The ids to take. Of the same priority, the pipeline with the fewest runs under way comes
    /// first, then who has waited longest.
    pub fn pick(mut self) -> Vec<String> {
        let mut running: BTreeMap<String, i64> = BTreeMap::new();
        for load in &self.loads {
            *running.entry(load.pipeline.clone()).or_default() += load.runs;
        }
        let mut left: Vec<Candidate> = std::mem::take(&mut self.offered).into_values().collect();
        let mut picked = Vec::new();
        while picked.len() < self.slots {
            left.retain(|candidate| self.room(candidate).is_none_or(|room| room > 0));
            let next = left.iter().enumerate().min_by_key(|(_, candidate)| {
                let turn = running
                    .get(&candidate.pipeline)
                    .copied()
                    .unwrap_or_default();
                (-candidate.priority, turn, candidate.wake_at, &candidate.id)
            });
            let Some(index) = next.map(|(index, _)| index) else {
                break;
            };
            let taken = left.swap_remove(index);
            *running.entry(taken.pipeline).or_default() += 1;
            if let Some(key) = taken.key {
                *self.by_key.entry(key.clone()).or_default() += 1;
                *self.by_rate.entry(key).or_default() += i64::from(taken.rate.is_some());
            }
            picked.push(taken.id);
        }
        picked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(id: &str, pipeline: &str, wake_at: i64) -> Candidate {
        Candidate {
            id: id.into(),
            pipeline: pipeline.into(),
            priority: 0,
            wake_at,
            key: None,
            at_once: None,
            rate: None,
            rate_window: None,
        }
    }

    fn pick(loads: Vec<Load>, slots: usize, candidates: Vec<Candidate>) -> Vec<String> {
        let mut wanted = ClaimChoice::new(loads, slots);
        wanted.offer(candidates, &Starts::default());
        wanted.pick()
    }

    #[test]
    fn pipelines_take_turns_and_the_busy_one_waits() {
        let many = (0..5).map(|n| due(&format!("a{n}"), "a", n));
        let few = (0..2).map(|n| due(&format!("b{n}"), "b", 100 + n));
        let all: Vec<_> = many.chain(few).collect();
        assert_eq!(pick(vec![], 4, all.clone()), ["a0", "b0", "a1", "b1"]);
        let busy = Load {
            pipeline: "a".into(),
            key: None,
            at_once: None,
            runs: 2,
        };
        assert_eq!(pick(vec![busy], 3, all), ["b0", "b1", "a0"]);
    }

    #[test]
    fn a_greater_priority_goes_first() {
        let urgent = Candidate {
            priority: 1,
            ..due("urgent", "a", 9)
        };
        let all = vec![due("old", "a", 1), due("other", "b", 1), urgent];
        assert_eq!(pick(vec![], 2, all), ["urgent", "other"]);
    }

    #[test]
    fn a_key_takes_no_more_than_its_slots() {
        let keyed = |id: &str, wake_at| Candidate {
            key: Some("k".into()),
            at_once: Some(2),
            ..due(id, "a", wake_at)
        };
        let all = || {
            vec![
                keyed("k1", 1),
                keyed("k2", 2),
                keyed("k3", 3),
                due("free", "a", 4),
            ]
        };
        assert_eq!(pick(vec![], 9, all()), ["k1", "k2", "free"]);
        let load = |runs| Load {
            pipeline: "a".into(),
            key: Some("k".into()),
            at_once: Some(2),
            runs,
        };
        assert_eq!(pick(vec![load(1)], 9, all()), ["k1", "free"]);
        let wanted = ClaimChoice::new(vec![load(2)], 9);
        assert_eq!(wanted.full_keys(), BTreeSet::from(["k".to_owned()]));
    }

    #[test]
    fn a_rate_counts_what_started_within_the_window() {
        let rated = |id: &str| Candidate {
            key: Some("k".into()),
            rate: Some(3),
            rate_window: Some(1),
            ..due(id, "a", 1)
        };
        let mut wanted = ClaimChoice::new(vec![], 9);
        let started = Starts::of_one(&rated("1"), 1);
        let spent = wanted.offer(vec![rated("1"), rated("2"), rated("3")], &started);
        assert_eq!(spent, BTreeSet::from(["k".to_owned()]));
        assert_eq!(wanted.pick(), ["1", "2"]);
    }
}
