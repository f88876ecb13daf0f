//! The pipeline `canonical_blog` through the real program, with a web and a model of the test's own.

mod fields;
mod kept;
mod links;
mod models;
mod pictures;
mod post;
pub(crate) mod press;
mod research;
mod rounds;
mod whole;
