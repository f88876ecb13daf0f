//! What is shown of a draft where it is found: its excerpt and its title for search engines. The rules judge them as
//! they judge the text, but for those that are about a whole text.

use crate::programmatic::Config;
use crate::review::{Draft, Finding};
use crate::rules::PROGRAMMATIC;
use crate::text::Text;

/// Rules about the form of a whole text, which one line does not have.
const WHOLE: [&str; 10] = [
    "unlinked_citation",
    "hallucinated_reference",
    "off_topic_library",
    "code_block_density",
    "banned_header",
    "banned_transition_opener",
    "late_acronym_expansion",
    "truncated_content",
    "planning_dump",
    "leaked_planning_scaffold",
];
/// Rules about titles.
const TITLES: [&str; 3] = ["title_year_claim", "title_diversity", "junk_title"];

/// What the rules find in the fields, each with the field that it is in; no line of the text has it.
pub(crate) fn findings(draft: &Draft, config: &Config) -> Vec<Finding> {
    let mut found = judged("the excerpt", &draft.excerpt, config, false);
    // One that is as the post's own is judged there.
    if draft.seo_title != draft.title {
        found.extend(judged(
            "the title for search engines",
            &draft.seo_title,
            config,
            true,
        ));
    }
    found
}

fn judged(field: &str, words: &str, config: &Config, is_title: bool) -> Vec<Finding> {
    if words.trim().is_empty() {
        return Vec::new();
    }
    let title = if is_title { words } else { "" };
    let text = Text::read(title, words);
    let fits = |name: &str| !WHOLE.contains(&name) && (is_title || !TITLES.contains(&name));
    let rules = PROGRAMMATIC.iter().filter(|rule| fits(rule.name));
    let found = rules.flat_map(|rule| rule.findings(&text, &config.lists, &config.rules));
    let told = found.map(|finding| Finding {
        message: format!("{field}: {}", finding.message),
        line: None,
        excerpt: match finding.excerpt.as_str() {
            "" => words.to_owned(),
            _ => finding.excerpt,
        },
        ..finding
    });
    told.collect()
}
