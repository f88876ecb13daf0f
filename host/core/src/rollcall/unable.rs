//! Roles that resolve, and whose provider cannot give what a pipeline asks of them.

use std::iter;

use super::{Miss, RollScope};
use crate::model::role::{self, ProviderKind};
use crate::pipeline::Pipeline;

/// The miss of a role that only what is built in answers for, where a stage asks it by a schema.
pub(super) fn miss(scope: &RollScope<'_>, pipeline: &Pipeline, role: &str) -> Option<Miss> {
    let chain = role::chain(scope.settings, role).ok()?;
    if chain
        .iter()
        .any(|provider| provider.kind != ProviderKind::BuiltIn)
    {
        return None;
    }
    let mut stages = pipeline.stages.iter();
    let stage = stages.find(|stage| {
        let handler = stage.handler.as_ref().map(toml::Spanned::get_ref);
        let entry = handler.and_then(|handler| scope.registry.get(handler));
        entry.is_some_and(|entry| {
            let asked = entry.contract.roles(stage.config.get_ref());
            entry.contract.needs.by_schema && asked.iter().any(|asked| asked == role)
        })
    })?;
    let problem = format!(
        "stage `{}` asks role `{role}` for an answer by a schema, and what is built in makes extracts only",
        stage.id()
    );
    let keys = ProviderKind::OpenAi.needs().iter();
    let keys = keys.map(|part| format!("callboard settings set {} VALUE", role::key(role, part)));
    let provider = format!(
        "callboard settings set {} openai",
        role::key(role, "provider")
    );
    let mend: Vec<String> = iter::once(provider).chain(keys).collect();
    Some(Miss::new(problem, mend.join("; ")))
}
