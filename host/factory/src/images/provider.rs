//! The servers that make pictures, and how each is asked: for its health, for a picture, and for
//! the file that its answer names.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callboard_core::exchange::{Credential, Request, Response};
use callboard_core::grants::Origin;
use callboard_core::settings::{
    Secret, SettingError, SettingMisfit, SettingRead, SettingType, Snapshot,
};
use serde_json::{Value as Json, json};
use url::Url;

use super::cause::{PictureCause, PictureTrouble};
use super::said;

/// Which protocol the server speaks.
pub const PROVIDER: &str = "images.provider";
pub const URL: &str = "images.url";
pub const MODEL: &str = "images.model";
pub const KEY: &str = "images.key";

const READER: &str = "what makes pictures";

/// What is read of the server.
pub(crate) const READS: [SettingRead; 4] = [
    SettingRead::new(PROVIDER, &[SettingType::String], READER)
        .checked(|text| SettingMisfit::word(text, &NAMES)),
    SettingRead::new(URL, &[SettingType::Url], READER),
    SettingRead::new(MODEL, &[SettingType::Model, SettingType::String], READER),
    SettingRead::new(KEY, &[SettingType::Secret], READER),
];

/// The most bytes of an answer: a picture, and what base64 adds to it.
const BODY: u64 = 32 << 20;
/// The most of a question about its health.
const HEALTH: u64 = 64 << 10;

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `/v1/images/generations`, as hosted services and many servers have it.
    OpenAi,
    /// `/health`, `/generate` and `/images/NAME`.
    Sdxl,
}

/// The names of the protocols; `none` makes no pictures.
pub const NAMES: [&str; 3] = ["none", "openai", "sdxl"];

/// The server of the settings.
#[derive(Debug, Clone)]
pub struct PictureProvider {
    pub protocol: Protocol,
    pub url: Url,
    pub model: Option<String>,
    pub key: Option<Secret>,
}

/// Why the settings name no server that could be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unset {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("`{0}` is no provider of pictures; write one of {list}", list = NAMES.join(", "))]
    Unknown(String),
    #[error("setting `{URL}` is not set; set it with `callboard settings set {URL} ADDRESS`")]
    NoAddress,
    #[error(
        "setting `{URL}`: `{0}` is no address; set it with `callboard settings set {URL} ADDRESS`"
    )]
    Address(String),
}

/// A picture to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureRequest<'w> {
    pub prompt: &'w str,
    /// What is not to be seen; not every server takes it.
    pub negative: &'w str,
    pub width: u32,
    pub height: u32,
    /// The same gives the same picture, where the server has such a thing.
    pub seed: u32,
}

/// What a server made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderAnswer {
    pub content: PictureContent,
    pub model: Option<String>,
}

/// Where the picture is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PictureContent {
    /// Here.
    Bytes(Vec<u8>),
    /// At an address that the answer names.
    At(Url),
}

impl PictureProvider {
    /// Whether the settings name a protocol.
    pub(crate) fn is_named(settings: &Snapshot) -> bool {
        let named = settings.text(PROVIDER);
        named.is_ok_and(|named| named.is_some_and(|named| named != NAMES[0]))
    }

    /// The server that the settings name; `None` if they want none.
    pub fn of(settings: &Snapshot) -> Result<Option<Self>, Unset> {
        let protocol = match settings.text(PROVIDER)?.as_deref() {
            None | Some("none") => return Ok(None),
            Some("openai") => Protocol::OpenAi,
            Some("sdxl") => Protocol::Sdxl,
            Some(other) => return Err(Unset::Unknown(other.to_owned())),
        };
        let url = settings.text(URL)?.ok_or(Unset::NoAddress)?;
        Ok(Some(Self {
            protocol,
            url: url.parse().map_err(|_| Unset::Address(url))?,
            model: settings.text(MODEL)?,
            key: settings.secret(KEY)?.cloned(),
        }))
    }

