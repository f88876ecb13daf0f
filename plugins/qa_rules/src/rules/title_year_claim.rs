//! `title_year_claim`: a title that tells of more years than there were.

use crate::phrase::NUMBERS;
use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "title_year_claim",
    severity: Severity::Error,
    pattern: "N years in the title, in digits or words, where N is more than `years`",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let words: Vec<String> = seen.text.title.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()).collect();
    let claim = words.windows(2).find(|pair| {
        let number = pair[0].parse().ok().or_else(|| {
            let place = NUMBERS.iter().position(|number| *number == pair[0]);
            place.and_then(|place| u32::try_from(place + 2).ok())
        });
        // A year is no number of years, and neither is a question of history.
        matches!(pair[1].as_str(), "years" | "year") && number.is_some_and(|number| number > seen.lists.years && number < 100)
    });
    let claim = claim.map(|pair| Found::new("nobody was there for so long; leave it out").about(&pair.join(" ")));
    claim.into_iter().collect()
}
