//! What the factory carries: its workspace with the shipped plugins, and the names of the handler
//! files it was built from.

include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
