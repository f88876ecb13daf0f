//! Folders of a workspace that tenants read, with all that is below them.

/// The folders of a tenant, at the top of a workspace.
pub struct Folders(pub &'static [&'static str]);

inventory::collect!(Folders);

/// The folders of all tenants.
pub(super) fn folders() -> impl Iterator<Item = &'static str> {
    inventory::iter::<Folders>().flat_map(|tenant| tenant.0.iter().copied())
}

/// For the tests of this crate, which has no tenant.
#[cfg(test)]
mod tests {
    inventory::submit! { super::Folders(&["site"]) }
}
