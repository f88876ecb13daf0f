//! A file, a link or an address in a workspace that leads where it should not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use callboard_core::store::Dialect::Sqlite;
use callboard_factory::diary::git::{Git, GitError};
use rustix::fs::{CWD, Mode, mkfifoat};
use sqlx::{Connection as _, SqliteConnection};

use super::attacks;
use crate::support::daemon::eventually;
use crate::support::database::runtime;
use crate::support::factory::Factory;
use crate::support::host::Ran;
use crate::support::program;
use crate::support::repository::repository;

attacks! {
    link_to_the_key: "a link in the site leads to the key of the secrets" => {
        a_link_leads_to_the_key
    };
    link_of_a_folder: "a folder of the workspace is a link to one outside of it" => {
        a_folder_is_a_link
    };
    other_names: "the key and the database are published under a second name" => {
        private_files_have_other_names
    };
    database_in_the_site: "the database and its log lie in the folder of the site" => {
        the_database_lies_in_the_site
    };
    copies_in_the_site: "copies of the database, its log and the key lie in the folder of the site" => {
        copies_lie_in_the_site
    };
    endless_files: "files of a workspace never end, or wait for a writer that never comes" => {
        files_never_end
    };
    no_database: "a check is to make a file wherever the address says" => {
        a_check_is_given_a_place
    };
    parameters: "the address of a database carries parameters of SQLite" => {
        an_address_has_parameters
    };
    lazy_fetch: "a repository has git fetch what it lacks, with a program of its own" => {
        a_repository_lacks_an_object
    };
    pipes_for_git: "a repository has a pipe in place of a file, from which git reads for ever" => {
        git_waits_for_a_pipe
    };
    other_program: "the address of a database is another program's file" => {
        a_file_belongs_to_another_program
    };
}

/// Both are refused, and say these words.
#[track_caller]
fn refused(factory: &Factory, words: &[&str]) -> Ran {
    let apply = factory.run(&["apply"]);
    let check = factory.run(&["check"]);
    for ran in [&check, &apply] {
        assert!((1..=3).contains(&ran.code), "{ran}");
        let missing = words.iter().find(|word| !ran.to_string().contains(**word));
        assert_eq!(missing, None, "{ran}");
    }
    check
}

fn at(factory: &Factory, path: &str) -> PathBuf {
    factory.workspace().join(path)
}

/// A workspace with a key, that was applied.
fn with_a_key() -> Factory {
    let factory = Factory::bare(Sqlite);
    factory.write(
        "callboard.key",
        format!("{}\n", "5ec7e7".repeat(11).get(..64).expect("64")),
    );
    factory
}

fn a_link_leads_to_the_key() {
    let factory = with_a_key();
    symlink("../callboard.key", at(&factory, "site/key.bin")).expect("a link");
    refused(
        &factory,
        &[
            "site/key.bin",
            "is a link",
            "put what it links to in its place",
        ],
    );
}

fn a_folder_is_a_link() {
    let factory = with_a_key();
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("passwd"), "outside").expect("a file");
    symlink(outside.path(), at(&factory, "site/files")).expect("a link");
    refused(&factory, &["site/files", "is a link"]);
    fs::remove_file(at(&factory, "site/files")).expect("removed");
    fs::rename(at(&factory, "site"), at(&factory, ".site")).expect("moved");
    symlink(".site", at(&factory, "site")).expect("a link");
    refused(&factory, &["site", "is a link"]);
}

fn copies_lie_in_the_site() {
    let factory = with_a_key();
    for (private, copy) in [
        ("callboard.db", "site/callboard.db"),
        ("callboard.db", "site/2026.BAK"),
        ("callboard.db", "site/callboard.db-wal"),
        ("callboard.key", "site/callboard.key"),
        ("callboard.key", "site/key"),
        ("callboard.toml", "site/dump.sql"),
    ] {
        let content = fs::read(at(&factory, private)).expect("a file");
        factory.write(copy, content);
        let away = format!("move {copy} out of site/");
        refused(&factory, &[copy, "everybody could read it", &away]);
        factory.remove(copy);
    }
    factory.ok(&["check"]);
}

