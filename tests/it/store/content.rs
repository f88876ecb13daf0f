//! What the factory makes and remembers: `tasks`, `drafts`, `diary_days`, `commits` and
//! `embeddings`.

use callboard_core::store::named::{self, NameMatch};
use callboard_core::store::{Store, StoreErrorKind, timestamp};
use callboard_core::value::{Statement, Value};
use callboard_factory::tables::TASK;
use callboard_factory::tables::commits::{self, CommitRow};
use callboard_factory::tables::diary_days::{self, DayState};
use callboard_factory::tables::drafts::{self, DraftOrigin, DraftVersion};
use callboard_factory::tables::embeddings::{self, Embedding};
use callboard_factory::tables::tasks::{self, NewTask, TaskEvent, TaskStatus};
use callboard_factory::tables::transitions::{At, Happening};

use super::kind;
use crate::support::database::on_both;

/// Begin a task as a run does that keeps a draft.
async fn begin(store: &Store, id: &str, created: i64) {
    for statement in new(id, &format!("dev_diary:r:{id}"), created) {
        assert_eq!(touches(store, statement).await, 1);
    }
}

fn new(id: &str, subject: &str, created: i64) -> [Statement; 2] {
    let new = NewTask {
        id,
        key: None,
        subject,
        asked: "",
        topic: "A topic",
        run: "run",
        pipeline: "press",
        draft: 1,
    };
    let saved = Happening {
        event: TaskEvent::Save,
        who: "",
        detail: "",
        at: At::Moment(timestamp(created)),
    };
    tasks::insert(&new, &saved)
}

fn draft(task: &str, number: i64) -> DraftVersion {
    DraftVersion {
        id: format!("{task}-{number}"),
        task: task.to_owned(),
        number,
        parent: None,
        origin: DraftOrigin::Pipeline,
        editor: String::new(),
        run: "run".to_owned(),
        title: "A title".to_owned(),
        excerpt: String::new(),
        markdown: "# A title".to_owned(),
        written_by: "composer".to_owned(),
        details: "{}".to_owned(),
        report: "{}".to_owned(),
        conflicts: 0,
        created_at: timestamp(number),
    }
}

async fn touches(store: &Store, statement: Statement) -> u64 {
    store.execute(statement).await.expect("it is allowed")
}

on_both!(
    a_task_is_found_by_the_start_of_its_id_unless_several_begin_so,
    async |store: Store, _url| {
        for (id, at) in [("aaaabbbb-1", 1), ("aaaabbbb-12", 2), ("ccccdddd", 3)] {
            begin(&store, id, at).await;
        }
        let find = async |id| {
            let found = named::find(&store, &TASK, id).await;
            found.expect("an answer")
        };
        let one = |id: &str| NameMatch::One(id.to_owned());
        assert_eq!(find("ccccdddd").await, one("ccccdddd"));
        assert_eq!(
            find("aaaabbbb-1").await,
            one("aaaabbbb-1"),
            "begins another"
        );
        let several = NameMatch::Several(vec!["aaaabbbb-1".to_owned(), "aaaabbbb-12".to_owned()]);
        assert_eq!(find("aaaabbbb").await, several);
        assert_eq!(find("cc").await, one("ccccdddd"));
        assert_eq!(find("latest").await, one("ccccdddd"));
        assert_eq!(find("ccccdddd-").await, NameMatch::None);
        assert_eq!(find("%%%%%%%%").await, NameMatch::None, "no pattern");
        assert_eq!(find("").await, NameMatch::None);
        let about = store.read_first(tasks::about("dev_diary:r:ccccdddd")).await;
        let about = about.expect("an answer").expect("a task");
        assert_eq!(
            (about.id.as_str(), about.status, about.updated_at),
            ("ccccdddd", TaskStatus::Drafted, timestamp(3))
        );
        let [twice, _] = new("other", "dev_diary:r:ccccdddd", 3);
        assert_eq!(kind(store.execute(twice).await), StoreErrorKind::Duplicate);
    }
);

