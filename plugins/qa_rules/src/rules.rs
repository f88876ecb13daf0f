//! All rules. Each is one file; what is not listed here does not compile into anything.

use crate::rule::Rule;

/// The files of rules, and the list of them.
macro_rules! rules {
    ($(#[$what:meta])* $list:ident: $($rule:ident)+) => {
        $(mod $rule;)+

        $(#[$what])*
        pub(crate) const $list: &[&Rule] = &[$(&$rule::RULE),+];
    };
}

rules! {
    /// What no draft may have in it.
    PROGRAMMATIC:
    fake_person
    fake_stat
    company_claim
    fake_quote
    fabricated_experience
    hallucinated_link
    unlinked_citation
    hallucinated_reference
    off_topic_library
    code_block_density
    brand_contradiction
    leaked_image_prompt
    image_placeholder
    unresolved_placeholder
    placeholder_citation
    citation_artifact
    internal_path_leak
    orphaned_attribution
    reasoning_token_leak
    known_wrong_fact
    title_year_claim
    filler_phrase
    banned_header
    filler_intro
    banned_transition_opener
    buzzword_density
    late_acronym_expansion
    truncated_content
    json_envelope_leak
    title_diversity
    junk_title
    leaked_planning_scaffold
    prompt_leak
    planning_dump
    competitor
}

rules! {
    /// How it reads.
    STYLE:
    photo_credit
    raw_markup
    empty_section
    duplicate_sentence
    exclamations
    hedging
    repeated_opener
    listicle_title
    equal_sections
    empty_references
    keyword_stuffing
}

/// Something in square brackets.
pub(crate) struct Bracketed<'t> {
    pub(crate) at: usize,
    pub(crate) whole: &'t str,
    pub(crate) inner: &'t str,
}

/// What stands in square brackets, on one line and not in others.
pub(crate) fn bracketed(prose: &str) -> Vec<Bracketed<'_>> {
    let mut found = Vec::new();
    for (at, _) in prose.match_indices('[') {
        let rest = &prose[at + 1..];
        let Some(length) = rest.find([']', '[', '\n']) else {
            continue;
        };
        if rest[length..].starts_with(']') {
            found.push(Bracketed {
                at,
                whole: &prose[at..at + length + 2],
                inner: &rest[..length],
            });
        }
    }
    found
}
