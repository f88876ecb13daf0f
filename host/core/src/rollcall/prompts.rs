//! Prompts compile, use exactly the variables they declare and can be filled in, and those that
//! handlers need are there.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::once;

use super::sample::{fault, strangers};
use super::settings::needed;
use super::{FirstMiss, Miss, Reference, ReferenceKind, Referrer, RollScope, named};
use crate::handler::{Contract, PromptNeed};
use crate::registry::nearest;
use crate::template;
use crate::workspace::{Place, Prompt};

/// A handler that fills in a prompt, and what it gives to it.
type PromptUse<'a> = (&'a Contract, &'a PromptNeed);

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    let prompts = &scope.definitions.prompts;
    let mut filled: BTreeMap<&str, Vec<PromptUse<'_>>> = BTreeMap::new();
    for (contract, place) in needed(scope) {
        for need in &contract.needs.prompts {
            let name = need.name.as_str();
            let miss = (!prompts.contains_key(name)).then(|| absent(scope, name));
            let reference = Reference::new(
                Referrer::handler(&contract.name),
                "prompts",
                ReferenceKind::Prompt,
                name,
            );
            references.push(reference.at(place.clone()).missed(miss));
            filled.entry(name).or_default().push((contract, need));
        }
    }
    for (name, prompt) in prompts {
        let filled = filled.remove(name.as_str()).unwrap_or_default();
        references.extend(check(name, prompt, &filled));
        references.push(asked_with(scope, name, prompt));
    }
    references
}

/// Whether a handler asks with a prompt. As long as a plugin does not load, one of its may.
fn asked_with(scope: &RollScope<'_>, name: &str, prompt: &Prompt) -> Reference {
    let needs = || {
        let contracts = scope.registry.iter().map(|entry| &entry.contract);
        let all = contracts.flat_map(|contract| &contract.needs.prompts);
        all.map(|need| need.name.as_str())
    };
    let unasked = scope.refused.is_empty() && !needs().any(|need| need == name);
    let miss = unasked.then(|| {
        let lacking = needs().filter(|need| !scope.definitions.prompts.contains_key(*need));
        let near = nearest(name, lacking);
        let mend = match near {
            Some(near) => format!("rename it prompts/{near}.md"),
            None => format!("move {} away, or name it in .callboardignore", prompt.file),
        };
        let mut used = needed(scope).into_iter();
        let lost = used.find_map(|(contract, _)| {
            let mut needs = contract.needs.prompts.iter();
            let need = needs.find(|need| near == Some(need.name.as_str()))?;
            let cause = FirstMiss::new(Referrer::handler(&contract.name), "prompts");
            Some(cause.with_target(&need.name))
        });
        Miss::new("no handler asks a model with it", mend).because(lost)
    });
    let referrer = Referrer::Prompt(name.to_owned());
    Reference::new(referrer, "file", ReferenceKind::File, &prompt.file)
        .at(Place::start(&prompt.file))
        .missed(miss)
}

fn absent(scope: &RollScope<'_>, name: &str) -> Miss {
    let problem = format!("there is no prompt `{name}`");
    let known = scope.definitions.prompts.keys().map(String::as_str);
    match nearest(name, known) {
        Some(near) => Miss::new(
            problem,
            format!("rename prompts/{near}.md, or add prompts/{name}.md"),
        ),
        None => Miss::new(
            problem,
            format!(
                "add prompts/{name}.md; `callboard init` in another folder writes the bundled one"
            ),
        ),
    }
}

fn check(name: &str, prompt: &Prompt, filled: &[PromptUse<'_>]) -> Vec<Reference> {
    let referrer = Referrer::Prompt(name.to_owned());
    let variables = template::bounded(prompt.template())
        .and_then(|text| template::on_deep_stack(|| variables(&prompt.file, &text)));
    let used = match variables {
        Ok(used) => used,
        Err(error) => {
            let miss = Miss::new(
                format!(
                    "the template does not compile: {}",
                    template::reason(&error)
                ),
                "correct the template",
            );
            let reference =
                Reference::new(referrer, "template", ReferenceKind::Template, &prompt.file);
            return vec![
                reference
                    .at(prompt.line(error.line().unwrap_or(1)))
                    .missed(Some(miss)),
            ];
        }
    };
    let declared: BTreeSet<String> = prompt.variables.iter().cloned().collect();
    let mut references = Vec::new();
    if used.is_subset(&declared) {
        references.extend(rehearsed(name, prompt));
    }
    for variable in used.union(&declared) {
        let reference = Reference::new(&referrer, "variables", ReferenceKind::Variable, variable);
        let (place, miss) = if !declared.contains(variable) {
            let miss = undeclared(&referrer, variable, (&declared, filled));
            (prompt.usage(variable), Some(miss))
        } else if let Some(miss) = not_given(variable, filled) {
            (prompt.declaration(variable), Some(miss))
        } else if used.contains(variable) {
            (prompt.declaration(variable), None)
        } else {
            let miss = unused(&referrer, variable, used.difference(&declared));
            (prompt.declaration(variable), Some(miss))
        };
        references.push(reference.at(place).missed(miss));
    }
    references.extend(untold(&referrer, prompt, filled));
    references
}

/// The miss of a variable that is declared and stands nowhere.
fn unused<'u>(
    referrer: &Referrer,
    variable: &str,
    mut unknown: impl Iterator<Item = &'u String>,
) -> Miss {
    let problem = format!("variable `{variable}` is declared, and the template does not use it");
    let mend = format!("use `{{{{ {variable} }}}}`, or remove it from `variables`");
    let typo = unknown.find(|unknown| nearest(unknown, once(variable)).is_some());
    let cause = |typo: &String| FirstMiss::new(referrer, "variables").with_target(typo);
    Miss::new(problem, mend).because(typo.map(cause))
}

