//! `revisions` are stored once and one of them is active; `settings` are set, sealed and unset.

use callboard::store::revisions::{self, Difference};
use callboard::store::settings::{self, Content, Stored};
use callboard::store::{Store, StoreErrorKind, timestamp};
use futures_util::future::join_all;
use std::collections::BTreeMap;

use super::{kind, numbers};
use crate::support::database::on_both;

fn files(texts: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let files = texts.iter();
    files
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect()
}

on_both!(
    a_revision_is_stored_once_activated_and_rolled_back_to,
    async |store: Store, _url| {
        let save = async |files, digest, at| {
            let saved = revisions::save(&store, files, digest, "a note", timestamp(at)).await;
            saved.expect("it is saved")
        };
        let active = async || {
            revisions::active(&store)
                .await
                .expect("an answer")
                .map(|it| it.number)
        };
        assert_eq!(active().await, None);
        let (first, second) = (
            files(&[("a", "1"), ("b", "2")]),
            files(&[("b", "3"), ("c", "2")]),
        );
        assert_eq!(save(first.clone(), "aa11", 1).await, 1);
        assert_eq!(save(second.clone(), "aa22", 2).await, 2);
        assert_eq!(
            save(second, "aa22", 3).await,
            2,
            "the same again is the same"
        );
        assert_eq!(active().await, Some(2));
        assert_eq!(revisions::files(&store, 1).await.expect("files"), first);
        assert_eq!(
            numbers(&store, "SELECT COUNT(*) AS n FROM blobs").await,
            [3]
        );
        let difference = Difference {
            added: vec!["c".to_owned()],
            removed: vec!["a".to_owned()],
            changed: vec!["b".to_owned()],
        };
        assert_eq!(
            revisions::diff(&store, 1, 2).await.expect("a difference"),
            difference
        );
        revisions::rollback(&store, 1, timestamp(4))
            .await
            .expect("it is there");
        assert_eq!(active().await, Some(1));
        let unknown = revisions::rollback(&store, 9, timestamp(5)).await;
        assert_eq!(kind(unknown), StoreErrorKind::Statement);
        assert_eq!(active().await, Some(1));
        let found = async |wanted| revisions::find(&store, wanted).await;
        assert_eq!(found("2").await.expect("by number").digest, "aa22");
        assert_eq!(found("AA1").await.expect("by digits").number, 1);
        for wanted in ["aa", "bb", "%", "", "9"] {
            assert_eq!(
                kind(found(wanted).await),
                StoreErrorKind::Statement,
                "{wanted}"
            );
        }
        assert_eq!(revisions::list(&store).await.expect("a list").len(), 2);
    }
);

on_both!(
    processes_that_apply_at_once_get_numbers_of_their_own,
    async |store: Store, url: String| {
        let other = Store::open(&url).await.expect("a second process");
        let saves = (0..8).map(async |number: i64| {
            let store = if number % 2 == 0 { &store } else { &other };
            let digest = format!("{number:04}");
            revisions::save(store, files(&[("a", "1")]), &digest, "", timestamp(number)).await
        });
        let mut saved: Vec<i64> = Vec::new();
        for number in join_all(saves).await {
            saved.push(number.expect("it is saved"));
        }
        let active = revisions::active(&other)
            .await
            .expect("an answer")
            .expect("one");
        assert!(saved.contains(&active.number));
        saved.sort_unstable();
        assert_eq!(saved, (1..=8).collect::<Vec<_>>());
        other.close().await;
    }
);

on_both!(
    a_setting_is_a_text_or_sealed_and_can_be_unset,
    async |store: Store, _url| {
        let text = Content::Text(String::new());
        let sealed = Content::Sealed {
            bytes: vec![0, 255],
            key_id: "ab".to_owned(),
        };
        for (key, content) in [("b", &text), ("a", &text), ("a", &sealed)] {
            let set = settings::set(key, content, timestamp(1));
            assert_eq!(store.execute(set).await.expect("it is set"), 1);
        }
        let stored = |key: &str, content: &Content| Stored {
            key: key.to_owned(),
            content: content.clone(),
            updated_at: timestamp(1),
        };
        let list = settings::list(&store).await.expect("a list");
        assert_eq!(list, [stored("a", &sealed), stored("b", &text)]);
        assert_eq!(
            store
                .execute(settings::unset("a"))
                .await
                .expect("it is unset"),
            1
        );
        assert_eq!(
            store
                .execute(settings::unset("a"))
                .await
                .expect("it was unset"),
            0
        );
    }
);
