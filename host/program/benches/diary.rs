//! A day of 500 commits of a branch: read from git, made a bundle of, composed and checked. What
//! is bounded is composing with checking, which no run waits for git in. Prints a Markdown table.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "engine/table.rs"]
mod table;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use callboard_factory::diary::bundle::Bundle;
use callboard_factory::diary::check::check;
use callboard_factory::diary::composer::compose;
use callboard_factory::diary::gather::{Gatherer, Landed};
use callboard_factory::diary::git::Git;
use callboard_factory::diary::looking::Looking;

const TEMPLATE: &str = include_str!("../../factory/workspace/templates/diary.md");
const COMMITS: u64 = 500;
const ROUNDS: usize = 5;
/// How many milliseconds composing and checking may take.
const BOUND: f64 = 300.0;
/// Midnight of the 25th of June 2026.
const MIDNIGHT: u64 = 1_782_345_600;

/// A history for `git fast-import`, with messages of some length.
fn stream() -> Vec<u8> {
    let mut stream = String::new();
    for number in 1..=COMMITS {
        let at = MIDNIGHT + 60 * number;
        let reason = "The reader waited for it on every page, because the rows came one by one. Now they come together, and the page is there at once.";
        let message = format!(
            "feat(part{number}): read `row[{number}]` once (#{number})\n\n{reason}\n\n- one row\n- all the others\n\nSigned-off-by: A <a@x.example>\n"
        );
        stream.push_str(&format!(
            "commit refs/heads/main\nauthor A <a@x.example> {at} +0000\ncommitter A <a@x.example> {at} +0000\ndata {}\n{message}\nM 100644 inline src/{number}.rs\ndata 4\na\nb\n\n",
            message.len()
        ));
    }
    stream.into_bytes()
}

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(folder.path()).args(arguments);
        git.stdin(Stdio::piped()).spawn().expect("git")
    };
    let made = git(&["init", "--quiet", "--initial-branch=main"]).wait();
    assert!(made.expect("git").success());
    let mut import = git(&["fast-import", "--quiet"]);
    let mut stdin = import.stdin.take().expect("a pipe");
    stdin.write_all(&stream()).expect("git reads");
    drop(stdin);
    assert!(import.wait().expect("git").success());
    folder
}

async fn read(path: &str) -> Bundle {
    let git = Git::open(path, Instant::now() + Duration::from_mins(1)).expect("a repository");
    let identity = git.identity().await.expect("an identity");
    let landed = Landed::new(git.history().await.expect("a history"));
    let gatherer = Gatherer {
        identity: &identity,
        rules: &Looking::default().rules(),
        forge: None,
        limit: Looking::default().max_commits,
        now: "2026-07-01T00:00:00Z".parse().expect("a time"),
    };
    let day = "2026-06-25".parse().expect("a day");
    gatherer.bundle(&git, &landed, day).await.expect("a bundle")
}

#[tokio::main]
async fn main() {
    let folder = repository();
    let path = folder.path().display().to_string();
    let mut table = table::Table::default();
    let mut told = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let bundle = read(&path).await;
        table.add("a day of 500 commits, read from git", milliseconds(began));
        assert_eq!(bundle.changes.len() as u64, COMMITS);
        let began = Instant::now();
        let draft = compose(&bundle, TEMPLATE).expect("a text");
        let checked = check(&draft, &bundle, TEMPLATE, &[]);
        table.add("the same, composed and checked", milliseconds(began));
        told.push(milliseconds(began));
        assert!(checked.is_ok(), "{checked:?}");
    }
    println!("{}", table.titled("ms"));
    told.sort_by(f64::total_cmp);
    let median = told[told.len() / 2];
    assert!(
        median <= BOUND,
        "composing and checking took {median} ms, at most {BOUND}"
    );
}

fn milliseconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}
