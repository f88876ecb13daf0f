//! Stages that put themselves off: to a time that has passed, again and again, and for longer
//! than their run may take.

use callboard_core::store::Dialect;

use super::bench::{queue, rack, until_ended, well};
use super::judge::judge;
use super::worker::Worker;
use crate::support::daemon::eventually;
use crate::support::factory::{Factory, on_each};

const SECOND: i64 = 1_000_000;

/// How often the only held stage was held, and how long it is left alone now.
fn held(factory: &Factory) -> Option<(i64, i64)> {
    let sql = "SELECT holds, wake_at - finished_at AS pause FROM stage_runs WHERE follow = 'hold'";
    let rows = factory.query(sql);
    let row = rows.first()?;
    let number = |column| row.integer(column).expect("a number");
    Some((number("holds"), number("pause")))
}

on_each!(
    a_stage_that_asks_for_the_past_is_asked_less_and_less_often,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let runaway = queue(&factory, "branches", &["b=past".to_owned()]);
        queue(&factory, "branches", &well(5));
        let worker = Worker::start(&factory);
        for hold in 0..2 {
            let pause = eventually("it is held again", || {
                held(&factory).filter(|(holds, _)| *holds >= hold)
            });
            let (holds, pause) = pause;
            assert!(pause >= SECOND << holds, "{pause} µs after {holds} holds");
        }
        factory.ok(&["runs", "cancel", &runaway[0]]);
        until_ended(&factory);
        worker.drain();
        let expected = [("cancelled".to_owned(), 1), ("done".to_owned(), 5)];
        assert_eq!(judge(&factory), expected.into());
    }
);

on_each!(
    a_stage_that_asks_for_more_time_than_its_run_has_fails,
    |dialect: Dialect| {
        let factory = rack(dialect);
        let far = queue(&factory, "branches", &["b=far".to_owned()]);
        let worker = Worker::start(&factory);
        until_ended(&factory);
        worker.drain();
        assert_eq!(judge(&factory), [("failed".to_owned(), 1)].into());
        let detail = format!("SELECT detail FROM history WHERE id = '{}'", far[0]);
        let detail = factory.texts(&detail, "detail").join("");
        assert!(
            detail.contains("timeout") && detail.contains("`budget`"),
            "{detail}"
        );
    }
);
