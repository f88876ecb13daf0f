//! The keys that a stage is handed, and from whom. What its handler goes by or acts on is taken from no plugin,
//! what it goes by not from whoever started the run, and what it reads of its own earlier visits from its own
//! stage alone: whatever the roll call let pass, and whichever revision the run was begun with.

use super::plan::{self, OUTCOMES, Speaker};
use crate::handler::Needs;
use crate::outcome::Patch;
use crate::pipeline::Stage;
use crate::registry::Registry;
use crate::store::stage_runs::StageRun;

/// The keys that a stage's handler declares that it reads, as they are said by those who may.
pub(super) fn keys(registry: &Registry, input: &Patch, stage: &Stage, rows: &[StageRun]) -> Patch {
    let handler = stage.handler.as_ref();
    let Some(entry) = handler.and_then(|name| registry.get(name.get_ref())) else {
        return Patch::new();
    };
    let hearer = Hearer {
        registry,
        stage,
        needs: &entry.contract.needs,
        is_native: entry.origin.plugin().is_none(),
    };
    let reads = |key: &str| entry.checks.reads_key(key);
    let mut keys = plan::keys_that(input, rows, |key, speaker| {
        reads(key) && hearer.hears(key, speaker)
    });
    if reads(OUTCOMES) {
        keys.insert(OUTCOMES.to_owned(), plan::outcomes(stage, rows));
    }
    keys
}

/// A stage that is handed keys.
struct Hearer<'a> {
    registry: &'a Registry,
    stage: &'a Stage,
    needs: &'a Needs,
    is_native: bool,
}

impl Hearer<'_> {
    fn hears(&self, key: &str, speaker: Speaker<'_>) -> bool {
        let among = |keys: &[String]| keys.iter().any(|known| known == key);
        if among(&self.needs.own) {
            return speaker.is_some_and(|row| self.is_own(row));
        }
        if !self.is_native {
            return true;
        }
        let by_plugin = || speaker.is_some_and(|row| is_plugins(self.registry, row));
        match (among(&self.needs.goes_by), among(&self.needs.acts_on)) {
            (true, _) => speaker.is_some() && !by_plugin(),
            (false, true) => !by_plugin(),
            (false, false) => true,
        }
    }

    /// Whether this very stage wrote it, with the handler that it has now.
    fn is_own(&self, row: &StageRun) -> bool {
        let handler = self.stage.handler.as_ref();
        let handler = handler.map(|name| name.get_ref().as_str());
        row.stage == self.stage.id() && row.what.handler() == handler
    }
}

/// Whether a plugin wrote it, or a handler that is not there any more. A gate is the host's.
pub(super) fn is_plugins(registry: &Registry, row: &StageRun) -> bool {
    let entry = |name| registry.get(name);
    let native = |name| entry(name).is_some_and(|it| it.origin.plugin().is_none());
    !row.what.handler().is_none_or(native)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::BoxFuture;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::handler::{AnyHandler, Call, Contract};
    use crate::outcome::{Done, Outcome, Stop};
    use crate::pipeline::{Follow, Pipeline};
    use crate::registry::{HandlerEntry, HandlerOrigin};
    use crate::store::stage_runs::VisitOf;

    struct Silent(Contract);

    impl AnyHandler for Silent {
        fn contract(&self, _: &str) -> Contract {
            self.0.clone()
        }

        fn call<'a>(&'a self, _: &'a Call, _: Json, _: Patch) -> BoxFuture<'a, Outcome> {
            Box::pin(async { Outcome::Stopped(Stop::nothing_to_do("a contract only")) })
        }
    }

    fn entry(name: &str, origin: HandlerOrigin, needs: Needs) -> HandlerEntry {
        let keys = json!({"type": "object", "properties": {"best": {}, "report": {}, "task": {}, "text": {}}});
        let contract = Contract {
            name: name.to_owned(),
            summary: "x".to_owned(),
            config: json!({}),
            reads: keys.clone(),
            writes: keys,
            needs,
            always_gives_a_verdict: false,
            decides: false,
            may_flag: false,
        };
        let handler = Arc::new(Silent(contract.clone()));
        HandlerEntry::new(contract, origin, handler).expect("schemas")
    }

    fn registry() -> Registry {
        let native = || HandlerOrigin::Native { file: "x.rs" };
        let plugin = HandlerOrigin::Plugin {
            name: "p".into(),
            version: "1.0.0".into(),
            digest: "d".into(),
        };
        let needs = Needs::default()
            .own("best")
            .goes_by("report")
            .acts_on("task");
        Registry::of([
            entry("qa.sum", native(), needs),
            entry("qa.other", native(), Needs::default()),
            entry("content.plugged", plugin, Needs::default()),
        ])
    }

    fn row(stage: &str, handler: &str, patch: &Json) -> StageRun {
        let patch = patch.as_object().expect("an object").clone();
        StageRun {
            run: "r".into(),
            stage: stage.into(),
            visit: 1,
            step: 1,
            what: VisitOf::Handler(handler.into()),
            attempts: 1,
            holds: 0,
            outcome: Outcome::Done(Done::new(patch)),
            follow: Follow::Continue,
            undone: None,
            superseded: false,
            wake_at: None,
            log: Vec::new(),
            started_at: jiff::Timestamp::UNIX_EPOCH,
            finished_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_a_stage_goes_by_is_handed_on_only_as_those_said_it_who_may() {
        let pipeline: Pipeline = toml::from_str(
            "name = \"p\"\nbudget = \"1m\"\nstage = [{ id = \"sum\", handler = \"qa.sum\" }]",
        )
        .expect("a pipeline");
        let said = |by: &str| json!({ "best": by, "report": by, "task": by, "text": by });
        let input = said("the starter").as_object().expect("an object").clone();
        let heard =
            |rows: &[StageRun]| Json::Object(keys(&registry(), &input, &pipeline.stages[0], rows));
        let started = json!({ "task": "the starter", "text": "the starter" });
        assert_eq!(heard(&[]), started);
        let plugged = row("plugged", "content.plugged", &said("a plugin"));
        let by_plugin = json!({ "task": "the starter", "text": "a plugin" });
        assert_eq!(heard(std::slice::from_ref(&plugged)), by_plugin);
        let gone = row("gone", "content.gone", &said("one that is gone"));
        let by_gone = json!({ "task": "the starter", "text": "one that is gone" });
        assert_eq!(heard(&[gone]), by_gone);
        // Of the same handler in another stage, and of another one that the stage had, the same.
        let other = row("other", "qa.sum", &said("another"));
        let before = row("sum", "qa.other", &said("before"));
        let native = json!({ "report": "before", "task": "before", "text": "before" });
        assert_eq!(heard(&[other, before]), native);
        let own = row("sum", "qa.sum", &said("itself"));
        let own = heard(&[own, plugged]);
        let both =
            json!({ "best": "itself", "report": "itself", "task": "itself", "text": "a plugin" });
        assert_eq!(own, both);
    }
}
