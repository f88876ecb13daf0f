//! What comes back for a request that carried a credential is given without it: a peer that
//! repeats what it was sent, as many do in errors and for debugging, tells the caller nothing.
//!
//! The value is known as it goes out and in the forms in which texts commonly carry one. A peer
//! that helps the caller on purpose could write it backwards; only a grant of the credential to
//! a peer that is to be trusted keeps it from that.

use memchr::memmem;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use crate::settings::{Secret, hex};

/// What stands in the place of a credential.
const HIDDEN: &str = "[hidden]";
/// A shorter value would tear holes into every answer.
const SHORTEST: usize = 4;
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Takes a credential out of what a peer said. Without one it changes nothing.
#[derive(Default)]
pub(super) struct Redaction {
    /// What is taken out, the longest first: one may contain another.
    forms: Vec<String>,
}

impl Redaction {
    pub(super) fn of(secret: &Secret) -> Self {
        let text = secret.expose();
        if text.len() < SHORTEST {
            return Self::default();
        }
        let mut forms = vec![text.to_owned(), text.to_lowercase(), text.to_uppercase()];
        let json = serde_json::Value::from(text).to_string();
        forms.push(json.trim_matches('"').to_owned());
        let percent = percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string();
        forms.extend([percent.to_lowercase(), percent]);
        let digits = hex(text.as_bytes());
        forms.extend([digits.to_uppercase(), digits]);
        for before in 0..3 {
            let standard = base64(text.as_bytes(), before);
            forms.extend([standard.replace('+', "-").replace('/', "_"), standard]);
        }
        forms.retain(|form| form.len() >= SHORTEST);
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self { forms }
    }

    /// Whether a text has it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form.as_str()))
    }

    pub(super) fn text(&self, text: &str) -> String {
        let without = |text: String, form: &String| text.replace(form.as_str(), HIDDEN);
        self.forms.iter().fold(text.to_owned(), without)
    }

    /// The whole of a body, so that no end of a part hides it.
    pub(super) fn bytes(&self, body: Vec<u8>) -> Vec<u8> {
        self.forms.iter().fold(body, |body, form| {
            let mut rest = 0;
            let mut without = Vec::new();
            for at in memmem::find_iter(&body, form.as_bytes()) {
                without.extend_from_slice(&body[rest..at]);
                without.extend_from_slice(HIDDEN.as_bytes());
                rest = at + form.len();
            }
            if rest == 0 {
                return body;
            }
            without.extend_from_slice(&body[rest..]);
            without
        })
    }
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
            assert!(body.starts_with(&[0xff, 0]) && memmem::find(&body, b"[hidden]").is_some());
        }
        assert_eq!(redaction.bytes(b"other".to_vec()), b"other");
        assert!(!Redaction::default().is_in("anything"));
    }
}
