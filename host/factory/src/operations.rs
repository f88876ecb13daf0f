//! What can be asked of the factory: one file a noun, as in the host's own operations.

pub mod backup;
pub mod diary;
pub mod health;
pub mod memory;
pub mod overview;
pub mod pages;
pub mod pictures;
pub mod posts;
pub mod prompts;
pub mod rails;
pub mod tasks;
