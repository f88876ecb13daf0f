//! The name that a mistaken one was to be.

/// The candidate that `name` was to be, if there is one: a slip of a few letters, at most a third of
/// them, or a part of a longer name. What is only alike, such as another name with the same
/// beginning, is another thing, and no mend names it.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = name.to_lowercase();
    candidates
        .filter_map(|candidate| {
            let meant = candidate.to_lowercase();
            let longest = written.chars().count().max(meant.chars().count());
            let distance = strsim::osa_distance(&written, &meant);
            let is_slip = distance <= (longest / 3).max(1) && longest > 2;
            let is_part = is_part(&written, &meant) || is_part(&meant, &written);
            (is_slip || is_part).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether a name is the beginning or the end of another, up to where a word ends.
fn is_part(part: &str, whole: &str) -> bool {
    let ends = |rest: &str| rest.starts_with(['_', '.', '-']);
    let begins = |rest: &str| rest.ends_with(['_', '.', '-']);
    part.len() > 2
        && (whole.strip_prefix(part).is_some_and(ends)
            || whole.strip_suffix(part).is_some_and(begins))
}
