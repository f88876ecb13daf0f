//! What a tenant brings to the host, as one value, written like a table of contents. A tenant is a
//! crate of handlers with their tables; it says [`pack!`](crate::pack!) once, and a program that
//! names its pack has all of it: handlers, tables and rules come together or not at all.
//!
//! Each part goes to the layer that asks for it, so no layer has to know this one.

use crate::app::current::Rebuilt;
use crate::app::doctor::Probe;
use crate::config::ConfigPart;
use crate::rollcall::{LiveRule, RollRule};
use crate::schema::Migration;
use crate::settings::SettingRead;
use crate::store::health::ReadableTable;
use crate::store::tenants::CommitHooks;
use crate::store::times::PastTime;
use crate::workspace::Folders;

/// All that a tenant brings, but its handlers, which register themselves.
pub struct Pack {
    /// What its migrations go by; one word.
    pub name: &'static str,
    /// The scripts that make its tables.
    pub migrations: &'static [Migration],
    /// Files below its `handlers/`, `<surface>/<name>.rs`, as its build script found them.
    pub handler_files: &'static [&'static str],
    /// The workspace that `callboard init` writes: paths and contents.
    pub workspace: &'static [(&'static str, &'static [u8])],
    /// What it reads from `callboard.toml`.
    pub configuration: &'static [ConfigPart],
    /// Folders of a workspace that it reads, and those that it writes.
    pub folders: Folders,
    /// Settings that it reads itself, and as what.
    pub settings: &'static [&'static [SettingRead]],
    /// Its families of references in the roll call.
    pub rules: &'static [RollRule],
    /// Those of them that ask the database.
    pub live_rules: &'static [LiveRule],
    /// Its questions of the doctor.
    pub probes: &'static [Probe],
    /// Its tables, of which the doctor reads every row.
    pub tables: &'static [ReadableTable],
    /// Times in them that lie in the past, unless a clock stood ahead.
    pub times: &'static [PastTime],
    /// What it writes in the host's own commits: when a gate opens, when runs end.
    pub commits: CommitHooks,
    /// What is rebuilt when a revision becomes active.
    pub rebuilt: &'static [Rebuilt],
}

/// Make a constant [`Pack`](crate::pack::Pack) a part of every program that names it.
#[macro_export]
macro_rules! pack {
    ($pack:path) => {
        ::inventory::submit! {
            $crate::schema::Scripts { owner: $pack.name, migrations: $pack.migrations }
        }
        ::inventory::submit! { $crate::registry::HandlerFiles($pack.handler_files) }
        ::inventory::submit! { $crate::config::ConfigParts($pack.configuration) }
        ::inventory::submit! { $pack.folders }
        ::inventory::submit! { $crate::settings::SettingReads($pack.settings) }
        ::inventory::submit! { $crate::rollcall::RollRules($pack.rules) }
        ::inventory::submit! { $crate::rollcall::LiveRules($pack.live_rules) }
        ::inventory::submit! { $crate::app::doctor::Probes($pack.probes) }
        ::inventory::submit! { $crate::store::health::Tables($pack.tables) }
        ::inventory::submit! { $crate::store::times::PastTimes($pack.times) }
        ::inventory::submit! { $pack.commits }
        ::inventory::submit! { $crate::app::current::Rebuilds($pack.rebuilt) }
    };
}
