//! A condition that can never hold, or never fails to, by what the writers of its key say of it, or by what the
//! stage asks of the same key besides.

use serde_json::Value as Json;

use crate::handler::schema::{SchemaPart, values};
use crate::outcome::Patch;
use crate::pipeline::Condition;
use crate::registry::nearest;
use crate::rollcall::Miss;
use crate::rollcall::keys::{Held, KeyFlow};
use crate::rollcall::pipelines::Staged;

/// The miss of a condition that says nothing of any run.
pub(super) fn holds(
    flow: &KeyFlow<'_>,
    staged: &Staged<'_>,
    condition: &Condition,
) -> Option<Miss> {
    let key = condition.key.get_ref();
    let held = flow.held(staged, key);
    let of_type = held.and_then(|held| out_of_type(condition, &held));
    of_type.or_else(|| contradicted(staged, condition))
}

/// What is asked of a key that it never is.
fn out_of_type(condition: &Condition, held: &Held<'_>) -> Option<Miss> {
    let key = condition.key.get_ref();
    for (word, value) in [("is", &condition.is), ("is_not", &condition.is_not)] {
        let Some(value) = value.as_ref().filter(|value| !held.may_be(value)) else {
            continue;
        };
        let follows = if word == "is" {
            "it never holds"
        } else {
            "it always holds"
        };
        let problem = format!(
            "`{key}` is never {value}, so {follows}: it is {}",
            held.told()
        );
        return Some(Miss::new(problem, another(word, value, &held.written)));
    }
    let bounded = condition.at_least.is_some() || condition.at_most.is_some();
    if bounded && !held.may_be_number() {
        let problem = format!(
            "`{key}` is no number, so it never holds: it is {}",
            held.told()
        );
        return Some(Miss::new(problem, "write `is`, `is_not` or `present`"));
    }
    if condition.present == Some(false) && !held.may_be(&Json::Null) {
        let problem = format!("`{key}` is always there, so it never holds");
        return Some(Miss::new(problem, "remove the condition, or the stage"));
    }
    None
}

/// Another value in place of one that is never written.
fn another(word: &str, value: &Json, parts: &[SchemaPart<'_>]) -> String {
    let named: Option<Vec<Vec<&Json>>> = parts.iter().map(|part| values(*part)).collect();
    let named: Vec<&Json> = named.into_iter().flatten().flatten().collect();
    let words = named.iter().filter_map(|it| it.as_str());
    let near = value.as_str().and_then(|value| nearest(value, words));
    match near {
        Some(near) => format!("write `{word} = \"{near}\"`"),
        None => format!("write a value that it may have, or another key than `{word}`"),
    }
}

/// What no value of a key can be together with what is asked of it beside.
fn contradicted(staged: &Staged<'_>, condition: &Condition) -> Option<Miss> {
    let key = condition.key.get_ref();
    let all = || {
        staged
            .stage
            .when
            .iter()
            .filter(|it| it.key.get_ref() == key)
    };
    let first = all().next().is_some_and(|it| std::ptr::eq(it, condition));
    if !first {
        return None;
    }
    let absent = all()
        .any(|it| it.present == Some(false))
        .then_some(&Json::Null);
    let fixed = all().find_map(|it| it.is.as_ref()).or(absent);
    let refused = if let Some(value) = fixed {
        let keys = Patch::from_iter([(key.clone(), value.clone())]);
        all().any(|it| it.unmet(&keys).is_some())
    } else {
        let least = all().filter_map(|it| it.at_least).reduce(f64::max);
        let most = all().filter_map(|it| it.at_most).reduce(f64::min);
        least.zip(most).is_some_and(|(least, most)| least > most)
    };
    refused.then(|| {
        let problem =
            format!("what it asks of `{key}` is never true together, so the stage never runs");
        Miss::new(problem, "remove one of the conditions")
    })
}
