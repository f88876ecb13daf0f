//! Which stage comes after which, worked out once for a whole pipeline: each question about it is
//! a look at a bit then, however many stages there are.

use std::collections::HashMap;

use super::Pipeline;

/// The stages of a pipeline by their number, with those that each of them comes after.
pub struct Graph<'p> {
    numbers: HashMap<&'p str, usize>,
    /// The stages that each needs, without those that are not there.
    needed: Vec<Vec<usize>>,
    above: Vec<Bits>,
    /// Stages that need one that is not there.
    broken: Vec<usize>,
}

/// A set of stages.
#[derive(Clone)]
struct Bits(Vec<u64>);

impl Bits {
    fn has(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 == 1
    }

    /// Whether it was not in there.
    fn insert(&mut self, number: usize) -> bool {
        let is_new = !self.has(number);
        self.0[number / 64] |= 1 << (number % 64);
        is_new
    }

    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }
}

impl<'p> Graph<'p> {
    pub fn of(pipeline: &'p Pipeline) -> Self {
        let stages = &pipeline.stages;
        let mut numbers = HashMap::new();
        for (number, stage) in stages.iter().enumerate() {
            numbers.entry(stage.id()).or_insert(number);
        }
        let number = |need| numbers.get(need).copied();
        let needed = stages.iter().map(|stage| {
            let mut needed: Vec<usize> = stage.needed().filter_map(number).collect();
            needed.sort_unstable();
            needed.dedup();
            needed
        });
        let broken = stages.iter().enumerate().filter_map(|(at, stage)| {
            let mut needed = stage.needed();
            needed.any(|need| number(need).is_none()).then_some(at)
        });
        let (needed, broken): (Vec<_>, Vec<_>) = (needed.collect(), broken.collect());
        let above = above(&needed);
        Self {
            numbers,
            needed,
            above,
            broken,
        }
    }

    /// The number of a stage, if it is there.
    pub fn number(&self, id: &str) -> Option<usize> {
        self.numbers.get(id).copied()
    }

    /// The stages that one needs itself, by number.
    pub fn needed(&self, number: usize) -> &[usize] {
        &self.needed[number]
    }

    /// Whether a stage needs another, directly or not.
    pub fn is_after(&self, number: usize, other: usize) -> bool {
        self.above[number].has(other)
    }

    /// Every stage that one needs, directly or not, by number.
    pub fn above(&self, number: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.needed.len()).filter(move |other| self.is_after(number, *other))
    }

    /// Stages that come after themselves.
    pub fn circle(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.needed.len()).filter(|number| self.is_after(*number, *number))
    }

    /// The first of a stage and those before it that needs one that is not there.
    pub fn broken(&self, number: usize) -> Option<usize> {
        let mut broken = self.broken.iter().copied();
        broken.find(|other| *other == number || self.is_after(number, *other))
    }

    /// The stages that need each one, by number.
    pub fn dependents(&self) -> Vec<Vec<usize>> {
        dependents(&self.needed)
    }
}

fn dependents(needed: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut dependents = vec![Vec::new(); needed.len()];
    for (number, needs) in needed.iter().enumerate() {
        for need in needs {
            dependents[*need].push(number);
        }
    }
    dependents
}

/// What each stage comes after. One whose needs are known takes theirs; those of a circle, and
/// after one, are followed one by one.
fn above(needed: &[Vec<usize>]) -> Vec<Bits> {
    let none = Bits(vec![0; needed.len().div_ceil(64)]);
    let mut above = vec![none.clone(); needed.len()];
    let mut waits: Vec<usize> = needed.iter().map(Vec::len).collect();
    let dependents = dependents(needed);
    let is_free = |(number, count): (usize, &usize)| (*count == 0).then_some(number);
    let mut free: Vec<usize> = waits.iter().enumerate().filter_map(is_free).collect();
    while let Some(number) = free.pop() {
        for after in &dependents[number] {
            let theirs = above[number].clone();
            above[*after].add(&theirs);
            above[*after].insert(number);
            waits[*after] -= 1;
            if waits[*after] == 0 {
                free.push(*after);
            }
        }
    }
    for number in (0..needed.len()).filter(|number| waits[*number] > 0) {
        let mut open = needed[number].clone();
        let mut seen = none.clone();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(&needed[next]);
            }
        }
        above[number] = seen;
    }
    above
}
