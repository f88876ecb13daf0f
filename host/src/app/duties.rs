//! What a worker of this workspace does by the clock: queue the policies that are due.

use futures_util::future::BoxFuture;

use super::{App, AppError};
use crate::engine::worker::Duties;
use crate::engine::{Engine, EngineError, schedule};
use crate::store::pulse::Pulse;

impl Duties for App {
    fn attend<'a>(
        &'a self,
        engine: &'a Engine,
        _pulse: &'a Pulse,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            match self.queue_due(engine).await {
                Ok(()) | Err(AppError::NothingApplied) => Ok(()),
                Err(AppError::Store(error)) => Err(error.into()),
                Err(AppError::Engine(error)) => Err(error),
                Err(other) => {
                    tracing::error!(error = %other, "policies are not queued");
                    Ok(())
                }
            }
        })
    }
}

impl App {
    async fn queue_due(&self, engine: &Engine) -> Result<(), AppError> {
        let company = self.active().await?;
        let line_up = self.line_up().await?;
        let policies = company.definitions.policies.values();
        let policies: Vec<_> = policies.map(|defined| &defined.value).collect();
        for policy in schedule::queue_due(engine, &line_up, &policies).await? {
            tracing::info!(policy, "queued");
        }
        Ok(())
    }
}
