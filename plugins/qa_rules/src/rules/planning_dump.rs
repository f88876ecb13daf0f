//! `planning_dump`: what a model thinks before it writes.

use crate::phrase::Phrase;
use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};
use crate::text::{Kind, Passage};

pub(crate) const RULE: Rule = Rule {
    name: "planning_dump",
    severity: Severity::Error,
    pattern: "before the first heading: at least six items that are most of the lines with words of planning; or three deliberations such as I should, let me, wait",
    threshold: Some(3),
    find,
};

const VOCABULARY: [&str; 6] = [
    "audience|reader|readers", "section|sections|outline|structure", "tone|voice|style", "keyword|keywords|seo", "draft|rewrite|revise", "word count|target|limit",
];
const DELIBERATION: [&str; 6] = [
    "i should|need|will to? _", "let me think|start|check|see|write|plan", "wait , _", "okay|ok|alright , so|let|i|the", "the user wants|asked|asks|needs", "hmm|actually , _",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let first = seen.text.headings().find(|(level, _)| *level > 1).map_or(usize::MAX, |(_, passage)| passage.at);
    let before: Vec<&Passage> = seen.text.body().filter(|passage| passage.at < first).collect();
    let says = |written: &str| {
        let phrase = Phrase::new(written);
        before.iter().map(|passage| phrase.find(passage).len()).sum::<usize>()
    };
    let families = VOCABULARY.iter().filter(|family| says(family) > 0).count();
    let items = before.iter().filter(|passage| passage.kind == Kind::Item).count();
    let listed = items >= 6 && items * 10 >= before.len() * 6 && families >= 2;
    let deliberated = DELIBERATION.iter().map(|it| says(it)).sum::<usize>() >= usize::try_from(seen.threshold).unwrap_or(3);
    let Some(passage) = before.first().filter(|_| listed || deliberated) else {
        return Vec::new();
    };
    vec![Found::new("a model thinks aloud before it writes; take it out").at(passage.at, &passage.text)]
}
