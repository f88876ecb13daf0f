//! The `config` of a stage or policy fits the JSON Schema of its handler. A key that the
//! schema does not name is a miss too, even where the schema would let it pass: no handler reads
//! it, so it is misspelt or dead.

use serde_json::Value as Json;

use super::handlers::{Use, uses};
use super::policies::misplaced;
use super::{FirstMiss, Miss, Reference, ReferenceKind, RollScope, named};
use crate::handler::schema::{MisfitKind, SchemaMisfit};
use crate::registry::{HandlerEntry, nearest};

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
    for used in uses(scope) {
        if let Some(entry) = scope.registry.get(used.handler) {
            let misplaced = misplaced(scope, &used.referrer, used.handler);
            references.extend(fit(&used, entry).into_iter().map(|mut reference| {
                let miss = reference.miss.take();
                reference.missed(miss.map(|miss| miss.because(misplaced.clone())))
            }));
        }
    }
    references
}

/// One reference that answers, or one miss for each thing that does not fit.
fn fit(used: &Use<'_>, entry: &HandlerEntry) -> Vec<Reference> {
    let schema = &entry.contract.config;
    let answer = |path: &[&str], miss| {
        let key = [&["config"], path].concat();
        Reference::new(
            &used.referrer,
            key.join("."),
            ReferenceKind::Config,
            used.handler,
        )
        .at(used.at(&key))
        .missed(miss)
    };
    let validator = match entry.config_schema() {
        Ok(validator) => validator,
        Err(error) => {
            let problem = format!("the handler's schema of its configuration is none: {error}");
            return vec![answer(
                &[],
                Some(Miss::new(problem, "mend what the handler says of itself")),
            )];
        }
    };
    let mut references = Vec::new();
    let mut misfits = validator.misfits(used.config);
    let misread = entry.handler.misread(used.config);
    // A misspelt key is told before what is missing because of it.
    misfits.sort_by_key(|misfit| matches!(misfit.kind, MisfitKind::Missing(_)));
    let mut misspelt = Vec::new();
    for mut misfit in misfits {
        better_said(&mut misfit, used.config, misread.as_deref());
        let path = segments(&misfit.pointer);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        references.extend(
            misses(used, schema, &misfit)
                .into_iter()
                .map(|(key, miss)| {
                    let miss = explained(used, &misfit, miss, &misspelt);
                    misspelt.extend(key.clone().map(|key| (misfit.pointer.clone(), key)));
                    let path = [
                        path.as_slice(),
                        &key.iter().map(String::as_str).collect::<Vec<_>>(),
                    ]
                    .concat();
                    answer(&path, Some(miss))
                }),
        );
    }
    references.extend(
        unknown(used.config, schema)
            .into_iter()
            .map(|(key, miss)| answer(&[&key], Some(miss))),
    );
    if references.is_empty() {
        // The schema is a description of the type; what counts is that the type can read it.
        let problem = |error| format!("`{}` cannot read it: {error}", used.handler);
        let miss = misread.map(|error| Miss::new(problem(error), fitting(used.handler)));
        references.push(answer(&[], miss));
    }
    references
}

/// A text that a schema refuses by its form, in the words of the type that reads it, if it says which.
fn better_said(misfit: &mut SchemaMisfit, config: &Json, misread: Option<&str>) {
    let text = config.pointer(&misfit.pointer).and_then(Json::as_str);
    let says = |text: &str| misread.filter(|said| said.contains(&format!("`{text}`")));
    if let (MisfitKind::Other, Some(said)) = (&misfit.kind, text.and_then(says)) {
        said.clone_into(&mut misfit.problem);
    }
}

/// A key that is missing because another one in its place, unknown, is what it was to be.
fn explained(
    used: &Use<'_>,
    misfit: &SchemaMisfit,
    miss: Miss,
    misspelt: &[(String, String)],
) -> Miss {
    let MisfitKind::Missing(missing) = &misfit.kind else {
        return miss;
    };
    let typo = misspelt.iter().find(|(place, key)| {
        *place == misfit.pointer && nearest(key, std::iter::once(missing.as_str())).is_some()
    });
    let below = || segments(&misfit.pointer).into_iter();
    miss.because(typo.map(|(_, key)| {
        let path: Vec<String> = below().chain([key.clone()]).collect();
        FirstMiss::new(&used.referrer, format!("config.{}", path.join(".")))
    }))
}

