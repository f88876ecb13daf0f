//! What a gate counts as when no person decides.

use serde::Deserialize;

use super::Span;

/// When a gate lapses: `expiry = { after = "168h", as = "rejected" }`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expiry {
    pub after: Span,
    #[serde(rename = "as")]
    pub lapse: Lapse,
}

/// What a lapsed gate counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lapse {
    Approved,
    Rejected,
}
