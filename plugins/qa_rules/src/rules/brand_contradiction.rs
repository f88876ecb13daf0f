//! `brand_contradiction`: paying a vendor whom we say we do not pay.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen, naming};

pub(crate) const RULE: Rule = Rule {
    name: "brand_contradiction",
    severity: Severity::Warning,
    pattern: "one of `vendors` with API, pricing, bill, invoice, subscription or cost; paying for tokens, API or inference",
    threshold: None,
    find,
};

const PAID: [&str; 4] = [
    "our @ api|pricing|bill|bills|invoice|subscription|cost|costs|spend",
    "@ bill|bills|invoice|invoices|subscription",
    "bill|invoice|cost from @",
    "we pay|paid for tokens|inference|api",
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    if seen.lists.vendors.is_empty() {
        return Vec::new();
    }
    let found = naming(seen.text, &PAID, &seen.lists.vendors).into_iter();
    found.map(|(passage, words)| Found::words(passage, &words, "we do not pay this vendor; leave it out")).collect()
}
