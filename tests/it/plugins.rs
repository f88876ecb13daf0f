//! Plugins through real guests: what they may do, and what becomes of those that break rules.

mod bench;
mod capabilities;
mod faults;
mod grants;
mod loading;
