//! Programs that recipes take, and how each is had: it is there, or it is installed and said so
//! first, or it is told what to do by hand. Debian packages are installed only as root; what is of
//! Python or of cargo goes to a private folder.

use std::cell::Cell;
use std::fmt::Display;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::files::{kept, make_folder, root};

/// What went wrong, and what can be done by hand.
#[derive(Debug)]
pub(crate) struct Trouble {
    problem: String,
    mends: Vec<String>,
}

impl Trouble {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        let (problem, mends) = (problem.into(), Vec::new());
        Self { problem, mends }
    }

    /// One more way out.
    pub(crate) fn or(mut self, mend: impl Into<String>) -> Self {
        self.mends.push(mend.into());
        self
    }
}

#[expect(
    clippy::print_stderr,
    reason = "this program is one for people, and has no other output"
)]
pub(crate) fn say(line: impl Display) {
    eprintln!("callboard: {line}");
}

pub(crate) fn said(trouble: &Trouble) {
    say(&trouble.problem);
    for mend in &trouble.mends {
        say(format_args!("  {mend}"));
    }
}

/// Whether a program can be started.
pub(crate) fn have(program: &str) -> bool {
    path_of(program).is_some()
}

/// Where the shell finds a program.
pub(crate) fn path_of(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(program));
    found.find(|file| is_program(file))
}

pub(crate) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let about = std::fs::metadata(file);
    about.is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

/// Whether a program is there and in order: a proxy of rustup may have nothing behind it.
pub(crate) fn runs(program: &str) -> bool {
    let mut version = Command::new(program);
    // From the repository, so that rust-toolchain.toml holds.
    succeeds(version.arg("--version").current_dir(root()))
}

/// Whether a command succeeds, without a word of it.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Say what is done, and do it: without input, and with what it prints among the errors.
pub(crate) fn step(what: impl Display, command: &mut Command) -> bool {
    say(format_args!("{what} …"));
    command.stdin(Stdio::null()).stdout(std::io::stderr());
    command.status().is_ok_and(|status| status.success())
}

/// Run a command of a recipe, which has to succeed.
pub(crate) fn run(command: &mut Command) -> Result<(), Trouble> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Trouble::new(format!("`{program}` ended with {status}"))),
        Err(error) => Err(Trouble::new(format!("`{program}` does not start: {error}"))),
    }
}

/// Installs with pip into a venv: binary packages only, so that nothing is compiled.
pub(crate) fn pip(venv: &Path) -> Command {
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    pip.args(["--no-input", "--only-binary", ":all:"]);
    pip
}

/// Installs what a lock file of npm says, in its folder.
pub(crate) fn npm_ci(folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.arg("ci").arg("--prefix").arg(folder);
    npm.args(["--ignore-scripts", "--no-audit", "--no-fund"]);
    npm
}

/// Whether this user may do everything here.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

/// Where tools are installed, and how.
pub(crate) struct Tools {
    /// The private folder; to remove it is to begin again.
    pub(crate) folder: PathBuf,
    lists_are_read: Cell<bool>,
}

impl Tools {
    /// With the folder of this user, which is that of `./just`.
    pub(crate) fn of_user() -> Result<Self, Trouble> {
        let home = || kept("HOME").map(|home| home.join(".cache"));
        let cache = kept("XDG_CACHE_HOME").or_else(home);
        let cache =
            cache.ok_or_else(|| Trouble::new("HOME is not set: set it, or XDG_CACHE_HOME"))?;
        let folder = cache.join("callboard/tools");
        make_folder(&folder.join("bin"))?;
        let lists_are_read = Cell::new(false);
        Ok(Self {
            folder,
            lists_are_read,
        })
    }

    pub(crate) fn venv(&self) -> PathBuf {
        self.folder.join("venv")
    }

    /// Whether these Debian packages could be installed.
    pub(crate) fn apt(&self, packages: &[&str]) -> bool {
        if !is_root() || !have("apt-get") {
            return false;
        }
        if !self.lists_are_read.replace(true) {
            let mut update = Command::new("apt-get");
            let update = update.args(["update", "-qq"]);
            if !step("reading the package lists (apt-get update)", update) {
                say("  that failed; going on with the lists at hand");
            }
        }
        let mut install = Command::new("apt-get");
        install.args(["install", "-y", "-qq", "--no-install-recommends"]);
        install
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive");
        let what = format!("installing {} (apt-get install)", packages.join(" "));
        step(what, &mut install)
    }

    /// A program of a Debian package.
    pub(crate) fn package(&self, program: &str, packages: &[&str]) -> Result<(), Trouble> {
        if have(program) {
            return Ok(());
        }
        say(format_args!("`{program}` is missing"));
        if self.apt(packages) && have(program) {
            return Ok(());
        }
        let problem = "is needed and could not be installed here; install it, then run this again:";
        Err(Trouble::new(format!("`{program}` {problem}"))
            .or(format!(
                "Debian, Ubuntu:  sudo apt-get install {}",
                packages.join(" ")
            ))
            .or(format!("Fedora:          sudo dnf install {}", packages[0]))
            .or(format!("macOS:           brew install {}", packages[0])))
    }

    /// Whether the private Python environment is there.
    pub(crate) fn has_venv(&self) -> bool {
        let venv = self.venv();
        let mut pip = Command::new(venv.join("bin/python"));
        if succeeds(pip.args(["-m", "pip", "--version"])) {
            return true;
        }
        if !have("python3") && !self.apt(&["python3", "python3-venv"]) {
            return false;
        }
        let mut make = Command::new("python3");
        make.args(["-m", "venv", "--clear"]).arg(&venv);
        let what = format!("making a Python environment in {}", venv.display());
        // Debian's python3 has no `venv` of its own.
        step(what, &mut make) || self.apt(&["python3-venv"]) && step("making it again", &mut make)
    }

    /// A program that cargo's registry has as a crate, and Python's as a package.
    pub(crate) fn tool(&self, program: &str, package: &str) -> Result<(), Trouble> {
        if runs(program) {
            return Ok(());
        }
        say(format_args!("`{program}` is missing"));
        if self.pip_gives(program, package) && runs(program) {
            return Ok(());
        }
        say("  that did not work; trying cargo instead");
        if self.cargo_gives(program) && runs(program) {
            return Ok(());
        }
        let problem = "could not be installed; is the network there? Actor hand, either of:";
        Err(Trouble::new(format!("`{program}` {problem}"))
            .or(format!("pip install {package}"))
            .or(format!("cargo install --locked {program}")))
    }

    fn pip_gives(&self, program: &str, package: &str) -> bool {
        if !self.has_venv() {
            return false;
        }
        let venv = self.venv();
        let what = format!("installing {package} (pip, into {})", venv.display());
        if !step(what, pip(&venv).arg(package)) {
            return false;
        }
        let link = self.folder.join("bin").join(program);
        std::fs::remove_file(&link).ok();
        symlink(venv.join("bin").join(program), link).is_ok()
    }

    fn cargo_gives(&self, krate: &str) -> bool {
        let into = self.folder.display();
        let what = format!("compiling {krate} (cargo install, into {into}; takes minutes)");
        let mut cargo = Command::new("cargo");
        cargo.args(["install", "--locked", "--quiet", "--root"]);
        cargo
            .arg(&self.folder)
            .arg(krate)
            .env_remove("CARGO_TARGET_DIR");
        step(what, &mut cargo)
    }
}
