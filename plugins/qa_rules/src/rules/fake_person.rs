//! `fake_person`: a person with a title, whom nobody can look up.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "fake_person",
    severity: Severity::Error,
    pattern: "first name, surname and executive title; Dr. or Prof. with a name; an executive title at a company; unless it is linked",
    threshold: None,
    find,
};

const FIRST: &str = "alex|alice|amanda|andrew|anna|anthony|ben|brian|carlos|catherine|charles|chris|christopher|daniel|david|elena|elizabeth|emily|emma|eric|ethan|frank|george|grace|hannah|henry|jack|james|jane|jason|jennifer|jessica|john|jonathan|joseph|julia|karen|kevin|laura|linda|lisa|maria|mark|mary|matthew|megan|michael|michelle|mike|nicole|olivia|patricia|paul|peter|priya|rachel|rebecca|richard|robert|ryan|samantha|sandra|sara|sarah|scott|sophia|stephanie|steven|susan|thomas|tom|victoria|wei|william";
const TITLES: &str = "ceo|cto|cfo|coo|cio|vp|director|lead|head|chief|manager|founder|co-founder";

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let written = [
        format!("{FIRST} Aa , the|a|our|senior? {TITLES}"),
        format!("{FIRST} Aa , {TITLES}"),
        "dr|prof Aa Aa".to_owned(),
        "ceo|cto|cfo|vp at Aa".to_owned(),
    ];
    let written: Vec<&str> = written.iter().map(String::as_str).collect();
    let found = phrases(seen.text, &written).into_iter();
    let unlinked = found.filter(|(passage, words)| {
        let names = passage.span(words).chars().filter(|c| c.is_uppercase()).count();
        names > 1 && !passage.is_linked(words)
    });
    unlinked.map(|(passage, words)| Found::words(passage, &words, "nobody can look this person up; link to who they are, or leave them out")).collect()
}
