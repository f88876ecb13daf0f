//! A gate that a stage may settle in a person's place: it is approved only by a handler that decides, whose
//! stage stands directly before the gate and said so in this very run. Anything else is asked, with why. No IO.

use jiff::Timestamp;

use super::{checkpoint, plan};
use crate::handler::{RULING, Ruling, RulingAnswer, SETTLED_BY};
use crate::outcome::{Done, Outcome, Patch};
use crate::pipeline::{Follow, Stage};
use crate::registry::Registry;
use crate::shown::cut;
use crate::store::gates::{Decision, Gate, GateVerdict};
use crate::store::stage_runs::StageRun;

/// The most characters of a reason that goes by the approver's name, and of all.
const LONGEST_NAME: usize = 200;
const LONGEST: usize = 2_000;

/// What the stage that may settle a gate said of it.
#[derive(Debug)]
pub(super) enum SettleAnswer {
    /// No stage may settle it.
    Nobody,
    /// It is approved, by this verdict.
    Approved(GateVerdict),
    /// A person is asked, and told this.
    Ask(String),
}

/// What is said of a gate that can open now.
pub(super) fn said(gate: &Stage, rows: &[StageRun], registry: &Registry) -> SettleAnswer {
    let Some(by) = gate.settled_by.as_ref().map(|by| by.get_ref().as_str()) else {
        return SettleAnswer::Nobody;
    };
    let ask = |why: &str| SettleAnswer::Ask(format!("{by}: {why}"));
    // The roll call holds it; a run that is older than the rule is asked about.
    if !gate.needed().eq([by]) || gate.follow("done") != Follow::Continue {
        return ask("it does not stand alone before the gate");
    }
    let Some(row) = plan::live(rows).find(|row| row.stage == by && !row.is_held()) else {
        return ask("it said nothing");
    };
    let entry = row.what.handler().and_then(|name| registry.get(name));
    if !entry.is_some_and(|entry| entry.contract.decides) {
        return ask("its handler does not decide");
    }
    if plan::live(rows).any(|row| !row.outcome.flags().is_empty()) {
        return ask("what waits is flagged");
    }
    let done = match &row.outcome {
        Outcome::Done(done) if done.fallbacks.is_empty() => done,
        Outcome::Done(_) => return ask("it was done in a lesser way than it should have been"),
        // What went wrong is no approval.
        Outcome::Stopped(_) => return ask(&row.outcome.detail()),
    };
    let ruling = done.patch.get(RULING).cloned();
    let ruling = ruling.map(serde_json::from_value::<Ruling>);
    match ruling {
        Some(Ok(ruling)) if ruling.answer == RulingAnswer::Approve => approved(by, &ruling),
        Some(Ok(ruling)) => ask(&ruling.reasons.join("; ")),
        Some(Err(error)) => ask(&format!("its ruling cannot be read: {error}")),
        None => ask("it wrote no ruling"),
    }
}

fn approved(by: &str, ruling: &Ruling) -> SettleAnswer {
    // A yes without a reason is none that anybody could answer for.
    let Some(first) = ruling.reasons.first() else {
        return SettleAnswer::Ask(format!("{by}: it approves without a reason"));
    };
    SettleAnswer::Approved(GateVerdict {
        decision: Decision::Approved,
        part: None,
        feedback: cut(ruling.reasons.join("; "), LONGEST),
        by: cut(format!("{SETTLED_BY}{by}: {first}"), LONGEST_NAME),
        seen: ruling.seen,
    })
}

/// A question with what was said of it.
pub(super) fn asked(question: &str, why: &str) -> String {
    format!("{question} ({})", cut(why, LONGEST))
}

