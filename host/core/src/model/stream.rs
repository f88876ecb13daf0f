//! An answer that a server gives piece by piece, as events (`text/event-stream`) or as lines of JSON: gathered into the
//! document that the same server would have given as a whole, so that there is one reading of both.
//!
//! It is whole if the server said how it ended. What ends or breaks before that is `reset`, whatever its text looks like.

use serde_json::{Value as Json, json};

use crate::client::{ClientError, ClientErrorKind, Fold};
use crate::value::{JsonProblem, json_in};

/// Bytes of memory that one piece may take as JSON.
pub(super) const TREE: u64 = 64 << 20;
/// What ends a stream of events.
const DONE: &[u8] = b"[DONE]";
/// What a text may begin with, and does not belong to it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How pieces stand in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-sent events.
    Events,
    /// A document a line.
    Lines,
}

/// How a protocol streams.
pub(super) struct Spoken {
    pub(super) framing: Framing,
    /// What one piece says.
    pub(super) hear: fn(&mut Gathered, &Json),
    /// All of them, as the document that the protocol has for an answer.
    pub(super) document: fn(Gathered) -> Json,
}

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) text: Option<String>,
    pub(super) reasoning: String,
    pub(super) refusal: Option<String>,
    /// The JSON that a tool is handed.
    pub(super) input: Option<String>,
    pub(super) model: Json,
    /// How the answer ended, in the protocol's word.
    pub(super) end: Json,
    pub(super) usage: Json,
    /// Nothing comes after it.
    pub(super) closed: bool,
}

/// Bounds of a stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The limit of tokens that was asked for.
    pub(super) tokens: u32,
    /// Bytes of a text of so many.
    pub(super) text: u64,
    /// Bytes of a piece.
    pub(super) piece: usize,
}

/// A stream on its way.
pub(super) struct Heard {
    spoken: Spoken,
    bounds: Bounds,
    /// The line that has begun.
    line: Vec<u8>,
    /// The data of the event that has begun.
    data: Vec<u8>,
    lines: u64,
    said: Gathered,
    /// What the server said in place of an answer.
    refused: Option<(u16, Vec<u8>)>,
}

/// Put what is there of a text behind what came before it.
pub(super) fn add(to: &mut Option<String>, piece: &Json) {
    if let Some(piece) = piece.as_str() {
        to.get_or_insert_default().push_str(piece);
    }
}

impl Heard {
    pub(super) fn new(spoken: Spoken, bounds: Bounds) -> Self {
        Self {
            spoken,
            bounds,
            line: Vec::new(),
            data: Vec::new(),
            lines: 0,
            said: Gathered::default(),
            refused: None,
        }
    }

    fn is_over(&self) -> bool {
        self.said.closed || self.refused.is_some()
    }

    /// A line is there: a field of an event, the end of one, or a document.
    fn end_line(&mut self) -> Result<(), ClientError> {
        let mut line = std::mem::take(&mut self.line);
        self.lines += 1;
        if self.lines == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        match self.spoken.framing {
            Framing::Lines if line.trim_ascii().is_empty() => Ok(()),
            Framing::Lines => self.piece(&line),
            Framing::Events if line.is_empty() => self.end_event(),
            Framing::Events => {
                if let Some(data) = line.strip_prefix(b"data:") {
                    if !self.data.is_empty() {
                        self.data.push(b'\n');
                    }
                    self.data
                        .extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
                }
                Ok(())
            }
        }
    }

    fn end_event(&mut self) -> Result<(), ClientError> {
        let data = std::mem::take(&mut self.data);
        match data.trim_ascii() {
            [] => Ok(()),
            DONE => {
                self.said.closed = true;
                Ok(())
            }
            data => self.piece(data),
        }
    }

