//! `--format json`: every command prints one document, whether it answers or fails.

use std::collections::BTreeSet;

use callboard::cli::Cli;
use callboard::cli::documents::{self, DocumentedAnswer};
use callboard_core::store::Dialect::Sqlite;
use clap::CommandFactory as _;
use serde_json::Value as Json;

use super::refuses;
use crate::support::daemon::{Daemon, get};
use crate::support::factory::{DAY, Factory, board};
use crate::support::host::{Host, Ran};

/// A command line of each command that ends by itself, in an order in which each has something to
/// do, with its exit code. `serve` and `work` do not end by themselves.
const LINES: &[(&[&str], i32)] = &[
    (&["init", "another"], 0),
    (&["check"], 0),
    (&["apply"], 0),
    (&["revisions", "list"], 0),
    (&["revisions", "show", "latest"], 0),
    (&["revisions", "show", "--file", "callboard.toml"], 0),
    (&["revisions", "diff", "1", "latest"], 0),
    (&["revisions", "rollback", "latest"], 0),
    (
        &[
            "run",
            "dev_diary",
            "--input",
            "repository=.board",
            "--input",
            "date=2026-01-05",
        ],
        4,
    ),
    (&["diary", "audit", ".board"], 0),
    (&["runs", "list"], 0),
    (&["runs", "show", "latest"], 0),
    (&["runs", "pause", "latest"], 0),
    (&["runs", "resume", "latest"], 4),
    (&["runs", "migrate", "latest", "--to", "1"], 0),
    (&["tasks", "list"], 0),
    (&["tasks", "show", "latest"], 0),
    (&["tasks", "history", "latest"], 0),
    (&["tasks", "diff", "latest"], 0),
    (&["tasks", "edit", "latest", "--title", "Another title"], 0),
    (&["tasks", "create", "A topic", "--pipeline", "nowhere"], 2),
    (&["tasks", "retry", "nowhere"], 2),
    (&["tasks", "cancel", "nowhere"], 2),
    (&["gates", "list"], 0),
    (&["gates", "show", "latest"], 0),
    (
        &[
            "tasks",
            "regenerate",
            "latest",
            "--part",
            "text",
            "--feedback",
            "shorter",
        ],
        4,
    ),
    (
        &[
            "gates",
            "regenerate",
            "latest",
            "--part",
            "text",
            "--feedback",
            "shorter",
        ],
        4,
    ),
    (&["gates", "approve", "latest"], 0),
    (&["tasks", "approve", "latest"], 2),
    (&["gates", "reject", "latest", "--feedback", "no"], 2),
    (&["tasks", "reject", "latest", "--feedback", "no"], 2),
    (&["runs", "tail", "latest"], 0),
    (&["runs", "cancel", "latest"], 1),
    (&["runs", "retry", "latest"], 1),
    (&["runs", "fork", "latest", "--from", "approve"], 4),
    (&["runs", "prune", "--older-than", "90d"], 0),
    (&["posts", "list"], 0),
    (&["posts", "show", "latest"], 0),
    (&["posts", "export", "out"], 0),
    (&["posts", "export", "out/posts.json", "--as", "json"], 0),
    (&["posts", "import", "out/posts.json"], 0),
    (&["posts", "unused-pictures"], 0),
    (&["posts", "history", "latest"], 0),
    (&["posts", "retitle", "latest", "Another name"], 0),
    (&["posts", "archive", "latest"], 0),
    (&["posts", "unpublish", "latest"], 0),
    (
        &[
            "posts",
            "schedule",
            "latest",
            "--at",
            "2026-01-05T09:00:00Z",
        ],
        2,
    ),
    (&["posts", "publish", "latest"], 0),
    (&["posts", "remove", "latest"], 0),
    (&["posts", "restore", "latest"], 0),
    (&["handlers", "list"], 0),
    (&["handlers", "list", "--native"], 0),
    (&["handlers", "show", "content.collect_git"], 0),
    (&["plugins", "list"], 0),
    (&["plugins", "show", "embeddings_collapse"], 0),
    (
        &[
            "plugins",
            "explain",
            "embeddings_collapse",
            "https://example.com/",
        ],
        1,
    ),
    (&["pipelines", "list"], 0),
    (&["pipelines", "show", "dev_diary"], 0),
    (&["prompts", "list"], 0),
    (&["prompts", "show", "dev_diary"], 0),
    (
        &[
            "prompts",
            "render",
            "dev_diary",
            "-i",
            "day=x",
            "-i",
            "bundle=y",
        ],
        0,
    ),
    (&["policies", "list"], 0),
    (&["rails", "list"], 0),
    (&["test"], 2),
    (&["test", "--list"], 0),
    (
        &["rails", "trial", "--rail", "critic", "--corpus", "drafts"],
        2,
    ),
    (&["policies", "run", "commits_keep_newest"], 0),
    (&["schedules", "list"], 0),
    (&["schedules", "show", "policy:commits_keep_newest"], 0),
    (&["schedules", "fire", "policy:commits_keep_newest"], 0),
    (&["models", "list"], 0),
    (&["models", "test", "writer"], 1),
    (&["findings", "list"], 0),
    (&["findings", "resolve", "latest"], 2),
    (&["doctor"], 0),
    (&["backup", "out/all.backup"], 0),
    (&["settings", "list"], 0),
    (&["settings", "get", "site.title"], 0),
    (&["settings", "set", "site.title", "Diary"], 0),
    (&["settings", "history", "site.title"], 0),
    (&["settings", "export"], 0),
    (&["settings", "import", "kept.toml"], 0),
    (&["settings", "unset", "site.title"], 0),
    (&["check", "--print-digest"], 0),
    (&["completions", "bash"], 0),
    (&["reference", "--out", "out"], 0),
    (
        &["demo", "--once", "--repo", ".board", "--date", "2026-01-05"],
        0,
    ),
    (
        &["tasks", "regen-image", "latest", "--which", "inline:9"],
        1,
    ),
];