/// The miss of a variable that a handler does not give to the prompt.
fn not_given(variable: &str, filled: &[PromptUse<'_>]) -> Option<Miss> {
    let lacks = |(_, need): &&PromptUse<'_>| !need.given().any(|given| given == variable);
    let (contract, need) = filled.iter().find(lacks)?;
    let problem = format!(
        "`{}`, which fills in the prompt, gives {} and no `{variable}`",
        contract.name,
        named(need.given())
    );
    Some(match nearest(variable, need.given()) {
        Some(near) => Miss::new(problem, format!("write `{near}`, or remove it")),
        None => Miss::new(problem, "remove it"),
    })
}

/// Misses of variables that a prompt has to use, as the model is told nothing without them.
fn untold(referrer: &Referrer, prompt: &Prompt, filled: &[PromptUse<'_>]) -> Vec<Reference> {
    let needed = filled.iter().flat_map(|(contract, need)| {
        let needed = need.needed.iter();
        needed.map(move |variable| (contract, need, variable))
    });
    let lacking = needed.filter(|(_, _, variable)| !prompt.variables.contains(variable));
    lacking
        .map(|(contract, need, variable)| {
            let problem = format!(
                "the prompt does not use `{variable}`, without which a model is not told what \
                 `{}` asks it about",
                contract.name
            );
            let mend = format!(
                "add \"{variable}\" to `variables`, and `{{{{ {variable} }}}}` to the text"
            );
            let mut strangers = prompt.variables.iter();
            let typo = strangers.find(|it| {
                !need.given().any(|given| given == *it)
                    && nearest(it, need.given()) == Some(variable)
            });
            let cause = |typo: &String| FirstMiss::new(referrer, "variables").with_target(typo);
            let miss = Miss::new(problem, mend).because(typo.map(cause));
            Reference::new(referrer, "variables", ReferenceKind::Variable, variable)
                .at(prompt.declaration(variable))
                .missed(Some(miss))
        })
        .collect()
}

/// The miss of a prompt that fails on samples of its variables.
fn rehearsed(name: &str, prompt: &Prompt) -> Option<Reference> {
    let answers = |place, problem: String, mend: String| {
        let problem = format!("the prompt cannot be filled in: {problem}");
        let referrer = Referrer::Prompt(name.to_owned());
        let reference = Reference::new(referrer, "template", ReferenceKind::Template, &prompt.file);
        Some(reference.at(place).missed(Some(Miss::new(problem, mend))))
    };
    let tried = template::bounded(prompt.template()).and_then(|text| {
        template::on_deep_stack(|| {
            let strangers = strangers(prompt.template(), &prompt.variables);
            let fault = || fault((prompt.file.as_str(), &text), &prompt.variables);
            Ok(strangers.into_iter().next().ok_or_else(fault))
        })
    });
    match tried.unwrap_or_else(|error| Err(Some(error))) {
        Ok(stranger) => {
            let mut place = prompt.line(stranger.line);
            place.column = stranger.column;
            answers(place, stranger.problem, stranger.mend)
        }
        Err(error) => {
            let error = error?;
            let place = prompt.line(error.line().unwrap_or(1));
            answers(
                place,
                template::reason(&error),
                "correct the template".to_owned(),
            )
        }
    }
}

/// The variables that a template uses.
fn variables(name: &str, text: &str) -> Result<BTreeSet<String>, minijinja::Error> {
    let environment = template::environment();
    let globals: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
    let compiled = environment.template_from_named_str(name, text)?;
    let used = compiled.undeclared_variables(false).into_iter();
    Ok(used
        .filter(|name| !globals.contains(name.as_str()))
        .collect())
}

fn undeclared(
    referrer: &Referrer,
    variable: &str,
    (declared, filled): (&BTreeSet<String>, &[PromptUse<'_>]),
) -> Miss {
    let problem = format!("the template uses `{variable}`, which is not declared");
    let near = nearest(variable, declared.iter().map(String::as_str));
    let add = format!("add \"{variable}\" to `variables`");
    // Where the text has the name that is given, the slip is in the declaration.
    let slip = near.filter(|near| not_given(near, filled).is_some());
    match (near, not_given(variable, filled)) {
        (Some(near), None) if slip.is_some() => {
            let mend = format!("write \"{variable}\" for \"{near}\" in `variables`");
            let cause = FirstMiss::new(referrer, "variables").with_target(near);
            Miss::new(problem, mend).because(cause)
        }
        (Some(near), None) => Miss::new(problem, format!("write `{near}`, or {add}")),
        (Some(near), Some(_)) => Miss::new(problem, format!("write `{near}`")),
        (None, None) => Miss::new(problem, add),
        (None, Some(stranger)) => stranger,
    }
}
