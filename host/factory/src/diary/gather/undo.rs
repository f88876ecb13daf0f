//! What was taken back on the day it was made is no news, and what was brought back is told once.

use super::super::text::bare;
use super::unit::Unit;

/// Take out what the day took back itself; gives how many commits that were.
pub(super) fn undo(units: &mut Vec<Unit>) -> u64 {
    let targets = targets(units);
    let mut stands = vec![true; units.len()];
    for (index, target) in targets.iter().enumerate() {
        if let Some(target) = target {
            set(&mut stands, &targets, *target, false);
            // That it was taken back is told by its absence.
            stands[index] = true;
        }
    }
    // A merge without words that was taken back is not there itself, only what it brought.
    for index in 0..units.len() {
        if stands[index] && targets[index].is_none() && units[index].reverts() {
            let came = |place: &usize| units[*place].came_with(&units[index]);
            let brought: Vec<usize> = (0..index).filter(came).collect();
            stands[index] = brought.is_empty();
            for place in brought {
                stands[place] = false;
            }
        }
    }
    // What stands and takes nothing of the day back is news.
    let mut news: Vec<Option<Unit>> = units.drain(..).map(Some).collect();
    for index in 0..news.len() {
        if let Some(origin) = restored(&targets, index)
            && stands[index]
            && stands[origin]
            && let Some(again) = news[index].take()
            && let Some(unit) = news[origin].as_mut()
        {
            unit.also.push(again.entry);
        }
    }
    let before: usize = news.iter().flatten().map(|unit| 1 + unit.also.len()).sum();
    let kept = news.into_iter().enumerate().filter_map(|(index, unit)| {
        let unit = unit?;
        (stands[index] && targets[index].is_none()).then_some(unit)
    });
    units.extend(kept);
    let told: usize = units.iter().map(|unit| 1 + unit.also.len()).sum();
    before.saturating_sub(told) as u64
}

/// Put each change that was picked onto another branch to the first one.
pub(super) fn join(units: &mut Vec<Unit>) {
    let mut joined: Vec<Unit> = Vec::with_capacity(units.len());
    for unit in units.drain(..) {
        match joined.iter_mut().find(|other| unit.is_picked_from(other)) {
            Some(first) => first.also.push(unit.entry),
            None => joined.push(unit),
        }
    }
    *units = joined;
}

/// Whether a unit stands, and with it what it took back.
fn set(stands: &mut [bool], targets: &[Option<usize>], index: usize, stand: bool) {
    let (mut at, mut stand) = (Some(index), stand);
    // A target is always an earlier one, so this ends.
    while let Some(index) = at {
        stands[index] = stand;
        stand = !stand;
        at = targets[index];
    }
}

/// The first of the units that this one brings back.
fn restored(targets: &[Option<usize>], index: usize) -> Option<usize> {
    targets[targets[index]?]
}

/// Which unit of the day each takes back.
fn targets(units: &[Unit]) -> Vec<Option<usize>> {
    let of = |(index, unit): (usize, &Unit)| {
        let earlier = || units[..index].iter().enumerate().rev();
        let named = |name: &String| earlier().find(|(_, other)| other.is_named(name));
        if let Some((target, _)) = unit.message.undoes.iter().find_map(named) {
            return Some(target);
        }
        // A branch that was moved has other ids than its messages say.
        let undo = unit.headline.undo.as_ref()?;
        let of = bare(&undo.of);
        let same = |other: &Unit| {
            let lines = [bare(&other.entry.subject), bare(&other.line())];
            other.headline.undo.is_none() && lines.contains(&of)
        };
        // A restored one names what it restores, which need not be of the day: the revert is between.
        let found = earlier().find(|(_, other)| same(other));
        let found = found.map(|(place, _)| place);
        if !undo.restores {
            return found;
        }
        let begins = found.map_or(0, |found| found + 1);
        let revert = units[begins..index].iter().position(|other| {
            let of = other.headline.undo.as_ref();
            of.is_some_and(|it| !it.restores && bare(&it.of) == bare(&undo.of))
        });
        revert.map(|place| begins + place)
    };
    units.iter().enumerate().map(of).collect()
}
