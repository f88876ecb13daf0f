//! Where the commands of a page are run.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::top;
use crate::support::host::Host;
use crate::support::repository::{GitFolder, repository};
use crate::support::{guests, program, shared_folder};

/// An empty folder with a repository `shop`, for the user `ada`.
pub(super) fn sandbox() -> (Host, GitFolder) {
    let program = program();
    let mut path = vec![program.parent().expect("a folder").to_owned()];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let path = std::env::join_paths(path).expect("folders without a colon");
    let host = Host::new().with("PATH", path).with("USER", "ada");
    let shop = shop();
    symlink(shop.path(), host.workspace().join("shop")).expect("a link");
    (host, shop)
}

/// A copy of `plugins`, to build in. It lies where the last one lay, and is built into where the
/// plugins are built already, so that little has to be compiled.
pub(super) fn with_plugins(host: Host) -> Host {
    let copy = shared_folder().join("docs");
    if copy.exists() {
        fs::remove_dir_all(&copy).expect("the last copy goes");
    }
    fs::create_dir_all(copy.join("plugins")).expect("a folder for the copy");
    let entries = fs::read_dir(top().join("plugins")).expect("the plugins");
    let entries = entries.map(|entry| entry.expect("an entry").path());
    let entries = entries.filter(|path| !path.ends_with("target"));
    let plugins = copy.join("plugins");
    let mut cp = Command::new("cp");
    cp.arg("-Rp").args(entries).arg(&plugins);
    assert!(cp.status().expect("`cp` is there").success());
    let mut cp = Command::new("cp");
    cp.arg("-Rp")
        .args(["wit", "rust-toolchain.toml"].map(|it| top().join(it)));
    assert!(cp.arg(&copy).status().expect("`cp` is there").success());
    symlink(guests::target(), plugins.join("target")).expect("a link");
    symlink(&plugins, host.workspace().join("plugins")).expect("a link");
    let home = std::env::home_dir().expect("a home");
    let host = host
        .with("CARGO_HOME", home.join(".cargo"))
        .with("RUSTUP_HOME", home.join(".rustup"));
    let kept = std::env::vars_os().filter(|(name, _)| guests::keeps(&name.to_string_lossy()));
    kept.fold(host, |host, (name, value)| {
        host.with(&name.to_string_lossy(), value)
    })
}

/// The repository that the pages tell of.
fn shop() -> GitFolder {
    let shop = repository();
    shop.git(
        &[
            "remote",
            "add",
            "origin",
            "https://example.org/ada/shop.git",
        ],
        "",
    );
    for (at, file, subject, body) in COMMITS {
        let text = format!("// {subject}\n");
        shop.at(at).file(file, &text).body(body).commit(subject);
    }
    shop
}

/// When, the file, the subject and the body.
const COMMITS: [(&str, &str, &str, &str); 6] = [
    (
        "2026-03-02T09:00:00Z",
        "src/cart.rs",
        "feat: remember the cart between visits (#41)",
        "A cart was lost when its owner closed the page.",
    ),
    (
        "2026-03-02T11:00:00Z",
        "src/money.rs",
        "fix: round half cents to even (#42)",
        "Sums of many lines drifted by a cent from the invoice.",
    ),
    (
        "2026-03-02T13:00:00Z",
        "src/search.rs",
        "perf: look up words in one pass (#43)",
        "Each word of a search was a query of its own.",
    ),
    (
        "2026-03-02T15:00:00Z",
        "src/invoice.rs",
        "fix: keep the order of the lines of an invoice (#44)",
        "They came in the order in which the database found them.",
    ),
    (
        "2026-03-04T09:00:00Z",
        "src/stock.rs",
        "feat: say when a thing is in stock again (#45)",
        "Readers asked for it every day.",
    ),
    (
        "2026-03-04T10:00:00Z",
        "src/mail.rs",
        "fix: send each mail once (#46)",
        "A timeout made the sender try again although the mail had gone out.",
    ),
];