/// Commands that end when they are told to.
const DAEMONS: &[&str] = &["serve", "work"];

/// What the reference says that a command line answers with: of the rows that fit, the one that says
/// most.
fn answer(line: &[&str]) -> &'static DocumentedAnswer {
    let fits = |answer: &&DocumentedAnswer| {
        let mut words = answer.asked.split(' ');
        let flags = |word: &str| word.starts_with("--") && line.contains(&word);
        let mut rest = line.iter().filter(|word| !word.starts_with("--"));
        words.all(|word| flags(word) || rest.next() == Some(&word))
    };
    let says = |answer: &&DocumentedAnswer| (answer.asked.contains("--"), answer.asked.len());
    let answer = documents::all().filter(fits).max_by_key(says);
    answer.unwrap_or_else(|| panic!("no document is said of {line:?}"))
}

/// A document is as the schema of the reference says.
#[track_caller]
fn fits(answer: &DocumentedAnswer, document: &Json) {
    let schema = answer.schema();
    let validator = jsonschema::validator_for(schema.as_value()).expect("a schema");
    let errors = validator.iter_errors(document);
    let errors: Vec<_> = errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        errors.is_empty(),
        "{}: {errors:#?}\n{document:#}",
        answer.asked
    );
}

/// The document of a failure is as the reference says.
#[track_caller]
fn fits_a_failure(document: &Json) {
    let failure = documents::all().find(|answer| answer.asked == "any command that fails");
    fits(failure.expect("a row for failures"), document);
}

