//! S15: a repository that cannot be read leaves no trace, so the day is done once it can.

use std::fs;
use std::path::{Path, PathBuf};

use callboard_core::store::Dialect::Sqlite;

use crate::support::factory::{DAY, Factory, board};
use crate::support::repository::GitFolder;

/// The day cannot be read, nothing is remembered of it; mended, it becomes a draft.
#[track_caller]
fn unavailable_until_mended(path: &Path, cause: &str, mend: impl FnOnce()) {
    let factory = Factory::bare(Sqlite);
    for _ in 0..2 {
        let ran = factory.diary(path, DAY);
        assert_eq!(ran.code, 3, "{ran}");
        assert!(ran.stdout.starts_with("unavailable"), "{ran}");
        assert!(ran.stdout.contains(cause), "{ran}");
    }
    for table in ["diary_days", "tasks", "drafts", "posts"] {
        assert_eq!(factory.count(table), 0, "{table}");
    }
    assert_eq!(factory.count("runs WHERE status = 'unavailable'"), 2);
    mend();
    let ran = factory.diary(path, DAY);
    assert_eq!(ran.code, 4, "{ran}");
    assert_eq!(factory.count("tasks"), 1);
}

/// A path beside a repository that is free, and the move that brings the repository there.
fn beside(repository: &GitFolder) -> (PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("board");
    assert!(repository.path().join(".git").is_dir());
    (path, folder)
}

fn clone(repository: &GitFolder, path: &Path) {
    let path = path.to_str().expect("UTF-8");
    repository.git(&["clone", "--quiet", ".", path], "");
}

#[test]
fn a_repository_that_is_missing() {
    let repository = board();
    let (path, _folder) = beside(&repository);
    unavailable_until_mended(&path, "no such folder", || clone(&repository, &path));
}

#[test]
fn a_repository_that_is_a_file() {
    let repository = board();
    let (path, _folder) = beside(&repository);
    fs::write(&path, "text").expect("a file");
    unavailable_until_mended(&path, "it is a file", || {
        fs::remove_file(&path).expect("it is there");
        clone(&repository, &path);
    });
}

#[test]
fn a_folder_that_is_no_repository() {
    let repository = board();
    let (path, _folder) = beside(&repository);
    fs::create_dir(&path).expect("a folder");
    unavailable_until_mended(&path, "not a git repository", || clone(&repository, &path));
}

#[test]
fn a_repository_without_its_head() {
    let repository = board();
    let (head, away) = (
        repository.path().join(".git/HEAD"),
        repository.path().join(".git/away"),
    );
    fs::rename(&head, &away).expect("it is there");
    unavailable_until_mended(repository.path(), "not a git repository", || {
        fs::rename(&away, &head).expect("it is there");
    });
}

#[test]
fn a_repository_whose_objects_are_gone() {
    let repository = board();
    let objects = repository.path().join(".git/objects");
    let away = repository.path().join(".git/away");
    fs::rename(&objects, &away).expect("it is there");
    fs::create_dir(&objects).expect("a folder");
    unavailable_until_mended(repository.path(), "", || {
        fs::remove_dir(&objects).expect("it is empty");
        fs::rename(&away, &objects).expect("it is there");
    });
}

#[test]
fn a_repository_whose_index_of_the_history_is_noise() {
    let repository = board();
    let id = repository.git(&["rev-parse", "HEAD"], "");
    let object = repository
        .path()
        .join(".git/objects")
        .join(&id[..2])
        .join(&id[2..]);
    let good = fs::read(&object).expect("a loose object");
    fs::remove_file(&object).expect("it is there");
    fs::write(&object, b"noise").expect("written over");
    unavailable_until_mended(repository.path(), "", || {
        fs::remove_file(&object).expect("it is there");
        fs::write(&object, &good).expect("mended");
    });
}
