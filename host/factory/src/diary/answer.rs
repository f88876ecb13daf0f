//! A model's answer: sentences by a JSON schema, each with the ids of the changes that it tells.
//! The host writes the citations. A sentence that says what its changes do not say is left out, and
//! the draft says which and why; if that is half of them, the answer is refused.

mod leaks;

use callboard_core::blocking::ComputeBudget;
use callboard_core::value::{JsonProblem, json_in};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

pub use self::leaks::{PromptText, leaks};
use super::bundle::{Bundle, Change};
use super::claim::claim;
use super::composer::{compile, draft, frame, sources};
use super::page::{Cited, CitedSource, Composed, Page, PageSection, PageWriter};
use super::prose::{Prose, fenced};
use super::words::Material;
use crate::draft::Draft;
use crate::draft::{Claim, ClaimKind};

/// Bytes of memory that an answer may take as JSON.
const TREE: u64 = 64 << 20;
/// The most characters of a title, of a heading and of a sentence.
const TITLE: usize = 120;
const HEADING: usize = 80;
const SENTENCE: usize = 600;
/// The most sentences, and the most changes of one.
const SENTENCES: usize = 120;
const CHANGES: usize = 8;

/// What a model is to answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiaryAnswer {
    /// One line of at most 90 characters that names the main theme.
    title: Sentence,
    /// One sentence for lists of posts.
    summary: Sentence,
    sections: Vec<AnswerSection>,
}

/// Sentences about one theme.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnswerSection {
    /// Two to six words.
    heading: String,
    sentences: Vec<Sentence>,
}

/// One sentence.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sentence {
    /// Without citations: they are written from `changes`.
    text: String,
    /// The ids of the changes that it tells, such as `c1`.
    changes: Vec<String>,
}

/// The schema of an answer.
pub fn schema() -> Json {
    schema_of::<DiaryAnswer>()
}

/// The JSON schema of a type, as model servers take it: in one piece.
pub fn schema_of<T: JsonSchema>() -> Json {
    let mut generator = schemars::generate::SchemaSettings::draft07();
    generator.inline_subschemas = true;
    let schema = generator.into_generator().into_root_schema_for::<T>();
    schema.to_value()
}

/// The draft in an answer of `model`, or why it is none.
pub fn read(
    (answer, model): (&str, &str),
    (bundle, template): (&Bundle, &str),
    asked: &PromptText,
    clock: &mut ComputeBudget,
) -> Result<Draft, String> {
    leaks(answer, asked, clock)?;
    let answer: DiaryAnswer = parse(answer)?;
    let mut reader = AnswerReader {
        bundle,
        claims: Vec::new(),
        notes: Vec::new(),
        kept: 0,
        refused: 0,
    };
    let mut page = reader.page(answer)?;
    page.writer = PageWriter {
        model: Some(fenced(model)),
        instead: false,
    };
    let AnswerReader { claims, notes, .. } = reader;
    let composed = Composed { page, claims };
    let mut draft = draft(bundle, composed, template, &format!("model {model}"))
        .map_err(|error| error.to_string())?;
    draft.notes = notes;
    Ok(draft)
}

/// The JSON in an answer, whatever a server has put around it.
pub fn parse<T: DeserializeOwned>(answer: &str) -> Result<T, String> {
    let (start, end) = (answer.find('{'), answer.rfind('}'));
    let (Some(start), Some(end)) = (start, end) else {
        return Err("it is no JSON object".to_owned());
    };
    let text = answer.get(start..=end).unwrap_or_default();
    json_in(text, TREE).map_err(|problem| match problem {
        JsonProblem::Broken(error) => format!("it does not fit the schema: {error}"),
        JsonProblem::TooLarge(_) => format!("it {problem}"),
    })
}

struct AnswerReader<'b> {
    bundle: &'b Bundle,
    claims: Vec<Claim>,
    notes: Vec<String>,
    kept: usize,
    refused: usize,
}

