//! The capabilities: one file each, named like its WIT interface.
//!
//! To add one, write its `.wit` and a file here that submits a
//! [`Capability`](crate::capability::Capability). Nothing else names it.

automod::dir!("src/capabilities");
