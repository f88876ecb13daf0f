//! Prices of models: what a day may cost is a bound only if each model that is set has a price.

use std::collections::BTreeMap;

use super::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use crate::model::role::{self, ProviderKind};
use crate::registry::nearest;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let config = &scope.definitions.config;
    let rules = &config.value.models;
    let models = models(scope);
    let referrer = || Referrer::Ceiling("models".to_owned());
    let set = || models.keys().map(String::as_str);
    let mut references = Vec::new();
    for price in rules.prices.keys() {
        let unpriced = set().filter(|model| !rules.prices.contains_key(*model));
        // One that no role has today may be had tomorrow, or be what a server calls its model.
        let near = nearest(price, unpriced).filter(|_| !models.contains_key(price));
        let miss = near.map(|near| {
            let problem = format!("no role has the model `{price}`, and `{near}` has no price");
            Miss::new(problem, format!("write `[models.prices.\"{near}\"]`"))
        });
        let place = config.at(&["models", "prices", price]);
        let key = format!("models.prices.{price}");
        let reference = Reference::new(referrer(), key, ReferenceKind::Setting, price);
        references.push(reference.at(place).missed(miss));
    }
    if rules.daily_cost.is_none() {
        return references;
    }
    for (model, role) in &models {
        let miss = (!rules.prices.contains_key(model)).then(|| {
            let problem = format!(
                "`daily_cost` does not count the model `{model}` of role `{role}`: it has no price"
            );
            let mend = format!(
                "add to callboard.toml:\n[models.prices.\"{model}\"]\nprompt = 0.0\ncompletion = 0.0"
            );
            let slip = nearest(model, rules.prices.keys().map(String::as_str));
            let slip = slip.filter(|slip| !models.contains_key(*slip));
            let slip = slip.map(|slip| super::FirstMiss::new(referrer(), format!("models.prices.{slip}")));
            Miss::new(problem, mend).because(slip)
        });
        let place = config.at(&["models", "daily_cost"]);
        let key = "models.daily_cost";
        let reference = Reference::new(referrer(), key, ReferenceKind::Setting, model);
        references.push(reference.at(place).missed(miss));
    }
    references
}

/// The models of servers that roles have, each with a role that has it.
fn models(scope: &RollScope<'_>) -> BTreeMap<String, String> {
    let keys = scope.definitions.settings.keys();
    let roles = keys
        .filter_map(|key| role::of_key(key))
        .map(|(role, _)| role);
    let served = roles.filter(|role| {
        let kind = role::kind(scope.settings, role);
        kind.is_ok_and(|kind| kind != ProviderKind::BuiltIn)
    });
    let named = served.filter_map(|role| {
        let model = scope.settings.text(&role::key(role, "model")).ok()??;
        Some((model, role.to_owned()))
    });
    named.collect()
}