    fn piece(&mut self, data: &[u8]) -> Result<(), ClientError> {
        let piece: Json = json_in(data, TREE).map_err(|problem| {
            let kind = match problem {
                JsonProblem::TooLarge(_) => ClientErrorKind::TooLarge,
                JsonProblem::Broken(_) => ClientErrorKind::Protocol,
            };
            ClientError::new(kind, format!("a piece of the answer {problem}"))
        })?;
        if !piece["error"].is_null() {
            return self.error(&piece["error"], data);
        }
        (self.spoken.hear)(&mut self.said, &piece);
        self.bounded()
    }

    /// The server gives up: before its answer, as with a status, or amid it.
    fn error(&mut self, error: &Json, data: &[u8]) -> Result<(), ClientError> {
        if self.heard() > 0 {
            let told = String::from_utf8_lossy(data);
            return Err(self.broken(&format!("the server broke off: {told}")));
        }
        self.refused = Some((status(error), data.to_vec()));
        Ok(())
    }

    fn bounded(&self) -> Result<(), ClientError> {
        let said = &self.said;
        let texts = [&said.text, &said.refusal, &said.input];
        let longest = texts.into_iter().flatten().map(String::len).max();
        let bytes = longest.unwrap_or_default().max(said.reasoning.len()) as u64;
        let (tokens, most) = (self.bounds.tokens, self.bounds.text);
        if bytes <= most {
            return Ok(());
        }
        let text =
            format!("the answer has {bytes} bytes so far, and {tokens} tokens are {most} at most");
        Err(ClientError::new(ClientErrorKind::TooLarge, text))
    }

    /// Bytes of what was said.
    fn heard(&self) -> usize {
        let said = &self.said;
        let texts = [&said.text, &said.refusal, &said.input];
        texts.into_iter().flatten().map(String::len).sum::<usize>() + said.reasoning.len()
    }

    fn broken(&self, how: &str) -> ClientError {
        let text = format!("{how}; {} bytes of text had come", self.heard());
        ClientError::new(ClientErrorKind::Reset, text)
    }
}

/// The status that a server would have given, had it known before it began.
fn status(error: &Json) -> u16 {
    let code = error["code"].as_u64().or(error["status"].as_u64());
    let code = code.and_then(|code| u16::try_from(code).ok());
    let by_type = || match error["type"].as_str() {
        Some("overloaded_error") => 529,
        Some("rate_limit_error") => 429,
        _ => 500,
    };
    code.filter(|code| (400..600).contains(code))
        .unwrap_or_else(by_type)
}

impl Fold for Heard {
    fn media_type(&self) -> &'static str {
        match self.spoken.framing {
            Framing::Events => "text/event-stream",
            Framing::Lines => "application/x-ndjson",
        }
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<bool, ClientError> {
        while !bytes.is_empty() && !self.is_over() {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.line.extend_from_slice(line);
            if self.line.len() + self.data.len() > self.bounds.piece {
                let text = format!("a piece of it has more than {} bytes", self.bounds.piece);
                return Err(ClientError::new(ClientErrorKind::TooLarge, text));
            }
            if end.is_some() {
                if self.line.last() == Some(&b'\r') {
                    self.line.pop();
                }
                self.end_line()?;
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        Ok(self.is_over())
    }

    fn is_whole(&self) -> bool {
        self.is_over() || !self.said.end.is_null()
    }

    fn end(mut self: Box<Self>) -> Result<(u16, Vec<u8>), ClientError> {
        if !self.is_over() {
            // The last one needs no line behind it; half of one says nothing.
            let last = self.end_line().and_then(|()| self.end_event());
            drop(last);
        }
        if let Some(refused) = self.refused {
            return Ok(refused);
        }
        if !self.is_whole() {
            return Err(self.broken("the stream ended before the answer did"));
        }
        let document = (self.spoken.document)(self.said);
        Ok((200, document.to_string().into_bytes()))
    }
}

/// A document without what is null in it.
pub(super) fn of_parts(parts: &[(&str, Json)]) -> Json {
    let parts = parts.iter().filter(|(_, value)| !value.is_null());
    let mut document = json!({});
    for (key, value) in parts {
        document[*key] = value.clone();
    }
    document
}

#[cfg(test)]
mod tests;
