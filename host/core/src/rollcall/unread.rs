//! Files and folders of a workspace that nothing reads.

use super::{FirstMiss, Miss, Reference, ReferenceKind, Referrer};
use crate::workspace::{Place, UnreadFile};

/// A miss for each.
pub fn list(unread: &[UnreadFile]) -> Vec<Reference> {
    let misses = unread.iter().map(|unread| {
        let path = &unread.path;
        // A component that its manifest calls by another name is missed there.
        let folder = path
            .strip_prefix("plugins/")
            .and_then(|rest| rest.split_once('/'));
        let component = folder
            .filter(|(_, file)| file.ends_with(".wasm"))
            .map(|(plugin, _)| FirstMiss::new(Referrer::plugin(plugin), "component"));
        let miss = Miss::new(&unread.problem, &unread.mend).because(component);
        Reference::new(
            Referrer::Unread(path.clone()),
            "path",
            ReferenceKind::File,
            path,
        )
        .at(Place::start(path))
        .missed(Some(miss))
    });
    misses.collect()
}
