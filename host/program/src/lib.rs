//! What people and programs touch: two ways to ask the host and the factory, and the thin binary.
//!
//! * [`cli`] – parse, dispatch, print.
//! * [`http`] – the router, pages and feeds.

#![recursion_limit = "256"]

pub mod cli;
pub mod http;
