//! The components of guests, from where cargo leaves them to where a person looks for them.
#![expect(
    clippy::disallowed_methods,
    reason = "the files of the repository, read by its recipes"
)]

use std::path::Path;

use crate::files::{copy, entries, kept, make_folder, root, same};
use crate::tools::Trouble;

/// Copy the component of each folder with a `plugin.toml` below `from` to `<target>/<to>/<folder>.wasm`.
pub(crate) fn collect(from: &Path, to: &Path) -> Result<(), Trouble> {
    let target = kept("CARGO_TARGET_DIR").unwrap_or_else(|| root().join("target"));
    let to = target.join(to);
    make_folder(&to)?;
    for folder in entries(&root().join(from))? {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml"));
        let (Ok(manifest), true) = (manifest, folder.join("plugin.toml").is_file()) else {
            continue;
        };
        let file = format!("{}.wasm", package(&manifest).replace('-', "_"));
        let component = target.join("guests/wasm32-wasip2/release").join(file);
        if !component.is_file() {
            let (folder, component) = (folder.display(), component.display());
            return Err(Trouble::new(format!(
                "{folder}: no component at {component}; is its crate-type \"cdylib\"?"
            )));
        }
        let copied = to
            .join(folder.file_name().unwrap_or_default())
            .with_extension("wasm");
        if !same(&component, &copied) {
            copy(&component, &copied)?;
        }
    }
    Ok(())
}

/// The name that a manifest begins with.
fn package(manifest: &str) -> &str {
    let lines = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("name"));
    let mut values = lines.filter_map(|rest| rest.trim_start().strip_prefix('='));
    let value = values.next().unwrap_or_default();
    value.split('"').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_package_has_the_name_that_its_manifest_begins_with() {
        let manifest = "[package]\nname = \"a-b\" # why\n\n[[bin]]\nname = \"other\"\n";
        assert_eq!(super::package(manifest), "a-b");
        assert_eq!(super::package("[package]\nnames = 1\n"), "");
    }
}