on_both!(drafts_are_numbered_once, async |store: Store, _url| {
    begin(&store, "t", 1).await;
    assert_eq!(store.read(drafts::of_task("t")).await.expect("none"), []);
    for number in [1, 2] {
        assert_eq!(
            touches(&store, drafts::insert(&draft("t", number))).await,
            1
        );
    }
    let all = store.read(drafts::of_task("t")).await.expect("both");
    assert_eq!(all, [draft("t", 1), draft("t", 2)]);
    let second = store.read_first(drafts::numbered("t", 2)).await;
    assert_eq!(second.expect("an answer"), Some(draft("t", 2)));
    let taken = DraftVersion {
        id: "other".to_owned(),
        ..draft("t", 2)
    };
    assert_eq!(
        kind(store.execute(drafts::insert(&taken)).await),
        StoreErrorKind::Duplicate
    );
});

on_both!(
    a_published_day_never_becomes_a_thin_one,
    async |store: Store, _url| {
        let state = async || {
            store
                .read_first(diary_days::state("day"))
                .await
                .expect("an answer")
        };
        let mark = |state| diary_days::mark("day", state, "run", timestamp(1));
        assert_eq!(state().await, None);
        for (marked, kept) in [
            (DayState::Thin, DayState::Thin),
            (DayState::Published, DayState::Published),
            (DayState::Thin, DayState::Published),
        ] {
            store.execute(mark(marked)).await.expect("it is marked");
            assert_eq!(state().await, Some(kept));
        }
    }
);

on_both!(
    a_full_batch_of_commits_is_kept_once,
    async |store: Store, _url| {
        let batch: Vec<CommitRow> = (0..commits::BATCH)
            .map(|number| CommitRow {
                id: format!("{number:040x}"),
                repository: "r".to_owned(),
                author: "Ada".to_owned(),
                subject: format!("feat: {number}"),
                body: String::new(),
                committed_at: timestamp(i64::try_from(number).expect("small")),
            })
            .collect();
        for _ in 0..2 {
            let rows = touches(&store, commits::insert(&batch)).await;
            assert_eq!(usize::try_from(rows).expect("small"), commits::BATCH);
        }
        assert_eq!(
            store.read_one(commits::count()).await.expect("a number"),
            200
        );
        let newest = store.read(commits::newest(2)).await.expect("ids");
        assert_eq!(newest, [batch[199].id.as_str(), batch[198].id.as_str()]);
        let whole = store.read(commits::all_of(&newest)).await.expect("commits");
        assert_eq!(whole, [batch[199].clone(), batch[198].clone()]);
        let asked = [batch[7].id.clone(), "unknown".to_owned()];
        let known = store.read(commits::known(&asked)).await.expect("ids");
        assert_eq!(known, [batch[7].id.as_str()]);
    }
);

on_both!(
    a_changed_text_replaces_its_embedding,
    async |store: Store, _url| {
        let one = |number: usize, hash: &str| Embedding {
            source_table: "commits".to_owned(),
            source_id: format!("{number:03}"),
            content_hash: hash.to_owned(),
            chunk_index: 0,
            text_preview: "a text".to_owned(),
            embedding_model: "m".to_owned(),
            embedding: vec![0.5, -1.0],
            metadata: serde_json::json!({"n": number}),
            writer: "tap".to_owned(),
            created_at: timestamp(1),
        };
        let batch: Vec<_> = (0..embeddings::BATCH)
            .map(|number| one(number, "old"))
            .collect();
        touches(&store, embeddings::upsert(&batch, timestamp(1))).await;
        touches(&store, embeddings::upsert(&[one(7, "new")], timestamp(2))).await;
        let counts = store.read(embeddings::counts()).await.expect("counts");
        let expected = embeddings::EmbeddingCount {
            is_summary: false,
            rows: 100,
        };
        assert_eq!(counts, [expected]);
        let asked = ["006", "007", "unknown"].into_iter();
        let hashes = store.read(embeddings::hashes("commits", "m", asked)).await;
        let mut hashes = hashes.expect("hashes");
        hashes.sort();
        let expected = [("006", "old"), ("007", "new")];
        let expected = expected.map(|(id, hash)| (id.to_owned(), hash.to_owned()));
        assert_eq!(hashes, expected);
        let stored = Statement::new("SELECT embedding FROM embeddings WHERE updated_at = 2");
        let rows = store.query(stored).await.expect("rows");
        let bytes = rows
            .first()
            .expect("one")
            .blob("embedding")
            .expect("a blob");
        assert_eq!(Value::vector_of(&bytes), Some(vec![0.5, -1.0]));
        let summaries = store.read(embeddings::summaries_after("commits", "")).await;
        assert_eq!(summaries.expect("none").len(), 0);
    }
);
