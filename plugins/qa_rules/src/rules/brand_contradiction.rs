//! `brand_contradiction`: paying a vendor whom we say we do not pay.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, phrases};

pub(crate) const RULE: Rule = Rule {
    name: "brand_contradiction",
    severity: Severity::Warning,
    pattern: "one of `vendors` with API, pricing, bill, invoice, subscription or cost; paying for tokens, API or inference",
    threshold: None,
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    if seen.lists.vendors.is_empty() {
        return Vec::new();
    }
    let vendors = seen.lists.vendors.iter().map(|it| it.to_lowercase());
    let vendors = vendors.collect::<Vec<_>>().join("|");
    let written = [
        format!("our {vendors} api|pricing|bill|bills|invoice|subscription|cost|costs|spend"),
        format!("{vendors} bill|bills|invoice|invoices|subscription"),
        format!("bill|invoice|cost from {vendors}"),
        "we pay|paid for tokens|inference|api".to_owned(),
    ];
    let written: Vec<&str> = written.iter().map(String::as_str).collect();
    let found = phrases(seen.text, &written).into_iter();
    found.map(|(passage, words)| Found::words(passage, &words, "we do not pay this vendor; leave it out")).collect()
}
