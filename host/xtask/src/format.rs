//! The format of all three workspaces, and of the files that a macro finds, which cargo does not.

use std::path::PathBuf;
use std::process::Command;

use crate::files::{entries, root};
use crate::tools::{Trouble, run};

/// Folders with folders of modules that a macro finds.
const SURFACES: [&str; 2] = ["host/core/src/handlers", "host/factory/src/handlers"];
/// Folders of such modules.
const MODULES: [&str; 1] = ["host/core/src/capabilities"];
/// The workspaces beside the first one.
const GUESTS: [&str; 2] = ["plugins", "tests/fixtures/plugins"];

/// Format every file, or say which ones are not.
pub(crate) fn format(check: bool) -> Result<(), Trouble> {
    let mut commands = vec![cargo_fmt("Cargo.toml".into())];
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024"]).args(found());
    commands.push(rustfmt);
    commands.extend(GUESTS.map(|guests| cargo_fmt(format!("{guests}/Cargo.toml"))));
    // All of them are asked, so that one run tells of every file.
    let mut ended = Ok(());
    for (index, mut command) in commands.into_iter().enumerate() {
        if check {
            // Only cargo passes what stands behind `--` to rustfmt.
            command.args(if index == 1 {
                &["--check"][..]
            } else {
                &["--", "--check"]
            });
        }
        ended = ended.and(run(command.current_dir(root())));
    }
    ended
}

fn cargo_fmt(manifest: String) -> Command {
    let mut command = Command::new("cargo");
    command.args(["fmt", "--all", "--manifest-path", &manifest]);
    command
}

/// The files of modules that a macro finds.
fn found() -> Vec<PathBuf> {
    let surfaces = SURFACES
        .iter()
        .flat_map(|folder| entries(&root().join(folder)));
    let folders = surfaces.chain(MODULES.map(|folder| root().join(folder)));
    let files = folders.flat_map(|folder| entries(&folder));
    files
        .filter(|file| file.extension().is_some_and(|it| it == "rs"))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_macro_finds_is_found() {
        let found = super::found();
        for part in [
            "core/src/handlers/",
            "factory/src/handlers/",
            "capabilities/",
        ] {
            let named = |file: &std::path::PathBuf| file.to_string_lossy().contains(part);
            assert!(found.iter().any(named), "nothing of {part}");
        }
    }
}