impl AnswerReader<'_> {
    fn page(&mut self, answer: DiaryAnswer) -> Result<Page, String> {
        let built_in = compile(self.bundle);
        let mut page = frame(self.bundle);
        page.releases.clone_from(&built_in.page.releases);
        let released = built_in
            .claims
            .iter()
            .filter(|claim| claim.kind == ClaimKind::Release);
        self.claims.extend(released.cloned());
        let count: usize = answer
            .sections
            .iter()
            .map(|part| part.sentences.len())
            .sum();
        if count > SENTENCES {
            return Err(format!("it has {count} sentences, more than {SENTENCES}"));
        }
        for part in answer.sections {
            page.sections.extend(self.section(part));
        }
        if self.kept == 0 || self.refused > self.kept {
            let why: Vec<&str> = self.notes.iter().take(5).map(String::as_str).collect();
            let why = if why.is_empty() {
                "it has no sentence".to_owned()
            } else {
                why.join("; ")
            };
            return Err(why);
        }
        let title = self.head(answer.title, TITLE, "title");
        page.title = title.unwrap_or_else(|| built_in.page.title.clone());
        page.summary = match self.head(answer.summary, SENTENCE, "summary") {
            Some(summary) => vec![summary.trim_end_matches('.').to_owned()],
            None => built_in.page.summary.clone(),
        };
        // Whatever stands for what was refused is on the page, too.
        let titles = built_in
            .claims
            .iter()
            .filter(|claim| claim.kind == ClaimKind::Title);
        let shown =
            |claim: &&Claim| page.title == claim.plain || page.summary.contains(&claim.plain);
        self.claims.extend(titles.filter(shown).cloned());
        page.counts.changes = self.bundle.changes.len() as u64;
        Ok(page)
    }

    /// The title or the summary, if it holds.
    fn head(&mut self, sentence: Sentence, most: usize, part: &str) -> Option<String> {
        let text = Prose::line(&sentence.text).plain();
        let problem = if text.chars().count() > most || !Prose::line(&text).says_something() {
            Some(format!("the {part} does not do"))
        } else {
            self.problem(&sentence)
        };
        if let Some(problem) = problem {
            self.notes.push(left_out(&text, &problem, part));
            return None;
        }
        let words = Prose::line(&text);
        self.claims
            .push(claim(ClaimKind::Told, &words, &sentence.changes));
        Some(text)
    }

    fn section(&mut self, part: AnswerSection) -> Option<PageSection> {
        let mut kept = Vec::new();
        for sentence in part.sentences {
            match self.problem(&sentence) {
                None => kept.push(sentence),
                Some(problem) => {
                    self.refused += 1;
                    self.notes
                        .push(left_out(&sentence.text, &problem, "sentence"));
                }
            }
        }
        self.kept += kept.len();
        let ids: Vec<String> = kept
            .iter()
            .flat_map(|sentence| sentence.changes.clone())
            .collect();
        let theme = self.bundle.change(ids.first()?)?.theme;
        let heading = Prose::line(part.heading.trim().trim_start_matches('#'));
        let fits = heading.length() <= HEADING && !heading.is_empty();
        let changes: Vec<&Change> = ids.iter().filter_map(|id| self.bundle.change(id)).collect();
        let holds = fits
            && Material::new(self.bundle, &changes)
                .problems(&heading.markdown())
                .is_empty();
        if holds {
            self.claims.push(claim(ClaimKind::Told, &heading, &ids));
        }
        Some(PageSection {
            theme: Some(theme),
            heading: holds.then(|| heading.markdown()),
            sentences: self.sentences(kept),
            ..PageSection::default()
        })
    }

    /// Sentences with their citations; neighbours that tell the same are cited once.
    fn sentences(&mut self, kept: Vec<Sentence>) -> Vec<Cited> {
        let next: Vec<Vec<String>> = kept.iter().skip(1).map(|it| it.changes.clone()).collect();
        let mut told = Vec::new();
        for (index, sentence) in kept.into_iter().enumerate() {
            let text = sentence.text.trim();
            let is_cited = next.get(index) != Some(&sentence.changes);
            let text = if is_cited {
                text.trim_end_matches('.')
            } else {
                text
            };
            let words = Prose::line(text);
            self.claims
                .push(claim(ClaimKind::Told, &words, &sentence.changes));
            let changes = sentence
                .changes
                .iter()
                .filter_map(|id| self.bundle.change(id));
            let cites: Vec<CitedSource> = changes
                .flat_map(|change| sources(self.bundle, change))
                .collect();
            told.push(Cited::new(
                words.markdown(),
                if is_cited { cites } else { Vec::new() },
            ));
        }
        told
    }

    /// What is wrong with a sentence.
    fn problem(&self, sentence: &Sentence) -> Option<String> {
        let Sentence { text, changes } = sentence;
        if text.trim().is_empty() || text.chars().count() > SENTENCE {
            return Some(format!(
                "it has no words, or more than {SENTENCE} characters"
            ));
        }
        if changes.is_empty() || changes.len() > CHANGES {
            return Some(format!("it cites no change, or more than {CHANGES}"));
        }
        let known: Result<Vec<&Change>, &String> = changes
            .iter()
            .map(|id| self.bundle.change(id).ok_or(id))
            .collect();
        let known = match known {
            Ok(known) => known,
            Err(id) => return Some(format!("it cites `{id}`, which is no change of the day")),
        };
        let problems = Material::new(self.bundle, &known).problems(&Prose::line(text).markdown());
        (!problems.is_empty()).then(|| problems.join(", "))
    }
}

fn left_out(text: &str, problem: &str, part: &str) -> String {
    let text = callboard_core::shown::cut(text, 120);
    format!("a {part} was left out, `{text}`: {problem}")
}

#[cfg(test)]
mod tests;
