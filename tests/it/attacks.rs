//! Attacks: what a guest, a repository, a file or a peer sends to take the host down, to speak for
//! it, or to get more than was granted. A row of a table is a test, so the tables are the list of
//! what was tried.
//!
//! | module      | who attacks, and how                                              |
//! |-------------|-------------------------------------------------------------------|
//! | `statement` | a guest's SQL: texts that two readers read differently            |
//! | `notation`  | a guest's SQL: columns that the server takes for calls            |
//! | `rights`    | a guest's SQL with the check switched off: what the server holds  |
//! | `restored`  | a dump that loses the owners and rights of what it brings along  |
//! | `growth`    | a guest's SQL: what PostgreSQL makes or keeps of any length       |
//! | `answers`   | a server whose answer is short to say and long to read            |
//! | `casts`     | a guest's SQL that would run a cast that is not the server's own  |
//! | `files`     | a file, a link or an address in a workspace that leads elsewhere  |
//! | `foreign`   | a database that another program could write                       |
//! | `holding`   | a guest that has the host compute, keep or hold too much          |
//! | `idle`      | a guest that keeps others waiting while it computes               |
//! | `keeping`   | a store of pictures that lies, and readers who take nothing of it |
//! | `limits`    | a guest's statements and values that outlive or outgrow a limit   |
//! | `reading`   | files larger than memory, and links, where posts are written and read |
//! | `rendering` | a text that takes long to show, a thread that never comes back    |
//! | `component` | a component that is large, slow to compile, or says too much      |
//! | `text`      | a text that moves the cursor, forges a line or turns its direction|
//! | `doors`     | a guest that hands the host texts as long as its memory           |
//! | `nesting`   | input that a recursive reader follows too deep                    |
//! | `types`     | rows whose values are of other types than their columns           |
//! | `unfolding` | a short text that means much, and a long list of small things       |
//! | `naming`    | a guest that says what a run is about, so that another is published|
//! | `network`   | a peer, a client, a credential that is sent elsewhere             |

mod answers;
mod casts;
mod component;
mod doors;
mod files;
mod foreign;
mod growth;
mod holding;
mod idle;
mod keeping;
mod limits;
mod naming;
mod nesting;
mod network;
mod notation;
mod reading;
mod rendering;
mod restored;
mod rights;
mod statement;
mod text;
mod types;
mod unfolding;

use std::collections::BTreeSet;

/// Rows of `name: "what is tried" => body;`, each a test, and the table of them. `both body` is
/// given a dialect, and is two tests: `name::sqlite` and `name::postgres`.
macro_rules! attacks {
    (@test $name:ident, both $body:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn sqlite() {
                $body(callboard_core::store::Dialect::Sqlite);
            }

            #[test]
            fn postgres() {
                $body(callboard_core::store::Dialect::Postgres);
            }
        }
    };
    (@test $name:ident, $body:expr) => {
        #[test]
        fn $name() {
            $body();
        }
    };
    ($($name:ident: $what:literal => { $($body:tt)* };)*) => {
        /// What is tried here: the name of each test, and what it does.
        pub(super) const TRIED: &[(&str, &str)] = &[$((stringify!($name), $what)),*];

        $(attacks!(@test $name, $($body)*);)*
    };
}

pub(super) use attacks;

/// Every table of this folder.
const TABLES: &[&[(&str, &str)]] = &[
    answers::TRIED,
    casts::TRIED,
    component::TRIED,
    doors::TRIED,
    files::TRIED,
    foreign::TRIED,
    growth::TRIED,
    holding::TRIED,
    idle::TRIED,
    keeping::TRIED,
    limits::TRIED,
    naming::TRIED,
    nesting::TRIED,
    network::TRIED,
    notation::TRIED,
    reading::TRIED,
    rendering::TRIED,
    restored::TRIED,
    rights::TRIED,
    statement::TRIED,
    text::TRIED,
    types::TRIED,
    unfolding::TRIED,
];

#[test]
fn each_attack_is_described_once() {
    let rows: Vec<_> = TABLES.iter().copied().flatten().collect();
    let told: BTreeSet<_> = rows.iter().map(|(_, what)| what).collect();
    assert_eq!(rows.len(), told.len(), "two rows say the same: {rows:?}");
}
