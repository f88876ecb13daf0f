//! `image_placeholder`: a place where a picture was to be.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "image_placeholder",
    severity: Severity::Error,
    pattern: "[IMAGE-1], [FIGURE: …], [DIAGRAM: …], [CHART: …], [SCREENSHOT: …] outside of code",
    threshold: None,
    find,
};

const MARKS: [&str; 5] = ["IMAGE", "FIGURE", "DIAGRAM", "CHART", "SCREENSHOT"];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let bracketed = crate::rules::bracketed(&seen.text.prose).into_iter();
    let marks = bracketed.filter(|it| {
        let mark = MARKS.iter().find_map(|mark| it.inner.strip_prefix(mark));
        mark.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '-', ' ']))
    });
    marks.map(|it| Found::new("there is no picture; make it, or take the place out").at(it.at, it.whole)).collect()
}
