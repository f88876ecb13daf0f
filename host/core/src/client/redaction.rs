//! What comes back for a request that carried a credential is given without it: a peer that
//! repeats what it was sent, as many do in errors and for debugging, tells the caller nothing.
//!
//! The value is known as it goes out, with each of its signs escaped in the ways of JSON, JavaScript,
//! addresses and HTML, whichever of them a peer escapes, and in hexadecimal digits and base64. A peer that
//! helps the caller on purpose could write it backwards; only a grant of the credential to a peer
//! that is to be trusted keeps it from that.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::bytes::{Regex, RegexBuilder};
use sha2::{Digest as _, Sha256};

use crate::settings::{Secret, hex};

/// What stands in the place of a credential.
const HIDDEN: &str = "[hidden]";
/// A shorter value would tear holes into every answer.
const SHORTEST: usize = 4;
/// Bytes that the pattern of a value may take.
const PATTERN: usize = 64 << 20;
/// Patterns that are kept; all are made anew when there are more.
const KEPT: usize = 64;
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Patterns by the digests of their values: a request is not to wait for one.
static PATTERNS: LazyLock<Mutex<BTreeMap<String, Regex>>> = LazyLock::new(Mutex::default);

/// Takes a credential out of what a peer said. Without one it changes nothing.
#[derive(Default)]
pub(super) struct Redaction {
    pattern: Option<Regex>,
}

impl Redaction {
    pub(super) fn of(secret: &Secret) -> Self {
        let text = secret.expose();
        if text.len() < SHORTEST {
            return Self::default();
        }
        let digest = hex(&Sha256::digest(text));
        let mut kept = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        let pattern = kept.entry(digest).or_insert_with(|| pattern(text)).clone();
        Self {
            pattern: Some(pattern),
        }
    }

    /// Whether a text has it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let pattern = self.pattern.as_ref();
        pattern.is_some_and(|pattern| pattern.is_match(text.as_bytes()))
    }

    pub(super) fn text(&self, text: &str) -> String {
        let bytes = self.bytes(text.as_bytes().to_vec());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The whole of a body, so that no end of a part hides it.
    pub(super) fn bytes(&self, body: Vec<u8>) -> Vec<u8> {
        match &self.pattern {
            Some(pattern) => pattern.replace_all(&body, HIDDEN.as_bytes()).into_owned(),
            None => body,
        }
    }
}

/// All forms of a value. One that is too long for that is known as it goes out.
fn pattern(text: &str) -> Regex {
    let signs: String = text.chars().map(sign).collect();
    let mut forms = vec![
        format!("(?i:{signs})"),
        digits_in("(?i:", &hex(text.as_bytes())),
    ];
    for before in 0..3 {
        let digits = base64(text.as_bytes(), before);
        if digits.len() >= SHORTEST {
            let web = digits.replace('+', "-").replace('/', "_");
            forms.extend([digits_in("(?:", &digits), digits_in("(?:", &web)]);
        }
    }
    let built = |pattern: &str| {
        let mut builder = RegexBuilder::new(pattern);
        builder.unicode(false).size_limit(PATTERN).build()
    };
    let plain = || built(&literal(text));
    built(&forms.join("|"))
        .or_else(|_| plain())
        .unwrap_or_else(|_| everything())
}

/// Matches all there is: better no answer than one with a credential in it.
#[expect(clippy::expect_used, reason = "the pattern is a constant")]
fn everything() -> Regex {
    Regex::new("(?s-u:.+)").expect("a pattern")
}

/// One sign of a value, escaped or not. No encoder escapes letters and digits.
fn sign(sign: char) -> String {
    let literal = literal(&sign.to_string());
    if sign.is_ascii_alphanumeric() {
        return literal;
    }
    let code = u32::from(sign);
    let percent = sign
        .to_string()
        .bytes()
        .fold(String::new(), |mut all, byte| {
            // Writing to a string cannot fail.
            write!(all, "%(?:25)*{byte:02x}").ok();
            all
        });
    let units = sign
        .encode_utf16(&mut [0; 2])
        .iter()
        .fold(String::new(), |mut all, unit| {
            write!(all, r"(?:\\+|%(?:25)*)u{unit:04x}").ok();
            all
        });
    let code_point = format!(r"\\+u\{{0*{code:x}\}}");
    let byte = match u8::try_from(code) {
        Ok(byte) => format!(r"|\\+x{byte:02x}"),
        Err(_) => String::new(),
    };
    let named = match sign {
        '&' => "|&(?:amp;)+",
        '<' => "|&(?:amp;)*lt;",
        '>' => "|&(?:amp;)*gt;",
        '"' => "|&(?:amp;)*quot;",
        '\'' => "|&(?:amp;)*apos;",
        ' ' => r"|\+",
        '\n' => r"|\\+n",
        '\r' => r"|\\+r",
        '\t' => r"|\\+t",
        _ => "",
    };
    let html = format!("&(?:amp;)*#(?:0*{code}|x0*{code:x});");
    // As it stands comes last: a backslash is one, and begins an escape of itself.
    format!(r"(?:{percent}|{units}|{code_point}{byte}|{html}{named}|\\*{literal})")
}

