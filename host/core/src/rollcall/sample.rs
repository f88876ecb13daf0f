//! Prompts filled in with sample texts, as strictly and within the same bounds as in a run. What
//! depends on the words of a text is not held against one: it fails if it fails on every sample.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::{Error, ErrorKind};

use crate::template::{self, Given, Stranger, ValueShape};

/// What a handler may give for a variable: lines of words, a day, a number.
const TEXTS: [&str; 3] = ["a sample of\nwords, and more", "2026-06-25", "7"];

/// What a prompt is called among templates, of which it can name none.
const PROMPT: &str = "prompt";

/// Names of a template that are nothing which its variables have: each is a text.
pub(super) fn strangers(text: &str, variables: &[String]) -> Vec<Stranger> {
    let given = variables
        .iter()
        .map(|name| (name.clone(), ValueShape::Plain));
    let given = ValueShape::Parts(Arc::new(given.collect()));
    let given = Given::of("the prompt", given);
    let texts = BTreeMap::from([(PROMPT, text)]);
    template::strangers(&template::environment(), &texts, (PROMPT, &given)).unwrap_or_default()
}

/// Why a template cannot be filled in, whatever its variables say.
pub(super) fn fault((name, text): (&str, &str), variables: &[String]) -> Option<Error> {
    let fails = |sample| rendered((name, text), variables, sample).err();
    let all: Option<Vec<Error>> = TEXTS.into_iter().map(fails).collect();
    let always = all.and_then(|all| all.into_iter().next());
    // A text that is empty takes the other branches; what it breaks may be told of no other.
    always.or_else(|| fails("").filter(names_nothing))
}

fn rendered(
    (name, text): (&str, &str),
    variables: &[String],
    sample: &str,
) -> Result<String, Error> {
    let given = variables
        .iter()
        .map(|name| (name.clone(), sample.to_owned()));
    let given: BTreeMap<String, String> = given.collect();
    template::environment().render_named_str(name, text, given)
}

/// Whether an error is about a name that does not exist.
fn names_nothing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::TemplateNotFound
            | ErrorKind::OutOfFuel
    )
}
