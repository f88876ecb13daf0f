//! Rails that need nothing but the draft and what they are given with it.
//!
//! * `qa.programmatic`: what no draft may have in it, rule by rule
//! * `qa.style`: how it reads, as a score that can be worked out again
//! * `qa.attribution`: who is named as a source, and linked nowhere
//! * `qa.internal_links`: where its links to posts of the same site lead
//! * `qa.self_claim`: what it says of the system that it is about
//!
//! Nothing is granted to them. Each rule is one file below `rules/`: its name, what it looks for in
//! words, its severity, and how it finds it. Markdown is read by a parser, so what stands in code, in a
//! link or in a heading is known to stand there.
//!
//! # Layout
//!
//! * `text`: a draft as a rule sees it: passages of words, links, code, headings
//! * `phrase`: words that follow each other, written as they are read
//! * `rule`: a rule, its configuration, and what becomes of what it finds
//! * `rules`: all of them
//! * `fields`: what is shown of a draft where it is found, judged by those that fit
//! * `programmatic`, `style`, `attribution`, `internal_links`, `self_claim`: the handlers

mod attribution;
mod fields;
mod internal_links;
mod phrase;
mod programmatic;
mod review;
mod rule;
mod rules;
mod self_claim;
mod style;
mod text;

use crate::attribution::Attribution;
use crate::internal_links::InternalLinks;
use crate::programmatic::Programmatic;
use crate::self_claim::SelfClaim;
use crate::style::Style;

callboard_plugin::export!(Programmatic, Style, Attribution, InternalLinks, SelfClaim);

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "what a test reads is what it made"
)]
mod corpus;
