//! Prompts compile and use exactly the variables they declare, and those that handlers need
//! are there.

use std::collections::BTreeSet;
use std::iter::once;

use minijinja::Environment;

use super::settings::needed;
use super::templates::reason;
use super::{Cause, Kind, Miss, Reference, Referrer, Roster};
use crate::registry::nearest;
use crate::workspace::Prompt;

pub(super) fn list(roster: &Roster<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    let prompts = &roster.definitions.prompts;
    for (contract, place) in needed(roster) {
        for name in &contract.needs.prompts {
            let miss = (!prompts.contains_key(name)).then(|| absent(roster, name));
            let reference = Reference::new(
                Referrer::handler(&contract.name),
                "prompts",
                Kind::Prompt,
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

fn absent(roster: &Roster<'_>, name: &str) -> Miss {
    let problem = format!("there is no prompt `{name}`");
    let known = roster.definitions.prompts.keys().map(String::as_str);
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
    let environment = Environment::new();
    let compiled = match environment.template_from_named_str(&prompt.file, prompt.template()) {
        Ok(compiled) => compiled,
        Err(error) => {
            let miss = Miss::new(
                format!("the template does not compile: {}", reason(&error)),
                "correct the template",
            );
            let reference = Reference::new(referrer, "template", Kind::Template, &prompt.file);
            return vec![
                reference
                    .at(prompt.line(error.line().unwrap_or(1)))
                    .missed(Some(miss)),
            ];
        }
    };
    let globals: BTreeSet<String> = environment
        .globals()
        .map(|(name, _)| name.to_owned())
        .collect();
    let used = compiled.undeclared_variables(false).into_iter();
    let used: BTreeSet<String> = used.filter(|name| !globals.contains(name)).collect();
    let declared: BTreeSet<String> = prompt.variables.iter().cloned().collect();
    let mut references = Vec::new();
    for variable in used.union(&declared) {
        let reference = Reference::new(&referrer, "variables", Kind::Variable, variable);
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
