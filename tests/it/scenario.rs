//! Whole stories through the real program, each in a workspace of its own. The comments name
//! the scenarios of the requirements, S5 to S16.

mod citations;
mod crash;
pub(crate) mod model;
mod modes;
mod once;
mod outage;
mod retention;
mod roll_call;
mod unavailable;
