//! The developers' diary: from the commits of one day to a text that cites them.
//!
//! # Layout
//!
//! * `git` runs the `git` program, `log` reads what it prints.
//! * `day`, `subject`, `body`, `rules` and `theme` say what a commit is and what it weighs.
//! * `bundle` is the material of a day, `gather` makes one.
//! * `change`, `text`, `title` and `composer` make the built-in text; `material` and `answer`
//!   are the two sides of a model that writes it.
//! * `grammar` finds citations in a text, `check` compares them with the bundle. Composer and
//!   verifier share both, so neither knows a form that the other does not.
//! * `id` names things; `vector` turns a text into numbers without a model.

pub mod answer;
pub mod body;
pub mod bundle;
pub mod change;
pub mod check;
pub mod composer;
pub mod day;
pub mod gather;
pub mod git;
pub mod grammar;
pub mod id;
pub mod log;
pub mod material;
pub mod rules;
pub mod subject;
pub mod text;
pub mod theme;
pub mod title;
pub mod vector;
