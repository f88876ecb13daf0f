//! Pictures: asked of servers that behave and misbehave, kept in folders and buckets, and placed
//! in drafts. The servers are stand-ins that speak the protocols; no model is among them.

pub(crate) mod again;
pub(crate) mod bench;
mod causes;
mod kept;
mod made;
mod placed;
mod real_bucket;
mod regen;
mod renewed;
mod said;
mod shown;
mod stale;
mod unused;