fn private_files_have_other_names() {
    let factory = with_a_key();
    for private in ["callboard.key", "callboard.db"] {
        let name = at(&factory, "site/dump.bin");
        fs::hard_link(at(&factory, private), &name).expect("a link");
        refused(
            &factory,
            &["site/dump.bin", private, "remove this name of it"],
        );
        // The process has another database; the file's own is as private.
        let ran = factory.run(&["--database", "sqlite:other.db", "check"]);
        assert_eq!(ran.code, 1, "{ran}");
        fs::remove_file(name).expect("removed");
    }
    factory.ok(&["check"]);
}

fn the_database_lies_in_the_site() {
    let factory = Factory::bare_written(Sqlite);
    symlink("site", at(&factory, ".way")).expect("a link");
    for address in [
        "sqlite:site/data.bin",
        "sqlite:./site/../site/data.bin",
        "sqlite:.way/data.bin",
    ] {
        let factory = factory_at(&factory, address);
        refused(
            factory,
            &["data.bin", "`site/`", "database = \"sqlite:callboard.db\""],
        );
        assert!(!at(factory, "site/data.bin").exists(), "{address}");
    }
}

/// The same workspace with another address in its file.
fn factory_at<'f>(factory: &'f Factory, address: &str) -> &'f Factory {
    let text = factory.read("callboard.toml");
    let rest: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("database"))
        .collect();
    let text = format!("database = \"{address}\"\n{}\n", rest.join("\n"));
    factory.write("callboard.toml", text);
    factory
}

fn files_never_end() {
    for file in [
        "callboard.toml",
        ".callboardignore",
        "settings.toml",
        "callboard.key",
        "prompts/endless.md",
        "site/endless.html",
        "notes.txt",
    ] {
        let factory = Factory::bare(Sqlite);
        let path = at(&factory, file);
        fs::remove_file(&path).ok();
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).expect("a pipe");
        let ran = in_time(&factory, &["check"]);
        assert!(ran.to_string().contains(file), "{ran}");
        fs::remove_file(&path).expect("removed");
        symlink("/dev/zero", &path).expect("a link");
        let ran = in_time(&factory, &["check"]);
        assert!(ran.to_string().contains(file), "{ran}");
    }
}

