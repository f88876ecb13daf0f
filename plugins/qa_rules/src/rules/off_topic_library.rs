//! `off_topic_library`: a library of another trade than the text is about.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};
use crate::text::Passage;

pub(crate) const RULE: Rule = Rule {
    name: "off_topic_library",
    severity: Severity::Warning,
    pattern: "a well-known library, by a name with a capital within a sentence or in code, where fewer than two words of the title, the headings and the other sentences are of its field, no other library of it is named, and nothing links it",
    threshold: Some(2),
    find,
};

/// What some libraries are for.
struct Field {
    libraries: &'static str,
    /// How words of a text about it begin.
    words: &'static str,
}

const FIELDS: [Field; 7] = [
    Field {
        libraries: "numpy|pandas|scipy|scikit-learn|matplotlib|seaborn|polars|dask|jupyter",
        words: "data|python|statisti|analy|plot|chart|notebook|numer|scien|array|matri|csv|table|column|average|measur",
    },
    Field {
        libraries: "tensorflow|pytorch|keras|transformers|langchain|scikit-learn",
        words: "model|learn|train|neural|infer|gpu|token|embedding|prompt|python|tensor|agent|llm|classif",
    },
    Field {
        libraries: "react|vue|angular|svelte|jquery|next.js|nextjs|nuxt|redux|remix|tailwind|bootstrap",
        words: "browser|frontend|front-end|web|page|component|javascript|typescript|css|html|ui|interface|render|button",
    },
    Field {
        libraries: "django|flask|fastapi|rails|laravel|symfony|sinatra|express|nestjs",
        words: "web|server|api|apis|http|request|backend|back-end|route|python|ruby|php|node|endpoint|site|session",
    },
    Field {
        libraries: "bevy|unity|unreal|godot",
        words: "game|engine|render|player|scene|graphic|shader|sprite|frame",
    },
    Field {
        libraries: "flutter|kotlin|swiftui|android|expo",
        words: "app|apps|mobile|phone|ios|android|device|tablet|screen",
    },
    Field {
        libraries: "selenium|playwright|cypress",
        words: "browser|test|page|ui|click|automat|screenshot",
    },
];

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let mut found: Vec<(usize, Found)> = Vec::new();
    for field in &FIELDS {
        let named = named(seen, field);
        let mut libraries: Vec<&str> = named.iter().map(|it| it.library.as_str()).collect();
        libraries.sort_unstable();
        libraries.dedup();
        // Two of a trade are no slip.
        let [library] = libraries.as_slice() else {
            continue;
        };
        let known = seen.lists.known.iter().any(|it| it.eq_ignore_ascii_case(library));
        if known || named.iter().any(|it| it.sourced) || has_field(seen, field, library) {
            continue;
        }
        let first = &named[0];
        let message = "the text is about nothing that it is for; say why it is named, link to it, or leave it out";
        let told = Found::new(message).at(first.at, &first.sentence);
        if found.iter().all(|(at, _)| *at != first.at) {
            found.push((first.at, told));
        }
    }
    found.into_iter().map(|(_, told)| told).collect()
}

/// A library where it is named.
struct Named {
    library: String,
    at: usize,
    sentence: String,
    sourced: bool,
}

fn named(seen: &Seen<'_>, field: &Field) -> Vec<Named> {
    let is_library = |word: &str| field.libraries.split('|').any(|it| it == word);
    let mut named = Vec::new();
    for passage in seen.text.body() {
        for (index, word) in passage.words.iter().enumerate() {
            let name = word.lower.trim_end_matches("'s");
            // What begins a sentence has a capital, and may be a word like any other.
            let is_name = passage.word(index).starts_with(char::is_uppercase) && !passage.begins_sentence(index);
            if is_name && is_library(name) {
                named.push(Named {
                    library: name.to_owned(),
                    at: word.at,
                    sentence: passage.span(&passage.sentence(index)).to_owned(),
                    sourced: passage.is_sourced(index),
                });
            }
        }
    }
    for span in &seen.text.spans {
        let name = span.text.to_lowercase();
        if is_library(&name) {
            named.push(Named {
                library: name,
                at: span.at,
                sentence: span.text.clone(),
                sourced: false,
            });
        }
    }
    named
}

/// Whether other words than those of the sentences that name it are of its field.
fn has_field(seen: &Seen<'_>, field: &Field, library: &str) -> bool {
    let is_of = |word: &str| field.words.split('|').any(|stem| begins(word, stem));
    let title = seen.text.title.to_lowercase();
    let title = title.split(|c: char| !c.is_alphanumeric() && c != '-');
    let titled = title.filter(|word| is_of(word) || *word == library).count();
    let told: usize = seen.text.passages.iter().map(|passage| words(passage, library, &is_of)).sum();
    let fenced = seen.text.fences.iter().any(|fence| fence.text.to_lowercase().contains(library));
    fenced || titled + told >= usize::try_from(seen.threshold).unwrap_or(2)
}

/// A short stem is a word; of a longer one what follows may be anything.
fn begins(word: &str, stem: &str) -> bool {
    let rest = word.strip_prefix(stem);
    rest.is_some_and(|rest| stem.len() > 4 || matches!(rest, "" | "s"))
}

fn words(passage: &Passage, library: &str, is_of: &impl Fn(&str) -> bool) -> usize {
    let sentences = passage.sentences().into_iter();
    let others = sentences.filter(|range| !passage.words[range.clone()].iter().any(|word| word.lower == library));
    others.map(|range| passage.words[range].iter().filter(|word| is_of(&word.lower)).count()).sum()
}
