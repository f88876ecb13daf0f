//! The mends of misses, done as they are printed: a mend that is a line or a word to write is
//! written, and the miss has to be gone. What takes a person to decide is left alone.

use super::ground::{Ground, told};
use crate::rollcall::Reference;
use crate::workspace::Place;

/// Misses whose mend was done and did not mend them, in words.
pub(super) async fn wrong(file: &str, from: &str, to: &str) -> Vec<String> {
    let mut ground = Ground::good();
    ground.replace(file, from, to);
    let roll = ground.roll().await;
    let mut wrong = Vec::new();
    for reference in roll.misses() {
        let (text, mend) = told(reference);
        let mut mended = Ground::good();
        mended.replace(file, from, to);
        if !done(&mut mended, reference, &mend) {
            continue;
        }
        match mended.called().await {
            Ok(roll) if !roll.misses().any(|it| told(it).0 == text) => {}
            Ok(_) => wrong.push(format!("{text}\n  is there after: {mend}")),
            Err(problem) => wrong.push(format!("{text}\n  {problem} after: {mend}")),
        }
    }
    wrong.extend(circle(ground).await);
    wrong
}

/// The most mends that one slip may take.
const MENDS: usize = 6;

/// Do what is said, one mend after the other, until all answer or it takes a person to decide: a
/// workspace that was there before is a circle.
async fn circle(mut ground: Ground) -> Option<String> {
    let mut seen = vec![ground.files()];
    while let Some(mend) = step(&mut ground).await {
        if seen.contains(&ground.files()) || seen.len() > MENDS {
            return Some(format!("in a circle, or for ever, with: {mend}"));
        }
        seen.push(ground.files());
    }
    None
}

/// Do the mend of the first cause that can be mended without a thought.
async fn step(ground: &mut Ground) -> Option<String> {
    let roll = ground.called().await.ok()?;
    let causes = roll.causes();
    let mut mends = causes.into_iter().map(|(cause, _)| (cause, told(cause).1));
    mends.find_map(|(cause, mend)| done(ground, cause, &mend).then_some(mend))
}

/// Whether all answer in the end, if one does what is said of each first cause.
pub(super) async fn settles(mut ground: Ground) -> Result<(), String> {
    for _ in 0..MENDS {
        let roll = ground.called().await?;
        if roll.misses().next().is_none() {
            return Ok(());
        }
        let told: Vec<_> = roll.misses().map(told).collect();
        step(&mut ground)
            .await
            .ok_or(format!("nothing to do for {told:#?}"))?;
    }
    Err("it takes too many mends".to_owned())
}

/// Do what a mend says; whether it is something that can be done without a thought.
fn done(ground: &mut Ground, miss: &Reference, mend: &str) -> bool {
    if let Some((file, lines)) = after(mend, &["add to ", "write in "]) {
        let text = format!("{}\n{}\n", ground.text(file), lines.replace('…', "x"));
        ground.write(file, &text);
        return true;
    }
    if let Some((place, line)) = after(mend, &["write under "])
        && let Some((header, file)) = place.split_once(" in ")
    {
        let text = ground.text(file);
        let text = text.replacen(header, &format!("{header}\n{line}"), 1);
        ground.write(file, &text);
        return true;
    }
    let word = mend
        .strip_prefix("write `")
        .and_then(|it| it.split_once('`'));
    match (word, &miss.place) {
        (Some((word, "")), Some(place)) => written(ground, place, &miss.target, word),
        (Some((word, rest)), Some(place)) if rest.starts_with(", ") || rest.starts_with(" or ") => {
            written(ground, place, &miss.target, word)
        }
        _ => false,
    }
}

/// What follows one of some beginnings, up to the colon, and the lines after it.
fn after<'m>(mend: &'m str, beginnings: &[&str]) -> Option<(&'m str, &'m str)> {
    let rest = beginnings.iter().find_map(|it| mend.strip_prefix(it))?;
    rest.split_once(":\n")
}

/// Write a word in place of what is missed, or a line in place of the line with its key.
fn written(ground: &mut Ground, place: &Place, target: &str, word: &str) -> bool {
    let text = ground.text(&place.file);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let Some(line) = lines.get_mut(place.line - 1) else {
        return false;
    };
    let key = word.split_once(" = ").map(|(key, _)| key);
    let path = word
        .rsplit_once('.')
        .map(|(path, _)| format!("{path}.{target}"));
    let mended = match (key, path) {
        (Some(key), _) if line.trim_start().starts_with(key) => word.to_owned(),
        (Some(_), _) => return false,
        _ if word.starts_with('[') => word.to_owned(),
        (None, Some(path)) if line.contains(&path) => line.replacen(&path, word, 1),
        _ if line.contains(target) => line.replacen(target, word, 1),
        _ => return false,
    };
    *line = mended;
    ground.write(&place.file, &(lines.join("\n") + "\n"));
    true
}