/// The checkpoint of a gate that is approved as it opens.
pub(super) fn passed(gate: &Gate, stage: &Stage, rows: &[StageRun], now: Timestamp) -> StageRun {
    let done = Outcome::Done(Done::new(Patch::new()));
    checkpoint::decided(gate, rows, (done, stage.follow("done")), now)
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::handler::{AnyHandler, Call, Contract, Needs};
    use crate::outcome::{FailureKind, Stop};
    use crate::pipeline::Pipeline;
    use crate::registry::{HandlerEntry, HandlerOrigin};
    use crate::store::stage_runs::VisitOf;

    struct Silent(bool);

    impl AnyHandler for Silent {
        fn contract(&self, name: &str) -> Contract {
            let keys = json!({ "type": "object" });
            Contract {
                name: name.to_owned(),
                summary: String::new(),
                config: keys.clone(),
                reads: keys.clone(),
                writes: keys,
                needs: Needs::default(),
                always_gives_a_verdict: false,
                decides: self.0,
                may_flag: false,
            }
        }

        fn call<'a>(&'a self, _: &'a Call, _: Json, _: Patch) -> BoxFuture<'a, Outcome> {
            Box::pin(async { Outcome::Stopped(Stop::nothing_to_do("a contract only")) })
        }
    }

    fn registry(decides: bool) -> Registry {
        let handler = std::sync::Arc::new(Silent(decides));
        let contract = handler.contract("qa.settle");
        let origin = HandlerOrigin::Native { file: "settle.rs" };
        let entry = HandlerEntry::new(contract, origin, handler);
        Registry::of([entry.expect("sound schemas")])
    }

    fn pipeline(needs: &str) -> Pipeline {
        let text = format!(
            "name = \"p\"\nbudget = \"1m\"\nstage = [ {{ id = \"s\", handler = \"qa.settle\" }}, \
            {{ id = \"x\", handler = \"x.a\" }}, \
            {{ id = \"g\", gate = \"good?\", needs = {needs}, settled_by = \"s\" }} ]"
        );
        toml::from_str(&text).expect("a pipeline")
    }

    fn row(outcome: Outcome, follow: Follow) -> StageRun {
        let now = Timestamp::UNIX_EPOCH;
        let what = VisitOf::Handler("qa.settle".to_owned());
        StageRun {
            run: "r".to_owned(),
            stage: "s".to_owned(),
            visit: 1,
            step: 1,
            what,
            attempts: 1,
            holds: 0,
            outcome,
            follow,
            undone: None,
            superseded: false,
            log: Vec::new(),
            wake_at: None,
            started_at: now,
            finished_at: now,
        }
    }

    fn done(ruling: Json) -> Outcome {
        let patch = Patch::from_iter([(RULING.to_owned(), ruling)]);
        Outcome::Done(Done::new(patch))
    }

    fn asks(needs: &str, rows: &[StageRun], decides: bool) -> String {
        let pipeline = pipeline(needs);
        let gate = pipeline.stage("g").expect("the gate");
        match said(gate, rows, &registry(decides)) {
            SettleAnswer::Ask(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_an_approval_of_a_handler_that_decides_directly_before_the_gate_settles_it() {
        let yes = json!({ "answer": "approve", "reasons": ["it is good", "and so on"], "seen": 3 });
        let approves = [row(done(yes), Follow::Continue)];
        let pipeline = pipeline("[\"s\"]");
        let gate = pipeline.stage("g").expect("the gate");
        let SettleAnswer::Approved(verdict) = said(gate, &approves, &registry(true)) else {
            panic!("it approves");
        };
        assert_eq!(verdict.by, "settled by s: it is good");
        assert_eq!(
            (verdict.feedback.as_str(), verdict.seen),
            ("it is good; and so on", Some(3))
        );
        // Whatever else there is, a person is asked.
        assert_eq!(
            asks("[\"s\"]", &approves, false),
            "s: its handler does not decide"
        );
        let apart = "s: it does not stand alone before the gate";
        assert_eq!(asks("[\"s\", \"x\"]", &approves, true), apart);
        assert_eq!(asks("[\"s\"]", &[], true), "s: it said nothing");
        let mut undone = approves.clone();
        undone[0].superseded = true;
        assert_eq!(asks("[\"s\"]", &undone, true), "s: it said nothing");
        for (stop, why) in [
            (Stop::unavailable("database", "gone"), "s: database: gone"),
            (
                Stop::failed(FailureKind::Internal, "torn"),
                "s: internal: torn",
            ),
            (Stop::nothing_to_do("no draft"), "s: no draft"),
        ] {
            let rows = [row(Outcome::Stopped(stop), Follow::Skip)];
            let said = asks("[\"s\"]", &rows, true);
            assert!(
                said.starts_with("s: ") && said.contains(&why[3..]),
                "{said}"
            );
        }
    }

    #[test]
    fn a_ruling_that_is_odd_flagged_or_done_in_a_lesser_way_settles_nothing() {
        let yes = json!({ "answer": "approve", "reasons": ["it is good", "and so on"], "seen": 3 });
        let odd = |ruling: Json| asks("[\"s\"]", &[row(done(ruling), Follow::Continue)], true);
        assert_eq!(
            odd(json!({ "answer": "ask", "reasons": ["a", "b"] })),
            "s: a; b"
        );
        assert!(odd(json!({ "answer": "yes", "reasons": [] })).contains("cannot be read"));
        assert_eq!(
            odd(json!({ "answer": "approve", "reasons": [] })),
            "s: it approves without a reason"
        );
        let flag = Outcome::Done(Done::new(Patch::new()).flag("critic: no"));
        let flagged = StageRun {
            stage: "x".to_owned(),
            ..row(flag, Follow::Continue)
        };
        let rows = [row(done(yes.clone()), Follow::Continue), flagged];
        assert_eq!(asks("[\"s\"]", &rows, true), "s: what waits is flagged");
        let Outcome::Done(lesser) = done(yes) else {
            unreachable!()
        };
        let lesser = Outcome::Done(lesser.fallback("role critic", "busy"));
        let said = asks("[\"s\"]", &[row(lesser, Follow::Continue)], true);
        assert_eq!(
            said,
            "s: it was done in a lesser way than it should have been"
        );
    }
}
