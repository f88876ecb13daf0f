//! The diary and the taps, called as a run calls them: on a real store, on real git
//! repositories, and with a model that says what the test wants.

pub(crate) mod bench;
mod citations;
mod collect_git;
mod compose_diary;
mod generated;
mod habits;
mod heads;
mod landed;
mod post;
mod retention;
mod save_draft;
mod taps;
