//! What the binary carries: the factory workspace with its plugins, and the names of the
//! handler files it was built from.

include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
