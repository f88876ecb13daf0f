//! The torture suite: the real program is killed, frozen, cut off, driven out of room and given
//! handlers that misbehave, on SQLite and on PostgreSQL; then one judge looks at what is left.
//!
//! `CALLBOARD_TORTURE=long` makes it longer and `CALLBOARD_SEED=N` repeats what a failure
//! printed. Time decides nothing here: each wait is for a state, with a bound far beyond it.

mod bench;
pub(crate) mod chance;
mod clocks;
mod deferred;
mod disk;
mod drain;
mod frozen;
mod guard;
mod handlers;
mod judge;
mod killed;
mod late;
mod load;
mod outage;
mod panics;
mod poison;
mod rates;
mod refused;
pub(crate) mod server;
mod signals;
mod worker;
