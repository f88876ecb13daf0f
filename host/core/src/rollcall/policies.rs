//! Policies: their table is in the live schema and their handler touches it, and their times
//! make sense.

use super::keys::required;
use super::schema::LiveSchema;
use super::{FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope, named};
use crate::handler::TableName;
use crate::pipeline::Span;
use crate::policy::Policy;
use crate::workspace::Defined;

pub(super) fn list(scope: &RollScope<'_>, schema: &LiveSchema) -> Vec<Reference> {
    let mut references = Vec::new();
    for (name, policy) in &scope.definitions.policies {
        let referrer = Referrer::policy(name);
        let table = policy.value.table.get_ref();
        let reference = Reference::new(&referrer, "table", ReferenceKind::Table, table);
        references.push(
            reference
                .at(policy.at(&["table"]))
                .missed(schema.no_table(table).or_else(|| untouched(scope, policy))),
        );
        let timeout = policy.value.timeout;
        let reference = Reference::new(
            &referrer,
            "timeout",
            ReferenceKind::Time,
            timeout.to_string(),
        )
        .at(policy.at(&["timeout"]))
        .missed(no_time("timeout", timeout));
        references.push(reference);
        references.push(cadence(policy));
        references.extend(ungiven(scope, policy));
    }
    references
}

/// The miss of a table that the handler does not touch.
fn untouched(scope: &RollScope<'_>, policy: &Defined<Policy>) -> Option<Miss> {
    let value = &policy.value;
    let contract = &scope.registry.get(value.handler.get_ref())?.contract;
    let config = contract.configured(&value.config);
    let tables = contract.needs.tables.iter();
    let touched: Vec<&str> = tables.filter_map(|need| need.table.of(&config)).collect();
    let table = value.table.get_ref().as_str();
    (!touched.is_empty() && !touched.contains(&table)).then(|| {
        let touched = named(touched);
        let problem = format!("`{}` does not touch table `{table}`", contract.name);
        let mut tables = contract.needs.tables.iter().map(|need| &need.table);
        let configured = tables.find_map(|table| match table {
            TableName::Fixed(_) => None,
            TableName::Configured(key) => Some(format!("config.{key}")),
        });
        let policy = Referrer::policy(value.name.get_ref());
        let misplaced = misplaced(scope, &policy, value.handler.get_ref());
        let typo = configured.map(|key| FirstMiss::new(policy, key));
        let miss = Miss::new(problem, format!("name {touched}"));
        miss.because(misplaced).because(typo)
    })
}

/// The first key that the handler cannot do without, which makes it none of a policy's: what else does not
/// fit it follows from that.
pub(super) fn misplaced(
    scope: &RollScope<'_>,
    referrer: &Referrer,
    handler: &str,
) -> Option<FirstMiss> {
    let contract = &scope.registry.get(handler)?.contract;
    let first = required(&contract.reads).into_iter().next()?;
    let is_policy = matches!(referrer, Referrer::Policy(_));
    is_policy.then(|| FirstMiss::new(referrer, "handler").with_target(first))
}

/// Keys that the handler cannot do without: a policy has no input, and no stage before it.
fn ungiven(scope: &RollScope<'_>, policy: &Defined<Policy>) -> Vec<Reference> {
    let value = &policy.value;
    let entry = scope.registry.get(value.handler.get_ref());
    let needed = entry.map(|entry| required(&entry.contract.reads));
    let referrer = Referrer::policy(value.name.get_ref());
    let first = misplaced(scope, &referrer, value.handler.get_ref());
    let needed = needed.into_iter().flatten().map(|key| {
        let handler = value.handler.get_ref();
        let first = first.clone().filter(|it| it.target.as_deref() != Some(key));
        let problem = format!("`{handler}` reads `{key}`, and nobody gives it to a policy");
        let upkeep = scope.registry.iter().map(|entry| &entry.contract);
        let upkeep =
            upkeep.filter(|it| required(&it.reads).is_empty() && !it.needs.tables.is_empty());
        let mend = format!(
            "call it in a pipeline, or name one of {}",
            named(upkeep.map(|it| it.name.as_str()))
        );
        Reference::new(
            Referrer::policy(value.name.get_ref()),
            "handler",
            ReferenceKind::Key,
            key,
        )
        .at(policy.at(&["handler"]))
        .missed(Some(Miss::new(problem, mend).because(first)))
    });
    needed.collect()
}

/// A policy has a pause or times of the clock, and not both.
fn cadence(policy: &Defined<Policy>) -> Reference {
    let value = &policy.value;
    let referrer = Referrer::policy(value.name.get_ref());
    let miss = match (value.every, value.schedules.is_empty()) {
        (Some(_), true) => None,
        (Some(_), false) => Some(Miss::new(
            "`every` is a pause after each run, and there are schedules too",
            "remove `every`, or each `[[schedule]]`",
        )),
        (None, true) => Some(Miss::new(
            "it never runs",
            "write `every = \"24h\"`, or add a `[[schedule]]`",
        )),
        (None, false) => None,
    };
    Reference::new(referrer, "every", ReferenceKind::Time, value.cadence())
        .at(policy.at(&["every"]))
        .missed(miss)
}

fn no_time(key: &str, span: Span) -> Option<Miss> {
    span.0.is_zero().then(|| {
        let problem = format!("`{key}` is no time at all");
        Miss::new(problem, format!("write `{key} = \"1h\"`"))
    })
}
