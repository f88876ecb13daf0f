//! Both databases keep and refuse the same values, and what is kept is read back.

use std::sync::Arc;

use callboard_core::outcome::{Done, Outcome, Patch, Stop};
use callboard_core::pipeline::Follow;
use callboard_core::store::runs::{self, Run, RunLimits, RunStatus};
use callboard_core::store::stage_runs::{self, StageRun, VisitOf};
use callboard_core::store::{Store, StoreErrorKind, checkpoints, findings, timestamp};
use callboard_core::value::Statement;
use serde_json::{Value as Json, json};

use super::kind;
use super::runs::{by_id, checkpoint, claimed, queue, record, run};
use crate::support::database::on_both;

fn nested(levels: usize) -> Json {
    (0..levels).fold(json!("x"), |inner, _| Json::Array(vec![inner]))
}

/// Values that something stumbled over once, and whether they are kept as an input and as what
/// a stage writes.
fn nasty() -> Vec<(Json, bool, bool)> {
    let mut values = vec![
        (json!("a\0b"), false, false),
        (json!("\0"), false, false),
        (json!("\\\0"), false, false),
        (json!({ "a\0": true }), false, false),
        (nested(125), true, true),
        (nested(126), true, false),
        (nested(127), false, false),
        (nested(1000), false, false),
    ];
    for sound in [
        json!(""),
        json!("\\u0000"),
        json!("\\\\u0000 ' \" ; -- $1 ?"),
        json!("\u{1}\u{7f}\u{85}\u{feff}\u{fffd}\u{ffff}\u{10ffff}"),
        json!("x".repeat(300_000)),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(-0.0),
        json!(5e-324),
        json!(1.797_693_134_862_315_7e308),
        json!(null),
        json!({ "": { "": [] } }),
        json!([[], {}, [null]]),
    ] {
        values.push((sound, true, true));
    }
    values
}

fn of(value: &Json) -> Patch {
    Patch::from_iter([("day".to_owned(), value.clone())])
}

fn row(run: &str, visit: u32, outcome: Outcome) -> StageRun {
    StageRun {
        run: run.to_owned(),
        stage: "draft".to_owned(),
        visit,
        step: i64::from(visit),
        what: VisitOf::Handler("content.draft".to_owned()),
        attempts: 1,
        holds: 0,
        outcome,
        follow: Follow::Continue,
        undone: None,
        superseded: false,
        log: Vec::new(),
        wake_at: None,
        started_at: timestamp(1),
        finished_at: timestamp(2),
    }
}

/// Short enough for a message.
fn named(value: &Json) -> String {
    value.to_string().chars().take(60).collect()
}

on_both!(
    a_value_is_kept_by_both_databases_and_comes_back_or_is_refused_by_both,
    async |store: Store, _url| {
        queue(&store, &[run("stages")]).await;
        let claim = claimed(&store, None).await.expect("it is due");
        for (number, (value, input, patch)) in nasty().into_iter().enumerate() {
            let id = format!("run-{number}");
            let queued = Run {
                input: of(&value),
                ..run(&id)
            };
            let kept = match runs::insert(&queued, store.dialect()) {
                Ok(insert) => store.execute(insert).await.map(drop),
                Err(error) => Err(error),
            };
            assert_eq!(kept.is_ok(), input, "{}: {kept:?}", named(&value));
            match kept {
                Ok(()) => assert_eq!(by_id(&store, &id).await.input, queued.input),
                Err(error) => assert_eq!(error.kind, StoreErrorKind::Unstorable, "{error}"),
            }
            let visit = u32::try_from(number).expect("not so many") + 1;
            let done = row("stages", visit, Outcome::Done(Done::new(of(&value))));
            let kept = checkpoint(&claim, vec![done.clone()], RunStatus::Running);
            let kept = checkpoints::commit(&store, vec![Arc::new(kept)]).await;
            assert_eq!(kept.is_ok(), patch, "{}: {kept:?}", named(&value));
            let rows = stage_runs::of_run(&store, "stages")
                .await
                .expect("readable");
            assert_eq!(rows.contains(&done), patch, "{}", named(&value));
        }
    }
);

on_both!(
    a_text_is_kept_by_both_databases_or_refused_by_both_wherever_it_stands,
    async |store: Store, _url| {
        queue(&store, &[run("a")]).await;
        let claim = claimed(&store, None).await.expect("it is due");
        for (visit, (text, sound)) in [("a\0b", false), ("\\u0000", true), ("\u{1}", true)]
            .into_iter()
            .enumerate()
        {
            let visit = u32::try_from(visit).expect("not so many") + 1;
            let stopped = Outcome::Stopped(Stop::unavailable("x", text));
            let rows = vec![row("a", visit, stopped)];
            let kept = checkpoint(&claim, rows, RunStatus::Running);
            let kept = checkpoints::commit(&store, vec![Arc::new(kept)]).await;
            assert_eq!(kept.is_ok(), sound, "a message {text:?}: {kept:?}");
            let mut written = checkpoint(&claim, Vec::new(), RunStatus::Running);
            let write = "INSERT INTO diary_days VALUES ($1, 'thin', 'a', 1)";
            written.writes = vec![Statement::new(write).bind(text)];
            let kept = checkpoints::commit(&store, vec![Arc::new(written)]).await;
            assert_eq!(kept.is_ok(), sound, "a deferred write {text:?}: {kept:?}");
            let asked = Statement::new("SELECT CAST($1 AS TEXT) AS v").bind(text);
            assert_eq!(store.query(asked).await.is_ok(), sound, "a query {text:?}");
            // A finding is told whatever it quotes.
            let raised = findings::raise(&store, text, "test", text, text).await;
            assert!(raised.expect("an answer"), "{text:?}");
        }
    }
);

on_both!(
    a_key_of_limits_that_is_too_long_for_an_index_is_refused_before_it_is_kept,
    async |store: Store, _url| {
        queue(&store, &[]).await;
        for (length, sound) in [(1024, true), (1025, false), (6000, false)] {
            // What an index could not make shorter.
            let key: String = (0..length)
                .filter_map(|at: u32| char::from_u32(33 + at * at % 89))
                .collect();
            let limits = RunLimits {
                key: Some(key),
                rate: Some(1),
                ..RunLimits::default()
            };
            let limited = Run {
                limits,
                ..run(&format!("of-{length}"))
            };
            let insert = runs::insert(&limited, store.dialect());
            assert_eq!(insert.is_ok(), sound, "{length}");
            match insert {
                Ok(insert) => {
                    store.execute(insert).await.expect("it is queued");
                    let claim = claimed(&store, None).await.expect("it is due");
                    assert!(record(&store, &claim, RunStatus::Done).await);
                }
                error => assert_eq!(kind(error), StoreErrorKind::Unstorable),
            }
        }
    }
);
