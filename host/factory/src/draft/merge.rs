//! Two texts that were made from one: what only one of them changed is taken, and what both changed
//! in another way is left to a person, marked.

use std::ops::Range;

use similar::{Algorithm, DiffOp, TextDiff, capture_diff_slices};

/// How marks begin; a text that has one is not settled.
const OURS: &str = "<<<<<<< draft ";
const BETWEEN: &str = "=======";
const THEIRS: &str = ">>>>>>> draft ";
/// The most that two texts are held against each other, in lines of the one times lines of the other, where they
/// differ: a post of common lines has a tenth of it. What is more is one change: texts of nothing but short
/// lines would be compared for minutes.
const LARGEST: usize = 1 << 25;

/// A text, and how marks and diffs name it: `2, edited by Ada`.
#[derive(Debug, Clone, Copy)]
pub struct MergeSide<'t> {
    pub text: &'t str,
    pub name: &'t str,
}

/// Merge two texts line by line, both made from `base`. What both changed alike is no conflict.
pub fn merge(base: &str, ours: MergeSide<'_>, theirs: MergeSide<'_>) -> String {
    let (base, a, b) = (lines(base), lines(ours.text), lines(theirs.text));
    let (of_a, of_b) = (changes(&base, &a), changes(&base, &b));
    let (mut text, mut at) = (String::new(), 0);
    for old in regions(&of_a, &of_b) {
        push(&mut text, &base[at..old.start]);
        at = old.end;
        let a = &a[side(&of_a, &old)];
        let b = &b[side(&of_b, &old)];
        let old = &base[old];
        if a == b || b == old {
            push(&mut text, a);
        } else if a == old {
            push(&mut text, b);
        } else {
            push(&mut text, &[&format!("{OURS}{}", ours.name)]);
            push(&mut text, a);
            push(&mut text, &[BETWEEN]);
            push(&mut text, b);
            push(&mut text, &[&format!("{THEIRS}{}", theirs.name)]);
        }
    }
    push(&mut text, &base[at..]);
    text.pop();
    text
}

/// How many unsettled places a text has.
pub fn unsettled(text: &str) -> i64 {
    let marks = |mark: &str| text.lines().filter(|line| line.starts_with(mark)).count();
    let most = marks(OURS).max(marks(THEIRS));
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// What one text changed of another, as a unified diff; empty if nothing.
pub fn unified(old: MergeSide<'_>, new: MergeSide<'_>) -> String {
    let (before, after) = (lines(old.text), lines(new.text));
    if !comparable(&before, &after) {
        let lines = |text: &str, mark: &str| -> String {
            text.lines().map(|line| format!("{mark}{line}\n")).collect()
        };
        let (count, all) = (old.text.lines().count(), new.text.lines().count());
        let head = format!(
            "--- {}\n+++ {}\n@@ -1,{count} +1,{all} @@\n",
            old.name, new.name
        );
        return head + &lines(old.text, "-") + &lines(new.text, "+");
    }
    let diff = TextDiff::from_lines(old.text, new.text);
    let mut unified = diff.unified_diff();
    unified.header(old.name, new.name).to_string()
}

fn lines(text: &str) -> Vec<&str> {
    text.split('\n').collect()
}

fn push(text: &mut String, lines: &[&str]) {
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
}

/// Lines of the base, with the lines that stand in their place.
type LineChange = (Range<usize>, Range<usize>);

/// Whether what differs of two texts is little enough to be compared line by line.
fn comparable(old: &[&str], new: &[&str]) -> bool {
    let (_, old, new) = differing(old, new);
    old.saturating_mul(new) <= LARGEST
}

/// How many lines two texts begin with alike, and how many differ of each between that and what they end with
/// alike.
fn differing(old: &[&str], new: &[&str]) -> (usize, usize, usize) {
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = old.iter().zip(new).take_while(same).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev());
    let tail = tail.take_while(same).count();
    (head, old.len() - tail, new.len() - tail)
}

fn changes(base: &[&str], new: &[&str]) -> Vec<LineChange> {
    if !comparable(base, new) {
        let (head, old, new) = differing(base, new);
        return vec![(head..head + old, head..head + new)];
    }
    let ops = capture_diff_slices(Algorithm::Patience, base, new);
    let changed = ops
        .into_iter()
        .filter(|op| !matches!(op, DiffOp::Equal { .. }));
    changed.map(|op| (op.old_range(), op.new_range())).collect()
}

