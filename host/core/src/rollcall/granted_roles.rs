//! The roles that a plugin's handlers ask are among those that its manifest asks for.

use super::settings::undeclared;
use super::{FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope, addition, component};
use crate::handler::Contract;
use crate::workspace::PluginFiles;

/// The miss of a role that a plugin's handler asks, and its manifest does not ask for.
pub(super) fn unasked(plugin: &PluginFiles, contract: &Contract, role: &str) -> Option<Miss> {
    let manifest = &plugin.manifest;
    (!manifest.value.ask.model.roles.contains(role)).then(|| {
        let handler = &contract.name;
        let problem =
            format!("handler `{handler}` asks role `{role}`, which the plugin does not ask for");
        let mend = addition::element(manifest, "ask.model", "roles", role);
        Miss::new(problem, mend)
    })
}

/// The roles that a handler needs are among those that its manifest asks for.
pub(super) fn list(
    scope: &RollScope<'_>,
    plugin: &PluginFiles,
    contract: &Contract,
) -> Vec<Reference> {
    let manifest = &plugin.manifest;
    let needs = contract.needs.roles.iter().map(|role| {
        let handler = &contract.name;
        let miss = match undeclared(scope, role) {
            // A role that is not there is nothing to ask for.
            Some(miss) => {
                let known = FirstMiss::new(Referrer::handler(handler), "roles").with_target(role);
                Some(component::said(contract, miss).because(Some(known)))
            }
            None => unasked(plugin, contract, role),
        };
        let referrer = Referrer::handler(&contract.name);
        Reference::new(referrer, "ask.model", ReferenceKind::Grant, role)
            .at(manifest.at(&["ask", "model"]))
            .missed(miss)
    });
    needs.collect()
}
