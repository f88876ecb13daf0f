//! HTML of strangers, made plain before a tree is made of it. A tree is more than its text: each
//! paragraph behind an open `<b>` has one of its own, and each element looks through those around it. So
//! what only decorates is left out, and what the rest becomes is counted before there is a tree of it.

use std::cell::RefCell;

use callboard_core::blocking::{ComputeBudget, TimeOver};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::shape;

/// The most elements of a page.
const ELEMENTS: usize = 50_000;
/// Bytes between two looks at the clock.
const PIECE: usize = 16 << 10;
/// What decorates a text: an open one is made anew in each element that follows.
const DECORATION: [&str; 13] = [
    "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];
/// What is left out with all that is in it, and is no markup.
const LEFT_OUT: [&str; 7] = [
    "iframe", "noembed", "noframes", "noscript", "script", "style", "xmp",
];
/// Attributes by which the text of a page is told from what is around it.
const ATTRIBUTES: [&str; 18] = [
    "aria-hidden",
    "class",
    "content",
    "datetime",
    "dir",
    "hidden",
    "href",
    "id",
    "itemprop",
    "itemtype",
    "lang",
    "name",
    "property",
    "rel",
    "role",
    "src",
    "style",
    "type",
];

/// The same text with as little markup as it takes to find it, or why it is not read.
pub(super) fn plain(html: &str, clock: &mut ComputeBudget) -> Result<String, String> {
    let sink = Sink(RefCell::new(PlainText::default()));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        rest = after;
        // Much more may come of a piece than its bytes, so each is a look at the clock.
        clock
            .spend(usize::MAX)
            .map_err(|TimeOver| TimeOver.to_string())?;
        queue.push_back(StrTendril::from(piece));
        // Nothing here answers with a script, at which it would stop.
        let _ = tokenizer.feed(&queue);
        if let Some(refused) = tokenizer.sink.0.borrow().refused {
            return Err(refused.to_owned());
        }
    }
    tokenizer.end();
    let plain = tokenizer.sink.0.into_inner();
    if let Some(refused) = plain.refused {
        return Err(refused.to_owned());
    }
    shape::bounded(&plain.text, clock)?;
    Ok(plain.text)
}

struct Sink(RefCell<PlainText>);

/// What is kept so far.
#[derive(Default)]
struct PlainText {
    text: String,
    elements: usize,
    /// What is left out ends with this.
    until: Option<String>,
    refused: Option<&'static str>,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut plain = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) if plain.until.is_none() => plain.say(&text),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return plain.start(&tag),
            Token::TagToken(tag) => plain.end(&tag.name),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl PlainText {
    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        self.elements += 1;
        if self.elements > ELEMENTS {
            self.refused = Some("it has more elements than any page that is read");
        }
        if LEFT_OUT.contains(&name) {
            self.until = Some(name.to_owned());
            return TokenSinkResult::RawData(match name {
                "script" => RawKind::ScriptData,
                _ => RawKind::Rawtext,
            });
        }
        if self.refused.is_none() && !DECORATION.contains(&name) && name != "plaintext" {
            self.write(tag);
        }
        match name {
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }

    fn write(&mut self, tag: &Tag) {
        self.text.push('<');
        self.text.push_str(&tag.name);
        for attribute in &tag.attrs {
            let name: &str = &attribute.name.local;
            if ATTRIBUTES.contains(&name) {
                self.text.push(' ');
                self.text.push_str(name);
                self.text.push_str("=\"");
                self.say(&attribute.value);
                self.text.push('"');
            }
        }
        self.text.push('>');
    }

    fn end(&mut self, name: &str) {
        if let Some(until) = &self.until {
            if until == name {
                self.until = None;
            }
            return;
        }
        if DECORATION.contains(&name) || self.refused.is_some() {
            return;
        }
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }

    fn say(&mut self, text: &str) {
        for sign in text.chars() {
            match sign {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                sign => self.text.push(sign),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn clock() -> ComputeBudget {
        ComputeBudget::until(Instant::now() + Duration::from_secs(60))
    }

    #[test]
    fn a_text_keeps_what_tells_it_from_what_is_around_it() {
        let html = "<!DOCTYPE html><title>A &amp; <b></title><p onclick=x class=\"a&quot;b\">One <b x=1>two</b> &lt;i&gt;\
            <script>var a = '<p>';</script><style>p{}</style><a href='/x'>three</a><!-- <p> --></p>";
        let kept = "<title>A &amp; &lt;b&gt;</title><p class=\"a&quot;b\">One two &lt;i&gt;<a href=\"/x\">three</a></p>";
        assert_eq!(plain(html, &mut clock()).as_deref(), Ok(kept));
    }

    #[test]
    fn what_would_make_a_tree_without_end_is_refused_or_left_out() {
        let decorated: String = (0..2000).map(|at| format!("<b a={at}>")).collect();
        let read = plain(
            &format!("<p>{decorated}{}", "<p>x".repeat(40_000)),
            &mut clock(),
        );
        assert_eq!(read.expect("few enough").matches('<').count(), 40_001);
        for (html, why) in [
            ("<p>x".repeat(100_000), "more elements"),
            ("<div>".repeat(45_000), "nest deeper"),
            // An end of what cannot end there takes nothing back.
            ("<div><table><td></div>".repeat(4_000), "nest deeper"),
            ("<div></x>".repeat(4_000), "nest deeper"),
        ] {
            let refused = plain(&html, &mut clock()).expect_err(why);
            assert!(refused.contains(why), "{refused}");
        }
        let mut over = ComputeBudget::until(Instant::now());
        assert!(plain("<p>x", &mut over).is_err());
        let attributes: String = (0..400_000).map(|at| format!(" a{at}")).collect();
        let mut soon = ComputeBudget::until(Instant::now() + Duration::from_millis(300));
        assert!(plain(&format!("<p{attributes}>"), &mut soon).is_err());
    }
}
