//! A workspace of many plugins, and the program that is run in it.
#![expect(
    clippy::disallowed_methods,
    reason = "what a benchmark reads is its own, or the system's"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Exit codes of an answer: done, or denied.
const ANSWERS: [i32; 2] = [0, 1];
/// The name of its handler inside the component of `describer`.
const NAME: &[u8] = b"probe.plain";

/// The component in Python, or why there is none.
pub(crate) enum Python {
    Made(String),
    Not(String),
}

pub(crate) struct Workspace {
    folder: tempfile::TempDir,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn guest(name: &str) -> PathBuf {
    let guests = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("guests");
    let component = guests.join("wasm32-wasip2/release").join(name);
    assert!(
        component.is_file(),
        "{}: run `just plugins fixtures`",
        component.display()
    );
    component
}

impl Python {
    /// Make it, with the toolchain that `tests/bench/python/build` installs for itself.
    pub(crate) fn find() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
        let build = root().join("tests/bench/python/build");
        let made = Command::new(build)
            .arg(&folder)
            .stdin(Stdio::null())
            .output();
        match made {
            Ok(output) if output.status.success() => {
                Self::Made(folder.join("python.wasm").display().to_string())
            }
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                Self::Not(
                    said.lines()
                        .last()
                        .unwrap_or("it does not say why")
                        .to_owned(),
                )
            }
            Err(error) => Self::Not(error.to_string()),
        }
    }
}

impl Workspace {
    /// A workspace of `plugins` plugins, not applied yet.
    pub(crate) fn new(plugins: usize, python: &Python) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let workspace = Self { folder };
        workspace.write(
            "callboard.toml",
            b"name = \"Many\"\ndatabase = \"sqlite:callboard.db\"\n",
        );
        workspace.write(
            "settings.toml",
            b"[\"site.name\"]\ntype = \"string\"\ndefault = \"Many\"\ndescription = \"of the site\"\n",
        );
        let bundled = callboard_factory::pack().workspace.iter();
        for (path, content) in bundled.filter(|(path, _)| path.starts_with("site/")) {
            workspace.write(path, content);
        }
        let small = fs::read(guest("describer.wasm")).expect("a guest");
        for number in 1..plugins {
            let name = format!("p{number:03}");
            let handler = format!(
                "probe.plai{}",
                char::from(b'a' + u8::try_from(number).expect("few"))
            );
            workspace.plugin(&name, &renamed(&small, handler.as_bytes()));
            if number == 1 {
                workspace.pipeline("work", &handler);
            }
        }
        match python {
            Python::Made(component) => {
                workspace.plugin("python", &fs::read(component).expect("a component"));
                workspace.pipeline("python", "probe.python");
            }
            Python::Not(_) => {
                let large = fs::read(guest("misbehave.wasm")).expect("a guest");
                workspace.plugin("python", &large);
                workspace.pipeline("python", "probe.echoes");
            }
        }
        workspace
    }

    fn plugin(&self, name: &str, component: &[u8]) {
        let manifest = format!(
            "name = \"{name}\"\nversion = \"1\"\nwit = \"0.1\"\ncomponent = \"{name}.wasm\"\n"
        );
        self.write(&format!("plugins/{name}/plugin.toml"), manifest.as_bytes());
        self.write(&format!("plugins/{name}/{name}.wasm"), component);
    }

    fn pipeline(&self, name: &str, handler: &str) {
        let text = format!(
            "name = \"{name}\"\ndescription = \"One stage\"\nbudget = \"5m\"\n\n\
             [[stage]]\nid = \"work\"\nhandler = \"{handler}\"\ntimeout = \"2m\"\n"
        );
        self.write(&format!("pipelines/{name}.toml"), text.as_bytes());
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.folder.path().join("workspace").join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    /// How long the program takes for a command, from its start to its end.
    pub(crate) fn time(&self, arguments: &[&str]) -> Duration {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callboard"));
        command
            .args(arguments)
            .current_dir(self.folder.path().join("workspace"))
            .env("CALLBOARD_CACHE", self.folder.path().join("cache"))
            .env_remove("CALLBOARD_DATABASE")
            .stdin(Stdio::null());
        let mut output = None;
        let took = crate::timed(|| output = Some(command.output().expect("the program starts")));
        let output = output.expect("it ended");
        let code = output.status.code().unwrap_or(-1);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            ANSWERS.contains(&code) && !said.contains("error:"),
            "{arguments:?}: {said}"
        );
        took
    }
}

/// The component with another name of its handler, of the same length.
fn renamed(component: &[u8], name: &[u8]) -> Vec<u8> {
    assert_eq!(name.len(), NAME.len(), "the bytes around it stay");
    let mut renamed = component.to_vec();
    let at = component.windows(NAME.len()).position(|it| it == NAME);
    let at = at.expect("the handler's name");
    renamed[at..at + NAME.len()].copy_from_slice(name);
    renamed
}
