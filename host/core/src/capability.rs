//! The contract of a capability: one WIT interface that the host can grant to a plugin.
//!
//! A capability is one file under `capabilities/` that implements its interface over
//! [`InstanceState`] and submits a [`Capability`]. Every interface is linked for every plugin,
//! because dynamic languages import the whole contract; one that is not granted answers with
//! [`denial`], whatever it is asked.

pub mod denied;
pub mod guest_log;
pub mod heard;
pub mod limit;
pub mod matrix;
pub mod state;
pub mod types;

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::Linker;

pub use self::limit::LimitHit;
pub use self::state::{Access, InstanceState};
pub use crate::config::raise;
use crate::grants::{self, Grants, allow};
use crate::handler::Call;
use crate::lines::VisitLines;
use crate::settings::Snapshot;

/// Who calls, and until when.
#[derive(Clone)]
pub struct Caller {
    pub run: String,
    pub stage: String,
    pub attempt: u32,
    pub deadline: Instant,
    pub settings: Arc<Snapshot>,
    /// The call of the handler; none while it is asked what it gives.
    pub call: Option<Call>,
    /// What is said is kept here.
    pub lines: VisitLines,
}

/// An interface of `callboard:plugin` that the host implements.
pub struct Capability {
    /// The interface's name in the WIT.
    pub interface: &'static str,
    pub link: fn(&mut Linker<InstanceState>) -> wasmtime::Result<()>,
    /// Whether the grants open it at all.
    pub granted: fn(&Grants) -> bool,
    /// What would open it, in a table of grants.
    pub mend: Opens,
}

/// What opens an interface.
#[derive(Debug, Clone, Copy)]
pub enum Opens {
    /// Its name, set to `true`.
    Flag,
    /// A key of a setting.
    Setting,
    /// The name of a role.
    Role,
    /// An element of a list, as lines; `OWNER` in them stands for the table of grants.
    Element(&'static str),
}

inventory::collect!(Capability);

/// Every capability, in the order of their names.
pub fn all() -> Vec<&'static Capability> {
    let mut all: Vec<_> = inventory::iter::<Capability>().collect();
    all.sort_by_key(|capability| capability.interface);
    all
}

/// The capability of an interface.
pub fn find(interface: &str) -> Option<&'static Capability> {
    all()
        .into_iter()
        .find(|capability| capability.interface == interface)
}

/// Link every interface. What a call of one may do is asked of its grants.
pub fn link(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    all()
        .into_iter()
        .try_for_each(|capability| (capability.link)(linker))
}

/// Why an interface that is not granted does nothing, and the lines that would grant it;
/// `None` if the grants open it.
pub fn denial(access: &Access, interface: &str) -> Option<String> {
    find(interface)?.denial(&access.plugin, &access.grants)
}

impl Capability {
    /// The same of this one.
    pub fn denial(&self, plugin: &str, grants: &Grants) -> Option<String> {
        if (self.granted)(grants) {
            return None;
        }
        let Self {
            interface, mend, ..
        } = self;
        let lines = match mend {
            Opens::Flag => grants::GrantLines::Flag((*interface).to_owned()),
            Opens::Setting => grants::GrantLines::Setting("KEY".to_owned()),
            Opens::Role => grants::GrantLines::Role("ROLE".to_owned()),
            Opens::Element(lines) => grants::GrantLines::Element((*lines).to_owned()),
        };
        Some(format!(
            "the interface `{interface}` is not granted; {}",
            allow(plugin, &lines)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_of_the_contract_has_its_file() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/0.1");
        let files = std::fs::read_dir(folder).expect("the contract");
        let mut interfaces: Vec<_> = files
            .map(|file| {
                file.expect("file")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .filter_map(|name| name.strip_suffix(".wit").map(str::to_owned))
            .filter(|name| !matches!(name.as_str(), "handlers" | "types" | "world"))
            .collect();
        interfaces.sort();
        let linked: Vec<_> = all()
            .iter()
            .map(|capability| capability.interface)
            .collect();
        assert_eq!(linked, interfaces);
    }

    #[test]
    fn nothing_is_open_without_a_grant() {
        let nothing = Grants::default();
        assert!(
            all()
                .iter()
                .all(|capability| !(capability.granted)(&nothing))
        );
    }
}
