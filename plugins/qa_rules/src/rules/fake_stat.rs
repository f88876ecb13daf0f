//! `fake_stat`: a figure from a study that is linked nowhere.

use crate::phrase::is_number;
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
    "according to a|the|one recent|new? study|report|survey",
    "a|the # study|report|survey by|from|of|conducted",
    "a|the recent|new study|report|survey by|from|conducted",
    "mckinsey|gartner|forrester|deloitte|bcg|bain|accenture report|study|survey|research|estimates|found|predicts",
    "research|data|studies show|shows|suggest|suggests that? #",
    "# percent? of developers|companies|teams|businesses|organizations|organisations|users|engineers",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let found = phrases(seen.text, &FIGURES).into_iter();
    let unsourced = found.filter(|(passage, words)| {
        // A number alone is no share.
        let number = is_number(&passage.words[words.start].lower);
        let percent = passage.words[words.start + 1].lower == "percent";
        let share = !number || percent || passage.span(words).contains('%');
        share && !passage.is_sourced(words.start)
    });
    let message = "the figure has no source; link to it, or leave it out";
    unsourced
        .map(|(passage, words)| Found::words(passage, &words, message))
        .collect()
}