/// Parts of the base that one side or both change. Changes that touch are one: neither can be
/// told from the other.
fn regions(a: &[LineChange], b: &[LineChange]) -> Vec<Range<usize>> {
    let mut all: Vec<_> = a.iter().chain(b).map(|(old, _)| old.clone()).collect();
    all.sort_by_key(|old| (old.start, old.end));
    let mut regions: Vec<Range<usize>> = Vec::new();
    for old in all {
        match regions.last_mut().filter(|last| old.start <= last.end) {
            Some(last) => last.end = last.end.max(old.end),
            None => regions.push(old),
        }
    }
    regions
}

/// What a side has in the place of a region, which no change of it crosses.
fn side(changes: &[LineChange], region: &Range<usize>) -> Range<usize> {
    let moved = |upto: usize, inside: bool| {
        let before = changes.partition_point(|(old, _)| {
            old.end < upto || old.end == upto && (inside || old.start < region.start)
        });
        match before.checked_sub(1).map(|last| &changes[last]) {
            Some((old, new)) => new.end + (upto - old.end),
            None => upto,
        }
    };
    moved(region.start, false)..moved(region.end, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "one\n\ntwo\n\nthree\n";

    fn merged(ours: &str, theirs: &str) -> String {
        let named = |text, name| MergeSide { text, name };
        merge(BASE, named(ours, "2, edited"), named(theirs, "3"))
    }

    #[test]
    fn what_one_side_changed_is_taken() {
        assert_eq!(merged(BASE, BASE), BASE);
        let ours = "one\n\nTWO\n\nthree\n";
        assert_eq!(merged(ours, BASE), ours);
        assert_eq!(merged(BASE, ours), ours);
        assert_eq!(merged(ours, ours), ours, "both alike");
        let theirs = "zero\n\none\n\ntwo\n\nthree\nfour\n";
        assert_eq!(merged(ours, theirs), "zero\n\none\n\nTWO\n\nthree\nfour\n");
        assert_eq!(
            merged("one\n\nthree\n", theirs),
            "zero\n\none\n\nthree\nfour\n"
        );
        assert_eq!(merged("", BASE), "");
    }

    #[test]
    fn what_both_changed_is_marked_and_counted() {
        let text = merged("one\n\nTWO\n\nthree\n", "one\n\nzwei\n\nthree\n");
        let marked =
            "one\n\n<<<<<<< draft 2, edited\nTWO\n=======\nzwei\n>>>>>>> draft 3\n\nthree\n";
        assert_eq!((text.as_str(), unsettled(&text)), (marked, 1));
        assert_eq!(unsettled(BASE), 0);
        assert_eq!(unsettled(&text.replace("<<<<<<< draft 2, edited\n", "")), 1);
        let both = merged("One\n\ntwo\n\nThree\n", "ONE\n\ntwo\n\nTHREE\n");
        assert_eq!(unsettled(&both), 2);
        let inserted = merged("one\nx\n\ntwo\n\nthree\n", "one\ny\n\ntwo\n\nthree\n");
        assert_eq!(unsettled(&inserted), 1, "{inserted}");
    }

    /// Tens of thousands of lines that are like each other: to compare them is a product.
    #[test]
    fn texts_of_nothing_but_short_lines_are_one_change() {
        let text = |step: usize| -> String {
            let letters = (0..60_000_usize).map(|at| if at * step % 7 < 3 { "a\n" } else { "b\n" });
            format!("head\n{}tail\n", letters.collect::<String>())
        };
        let (base, ours, theirs) = (text(2), text(3), text(5));
        let found = changes(&lines(&base), &lines(&ours));
        assert_eq!(found.len(), 1, "{found:?}");
        let named = |text, name| MergeSide { text, name };
        let merged = merge(&base, named(&ours, "2"), named(&theirs, "3"));
        assert!(merged.starts_with("head\n") && merged.ends_with("tail\n"));
        assert_eq!(unsettled(&merged), 1);
        assert_eq!(merge(&base, named(&ours, "2"), named(&base, "3")), ours);
        let diff = unified(named(&base, "1"), named(&ours, "2"));
        assert!(diff.starts_with("--- 1\n+++ 2\n@@ -1,60002 +1,60002 @@\n-head\n"));
    }

    #[test]
    fn a_diff_names_its_texts() {
        let named = |text, name| MergeSide { text, name };
        let diff = unified(named("a\nb\n", "draft 1"), named("a\nc\n", "draft 2"));
        assert_eq!(
            diff,
            "--- draft 1\n+++ draft 2\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
        );
        assert_eq!(unified(named("a\n", "x"), named("a\n", "y")), "");
    }
}
