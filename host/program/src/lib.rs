//! What people and programs touch: two ways to ask the host and the factory, and the thin binary.
//!
//! * [`start`](start()) – what `main` calls.
//! * [`cli`] – parse, dispatch, print.
//! * [`http`] – the router, pages and feeds.

#![recursion_limit = "256"]

pub mod cli;
pub mod http;
mod start;

pub use start::start;
