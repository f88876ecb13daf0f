//! The components under `tests/fixtures/plugins`, built when a test first asks for one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{lock_file, shared_folder};

/// Variables of the outer build that the build of the guests keeps; every other one of cargo
/// and rustc belongs to another target.
const KEPT: [&str; 5] = [
    "CARGO_HOME",
    "CARGO_NET_",
    "CARGO_HTTP_",
    "CARGO_REGISTR",
    "RUSTUP_",
];

/// Whether a build of guests keeps a variable of the outer one.
pub(crate) fn keeps(variable: &str) -> bool {
    KEPT.iter().any(|kept| variable.starts_with(kept))
}

/// Where guests are built.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("guests")
}

/// The path of a component: of a fixture, or of a plugin that the program ships with.
pub(crate) fn guest(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let component = BUILT.get_or_init(build).join(name).with_extension("wasm");
    assert!(
        component.is_file(),
        "`{name}` is no guest: there is no {}",
        component.display()
    );
    component
}

/// The folder of a fixture, with its `plugin.toml`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    let folder = workspace().join(name);
    assert!(
        folder.join("plugin.toml").is_file(),
        "`{name}` is no fixture plugin"
    );
    folder
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/plugins")
}

/// Build them all. What is up to date already is cargo's to know; a lock keeps test processes
/// from waiting for each other inside cargo with a message.
fn build() -> PathBuf {
    let lock = lock_file(&shared_folder().join("guests"));
    lock.lock().expect("a lock on the build of the guests");
    let target = target();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--release",
        "--workspace",
        "--target",
        "wasm32-wasip2",
        "--quiet",
    ]);
    cargo
        .arg("--target-dir")
        .arg(&target)
        .current_dir(workspace());
    for (name, _) in std::env::vars_os() {
        let known = name.to_string_lossy();
        let outer =
            known.starts_with("CARGO_") || known.starts_with("RUSTC") || known == "RUSTFLAGS";
        if outer && !keeps(&known) {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().expect("cargo starts");
    assert!(
        output.status.success(),
        "the fixture plugins did not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    target.join("wasm32-wasip2/release")
}
