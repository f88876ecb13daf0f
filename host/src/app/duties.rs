//! What a worker of this workspace does by the clock: start what is due. The pulse says when,
//! so that nothing else asks the database.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{App, AppError};
use crate::engine::worker::Duties;
use crate::engine::{Engine, EngineError, schedule};
use crate::store::pulse::Pulse;
use crate::store::schedules::{self, Plan};

impl Duties for App {
    fn attend<'a>(
        &'a self,
        engine: &'a Engine,
        pulse: &'a Pulse,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            match self.keep_time(engine, pulse).await {
                Ok(()) => Ok(()),
                Err(AppError::Store(error)) => Err(error.into()),
                Err(AppError::Engine(error)) => Err(error),
                Err(other) => {
                    tracing::error!(error = %other, "schedules do not fire");
                    Ok(())
                }
            }
        })
    }
}

impl App {
    /// What starts by itself in a revision.
    pub async fn plan(&self, revision: i64) -> Result<Arc<Plan>, AppError> {
        let company = self.company(revision).await?;
        let policies = company.definitions.policies.values();
        let policies = policies.map(|defined| &defined.value);
        let plan = schedule::plan(revision, company.pipelines(), policies);
        Ok(Arc::new(plan))
    }

    /// Fire what is due, with the times of the active revision.
    async fn keep_time(&self, engine: &Engine, pulse: &Pulse) -> Result<(), AppError> {
        let Some(revision) = pulse.revision else {
            return Ok(());
        };
        let mut known = self.inner.plan.lock().await;
        let plan = match &*known {
            Some(plan) if plan.revision == revision => {
                if pulse.until(pulse.schedule_at) != Some(Duration::ZERO) {
                    return Ok(());
                }
                Arc::clone(plan)
            }
            _ => {
                let plan = self.plan(revision).await?;
                if !schedules::sync(self.store(), &plan).await? {
                    return Ok(());
                }
                *known = Some(Arc::clone(&plan));
                plan
            }
        };
        drop(known);
        self.fire(engine, &plan).await
    }

    async fn fire(&self, engine: &Engine, plan: &Arc<Plan>) -> Result<(), AppError> {
        let fired = schedules::fire_due(&engine.store, plan).await?;
        for fired in &fired {
            tracing::info!(
                schedule = fired.schedule,
                runs = fired.runs.len(),
                skipped = fired.skipped,
                dropped = fired.dropped,
                "fired"
            );
        }
        if fired.iter().any(|fired| !fired.runs.is_empty()) {
            engine.store.wake().await;
        }
        Ok(())
    }
}
