//! The integration tests: one target, one module a subject. A test's name is a sentence that is
//! true when it passes, and no test sleeps in the hope that something has happened by then.
//!
//! | module         | what belongs there                                                    |
//! |----------------|-----------------------------------------------------------------------|
//! | `acceptance`   | what pipelines promise, whatever dispatches, wherever runs are kept   |
//! | `canonical`    | posts about a topic: research, writing, and servers that misbehave    |
//! | `cli`          | what each command prints, and its exit code                           |
//! | `diary`        | the diary's and the taps' handlers, on real git repositories          |
//! | `docs`         | the commands in the documentation, and what they print                |
//! | `engine`       | runs steered by people: stopped, sent on, forked, moved; their gates  |
//! | `engine_schedules` | schedules through the real program, from workers that die to the list |
//! | `images`       | pictures: asked of servers that misbehave, kept, placed, made anew    |
//! | `plugins`      | guests that behave and misbehave, on both databases                   |
//! | `reference`    | the generated pages are those of this program                         |
//! | `registration` | nothing is forgotten: files, registered names, capabilities           |
//! | `scenario`     | whole stories through the real program: modes, roll call, retention … |
//! | `site`         | the public site and the console, over raw sockets                     |
//! | `store`        | everything that the store promises, on SQLite and on PostgreSQL       |
//! | `support`      | servers, databases, repositories, guests and the program, for tests   |
//! | `tidy`         | the rules of the house about the texts themselves                     |
//! | `torture`      | the real program, killed, frozen, cut off and out of room             |

#![recursion_limit = "256"]
#![expect(
    clippy::disallowed_methods,
    reason = "what a test reads is what it made"
)]

mod acceptance;
mod attacks;
mod canonical;
mod cli;
mod diary;
mod docs;
mod engine;
mod engine_schedules;
mod images;
mod plugins;
mod reference;
mod registration;
mod scenario;
mod site;
mod store;
mod support;
mod tidy;
mod torture;
