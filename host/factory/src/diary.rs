//! The developers' diary: from what landed on one day to a text that cites it.
//!
//! # Layout
//!
//! * `git` runs the `git` program, `log` and `landed` read what it prints: messages, and what landed
//!   when; `forge` knows where sources are read.
//! * `prose`, `headline` and `message` read the words of a commit, once.
//! * `rules`, `patterns`, `release` and `theme` say what a commit is.
//! * `bundle` is the material of a day, `gather` makes one and weighs what is in it.
//! * `claim` is what a post says of which change. `composer` makes claims of a bundle, `answer` of
//!   what a model says about its `material`; `page` has a template of the workspace make a text
//!   of them, and nothing else writes a citation.
//! * `grammar` finds citations in a text and `words` what else it claims; `check` holds claims
//!   against the changes that they stand on.
//! * `audit` composes and checks every day of a history.
//! * `id` names things.

/// A pattern that is compiled once.
macro_rules! pattern {
    ($name:ident, $pattern:literal) => {
        static $name: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| regex::Regex::new($pattern).expect("the pattern is sound"));
    };
}

pub mod answer;
pub mod audit;
pub mod bundle;
pub mod check;
pub mod claim;
pub mod composer;
pub mod day;
pub mod forge;
pub mod gather;
pub mod git;
pub mod grammar;
pub mod headline;
pub mod id;
pub mod landed;
pub mod log;
pub mod looking;
pub mod material;
pub mod message;
pub mod page;
pub mod patterns;
pub mod prose;
pub mod release;
pub(crate) mod roll;
pub mod rules;
#[cfg(test)]
mod sample;
pub mod text;
pub mod theme;
pub mod words;
