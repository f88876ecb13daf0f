//! Revisions as they are stored.

use super::*;

fn files(texts: &[(&str, &str)]) -> StoredFiles {
    let files = texts.iter();
    files
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.db");
    let store = Store::open(&format!("sqlite:{}", path.display())).await;
    (folder, store.expect("a store"))
}

#[tokio::test]
async fn a_revision_is_stored_once_and_activated() {
    let (_folder, store) = store().await;
    assert_eq!(active(&store).await.expect("none"), None);
    let first = files(&[("a", "1"), ("b", "2")]);
    let second = files(&[("b", "3"), ("c", "2")]);
    assert_eq!(
        save(&store, first.clone(), "aa11", "first", at(1))
            .await
            .expect("saved"),
        1
    );
    assert_eq!(
        save(&store, second.clone(), "aa22", "", at(2))
            .await
            .expect("saved"),
        2
    );
    assert_eq!(
        save(&store, second, "aa22", "again", at(3))
            .await
            .expect("saved"),
        2
    );
    let now = active(&store).await.expect("answer").expect("active");
    assert_eq!((now.number, now.activated_at), (2, Some(at(2))));
    assert_eq!(self::files_of(&store, 1).await, first);
    let blobs = store
        .query(Statement::new("SELECT digest FROM blobs"))
        .await
        .expect("rows");
    assert_eq!(blobs.rows.len(), 3, "equal contents are stored once");
    let difference = diff(&store, 1, 2).await.expect("a difference");
    assert_eq!(difference.added, ["c"]);
    assert_eq!(difference.removed, ["a"]);
    assert_eq!(difference.changed, ["b"]);
}

async fn files_of(store: &Store, number: i64) -> StoredFiles {
    super::files(store, number).await.expect("files")
}

#[tokio::test]
async fn an_older_revision_comes_back() {
    let (_folder, store) = store().await;
    for (digest, second) in [("aa11", 1), ("aa22", 2)] {
        save(&store, files(&[("a", digest)]), digest, "", at(second))
            .await
            .expect("saved");
    }
    rollback(&store, 1, at(3)).await.expect("rolled back");
    let now = active(&store).await.expect("answer").expect("active");
    assert_eq!((now.number, now.activated_at), (1, Some(at(3))));
    let error = rollback(&store, 9, at(4))
        .await
        .expect_err("unknown")
        .to_string();
    assert!(error.starts_with("there is no revision `9`"), "{error}");
    assert_eq!(list(&store).await.expect("a list").len(), 2);
}

#[tokio::test]
async fn a_revision_is_found_by_number_or_digits() {
    let (_folder, store) = store().await;
    for digest in ["aa11", "aa22"] {
        save(&store, files(&[("a", digest)]), digest, "", at(1))
            .await
            .expect("saved");
    }
    assert_eq!(find(&store, "2").await.expect("by number").digest, "aa22");
    assert_eq!(find(&store, "AA1").await.expect("by digits").number, 1);
    let error = find(&store, "aa").await.expect_err("both").to_string();
    assert!(error.contains("revisions 1, 2"), "{error}");
    assert!(find(&store, "%").await.is_err());
}