    /// The name of its protocol.
    pub fn name(&self) -> &'static str {
        match self.protocol {
            Protocol::OpenAi => "openai",
            Protocol::Sdxl => "sdxl",
        }
    }

    /// How it is asked how it is.
    pub fn health(&self, deadline: Duration) -> Request {
        let path = match self.protocol {
            Protocol::OpenAi => "v1/models",
            Protocol::Sdxl => "health",
        };
        let mut request = self.request("GET", self.at(path), deadline);
        request.max_body = HEALTH;
        // A list of models may be of any length, and nothing of it is read.
        request.cut = self.protocol == Protocol::OpenAi;
        request
    }

    /// What it says of its health. One that has no such address is taken for well, and so is one that
    /// lists its models to other keys: ours may be for pictures alone.
    pub fn is_well(&self, response: &Response) -> Result<(), PictureTrouble> {
        match (self.protocol, response.status) {
            (Protocol::Sdxl, 200..300) => well(&response.body),
            (Protocol::OpenAi, 401 | 403) | (_, 200..300 | 404 | 405) => Ok(()),
            _ => Err(said::trouble(response)),
        }
    }

    /// How it is asked for a picture. `key` is the same for the same picture, so that a request
    /// that got no answer may be sent again.
    pub fn generate(&self, wanted: &PictureRequest<'_>, key: &str, deadline: Duration) -> Request {
        let (path, body) = match self.protocol {
            Protocol::OpenAi => ("v1/images/generations", self.generation(wanted)),
            Protocol::Sdxl => ("generate", sdxl(wanted)),
        };
        let mut request = self.request("POST", self.at(path), deadline);
        request.body = body.to_string().into_bytes();
        request.headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("idempotency-key".to_owned(), key.to_owned()),
        ];
        request
    }

    fn generation(&self, wanted: &PictureRequest<'_>) -> Json {
        let size = format!("{}x{}", wanted.width, wanted.height);
        let mut body = json!({ "prompt": wanted.prompt, "n": 1, "size": size });
        if let Some(model) = &self.model {
            body["model"] = model.as_str().into();
        }
        body
    }

    /// What it answered.
    pub fn read(&self, response: Response) -> Result<ProviderAnswer, PictureTrouble> {
        if !(200..300).contains(&response.status) {
            return Err(said::trouble(&response));
        }
        let kind = response.header("content-type").unwrap_or_default();
        if kind.starts_with("image/") || image::guess_format(&response.body).is_ok() {
            return Ok(ProviderAnswer {
                content: PictureContent::Bytes(response.body),
                model: self.model.clone(),
            });
        }
        let answer = said::json(&response.body).map_err(|problem| {
            let text = said::text(&response.body);
            let detail = format!("neither a picture nor JSON that is read: `{text}` {problem}");
            PictureTrouble::new(PictureCause::WrongAnswer, detail)
        })?;
        let content = match self.protocol {
            Protocol::OpenAi => first(&answer),
            Protocol::Sdxl => self.file(&answer),
        };
        let model = answer["model"].as_str().map(str::to_owned);
        Ok(ProviderAnswer {
            content: content?,
            model: model.or_else(|| self.model.clone()),
        })
    }

    /// The file that an answer names. It is one of the server's own, so it can be no path.
    fn file(&self, answer: &Json) -> Result<PictureContent, PictureTrouble> {
        let wrong = |detail: String| PictureTrouble::new(PictureCause::WrongAnswer, detail);
        let name = answer["filename"].as_str();
        let name = name.ok_or_else(|| wrong("the answer has no `filename`".to_owned()))?;
        let plain = |mark: char| mark.is_ascii_alphanumeric() || "-_.".contains(mark);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            let name = name.escape_debug();
            return Err(wrong(format!("`{name}` is no name of a file")));
        }
        Ok(PictureContent::At(self.at(&format!("images/{name}"))))
    }

    /// How a file is asked for that an answer names. The key goes to the server itself alone.
    pub fn fetch(&self, url: &Url, deadline: Duration) -> Request {
        self.request("GET", url.clone(), deadline)
    }

    /// Whether an address is the server's own.
    pub fn is_own(&self, url: &Url) -> bool {
        Origin::of(url).is_some() && Origin::of(url) == Origin::of(&self.url)
    }

    /// The picture that was fetched.
    pub fn fetched(&self, response: Response) -> Result<Vec<u8>, PictureTrouble> {
        if (200..300).contains(&response.status) {
            return Ok(response.body);
        }
        let mut trouble = said::trouble(&response);
        // It named the file itself.
        if response.status == 404 {
            trouble.cause = PictureCause::WrongAnswer;
        }
        Err(trouble)
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').trim_end_matches("/v1");
        let full = if url.path().ends_with(path) {
            url.path().to_owned()
        } else {
            format!("{base}/{path}")
        };
        url.set_path(&full);
        url
    }

    fn request(&self, method: &str, url: Url, deadline: Duration) -> Request {
        let own = self.key.clone().filter(|_| self.is_own(&url));
        let credential = own.zip(Origin::of(&url));
        Request {
            method: method.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            credential: credential.map(|(secret, to)| Credential {
                secret,
                to,
                header: None,
            }),
            deadline,
            max_body: BODY,
            cut: false,
            redirects: 0,
            fresh_connection: false,
            url: url.into(),
        }
    }
}

fn sdxl(wanted: &PictureRequest<'_>) -> Json {
    json!({
        "prompt": wanted.prompt,
        "negative_prompt": wanted.negative,
        "width": wanted.width,
        "height": wanted.height,
        "seed": wanted.seed,
    })
}

/// What `/health` says.
fn well(body: &[u8]) -> Result<(), PictureTrouble> {
    let said = said::json(body).unwrap_or_default();
    match said["status"].as_str() {
        Some("degraded") => {
            let reason = said["reason"].as_str().unwrap_or("it does not say why");
            Err(PictureTrouble::new(PictureCause::Degraded, reason))
        }
        Some(_) => Ok(()),
        None => {
            let detail = format!("its health has no `status`: `{}`", said::text(body));
            Err(PictureTrouble::new(PictureCause::WrongAnswer, detail))
        }
    }
}

/// The first picture of an answer of the `OpenAI` form.
fn first(answer: &Json) -> Result<PictureContent, PictureTrouble> {
    let wrong = |detail: String| PictureTrouble::new(PictureCause::WrongAnswer, detail);
    let entry = &answer["data"][0];
    if let Some(text) = entry["b64_json"].as_str() {
        let bytes = STANDARD.decode(text.trim());
        let bytes = bytes.map_err(|error| wrong(format!("`b64_json` is no base64: {error}")))?;
        return Ok(PictureContent::Bytes(bytes));
    }
    let Some(text) = entry["url"].as_str() else {
        let detail = "the answer has neither `data[0].b64_json` nor `data[0].url`";
        return Err(wrong(detail.to_owned()));
    };
    let url = text.parse::<Url>();
    url.map(PictureContent::At)
        .map_err(|error| wrong(format!("`data[0].url` is no address: {error}")))
}
