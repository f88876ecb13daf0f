//! The build script of `core` and `factory`. Lists the files below the package's `handlers/`, by
//! whose places its native handlers are named; and for a package with a `workspace/`, that folder
//! and the freshly built components of `plugins/`, which it carries.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Variables of the outer build that must not reach the build of the guests.
const OUTER: [&str; 7] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC",
    "CLIPPY_ARGS",
    "CARGO_BUILD_TARGET",
];

fn main() {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let root = package
        .ancestors()
        .nth(2)
        .expect("it lies below host/")
        .to_owned();
    for watched in [
        "../build.rs",
        "src/handlers",
        "src/capabilities",
        "../../wit",
    ] {
        watch(&package.join(watched));
    }
    let mut text = String::from("pub(crate) static HANDLER_FILES: &[&str] = &[\n");
    for name in handler_files(&package.join("src/handlers")) {
        writeln!(text, "    {name:?},").expect("a string takes it");
    }
    text.push_str("];\n");
    let workspace = package.join("workspace");
    if workspace.is_dir() {
        watch(&workspace);
        let mut files = workspace_files(&workspace);
        files.extend(plugin_files(&root.join("plugins"), &out));
        files.sort();
        text.push_str("pub(crate) static FILES: &[(&str, &[u8])] = &[\n");
        for (name, path) in &files {
            let path = path.to_str().expect("UTF-8");
            writeln!(text, "    ({name:?}, include_bytes!({path:?})),").expect("a string takes it");
        }
        text.push_str("];\n");
    }
    fs::write(out.join("bundle.rs"), text).expect("the build folder can be written");
}

/// Every file of the bundled workspace, by its path inside it.
fn workspace_files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for path in entries(&current) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .expect("inside")
                    .to_str()
                    .expect("UTF-8");
                files.push((name.to_owned(), path));
            }
        }
    }
    files
}

/// The manifest and the freshly built component of every plugin.
fn plugin_files(plugins: &Path, out: &Path) -> Vec<(String, PathBuf)> {
    let target = out
        .ancestors()
        .nth(4)
        .expect("cargo's target folder")
        .join("guests");
    build_guests(plugins, &target);
    let mut files = Vec::new();
    for folder in entries(plugins) {
        let manifest = folder.join("plugin.toml");
        watch_crate(&folder);
        if !manifest.is_file() {
            continue;
        }
        let name = folder
            .file_name()
            .and_then(|name| name.to_str())
            .expect("UTF-8")
            .to_owned();
        let component = target.join(format!("wasm32-wasip2/release/{name}.wasm"));
        assert!(
            component.is_file(),
            "plugin {name}: no component at {}",
            component.display()
        );
        files.push((format!("plugins/{name}/{name}.wasm"), component));
        files.push((format!("plugins/{name}/plugin.toml"), manifest));
    }
    files
}

fn watch_crate(folder: &Path) {
    if folder.join("src").is_dir() {
        for part in ["src", "Cargo.toml", "plugin.toml"] {
            watch(&folder.join(part));
        }
    }
}

/// Have this script run again when that changes. What is not there would have it run each time, and the
/// package and all that stands on it compiled each time.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

fn build_guests(plugins: &Path, target: &Path) {
    let cargo = env::var_os("CARGO").expect("cargo sets it");
    let mut build = Command::new(cargo);
    build.args([
        "build",
        "--release",
        "--locked",
        "--target",
        "wasm32-wasip2",
    ]);
    build.arg("--manifest-path").arg(plugins.join("Cargo.toml"));
    build.arg("--target-dir").arg(target);
    for name in OUTER {
        build.env_remove(name);
    }
    let status = build.status().expect("cargo starts");
    assert!(
        status.success(),
        "the plugins did not build; if the target is missing, run `rustup target add wasm32-wasip2`, as ./just does"
    );
}

/// `<surface>/<name>.rs` of every file below `handlers/`. A folder beside a file of its name
/// belongs to that module and is no surface.
fn handler_files(handlers: &Path) -> Vec<String> {
    let is_surface = |path: &PathBuf| path.is_dir() && !path.with_extension("rs").exists();
    let surfaces = entries(handlers).into_iter().filter(is_surface);
    let files = surfaces
        .flat_map(|surface| entries(&surface))
        .filter_map(|file| {
            let path = file.strip_prefix(handlers).ok()?.to_str()?;
            path.ends_with(".rs").then(|| path.to_owned())
        });
    files.collect()
}

/// What is in a folder, in order; nothing if it is none. What is there has to be read, or a handler
/// would be missing without a word.
fn entries(folder: &Path) -> Vec<PathBuf> {
    if !folder.is_dir() {
        return Vec::new();
    }
    let read = fs::read_dir(folder).expect("the folder can be read");
    let paths = read.map(|entry| entry.expect("the folder can be read").path());
    let mut paths: Vec<_> = paths.collect();
    paths.sort();
    paths
}
