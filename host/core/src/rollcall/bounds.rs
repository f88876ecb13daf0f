//! Bounds of plugins: each leaves something of what a handler needs.

use super::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use crate::handler::Contract;

/// Bounds of a plugin that leave nothing of what a handler needs.
pub(super) fn list(scope: &RollScope<'_>, plugin: &str, contract: &Contract) -> Vec<Reference> {
    let config = &scope.definitions.config;
    let (limits, needs) = (config.value.limits(plugin), &contract.needs);
    let reads = needs
        .tables
        .iter()
        .any(|need| need.verbs.iter().any(|verb| verb == "select"));
    let asks = !(needs.tables.is_empty() && needs.settings.is_empty() && needs.roles.is_empty());
    let bounds = [
        ("host_calls", limits.host_calls, asks, "calls the host"),
        ("rows", limits.rows, reads, "reads rows"),
    ];
    let none = bounds
        .into_iter()
        .filter(|(_, most, needs, _)| *most == 0 && *needs);
    let references = none.map(|(key, _, _, does)| {
        let owner = match config.value.limits.get(plugin) {
            Some(_) => plugin,
            None => "*",
        };
        let problem = format!(
            "handler `{}` {does}, and `{key}` lets it do none",
            contract.name
        );
        let mend = format!("write `{key} = …` with what it needs, or remove the line");
        let path = format!("limits.{owner}.{key}");
        let reference = Reference::new(
            Referrer::handler(&contract.name),
            path,
            ReferenceKind::Limit,
            "0",
        );
        let place = config.at(&["limits", owner, key]);
        reference.at(place).missed(Some(Miss::new(problem, mend)))
    });
    references.collect()
}
