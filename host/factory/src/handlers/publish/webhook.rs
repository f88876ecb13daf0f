//! `publish.webhook`: tells another system of a published post, with a document that is signed.
//!
//! The post is one that this run published, or was started for, whatever the key says. Its address and the
//! secret are settings, `webhooks.NAME.url` and `webhooks.NAME.secret`; the secret signs and goes nowhere. It is
//! told at least once: a call that is repeated has the same key in `idempotency-key`.

use std::time::Duration;

use callboard_core::exchange::{Reach, Request};
use callboard_core::grants::Origin;
use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use callboard_core::settings::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::changing;
use crate::readers;
use crate::telling::{self, ANSWER, PostMessage, SIGNATURE, TIMESTAMP, secret_key, url_key};

struct Webhook;

callboard_core::register!(Webhook);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The name of the system in the settings `webhooks.NAME.url` and `webhooks.NAME.secret`.
    #[schemars(regex(pattern = "^[a-z0-9_-]{1,40}$"))]
    to: String,
    /// Whether the document has the text of the post.
    #[serde(default)]
    markdown: bool,
    /// Origins besides the public ones that may be told, wherever they are: `http://cms.lan:8080`.
    #[serde(default)]
    besides: Vec<Origin>,
    /// Seconds that one request may take.
    #[serde(default = "wait_seconds")]
    #[schemars(range(min = 1))]
    wait_seconds: u64,
}

fn wait_seconds() -> u64 {
    20
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The last part of the post's address.
    slug: String,
}

impl Handler for Webhook {
    type Config = Config;
    type Reads = Reads;
    type Writes = ();

    const SUMMARY: &'static str = "Tells another system of a published post, signed";

    fn needs(&self) -> Needs {
        Needs::default()
            .acts_on("slug")
            .table("posts", &["select"])
            .table("post_slugs", &["select"])
            .table("tasks", &["select"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<()> {
        let (url, secret) = system(call, &config.to)?;
        let Some(post) = changing::post_at(call, &reads.slug).await? else {
            let reason = format!("`{}` is published no more", reads.slug);
            return Err(Stop::nothing_to_do(reason));
        };
        let address = readers::address(call.resources.config(), &post.slug);
        let body = serde_json::to_vec(&PostMessage::of(&post, address, config.markdown));
        let body = body.map_err(|error| Stop::failed(FailureKind::Internal, error))?;
        let request = request(call, &config, (&url, &secret), body);
        let sent = call.send(Reach::Public(&config.besides), request).await;
        let answer = sent.map_err(|error| telling::unanswered(&config.to, &url, &error))?;
        telling::taken(&config.to, &answer, call.now)?;
        Ok(Done::new(()).effect("systems_told", 1))
    }
}

/// Where a system is, and what is shared with it.
fn system(call: &Call, name: &str) -> Result<(Url, Secret), Stop> {
    let wrong = |problem: String| Stop::failed(FailureKind::Config, problem);
    let unset = |key: String| {
        wrong(format!(
            "setting `{key}` is not set; `callboard settings set {key}` sets it"
        ))
    };
    let key = url_key(name);
    let text = call.settings.text(&key);
    let text = text.map_err(|error| wrong(error.to_string()))?;
    let text = text.ok_or_else(|| unset(key.clone()))?;
    let url = text.parse::<Url>();
    let url = url.map_err(|error| wrong(format!("setting `{key}` is no address: {error}")))?;
    let key = secret_key(name);
    let secret = call.settings.secret(&key);
    let secret = secret.map_err(|error| wrong(error.to_string()))?;
    let secret = secret.filter(|secret| !secret.expose().is_empty());
    Ok((url, secret.ok_or_else(|| unset(key))?.clone()))
}

fn request(call: &Call, config: &Config, (url, secret): (&Url, &Secret), body: Vec<u8>) -> Request {
    // The second of this attempt: whoever checks it compares it with a clock.
    let second = call.now.as_second();
    let header = |name: &str, value: String| (name.to_owned(), value);
    Request {
        method: "POST".to_owned(),
        url: url.to_string(),
        headers: vec![
            header("content-type", "application/json".to_owned()),
            header("idempotency-key", format!("{}/{}", call.run, call.stage)),
            header(TIMESTAMP, second.to_string()),
            header(SIGNATURE, telling::signature(secret, second, &body)),
        ],
        body,
        credential: None,
        deadline: Duration::from_secs(config.wait_seconds),
        max_body: ANSWER,
        cut: true,
        redirects: 0,
        fresh_connection: false,
    }
}
