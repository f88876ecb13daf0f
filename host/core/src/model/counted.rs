//! The tokens of a call: as the server counts them, within what there can be; and as they are estimated
//! where it says nothing, so that no question is asked that counts for nothing.

use serde_json::Value as Json;

use crate::handler::{ModelRequest, Tokens, estimate_of, tokens_of};

/// Tokens that a server may add to what it is asked.
const ADDED: u64 = 4096;

/// What a server says of the tokens of a call; `None` where it says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    prompt: Option<u64>,
    completion: Option<u64>,
}

/// What of a question's tokens is known before it is answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExpectedTokens {
    /// What it takes if nobody says what it took: as much as it may.
    pub(super) estimate: Tokens,
    /// Bytes of the question, of which each token has one at least, and what a server adds to it.
    bytes: u64,
}

impl Counted {
    /// What is there and no number that can be read counts as nobody could dispute it: as the most that
    /// there can be.
    pub(super) fn said(prompt: &Json, completion: &Json) -> Self {
        Self {
            prompt: said(prompt),
            completion: said(completion),
        }
    }
}

impl ExpectedTokens {
    pub(super) fn of_words(request: &ModelRequest) -> Self {
        let schema = request.schema.as_ref().map_or(0, |it| it.to_string().len());
        let text = request.system.len() + request.prompt.len() + schema;
        let images: usize = request.images.iter().map(|it| it.bytes.len()).sum();
        Self {
            estimate: request.estimate(),
            bytes: (text + images) as u64 + ADDED,
        }
    }

    pub(super) fn of_vectors(texts: &[String]) -> Self {
        let bytes: usize = texts.iter().map(String::len).sum();
        Self {
            estimate: estimate_of(texts),
            bytes: bytes as u64 + ADDED,
        }
    }

    /// The tokens of an answer of so many bytes. A server that errs decides nothing about what others may
    /// spend: it is believed no more than there can be.
    pub(super) fn taken(&self, counted: Counted, answer: usize) -> Tokens {
        let limit = self.estimate.completion.saturating_mul(2);
        // Vectors have none.
        let words = limit > 0;
        let most = if words { limit.max(answer as u64) } else { 0 };
        let prompt = counted.prompt.map(|said| said.min(self.bytes));
        let completion = counted.completion.map(|said| said.min(most));
        Tokens {
            prompt: prompt.unwrap_or(self.estimate.prompt),
            completion: completion.unwrap_or(if words { tokens_of(answer) } else { 0 }),
            estimated: prompt.is_none() || (words && completion.is_none()),
        }
    }
}

fn said(count: &Json) -> Option<u64> {
    let text = match count {
        Json::Null => return None,
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let number = text.trim().parse::<f64>().unwrap_or(-1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "none is below zero, and above the largest it is the largest"
    )]
    Some(if number >= 0.0 {
        number.ceil() as u64
    } else {
        u64::MAX
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(prompt: Json, completion: Json) -> (u64, u64, bool) {
        let expected = ExpectedTokens::of_words(&ModelRequest {
            prompt: "x".repeat(90),
            max_tokens: 100,
            ..ModelRequest::default()
        });
        let tokens = expected.taken(Counted::said(&prompt, &completion), 31);
        (tokens.prompt, tokens.completion, tokens.estimated)
    }

    #[test]
    fn what_a_server_does_not_count_is_estimated_and_what_it_counts_is_bounded() {
        assert_eq!(taken(json!(40), json!(7)), (40, 7, false));
        assert_eq!(taken(Json::Null, Json::Null), (30, 11, true));
        assert_eq!(taken(json!(40), Json::Null), (40, 11, true));
        assert_eq!(taken(json!(u64::MAX), json!(-5)), (4186, 200, false));
        assert_eq!(taken(json!("1e1"), json!(2.5)), (10, 3, false));
    }

    #[test]
    fn vectors_have_a_question_alone() {
        let expected = ExpectedTokens::of_vectors(&["x".repeat(30)]);
        let tokens = expected.taken(Counted::said(&json!(8), &Json::Null), 0);
        assert_eq!((tokens.prompt, tokens.estimated), (8, false));
        let tokens = expected.taken(Counted::default(), 0);
        // Each text has a frame of 16 bytes.
        assert_eq!((tokens.prompt, tokens.completion), (16, 0));
        assert!(tokens.estimated);
    }
}
