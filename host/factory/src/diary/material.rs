//! A bundle as a text for a model: whole changes, weightiest first, up to a limit, each with the
//! id by which a sentence cites it.

use std::fmt::Write as _;

use super::bundle::{Bundle, Change};
use super::composer::ranked;

/// The longest material, in bytes.
const LIMIT: usize = 24_000;

/// The material of a day. Changes that do not fit are counted in the last line.
pub fn material(bundle: &Bundle) -> String {
    let mut text = format!("Repository {} on {} (UTC)\n", bundle.name(), bundle.day);
    for release in &bundle.releases {
        writeln!(text, "Released on this day: {}", release.name).ok();
    }
    let mut left_out = 0;
    for change in ranked(bundle) {
        let part = part(change);
        if text.len() + part.len() > LIMIT {
            left_out += 1;
        } else {
            text.push_str(&part);
        }
    }
    if left_out > 0 {
        writeln!(text, "\n{left_out} lighter changes are not listed.").ok();
    }
    text
}

fn part(change: &Change) -> String {
    let breaking = if change.breaking { ", breaking" } else { "" };
    let theme = format!("{:?}", change.theme).to_lowercase();
    let mut part = format!("\n[{}] ({theme}{breaking}) {}\n", change.id, change.title);
    let lines = change.note.iter().chain(&change.reasons);
    let said: Vec<&str> = lines.map(String::as_str).collect();
    if !said.is_empty() {
        writeln!(part, "{}", said.join(" ")).ok();
    }
    for point in &change.points {
        writeln!(part, "- {} {}", point.title, point.reasons.join(" ")).ok();
    }
    let paths: Vec<&str> = change
        .commit
        .paths
        .iter()
        .take(8)
        .map(String::as_str)
        .collect();
    if !paths.is_empty() {
        writeln!(part, "files: {}", paths.join(", ")).ok();
    }
    part
}
