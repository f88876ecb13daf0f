//! Prompts compile, use exactly the variables they declare and can be filled in, and those that
//! handlers need are there.

use std::collections::BTreeSet;
use std::iter::once;

use super::sample::fault;
use super::settings::needed;
use super::{Cause, Miss, Reference, ReferenceKind, Referrer, RollScope};
use crate::registry::nearest;
use crate::template;
use crate::workspace::Prompt;

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    let prompts = &scope.definitions.prompts;
    for (contract, place) in needed(scope) {
        for name in &contract.needs.prompts {
            let miss = (!prompts.contains_key(name)).then(|| absent(scope, name));
            let reference = Reference::new(
                Referrer::handler(&contract.name),
                "prompts",
                ReferenceKind::Prompt,
                name,
            );
            references.push(reference.at(place.clone()).missed(miss));
        }
    }
    for (name, prompt) in prompts {
        references.extend(check(name, prompt));
    }
    references
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

fn check(name: &str, prompt: &Prompt) -> Vec<Reference> {
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
        references.push(if !declared.contains(variable) {
            reference
                .at(prompt.usage(variable))
                .missed(Some(undeclared(variable, &declared)))
        } else if used.contains(variable) {
            reference.at(prompt.declaration(variable))
        } else {
            let problem =
                format!("variable `{variable}` is declared, and the template does not use it");
            let miss = Miss::new(
                problem,
                format!("use `{{{{ {variable} }}}}`, or remove it from `variables`"),
            );
            let mut unknown = used.difference(&declared);
            let typo = unknown.find(|unknown| nearest(unknown, once(variable.as_str())).is_some());
            let cause = |typo: &String| Cause::new(&referrer, "variables").with_target(typo);
            let miss = miss.because(typo.map(cause));
            reference
                .at(prompt.declaration(variable))
                .missed(Some(miss))
        });
    }
    references
}

/// The miss of a prompt that fails on samples of its variables.
fn rehearsed(name: &str, prompt: &Prompt) -> Option<Reference> {
    let text = template::bounded(prompt.template());
    let error = match text {
        Ok(text) => {
            let rehearse = || Ok(fault((prompt.file.as_str(), &text), &prompt.variables));
            template::on_deep_stack(rehearse).unwrap_or_else(Some)?
        }
        Err(error) => error,
    };
    let problem = format!(
        "the prompt cannot be filled in: {}",
        template::reason(&error)
    );
    let miss = Miss::new(problem, "correct the template");
    let reference = Reference::new(
        Referrer::Prompt(name.to_owned()),
        "template",
        ReferenceKind::Template,
        &prompt.file,
    );
    let place = prompt.line(error.line().unwrap_or(1));
    Some(reference.at(place).missed(Some(miss)))
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

fn undeclared(variable: &str, declared: &BTreeSet<String>) -> Miss {
    let problem = format!("the template uses `{variable}`, which is not declared");
    match nearest(variable, declared.iter().map(String::as_str)) {
        Some(near) => Miss::new(
            problem,
            format!("write `{near}`, or add \"{variable}\" to `variables`"),
        ),
        None => Miss::new(problem, format!("add \"{variable}\" to `variables`")),
    }
}
