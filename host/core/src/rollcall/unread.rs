//! Files and folders of a workspace that nothing reads.

use super::{Kind, Miss, Reference, Referrer};
use crate::workspace::{Place, Unread};

/// A miss for each.
pub fn list(unread: &[Unread]) -> Vec<Reference> {
    let misses = unread.iter().map(|unread| {
        let path = &unread.path;
        let miss = Miss::new(&unread.problem, &unread.mend);
        Reference::new(Referrer::Unread(path.clone()), "path", Kind::File, path)
            .at(Place::start(path))
            .missed(Some(miss))
    });
    misses.collect()
}
