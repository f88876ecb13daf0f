//! What another system is told of a published post: the document, how it is signed, and what its answer
//! means. No IO; `publish.webhook` sends it.

pub mod roll;

use std::time::Duration;

use callboard_core::exchange::{ClientError, ClientErrorKind, Response};
use callboard_core::outcome::{FailureKind, Stop};
use callboard_core::settings::{Secret, SettingRead, SettingType, hex};
use callboard_core::shown::cut;
use jiff::Timestamp;
use ring::hmac::{Context, HMAC_SHA256, Key};
use serde::Serialize;
use url::Url;

use crate::tables::posts::Post;

/// The header with the second at which it was signed.
pub const TIMESTAMP: &str = "callboard-timestamp";
/// The header with the signature.
pub const SIGNATURE: &str = "callboard-signature";
/// The most bytes of an answer that are read.
pub const ANSWER: u64 = 4096;
/// The most characters that are told of it.
const WORDS: usize = 300;
/// How long to wait for a server that is asked too much and does not say how long.
const BUSY: Duration = Duration::from_secs(60);
/// The longest that a server may ask for.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

const READER: &str = "`publish.webhook`";

/// What is read of each system.
pub(crate) const READS: [SettingRead; 2] = [
    SettingRead::new("webhooks.*.url", &[SettingType::Url], READER),
    SettingRead::new("webhooks.*.secret", &[SettingType::Secret], READER),
];

/// The key of the setting with the address of a system.
pub fn url_key(name: &str) -> String {
    format!("webhooks.{name}.url")
}

/// The key of the setting with the secret that a system shares.
pub fn secret_key(name: &str) -> String {
    format!("webhooks.{name}.secret")
}

/// The document.
#[derive(Debug, Serialize)]
pub struct PostMessage<'p> {
    event: &'static str,
    id: &'p str,
    slug: &'p str,
    /// Where it is below the site.
    path: String,
    /// Where readers find it; null, if nothing says where the site is.
    address: Option<Url>,
    title: &'p str,
    excerpt: &'p str,
    tags: &'p [String],
    /// The day it covers.
    covers: Option<&'p str>,
    published_at: Timestamp,
    updated_at: Timestamp,
    made: ToldOrigin<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<&'p str>,
}

/// How it was made.
#[derive(Debug, Serialize)]
struct ToldOrigin<'p> {
    written_by: &'p str,
    edited_by: Option<&'p str>,
    approved_by: Option<&'p str>,
    approved_at: Option<Timestamp>,
    in_words: String,
}

impl<'p> PostMessage<'p> {
    /// A post, with its text or without.
    pub fn of(post: &'p Post, address: Option<Url>, text: bool) -> Self {
        let said = |text: &'p str| Some(text).filter(|text| !text.is_empty());
        Self {
            event: "post.published",
            id: &post.id,
            slug: &post.slug,
            path: format!("/posts/{}", post.slug),
            address,
            title: &post.title,
            excerpt: &post.excerpt,
            tags: &post.tags,
            covers: said(&post.covers),
            published_at: post.published_at,
            updated_at: post.updated_at,
            made: ToldOrigin {
                written_by: &post.written_by,
                edited_by: said(&post.edited_by),
                approved_by: said(&post.approved_by),
                approved_at: post.approved_at,
                in_words: post.made(),
            },
            markdown: text.then_some(&post.markdown),
        }
    }
}

/// `sha256=` and the HMAC of the second, a point and the body, in hexadecimal digits.
pub fn signature(secret: &Secret, second: i64, body: &[u8]) -> String {
    let key = Key::new(HMAC_SHA256, secret.expose().as_bytes());
    let mut context = Context::with_key(&key);
    context.update(format!("{second}.").as_bytes());
    context.update(body);
    format!("sha256={}", hex(context.sign().as_ref()))
}

/// What an answer of the system `name` means: that it took it, or how the stage ends.
pub fn taken(name: &str, answer: &Response, now: Timestamp) -> Result<(), Stop> {
    let (who, status) = (format!("webhook {name}"), answer.status);
    let said = said(status, &answer.body);
    let later = |after: Duration| Stop::Deferred {
        until: now + after.min(LONGEST),
        reason: format!("{who}: {said}"),
    };
    match (status, answer.retry_after(now)) {
        (200..=299, _) => Ok(()),
        (429 | 503, Some(after)) => Err(later(after)),
        (429, None) => Err(later(BUSY)),
        (408 | 500.., _) => Err(Stop::unavailable(who, said)),
        (300..=399, _) => {
            let place = cut(answer.header("location").unwrap_or("nowhere"), WORDS);
            let text = format!(
                "{who}: {said}, which leads to {place}, and what is signed goes nowhere else; \
                 `callboard settings set {} ADDRESS`",
                url_key(name)
            );
            Err(Stop::failed(FailureKind::Config, text))
        }
        (401 | 403, _) => Err(Stop::failed(FailureKind::Denied, format!("{who}: {said}"))),
        _ => Err(Stop::failed(FailureKind::Input, format!("{who}: {said}"))),
    }
}

/// A status, with the words of the server.
fn said(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.trim() {
        "" => format!("status {status}"),
        text => format!("status {status}: {}", cut(text, WORDS)),
    }
}

/// How a stage ends on a request that got no answer.
pub fn unanswered(name: &str, url: &Url, error: &ClientError) -> Stop {
    let who = format!("webhook {name}");
    match error.kind {
        ClientErrorKind::Denied => {
            let origin = url.origin().ascii_serialization();
            let mend = format!("if it is yours, write `config.besides = [\"{origin}\"]`");
            Stop::failed(FailureKind::Denied, format!("{who}: {error}; {mend}"))
        }
        ClientErrorKind::BadRequest => Stop::failed(FailureKind::Config, format!("{who}: {error}")),
        _ => Stop::unavailable(who, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '1780000000.{"event":"post.published"}' | openssl dgst -sha256 -hmac hush-hush`
    #[test]
    fn the_second_and_the_body_are_signed() {
        let secret = Secret::new("hush-hush".to_owned());
        let body = br#"{"event":"post.published"}"#;
        let signed = "sha256=9e6b94f915a41d1d69781b08345ff322d2155352b79a553392766c091bee9247";
        assert_eq!(signature(&secret, 1_780_000_000, body), signed);
        assert_ne!(signature(&secret, 1_780_000_001, body), signed);
    }
}
