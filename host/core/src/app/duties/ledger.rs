//! Read the ledger of effects, and tell people what they may want to know of it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::app::{App, AppError, LoadedRevision};
use crate::engine::ledger::{self, KINDS, Measure, Noticed};
use crate::model::spending;
use crate::store::{effects, findings, revisions};

/// Raise what is new, and resolve what has gone. What is open already stays as it is.
pub(super) async fn read(app: &App, revision: i64, now: Timestamp) -> Result<(), AppError> {
    let store = app.store();
    let loaded = app.loaded_revision(revision).await?;
    let noticed = app.noticed(&loaded, now).await?;
    let open = findings::open(store).await?;
    let open: BTreeSet<&str> = open
        .iter()
        .filter(|finding| KINDS.contains(&finding.kind.as_str()))
        .map(|finding| finding.key.as_str())
        .collect();
    for new in noticed.iter().filter(|new| !open.contains(&*new.key)) {
        let (kind, message) = (new.kind, &new.message);
        tracing::warn!(kind, pipeline = new.pipeline, "{message}");
        findings::raise(store, &new.key, kind, &new.pipeline, message).await?;
    }
    let gone = |key: &&&str| !noticed.iter().any(|noticed| noticed.key == **key);
    for key in open.iter().filter(gone) {
        findings::close(store, key).await?;
    }
    Ok(())
}

impl App {
    /// What the ledger says of the upkeep of a loaded.
    pub(in crate::app) async fn noticed(
        &self,
        loaded: &LoadedRevision,
        now: Timestamp,
    ) -> Result<Vec<Noticed>, AppError> {
        let plan = self.plan(loaded.revision).await?;
        let expected = ledger::expected(&plan, loaded.pipelines(), now);
        let entries = effects::all(self.store()).await?;
        // Asked only for those that never succeeded.
        let since = if expected.iter().all(|expected| expected.succeeded(&entries)) {
            now
        } else {
            let active = revisions::active(self.store()).await?;
            active.and_then(|active| active.activated_at).unwrap_or(now)
        };
        let measure = Measure {
            now,
            since,
            effect_free: self.config().engine.effect_free,
        };
        let mut noticed = ledger::notice(&expected, &entries, measure);
        noticed.extend(ledger::fallbacks(loaded.pipelines(), &entries));
        let rules = &self.config().models;
        let reached = spending::reached(self.store(), rules, now).await?;
        noticed.extend(reached.map(|message| Noticed {
            kind: spending::CEILING,
            key: spending::CEILING_KEY.to_owned(),
            pipeline: "models".to_owned(),
            message,
        }));
        Ok(noticed)
    }
}
