//! What a server said, read as an answer: whole, without its reasoning, and fitting its schema.

use serde_json::Value as Json;

use super::cause::ModelCause;
use super::counted::Counted;
use super::plain::PlainJson;
use super::reasoning;
use crate::client::{ClientError, ClientErrorKind};
use crate::handler::schema::Schema;
use crate::handler::{Completion, Tokens};
use crate::value::{JsonProblem, json_in};

/// Bytes of memory that an answer may take as JSON.
const TREE: u64 = 64 << 20;
/// Bytes of a text for each token that it may have: four are many, in any language.
const TOKEN: u64 = 16;
/// Bytes that a text may have however few its tokens are.
const LEAST: u64 = 4 << 10;

/// How a server says that an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerEnd {
    /// By itself.
    Itself,
    /// At the limit of tokens.
    Limit,
    /// The model would not.
    Refusal,
}

/// What a server said, in no protocol's words.
#[derive(Debug, Clone)]
pub(super) struct ServerAnswer {
    pub(super) text: String,
    /// Reasoning that the server parted from it.
    pub(super) reasoning: String,
    pub(super) model: String,
    pub(super) end: AnswerEnd,
    pub(super) tokens: Counted,
}

/// The most bytes of a text of so many tokens. A server that says more does not count, and nothing
/// reads it.
pub(super) fn longest(tokens: u32) -> u64 {
    LEAST + TOKEN * u64::from(tokens)
}

/// The answer in what was said, without what it took.
pub(super) fn read(
    said: ServerAnswer,
    limit: u32,
    schema: Option<&Schema>,
) -> Result<Completion, ModelCause> {
    let (bytes, most) = (
        said.text.len().max(said.reasoning.len()) as u64,
        longest(limit),
    );
    if bytes > most {
        let told = format!("the answer has {bytes} bytes, and {limit} tokens are {most} at most");
        return Err(too_large(told));
    }
    let mut parted = reasoning::part(&said.text);
    match said.end {
        AnswerEnd::Limit => return Err(ModelCause::Truncated { tokens: limit }),
        AnswerEnd::Refusal => return Err(ModelCause::Refused(parted.answer)),
        AnswerEnd::Itself if parted.answer.is_empty() => return Err(ModelCause::Empty),
        AnswerEnd::Itself => {}
    }
    parted.think(&said.reasoning);
    let json = schema
        .map(|schema| json(&parted.answer, schema))
        .transpose()?;
    // With a schema there is one reading of the answer, and its text is that, written anew.
    let text = json.as_ref().map(Json::to_string);
    Ok(Completion {
        text: text.unwrap_or(parted.answer),
        reasoning: parted.reasoning,
        json,
        model: said.model,
        tokens: Tokens::default(),
    })
}

fn too_large(told: String) -> ModelCause {
    ClientError::new(ClientErrorKind::TooLarge, told).into()
}

fn json(answer: &str, schema: &Schema) -> Result<Json, ModelCause> {
    let PlainJson(json) = json_in(unfenced(answer), TREE).map_err(|problem| match problem {
        JsonProblem::Broken(error) => ModelCause::NoJson {
            line: error.line(),
            column: error.column(),
            problem: error.to_string(),
        },
        JsonProblem::TooLarge(_) => too_large(format!("the answer {problem}")),
    })?;
    schema.check(&json).map_err(|misfit| ModelCause::Misfit {
        place: misfit.place(),
        problem: misfit.problem,
    })?;
    Ok(json)
}

/// The text in the one block of code that an answer is.
fn unfenced(answer: &str) -> &str {
    let inside = answer.trim().strip_prefix("```");
    let inside = inside.and_then(|inside| inside.strip_suffix("```"));
    inside
        .and_then(|inside| inside.split_once('\n'))
        .map_or(answer, |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::handler::schema::compiled;

    fn answer(text: &str, end: AnswerEnd) -> Result<Completion, ModelCause> {
        let schema = json!({
            "type": "object", "required": ["a"], "additionalProperties": false,
            "properties": { "a": { "type": "integer" } }
        });
        let said = ServerAnswer {
            text: text.to_owned(),
            reasoning: String::new(),
            model: "m".to_owned(),
            end,
            tokens: Counted::default(),
        };
        read(said, 9, Some(&compiled(&schema).expect("a schema")))
    }

    #[track_caller]
    fn cause(text: &str, end: AnswerEnd, name: &str, told: &str) {
        let cause = answer(text, end).expect_err(text);
        assert_eq!(cause.name(), name, "{text}");
        assert!(cause.to_string().contains(told), "{cause}");
    }

    #[test]
    fn an_answer_fits_its_schema_or_says_where_it_does_not() {
        for text in [
            "{\"a\": 1}",
            "<think>x</think>{\"a\": 1}",
            "```json\n{\"a\": 1}\n```",
            "{\"a\": 1.0}",
        ] {
            let completion = answer(text, AnswerEnd::Itself).expect(text);
            assert_eq!(completion.json, Some(json!({ "a": 1 })), "{text}");
            assert_eq!(completion.text, r#"{"a":1}"#, "{text}");
        }
        let large = answer("{\"a\": 1e19}", AnswerEnd::Itself).expect("an integer");
        assert_eq!(large.text, "{\"a\":10000000000000000000}");
        cause(
            "{\"a\": 1, \"a\": 2}",
            AnswerEnd::Itself,
            "no-json",
            "`a` is said twice",
        );
        cause("{\"a\": 1.5}", AnswerEnd::Itself, "misfit", "`/a`");
        cause(
            "Sure: {\"a\": 1}",
            AnswerEnd::Itself,
            "no-json",
            "line 1, column 1",
        );
        cause("{\"a\": \"x\"}", AnswerEnd::Itself, "misfit", "`/a`");
        cause("{}", AnswerEnd::Itself, "misfit", "\"a\"");
        cause("{\"a\": 1}", AnswerEnd::Limit, "truncated", "9 tokens");
        cause("<think>x", AnswerEnd::Itself, "empty", "no answer");
        let many = format!("{{\"a\":[{}0]}}", "{\"\":0},".repeat(120_000));
        cause(&many, AnswerEnd::Itself, "too-large", "9 tokens");
        let schema = compiled(&json!({})).expect("a schema");
        let refused = super::json(&many, &schema).expect_err("it has too many parts");
        assert!(refused.to_string().contains("more than 64 MiB in memory"));
        let long = "x".repeat(2 << 20);
        cause(
            &long,
            AnswerEnd::Itself,
            "too-large",
            "9 tokens are 4240 at most",
        );
        cause("no", AnswerEnd::Refusal, "refused", "no");
    }
}
