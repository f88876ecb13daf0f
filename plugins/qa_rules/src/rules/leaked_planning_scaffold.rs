//! `leaked_planning_scaffold`: the plan of a text instead of the text.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};

pub(crate) const RULE: Rule = Rule {
    name: "leaked_planning_scaffold",
    severity: Severity::Error,
    pattern: "so many of: word count:, target audience:, tone:, key points:, outline:, call to action:, SEO keywords: at the beginning of lines",
    threshold: Some(2),
    find,
};

const TELLS: [&str; 12] = [
    "word count:", "target audience:", "tone:", "key points:", "key takeaways to cover:", "outline:", "call to action:", "seo keywords:", "meta description:", "target length:", "primary keyword:", "hook:",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let mut tells = seen.text.lines().filter(|(_, line)| {
        let line = line.trim_start().trim_start_matches(['-', '*', '#', '_', ' ', '>']).to_lowercase().replace("**", "");
        TELLS.iter().any(|tell| line.starts_with(tell))
    });
    let first = tells.next();
    let count = usize::from(first.is_some()) + tells.count();
    let many = first.filter(|_| count >= usize::try_from(seen.threshold).unwrap_or(2));
    many.map(|(at, line)| Found::new(format!("{count} lines are of the plan, not of the text; take them out")).at(at, line)).into_iter().collect()
}
