//! `orphaned_attribution`: a saying whose speaker was taken out.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "orphaned_attribution",
    severity: Severity::Warning,
    pattern: "a sentence that begins, in lower case, with points out, argues, notes or explains that",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let found = phrases(seen.text, &["points out that?", "argues|notes|explains|observes|writes|claims|suggests that"]).into_iter();
    let orphaned = found.filter(|(passage, words)| {
        let small = passage.span(words).starts_with(char::is_lowercase);
        let begins = words.start == 0 || passage.gap(words.start).contains(". ") || passage.gap(words.start).contains("! ");
        small && begins
    });
    orphaned.map(|(passage, words)| Found::words(passage, &words, "nobody says it; name who does, or make it a sentence")).collect()
}
