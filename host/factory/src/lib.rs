//! The content factory: the first tenant of the host.
//!
//! # Layout
//!
//! Imports go downwards only; `tests/it/tidy.rs` holds that.
//!
//! * [`operations`] – what can be asked of it, as typed functions and views.
//! * the [pack](pack()) below – what it brings, like a table of contents.
//! * [`site`], `handlers` – its pages, its units of work.
//! * [`asking`], [`rewriting`], [`fetching`], [`tapping`] – what its handlers ask models and the network, through the
//!   call, and what becomes of it.
//! * [`telling`], [`posts_folder`], [`readers`] – what is told of posts beyond the site, and where they are read.
//! * [`documents`], [`front_matter`] – folders of Markdown, and what stands above their texts.
//! * [`media`] – where its pictures are kept.
//! * [`writing`], [`research`], [`diary`], [`draft`], [`rails`], [`images`], [`markdown`], [`slug`] – its arithmetic and
//!   its texts, no IO.
//! * [`tables`] – its statements, through the store.

#![recursion_limit = "256"]

/// A pattern that is compiled once.
macro_rules! pattern {
    ($name:ident, $pattern:literal) => {
        static $name: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| regex::Regex::new($pattern).expect("the pattern is sound"));
    };
}

pub mod asking;
mod bundle;
pub mod changing;
pub mod diary;
pub mod documents;
pub mod draft;
pub mod fetching;
pub mod front_matter;
mod handlers;
pub mod images;
pub mod markdown;
pub mod media;
pub mod operations;
pub mod posts_folder;
pub mod rails;
pub mod readers;
pub mod research;
pub mod rewriting;
pub mod site;
pub mod slug;
pub mod tables;
pub mod tapping;
pub mod telling;
pub mod writing;

use callboard_core::app::current::Rebuilt;
use callboard_core::config::ConfigPart;
use callboard_core::pack::Pack;
use callboard_core::workspace::Folders;

const PACK: Pack = Pack {
    name: "factory",
    migrations: tables::MIGRATIONS,
    handler_files: bundle::HANDLER_FILES,
    workspace: bundle::FILES,
    configuration: &[ConfigPart::of::<readers::SiteConfig>()],
    folders: Folders {
        read: &[site::FOLDER, diary::page::FOLDER],
        marks: &[site::LIST, media::MARK, posts_folder::MARK],
    },
    settings: &[
        site::SETTINGS,
        &media::READS,
        &images::provider::READS,
        &research::READS,
        &telling::READS,
    ],
    rules: &[
        site::rules,
        diary::roll::list,
        media::roll::list,
        rails::roll::list,
        telling::roll::list,
        posts_folder::roll::list,
    ],
    live_rules: &[rails::earned::list, site::live_rules],
    probes: &[
        ("site", site::probe),
        ("images", media::probe::probe),
        ("posts", tables::posts::due::probe),
    ],
    tables: tables::TABLES,
    times: tables::PAST,
    commits: tables::COMMITS,
    rebuilt: &[Rebuilt {
        task: "what keeps the site current",
        make: site::made,
    }],
};

callboard_core::pack!(PACK);

/// What the factory brings. A program that names it has all of it.
pub fn pack() -> &'static Pack {
    static NAMED: Pack = PACK;
    &NAMED
}
