//! Plugins through real guests: what they may do, and what becomes of those that break rules.

pub(crate) mod bench;
mod capabilities;
mod faults;
mod grants;
mod loading;
