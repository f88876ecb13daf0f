//! `revisions` are stored once and one of them is active; `settings` are set, sealed and unset.

use callboard_core::store::revisions::{self, Difference};
use callboard_core::store::settings::{self, SettingContent, StoredSetting};
use callboard_core::store::{Store, StoreErrorKind, timestamp};
use callboard_core::value::Statement;
use futures_util::future::join_all;
use std::collections::BTreeMap;

use super::runs::{queue, run};
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
    a_revision_is_read_without_its_components,
    async |store: Store, _url| {
        let all = files(&[
            ("callboard.toml", "name"),
            ("plugins/a/a.wasm", "code"),
            ("plugins/a/contracts.json", "[]"),
            ("plugins/a/plugin.toml", "manifest"),
            ("site/logo.png", "picture"),
        ]);
        let saved = revisions::save(&store, all.clone(), "aa11", "", timestamp(1)).await;
        let said = revisions::said(&store, saved.expect("it is saved")).await;
        let said = said.expect("a revision");
        let paths: Vec<_> = said.components.keys().map(String::as_str).collect();
        assert_eq!(paths, ["plugins/a/a.wasm"]);
        let mut others = all;
        others.remove("plugins/a/a.wasm");
        assert_eq!(said.files, others);
        let content = async |digest: &str| {
            let content = revisions::content(&store, digest).await;
            content.expect("an answer")
        };
        let code = content(&said.components["plugins/a/a.wasm"]).await;
        assert_eq!(code.as_deref(), Some(&b"code"[..]));
        assert_eq!(content("none").await, None);
    }
);

on_both!(
    revisions_that_nothing_refers_to_are_removed_with_their_contents,
    async |store: Store, _url| {
        for number in 1..=6 {
            let text = format!("text {number}");
            let files = files(&[("a", &text), ("b", "shared")]);
            let (digest, at) = (format!("aa{number}"), timestamp(number));
            let saved = revisions::save(&store, files, &digest, "", at).await;
            assert_eq!(saved.expect("it is saved"), number);
        }
        revisions::rollback(&store, 2, timestamp(7))
            .await
            .expect("an older one is active");
        let mut run = run("01");
        run.revision = 3;
        queue(&store, &[run]).await;
        let left = async |keep| {
            let removed = revisions::prune(&store, keep).await.expect("pruned");
            let list = revisions::list(&store).await.expect("a list");
            (removed, list.iter().map(|it| it.number).collect::<Vec<_>>())
        };
        // The active one, the one of a run, and the two latest.
        assert_eq!(left(2).await, (2, vec![6, 5, 3, 2]));
        assert_eq!(left(2).await.0, 0);
        let contents = store.query(Statement::new("SELECT digest FROM blobs"));
        assert_eq!(contents.await.expect("contents").rows.len(), 5);
        assert_eq!(revisions::files(&store, 5).await.expect("files").len(), 2);
        let next = revisions::save(&store, files(&[("a", "7")]), "aa7", "", timestamp(8)).await;
        assert_eq!(next.expect("it is saved"), 7, "no number is given twice");
    }
);

on_both!(
    a_setting_is_a_text_or_sealed_and_can_be_unset,
    async |store: Store, _url| {
        let text = SettingContent::Text(String::new());
        let sealed = SettingContent::Sealed {
            bytes: vec![0, 255],
            key_id: "ab".to_owned(),
        };
        for (key, content) in [("b", &text), ("a", &text), ("a", &sealed)] {
            let set = settings::set(key, content, timestamp(1));
            assert_eq!(store.execute(set).await.expect("it is set"), 1);
        }
        let stored = |key: &str, content: &SettingContent| StoredSetting {
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
