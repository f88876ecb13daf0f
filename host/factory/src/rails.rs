//! What the rails found, and what follows from it. Only [`judge`] asks a model, by the call that it is given.
//!
//! A rail is a handler of the surface `qa`. Its verdict is its outcome: done is a pass, rejected a fail,
//! nothing to do means that it does not apply, and unavailable and failed say that there is no verdict. They
//! stay apart: [`policy`] says what each means for the draft, [`aggregate`] adds up what came of all
//! rails of a stage, and [`roll`] finds where a pipeline would never ask. A model may move a draft once a
//! [`trial`] has shown what its word is worth, which [`earned`] asks of the database.

pub mod aggregate;
pub(crate) mod earned;
pub mod judge;
pub mod policy;
pub mod question;
pub mod reached;
pub mod review;
pub(crate) mod roll;
pub mod settle;
pub mod trial;
