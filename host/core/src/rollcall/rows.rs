//! What contracts say about tables and roles holds together: the keys they name are keys of the
//! configuration, and what is done with rows is among the verbs.

use super::settings::needed;
use super::{Miss, Reference, ReferenceKind, Referrer, RollScope, named};
use crate::handler::{Contract, RowUse, TableName, TableNeed};
use crate::registry::nearest;
use crate::workspace::Place;

/// The classes of rows that there are: made from a source, and standing for such as are gone.
const CLASSES: [&str; 2] = ["original", "summary"];

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for (contract, place) in needed(scope) {
        references.extend(keys(contract, &place));
        for need in &contract.needs.tables {
            let rows = need.rows.iter();
            references.extend(rows.map(|rows| act(contract, need, rows, &place)));
        }
    }
    references
}

fn keys(contract: &Contract, place: &Place) -> Vec<Reference> {
    let properties = contract.config.get("properties");
    let roles = contract.needs.role_keys.iter();
    let tables = contract.needs.tables.iter().flat_map(keys_of);
    let named = roles.chain(tables).map(|key| {
        let known = properties.is_some_and(|properties| properties.get(key).is_some());
        let miss = (!known).then(|| {
            let problem =
                format!("the contract names `{key}`, which is no key of the configuration");
            Miss::new(problem, "mend what the handler says of itself")
        });
        let referrer = Referrer::handler(&contract.name);
        let reference = Reference::new(referrer, "needs", ReferenceKind::Contract, key);
        reference.at(place.clone()).missed(miss)
    });
    named.collect()
}

fn keys_of(need: &TableNeed) -> impl Iterator<Item = &String> {
    let table = match &need.table {
        TableName::Fixed(_) => None,
        TableName::Configured(key) => Some(key),
    };
    let ages = need.rows.iter().filter_map(|rows| rows.age_key.as_ref());
    let columns = need.column_keys.iter();
    let columns = columns.chain(&need.id_keys).chain(&need.time_keys);
    let others = columns.chain(&need.source_key);
    table.into_iter().chain(others).chain(ages)
}

/// The miss of a class that no table has.
fn unclassed(rows: &RowUse) -> Option<Miss> {
    if CLASSES.contains(&rows.class.as_str()) {
        return None;
    }
    let problem = format!(
        "the contract {} rows of a class `{}`, and rows are {}",
        rows.act,
        rows.class,
        named(CLASSES)
    );
    let mend = match nearest(&rows.class, CLASSES.into_iter()) {
        Some(near) => format!("write `{near}` in what the handler says of itself, and rebuild it"),
        None => "mend what the handler says of itself".to_owned(),
    };
    Some(Miss::new(problem, mend))
}

fn act(contract: &Contract, need: &TableNeed, rows: &RowUse, place: &Place) -> Reference {
    let verbs = rows.act.verbs();
    let used = need.verbs.iter().any(|verb| verbs.contains(&verb.as_str()));
    let miss = (!used).then(|| {
        let verbs = verbs.join("` or `");
        let problem = format!("the contract {} rows without the verb `{verbs}`", rows.act);
        Miss::new(problem, "mend what the handler says of itself")
    });
    let miss = miss.or_else(|| unclassed(rows));
    let target = format!("{} rows of {}", rows.class, need.table);
    let referrer = Referrer::handler(&contract.name);
    Reference::new(referrer, "rows", ReferenceKind::Contract, target)
        .at(place.clone())
        .missed(miss)
}