/// The one document of a command.
#[track_caller]
fn document(line: &[&str], ran: &Ran) -> Json {
    let documents = serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Json>();
    let documents = documents.collect::<Result<Vec<_>, _>>();
    let mut documents = documents.unwrap_or_else(|error| panic!("{line:?}: {error}\n{ran}"));
    for document in &documents {
        match document.get("error") {
            Some(_) => fits_a_failure(document),
            None => fits(answer(line), document),
        }
    }
    // Lines that were followed are documents, too.
    let followed = line.contains(&"tail");
    assert!(documents.len() == 1 || followed, "{line:?}: {ran}");
    documents.pop().expect("a document")
}

/// The names of every command that has no commands of its own.
fn leaves(command: &clap::Command, path: &str, all: &mut BTreeSet<String>) {
    for child in command
        .get_subcommands()
        .filter(|it| it.get_name() != "help")
    {
        let path = format!("{path} {}", child.get_name());
        if child.has_subcommands() {
            leaves(child, &path, all);
        } else {
            all.insert(path.trim().to_owned());
        }
    }
}

#[test]
fn every_command_of_the_command_line_is_tried() {
    let mut all = BTreeSet::new();
    leaves(&Cli::command(), "", &mut all);
    let tried = |command: &String| {
        let words: Vec<_> = command.split(' ').collect();
        DAEMONS.contains(&command.as_str())
            || LINES.iter().any(|(line, _)| line.starts_with(&words))
    };
    let forgotten: Vec<_> = all.iter().filter(|command| !tried(command)).collect();
    assert!(forgotten.is_empty(), "add a row to LINES for {forgotten:?}");
}

#[test]
fn the_reference_has_a_document_for_every_command() {
    for (line, _) in LINES {
        let row = answer(line).asked.split(' ').next();
        assert!(
            row == line.first().copied() || line.contains(&"--print-digest"),
            "{line:?} is taken for {row:?}"
        );
    }
    for line in DAEMONS {
        assert_eq!(answer(&[line]).asked, *line);
    }
}

#[test]
fn every_command_prints_one_document_for_programs() {
    let factory = Factory::whole(Sqlite);
    factory.edit(
        "pipelines/dev_diary.toml",
        "gate = \"publish this post?\"",
        "gate = \"publish this post?\"\nregenerate = { text = \"compose\" }",
    );
    factory.edit(
        "pipelines/dev_diary.toml",
        "id = \"compose\"",
        "id = \"compose\"\nmax_visits = 5",
    );
    std::fs::create_dir(factory.workspace().join("out")).expect("a folder");
    // What these commands leave in the folder is none of the workspace.
    factory.write(".callboardignore", "/out/\n/another/\n/kept.toml\n");
    factory.write("kept.toml", "[values]\n\"site.title\" = \"Kept\"\n");
    let repository = board();
    std::os::unix::fs::symlink(repository.path(), factory.workspace().join(".board"))
        .expect("a link");
    for (line, code) in LINES {
        let ran = factory.run(&[&["--format", "json"], *line].concat());
        assert_eq!(ran.code, *code, "{line:?}: {ran}");
        let said = document(line, &ran);
        let failed = said.get("error").is_some();
        assert_eq!(failed, ran.stderr.contains("error: "), "{line:?}: {ran}");
        if failed {
            assert_eq!(said["code"], *code, "{line:?}: {ran}");
        }
    }
    let daemons = [&["serve", "--listen", "127.0.0.1:0"][..], &["work"]];
    assert_eq!(daemons.len(), DAEMONS.len());
    for line in daemons {
        let daemon = Daemon::start(&factory, &[&["--format", "json"], line].concat());
        daemon.until("Ctrl-C stops");
        daemon.signal("TERM");
        document(line, &daemon.ended());
    }
}

