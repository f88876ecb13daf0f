//! `fake_stat`: a figure from a study that is linked nowhere.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "fake_stat",
    severity: Severity::Error,
    pattern: "N % reduction or improvement; a study or report by someone; a consultancy and its report; research shows that N; in a sentence without a link",
    threshold: None,
    find,
};

const FIGURES: [&str; 9] = [
    "# percent? reduction|increase|improvement|decrease|boost|drop|gain|growth|decline",
    "# percent? more|less|faster|fewer|higher|lower|cheaper productive|likely|than",
    "according to a|the # study|report|survey",
    "according to a|the|one recent|new|2019|2020? study|report|survey",
    "a|the # study|report|survey by|from|of|conducted",
    "a|the recent|new study|report|survey by|from|conducted",
    "mckinsey|gartner|forrester|deloitte|bcg|bain|accenture report|study|survey|research|estimates|found|predicts",
    "research|data|studies show|shows|suggest|suggests that? #",
    "# percent? of developers|companies|teams|businesses|organizations|organisations|users|engineers",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let found = phrases(seen.text, &FIGURES).into_iter();
    let unsourced = found.filter(|(passage, words)| {
        let share = passage.span(words).contains(['%']) || !starts_with_number(&passage.words[words.start].lower) || passage.words[words.start + 1].lower == "percent";
        share && !passage.is_sourced(words.start)
    });
    unsourced.map(|(passage, words)| Found::words(passage, &words, "the figure has no source; link to it, or leave it out")).collect()
}

fn starts_with_number(lower: &str) -> bool {
    crate::phrase::is_number(lower)
}
