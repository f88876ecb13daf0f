//! Folders of a workspace that are a tenant's: those that it reads, with all that is below them, and
//! those that it writes.

/// The folders of a tenant.
pub struct Folders {
    /// Those that it reads, at the top of a workspace.
    pub read: &'static [&'static str],
    /// Names of files that mark a folder as one that it wrote, wherever that is.
    pub marks: &'static [&'static str],
}

inventory::collect!(Folders);

/// The folders that tenants read.
pub(super) fn folders() -> impl Iterator<Item = &'static str> {
    inventory::iter::<Folders>().flat_map(|tenant| tenant.read.iter().copied())
}

/// What marks a folder as one that a tenant wrote.
pub(super) fn marks() -> impl Iterator<Item = &'static str> {
    inventory::iter::<Folders>().flat_map(|tenant| tenant.marks.iter().copied())
}

/// For the tests of this crate, which has no tenant.
#[cfg(test)]
mod tests {
    inventory::submit! { super::Folders { read: &["site"], marks: &[".callboard-export"] } }
}