/// What a misfit means, with the key below its path where it is about one.
fn misses(used: &Use<'_>, schema: &Json, misfit: &SchemaMisfit) -> Vec<(Option<String>, Miss)> {
    let handler = used.handler;
    match &misfit.kind {
        MisfitKind::Unexpected(unexpected) => {
            let known = keys_at(schema, &segments(&misfit.pointer));
            let miss = |key: &String| (Some(key.clone()), not_a_key(key, &known));
            unexpected.iter().map(miss).collect()
        }
        MisfitKind::Missing(key) => {
            let problem = format!("`{key}` is missing");
            vec![(
                None,
                Miss::new(
                    problem,
                    format!(
                        "{}; `callboard handlers show {handler}` says what fits",
                        used.addition(&segments(&misfit.pointer), key)
                    ),
                ),
            )]
        }
        MisfitKind::Other => {
            vec![(None, Miss::new(misfit.problem.clone(), fitting(handler)))]
        }
    }
}

fn fitting(handler: &str) -> String {
    format!("write a value that fits; `callboard handlers show {handler}` says which")
}

/// Keys that an open schema lets pass and does not name.
fn unknown(config: &Json, schema: &Json) -> Vec<(String, Miss)> {
    const OPEN: [&str; 7] = [
        "additionalProperties",
        "unevaluatedProperties",
        "patternProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "$ref",
    ];
    let (Some(schema_keys), Some(config)) = (schema.as_object(), config.as_object()) else {
        return Vec::new();
    };
    let plain = schema_keys.get("type").is_some_and(|kind| kind == "object")
        && OPEN
            .iter()
            .all(|keyword| !schema_keys.contains_key(*keyword));
    let known = keys(schema);
    let unknown = config
        .keys()
        .filter(|key| plain && !known.contains(&key.as_str()));
    unknown
        .map(|key| (key.clone(), not_a_key(key, &known)))
        .collect()
}

/// Keys of a stage, which are part of its configuration where they stand below `[stage.config]`.
const OF_STAGES: [&str; 8] = [
    "needs",
    "on",
    "when",
    "timeout",
    "retry",
    "max_visits",
    "required",
    "handler",
];

fn not_a_key(key: &str, known: &[&str]) -> Miss {
    let problem = format!("`{key}` is no key of this configuration");
    if OF_STAGES.contains(&key) {
        let mend = "move it above `config`: it is a key of the stage";
        return Miss::new(problem, mend);
    }
    match nearest(key, known.iter().copied()) {
        Some(near) => Miss::new(problem, format!("write `{near}`, or remove it")),
        None if known.is_empty() => Miss::new(format!("{problem}, which has none"), "remove it"),
        None => Miss::new(
            problem,
            format!("remove it; the keys are {}", named(known.iter().copied())),
        ),
    }
}

fn keys(schema: &Json) -> Vec<&str> {
    let properties = schema.get("properties").and_then(Json::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect()
}

/// The keys that a schema knows at a place of a value.
fn keys_at<'s>(schema: &'s Json, path: &[String]) -> Vec<&'s str> {
    let mut parts = alternatives(schema, schema, WITHIN);
    for segment in path {
        let below = |part: &&'s Json| {
            let named = part.get("properties").and_then(|keys| keys.get(segment));
            let any = || part.get("additionalProperties");
            let item = || {
                part.get("items")
                    .filter(|_| segment.parse::<usize>().is_ok())
            };
            named.or_else(any).or_else(item)
        };
        let below: Vec<&Json> = parts.iter().filter_map(below).collect();
        let below = below.into_iter();
        parts = below
            .flat_map(|part| alternatives(schema, part, WITHIN))
            .collect();
    }
    parts.into_iter().flat_map(keys).collect()
}

/// References and choices in one another that are followed.
const WITHIN: u8 = 4;

/// A part of a schema, with all that it refers to or leaves the choice of.
fn alternatives<'s>(schema: &'s Json, part: &'s Json, within: u8) -> Vec<&'s Json> {
    let mut all = vec![part];
    let Some(within) = within.checked_sub(1) else {
        return all;
    };
    let pointer = part.get("$ref").and_then(Json::as_str);
    let pointed = pointer.and_then(|pointer| schema.pointer(pointer.strip_prefix('#')?));
    let choices = ["allOf", "anyOf", "oneOf"].into_iter();
    let choices = choices
        .filter_map(|word| part.get(word)?.as_array())
        .flatten();
    let others = choices.chain(pointed);
    all.extend(others.flat_map(|other| alternatives(schema, other, within)));
    all
}

/// The segments of a JSON pointer.
fn segments(pointer: &str) -> Vec<String> {
    let segments = pointer.split('/').skip(1);
    segments
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
        .collect()
}
