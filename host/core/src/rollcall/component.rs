//! Names that a component says of itself: no file of the workspace has them, so what mends them is done
//! where the component is made.

use super::{Miss, RollScope};
use crate::handler::Contract;
use crate::workspace::{Place, PluginFiles};

/// Where the contract of a handler comes from, if a component has it.
pub(super) fn place_of(scope: &RollScope<'_>, contract: &Contract) -> Option<Place> {
    let entry = scope.registry.get(&contract.name)?;
    let plugin = scope.definitions.plugins.get(entry.origin.plugin()?)?;
    Some(place(plugin))
}

/// Where a manifest names its component.
pub(super) fn place(plugin: &PluginFiles) -> Place {
    plugin.manifest.at(&["component"])
}

/// The miss of a name that a component says.
pub(super) fn said(contract: &Contract, miss: Miss) -> Miss {
    let mend = format!(
        "in the `needs` of the component's `{}`, which is to be built anew: {}",
        contract.name, miss.mend
    );
    Miss { mend, ..miss }
}