/// The command, with an end in any case, of which exit code 124 tells.
fn in_time(factory: &Factory, arguments: &[&str]) -> Ran {
    let program = program();
    let program = program.to_str().expect("UTF-8");
    let command = [&["60", program], arguments].concat();
    let ran: Ran = factory
        .around("timeout", &command)
        .output()
        .expect("it starts")
        .into();
    assert!((1..=3).contains(&ran.code), "{ran}");
    ran
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = names
        .map(|entry| {
            entry
                .expect("a name")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

fn a_check_is_given_a_place() {
    let factory = Factory::bare_written(Sqlite);
    let before = names(&factory.workspace());
    let told = factory.ok(&["check"]);
    assert!(told.contains("references answer"), "{told}");
    for command in [
        &["runs", "list"][..],
        &["handlers", "list"],
        &["settings", "list"],
    ] {
        factory.run(command);
    }
    assert_eq!(names(&factory.workspace()), before);
    factory.ok(&["apply"]);
    assert!(at(&factory, "callboard.db").exists());
}

fn an_address_has_parameters() {
    let factory = Factory::bare_written(Sqlite);
    factory_at(&factory, "sqlite:x.db?mode=rwc&vfs=unix");
    let before = names(&factory.workspace());
    refused(&factory, &["takes no parameters", "sqlite:PATH"]);
    assert_eq!(names(&factory.workspace()), before);
}

/// A git that does not know the variable by which newer ones fetch nothing.
const OLDER: &str = "#!/bin/sh\nunset GIT_NO_LAZY_FETCH\nPATH=\"${PATH#*:}\" exec git \"$@\"\n";

fn a_repository_lacks_an_object() {
    let board = repository();
    board
        .at("2026-01-02T10:00:00Z")
        .file("src/a.rs", "fn a() {}\n")
        .commit("feat: a");
    let blob = board.git(&["rev-parse", "HEAD:src/a.rs"], "");
    let (folder, file) = blob.split_at(2);
    fs::remove_file(board.path().join(format!(".git/objects/{folder}/{file}"))).expect("removed");
    let bin = tempfile::tempdir().expect("a folder");
    fs::write(bin.path().join("git"), OLDER).expect("a program");
    let (program, ran) = (bin.path().join("fetch"), bin.path().join("ran"));
    fs::write(&program, format!("#!/bin/sh\ntouch {}\n", ran.display())).expect("a program");
    for program in [bin.path().join("git"), program.clone()] {
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(program, mode).expect("a program");
    }
    for (key, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", &board.path().display().to_string()),
        ("remote.origin.uploadpack", &program.display().to_string()),
        ("protocol.file.allow", "always"),
    ] {
        board.git(&["config", key, value], "");
    }
    let path = std::env::var("PATH").expect("a path");
    let path = format!("{}:{path}", bin.path().display());
    let show = ["-C", &board.path().display().to_string(), "show", "HEAD"].map(str::to_owned);
    let shown = Command::new(bin.path().join("git"))
        .args(show)
        .env("PATH", &path)
        .output();
    shown.expect("git starts");
    assert!(ran.exists(), "git by itself fetches it");
    fs::remove_file(&ran).expect("removed");
    let factory = Factory::bare(Sqlite).with("PATH", path);
    let told = factory.diary(board.path(), "2026-01-02");
    assert_eq!(told.code, 0, "{told}");
    assert!(!ran.exists(), "{told}");
}

/// What another program does to its file.
fn sqlite(path: &Path, sql: &'static str) {
    runtime().block_on(async {
        let address = format!("sqlite:{}?mode=rwc", path.display());
        let mut connection = SqliteConnection::connect(&address).await.expect("a file");
        sqlx::raw_sql(sql)
            .execute(&mut connection)
            .await
            .expect("it is done");
        connection.close().await.expect("closed");
    });
}

fn a_file_belongs_to_another_program() {
    let factory = Factory::bare_written(Sqlite);
    let path = at(&factory, "theirs.db");
    for made in [
        "CREATE TABLE moz_places (id INTEGER)",
        "CREATE TABLE migrations (id INTEGER, migration TEXT, batch INTEGER)",
        "PRAGMA application_id = 252006674",
    ] {
        fs::remove_file(&path).ok();
        sqlite(&path, made);
        let before = fs::read(&path).expect("a file");
        factory_at(&factory, "sqlite:theirs.db");
        refused(
            &factory,
            &["theirs.db", "another program", "name another file"],
        );
        assert!(fs::read(&path).expect("a file") == before, "{made}");
        assert!(!at(&factory, "theirs.db-wal").exists(), "{made}");
    }
}

/// What it waits for never comes: the deadline of its stage ends it.
fn git_waits_for_a_pipe() {
    for name in ["packed-refs", "config", "shallow"] {
        let repository = repository();
        repository
            .at("2026-03-02T10:00:00Z")
            .commit("feat: a change");
        let file = repository.path().join(".git").join(name);
        fs::remove_file(&file).ok();
        mkfifoat(CWD, &file, Mode::RUSR | Mode::WUSR).expect("a pipe");
        let path = repository.path().to_str().expect("a path").to_owned();
        let asked = async {
            let git = Git::open(&path, Instant::now() + Duration::from_secs(2)).expect("a folder");
            git.identity().await?;
            git.commits(&["HEAD".to_owned()], &mut (1 << 20))
                .await
                .map(drop)
        };
        let minute = Duration::from_secs(60);
        let ended = runtime().block_on(async { tokio::time::timeout(minute, asked).await });
        let error = ended.expect("it ends").expect_err("a pipe is no file");
        assert!(matches!(error, GitError::Timeout), "{name}: {error}");
        let line = format!("-C\0{path}\0");
        eventually("it is gone", || (!is_at_work(&line)).then_some(()));
    }
}

/// Whether a process has these arguments.
fn is_at_work(arguments: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let mut lines = processes.filter_map(|it| fs::read(it.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(arguments))
}