#[test]
fn pages_answer_with_the_documents_of_the_reference() {
    let factory = Factory::whole(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let server = Daemon::start(&factory, &["serve", "--no-work", "--listen", "127.0.0.1:0"]);
    let address = server.console();
    let row = |path| documents::all().find(|answer| answer.asked == path);
    for path in ["/console.json", "/health"] {
        let answer = get(address, path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let document = serde_json::from_str(&answer.body).expect("JSON");
        fits(row(path).expect("a row"), &document);
        if path == "/console.json" {
            is_as_commands_print(&factory, &document);
        }
    }
}

/// A view has one form, wherever it is shown.
#[track_caller]
fn is_as_commands_print(factory: &Factory, console: &Json) {
    for noun in ["handlers", "plugins", "pipelines", "policies", "gates"] {
        assert_eq!(console[noun], factory.json(&[noun, "list"]), "{noun}");
    }
    let run = &console["runs"][0]["run"];
    assert_eq!(*run, factory.json(&["runs", "list"])[0]);
    let task = console["gates"][0]["subject"].as_str().expect("a task");
    let shown = factory.json(&["tasks", "show", task]);
    assert_eq!(console["tasks"][task], shown["task"]);
    assert_eq!(console["revision"], factory.json(&["revisions", "list"])[0]);
}

#[test]
fn every_command_that_fails_prints_why_as_the_one_document() {
    let host = Host::new();
    // A database that is a folder: whatever needs it is refused, wherever the workspace is.
    let factory = Factory::bare_written(Sqlite);
    std::fs::create_dir(factory.workspace().join("callboard.db")).expect("a folder");
    // A demo makes a workspace of its own; how it fails is told in `demo`.
    for (line, _) in LINES.iter().filter(|(line, _)| line[0] != "demo") {
        for nowhere in [&host, &*factory] {
            let ran = nowhere.run(&[&["--format", "json"], *line].concat());
            let said = document(line, &ran);
            let failed = ran.stderr.contains("error: ");
            assert_eq!(said.get("error").is_some(), failed, "{line:?}: {ran}");
            assert!(!failed || said["code"] == ran.code, "{line:?}: {ran}");
        }
    }
    // A command line that cannot be read, too.
    for line in [
        &["--format", "json", "aply"][..],
        &["runs", "show", "--format=json"],
    ] {
        let ran = host.run(line);
        assert_eq!(ran.code, 2, "{ran}");
        assert_eq!(document(line, &ran)["code"], 2, "{ran}");
    }
}

#[test]
fn a_failed_apply_tells_programs_its_misses() {
    let factory = Factory::bare_written(Sqlite);
    factory.edit(
        "pipelines/dev_diary.toml",
        "content.compose_diary",
        "content.compose_dairy",
    );
    let ran = factory.run(&["apply", "--format", "json"]);
    assert_eq!(ran.code, 1, "{ran}");
    let said = document(&["apply"], &ran);
    let misses = said["misses"].as_array().expect("misses");
    assert!(!misses.is_empty() && said["help"].is_string(), "{said}");
}

#[test]
fn the_help_lists_the_codes_that_the_program_ends_with() {
    let help = Host::new().ok(&["--help"]);
    let codes = help.split("Exit codes:\n").nth(1).expect("a table");
    for code in ["0", "1", "2", "3", "4", "101", "130"] {
        let line = codes
            .lines()
            .find(|line| line.split_whitespace().next() == Some(code));
        assert!(line.is_some(), "{code} is not in {codes}");
    }
    // 0 to 4 and 130 are seen in other tests of the command line.
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    refuses(&factory, &["run", "dev_diary", "--input", "x=1"], 2, &[]);
}

#[test]
fn a_command_that_lacks_its_own_is_told_so() {
    let host = Host::new();
    for (line, command) in [(&["runs"][..], "callboard runs"), (&[], "callboard")] {
        let ran = host.run(&[&["--format", "json"][..], line].concat());
        assert_eq!(ran.code, 2, "{ran}");
        let told: Json = serde_json::from_str(&ran.stdout).expect("a document");
        let wrong = format!("`{command}` lacks the command that says what to do");
        assert_eq!(told["error"], wrong, "{ran}");
        assert_eq!(told["help"], format!("`{command} --help` names them"));
    }
}