/// A text as it stands, in either case where its letters are not those of ASCII, too.
fn literal(text: &str) -> String {
    if text.is_ascii() {
        return regex::escape(text);
    }
    let bytes = |text: String| {
        text.bytes().fold(String::new(), |mut all, byte| {
            // Writing to a string cannot fail.
            write!(all, r"\x{byte:02x}").ok();
            all
        })
    };
    let forms = [text.to_owned(), text.to_lowercase(), text.to_uppercase()];
    format!("(?:{})", forms.map(bytes).join("|"))
}

/// Digits with or without space between them, as at the ends of lines.
fn digits_in(open: &str, digits: &str) -> String {
    let digits = digits
        .chars()
        .map(|digit| regex::escape(&digit.to_string()));
    format!("{open}{})", digits.collect::<Vec<_>>().join(r"\s*"))
}

/// The digits of base64 that `bytes` alone decide when so many others stand before them in
/// their group of three.
fn base64(bytes: &[u8], before: usize) -> String {
    let mut padded = vec![0; before];
    padded.extend_from_slice(bytes);
    let bit = |at: usize| padded[at / 8] >> (7 - at % 8) & 1;
    let groups = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
    let digit = |group: usize| (0..6).fold(0, |value, at| value << 1 | bit(group * 6 + at));
    groups
        .map(|group| char::from(STANDARD[usize::from(digit(group))]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_in_each_form_and_place() {
        let redaction = Redaction::of(&Secret::new("hush/\"hush\" 77".to_owned()));
        for carried in [
            "hush/\"hush\" 77",
            "hush/\\\"hush\\\" 77",
            "hush%2F%22hush%22%2077",
            "687573682f226875736822203737",
            // Alone, after `a`, after `ab`, and after `Bearer `.
            "aHVzaC8iaHVzaCIgNzc=",
            "YWh1c2gvImh1c2giIDc3",
            "YWJodXNoLyJodXNoIiA3Nw==",
            "QmVhcmVyIGh1c2gvImh1c2giIDc3",
        ] {
            assert!(redaction.is_in(carried), "{carried}");
            let shown = redaction.text(&format!("<{carried}> and <{carried}>"));
            assert!(!redaction.is_in(&shown), "{shown}");
            assert_eq!(shown.matches(HIDDEN).count(), 2, "{shown}");
            let mut body = vec![0xff, 0];
            body.extend_from_slice(carried.as_bytes());
            let body = redaction.bytes(body);
            let hides = |body: &[u8]| String::from_utf8_lossy(body).contains(HIDDEN);
            assert!(body.starts_with(&[0xff, 0]) && hides(&body));
        }
        assert_eq!(redaction.bytes(b"other".to_vec()), b"other");
        assert!(!Redaction::default().is_in("anything"));
    }
    /// As libraries of several languages write it, and any mix of them.
    #[test]
    fn whatever_is_escaped_of_it_it_is_found() {
        let secret = "sk-live_ab/cd+ef&gh<77 'é\"\\x";
        let redaction = Redaction::of(&Secret::new(secret.to_owned()));
        let each = |escape: &dyn Fn(char) -> String| secret.chars().map(escape).collect::<String>();
        let odd = |sign: char| !sign.is_ascii_alphanumeric() && !"-_".contains(sign);
        let percent = |sign: char| {
            let bytes = sign.to_string().into_bytes();
            bytes
                .iter()
                .map(|byte| format!("%{byte:02X}"))
                .collect::<String>()
        };
        let unit = |sign: char| format!("\\u{:04X}", u32::from(sign));
        let html = |sign: char| match sign {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&#039;".to_owned(),
            other => other.to_string(),
        };
        let json = serde_json::Value::from(secret).to_string();
        let only = |escape: &dyn Fn(char) -> String| {
            each(&|sign| {
                if odd(sign) {
                    escape(sign)
                } else {
                    sign.to_string()
                }
            })
        };
        let mixed = secret.chars().enumerate().map(|(at, sign)| match at % 4 {
            _ if !odd(sign) => sign.to_string(),
            0 => percent(sign),
            1 => unit(sign),
            2 => format!("&#x{:x};", u32::from(sign)),
            _ => percent(sign).replace('%', "%25"),
        });
        for carried in [
            secret.to_owned(),
            secret.to_uppercase(),
            json.trim_matches('"').to_owned(),
            json.trim_matches('"').replace('/', "\\/"),
            only(&percent),
            only(&percent).to_lowercase(),
            only(&percent).replace("%20", "+"),
            only(&percent).replace('%', "%25"),
            only(&unit),
            only(&unit).replace("\\u", "%u"),
            only(&|sign| format!("\\u{{{:X}}}", u32::from(sign))),
            only(&|sign| format!("\\x{:02x}", u32::from(sign))),
            each(&html),
            each(&html).replace('&', "&amp;"),
            mixed.collect(),
        ] {
            let shown = redaction.text(&format!("<{carried}>"));
            assert_eq!(shown, "<[hidden]>", "{carried}");
        }
        let lines = base64(secret.as_bytes(), 0);
        let lines = format!("{}\r\n{}", &lines[..20], &lines[20..]);
        assert!(redaction.is_in(&lines), "{lines}");
    }
}
