//! `content.make_images`: the planned pictures are made and kept, one after another.
//!
//! What the run has asked for before is taken again, by a digest of all that was asked: a draft that is sent back pays
//! for what has changed in its pictures. Each has an id that follows from the visit, so that a call that is repeated asks
//! for nothing that is there already, not even where pictures are wanted anew. A server that is busy defers the stage. What else keeps a picture away
//! keeps its name, and the stage ends on it, unless it is configured to go on and tell. Nothing
//! ever stands in a picture's place.

use std::collections::BTreeSet;
use std::time::Duration;

use callboard_core::blocking::{self, Unanswered};
use callboard_core::exchange::{Reach, Request, Response};
use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use callboard_core::settings::hex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::diary::id::derived;
use crate::images::plan::MadePicture;
use crate::images::provider::{self, PictureContent};
use crate::images::{
    Picture, PictureCause, PictureProvider, PictureRequest, PictureTrouble, PlannedPicture,
    WhichPicture,
};
use crate::media::{self, Media, StoreClient};
use crate::tables::media::{self as rows, MediaRow};

mod had;

use self::had::{Had, PicturePlace, handed_on, parted};

struct MakeImages;

callboard_core::register!(MakeImages);

/// How long to wait before a picture is asked for again.
const PAUSE: Duration = Duration::from_secs(2);

/// What becomes of the stage if a picture is missing.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Missing {
    /// It ends on the cause.
    Stop,
    /// It goes on without the picture, and tells the cause as a fallback.
    Tell,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Whether the stage ends on a picture that is missing (`stop`), or goes on and tells (`tell`).
    missing: Missing,
    /// How often a picture is asked for, under the same key, while what keeps it away may pass.
    #[schemars(range(min = 1, max = 10))]
    attempts: u32,
    /// What is asked for, in pixels.
    #[schemars(range(min = 64, max = 4096))]
    width: u32,
    /// What is asked for, in pixels.
    #[schemars(range(min = 64, max = 4096))]
    height: u32,
    /// The most that is kept of the picture that stands for the text, in pixels.
    #[schemars(range(min = 16, max = 8192))]
    width_featured: u32,
    /// The most that is kept of pictures in the text, in pixels.
    #[schemars(range(min = 16, max = 8192))]
    width_inline: u32,
    /// What is not to be seen in a picture; not every server takes it.
    negative: String,
    /// How long to wait for an answer of the server at most, to its last byte, in seconds; never more than
    /// nine tenths of what the stage has left.
    #[schemars(range(min = 1))]
    wait_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            missing: Missing::Stop,
            attempts: 1,
            width: 1024,
            height: 1024,
            width_featured: 1600,
            width_inline: 1200,
            negative: "text, letters, watermark, logo, signature".to_owned(),
            wait_seconds: 240,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    image_plan: Vec<PlannedPicture>,
    /// The id of the task that they are for.
    task: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The pictures that were made.
    images: Vec<MadePicture>,
}

impl Handler for MakeImages {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Makes the planned pictures and keeps them";

    fn needs(&self) -> Needs {
        Needs::default()
            .setting(provider::PROVIDER)
            .setting(provider::URL)
            .setting(provider::MODEL)
            .setting(provider::KEY)
            .setting(media::STORE)
            .table("media", &["select", "insert", "update"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let images = Vec::new();
        if reads.image_plan.is_empty() {
            return Ok(Done::new(Writes { images }));
        }
        let making = PictureCall::open(call, &config, reads.task)?;
        let mut plan: Vec<_> = reads.image_plan.iter().map(|it| (it, None)).collect();
        making.find(&mut plan).await?;
        let (made, missing) = match making.is_ready(&plan).await {
            Ok(()) => making.all(plan).await?,
            Err(trouble)
                if config.missing == Missing::Tell && trouble.cause != PictureCause::Busy =>
            {
                parted(plan, &trouble)
            }
            Err(trouble) => return Err(trouble.stop("its health", call.now)),
        };
        if let Some((which, trouble)) = missing.first()
            && config.missing == Missing::Stop
        {
            return Err(trouble.stop(told(*which, &missing[1..]), call.now));
        }
        Ok(handed_on(made, missing))
    }
}

/// The picture that is missing, and the others.
fn told(which: WhichPicture, others: &[(WhichPicture, PictureTrouble)]) -> String {
    let others = others
        .iter()
        .map(|(which, trouble)| format!("; {which}: {trouble}"));
    format!("{which}{}", others.collect::<String>())
}

/// Where pictures are made and kept, for one call.
struct PictureCall<'c> {
    call: &'c Call,
    config: &'c Config,
    provider: PictureProvider,
    media: Media,
    task: Option<String>,
}

impl<'c> PictureCall<'c> {
    fn open(call: &'c Call, config: &'c Config, task: Option<String>) -> Result<Self, Stop> {
        let wrong = |error: &dyn std::fmt::Display| Stop::failed(FailureKind::Config, error);
        let provider = PictureProvider::of(&call.settings).map_err(|error| wrong(&error))?;
        let provider = provider.ok_or_else(|| {
            let key = provider::PROVIDER;
            wrong(&format!(
                "no server makes pictures; name one with `callboard settings set {key} openai`"
            ))
        })?;
        let media = Media::open(
            &call.settings,
            call.resources.folder(),
            StoreClient::of(call),
        );
        Ok(Self {
            call,
            config,
            provider,
            media: media.map_err(|error| wrong(&error))?,
            task,
        })
    }

    /// How long a request may take: what it is given, or what is left but for the time to say what became of it.
    fn patience(&self) -> Duration {
        let most = Duration::from_secs(self.config.wait_seconds);
        most.min(self.call.remaining() * 9 / 10)
    }

    async fn send(&self, request: Request) -> Result<Response, PictureTrouble> {
        let reach = Reach::Origin(&self.provider.url);
        Ok(self.call.send(reach, request).await?)
    }

    /// Ask, and ask again while there are attempts left and what keeps it away may pass.
    async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, PictureTrouble>
    where
        F: Future<Output = Result<T, PictureTrouble>>,
    {
        for _ in 1..self.config.attempts {
            match ask().await {
                Err(trouble) if trouble.cause.may_pass() => {
                    tracing::info!(%trouble, "a picture is asked for again");
                    let pause = PAUSE.min(self.call.remaining() / 4);
                    tokio::time::sleep(pause).await;
                }
                answer => return answer,
            }
        }
        ask().await
    }

    async fn is_well(&self) -> Result<(), PictureTrouble> {
        let response = self.send(self.provider.health(self.patience())).await?;
        self.provider.is_well(&response)
    }

    /// Find the pictures that are there already: of an earlier attempt of this visit, and of earlier visits those
    /// that were asked for in the very same way, unless they are wanted anew.
    async fn find(&self, plan: &mut [PicturePlace<'_>]) -> Result<(), Stop> {
        let of_run = self.call.read(rows::of_run(&self.call.run)).await?;
        let mut taken = BTreeSet::new();
        for (planned, found) in plan {
            let (own, asked) = (self.id(planned.which), self.asked_for(planned));
            let is_anew = planned.anew || self.call.sent_back;
            let fits = |row: &&MediaRow| row.id == own || (!is_anew && row.asked == asked);
            let mut rows: Vec<_> = of_run.iter().filter(fits).collect();
            // Of those that are alike each stays where it was.
            rows.sort_by_key(|row| (row.id != own, row.which != planned.which));
            for row in rows {
                if !taken.contains(&row.id) && self.is_kept(row).await {
                    taken.insert(row.id.clone());
                    *found = Some(row.clone());
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether its file is there still. Where that can't be known now, whoever publishes it looks again.
    async fn is_kept(&self, row: &MediaRow) -> bool {
        self.media.has(&row.path).await.unwrap_or(true)
    }

    /// Whether the server can be asked for what is not there; where all is, it is not asked even that.
    async fn is_ready(&self, plan: &[PicturePlace<'_>]) -> Result<(), PictureTrouble> {
        if plan.iter().all(|(_, row)| row.is_some()) {
            return Ok(());
        }
        self.patiently(|| self.is_well()).await
    }

    /// Every picture, or why it is missing. A server that is busy ends it.
    async fn all(
        &self,
        plan: Vec<PicturePlace<'_>>,
    ) -> Result<(Vec<Had>, Vec<(WhichPicture, PictureTrouble)>), Stop> {
        let (mut had, mut missing) = (Vec::new(), Vec::new());
        for (planned, row) in plan {
            if let Some(row) = row {
                had.push(Had::again(row, planned));
                continue;
            }
            match self.made(planned).await? {
                Ok(row) => had.push(Had::new(row, planned)),
                Err(trouble) if trouble.cause == PictureCause::Busy => {
                    return Err(trouble.stop(planned.which, self.call.now));
                }
                Err(trouble) => missing.push((planned.which, trouble)),
            }
        }
        Ok((had, missing))
    }

    /// The same whenever this visit asks for this picture.
    fn key(&self, which: WhichPicture) -> String {
        format!("{}/{which}", self.call.idempotency_key())
    }

    fn id(&self, which: WhichPicture) -> String {
        derived(&["media", &self.key(which)])
    }

    /// A digest of all that a picture depends on besides chance.
    fn asked_for(&self, planned: &PlannedPicture) -> String {
        let (config, provider) = (self.config, &self.provider);
        let asked = json!({
            "provider": provider.name(), "model": provider.model, "prompt": planned.prompt,
            "negative": config.negative, "size": [config.width, config.height],
            "kept": self.widest(planned.which),
        });
        hex(&Sha256::digest(asked.to_string()))
    }

    /// The most pixels in a row that are kept of it.
    fn widest(&self, which: WhichPicture) -> u32 {
        match which {
            WhichPicture::Featured => self.config.width_featured,
            WhichPicture::Inline(_) => self.config.width_inline,
        }
    }

    /// A new picture.
    async fn made(
        &self,
        planned: &PlannedPicture,
    ) -> Result<Result<MediaRow, PictureTrouble>, Stop> {
        let (key, id) = (self.key(planned.which), self.id(planned.which));
        let asked = self.patiently(|| self.asked(planned, &key, id.clone()));
        match asked.await {
            Ok(row) => {
                self.call.execute(rows::insert(&row)).await?;
                Ok(Ok(row))
            }
            Err(trouble) => Ok(Err(trouble)),
        }
    }

    async fn asked(
        &self,
        planned: &PlannedPicture,
        key: &str,
        id: String,
    ) -> Result<MediaRow, PictureTrouble> {
        let seed = seed(key);
        let wanted = PictureRequest {
            prompt: &planned.prompt,
            negative: &self.config.negative,
            width: self.config.width,
            height: self.config.height,
            seed,
        };
        let request = self.provider.generate(&wanted, key, self.patience());
        let (provider, response) = (self.provider.clone(), self.send(request).await?);
        let read = blocking::wait_until(self.call.deadline, move || provider.read(response)).await;
        let answered = read.map_err(|error| lost(error, PictureCause::WrongAnswer))??;
        let bytes = match answered.content {
            PictureContent::Bytes(bytes) => bytes,
            PictureContent::At(url) => self.fetch(&url).await?,
        };
        let picture = self.kept(bytes, planned.which).await?;
        Ok(MediaRow {
            id,
            run: self.call.run.clone(),
            task: self.task.clone(),
            post: None,
            which: planned.which,
            path: picture.name(),
            digest: picture.digest,
            width: picture.width.into(),
            height: picture.height.into(),
            bytes: i64::try_from(picture.bytes.len()).unwrap_or(i64::MAX),
            mime: picture.mime.to_owned(),
            alt: planned.alt.clone(),
            basis: planned.basis.clone(),
            prompt: planned.prompt.clone(),
            asked: self.asked_for(planned),
            seen_by: String::new(),
            provider: self.provider.name().to_owned(),
            model: answered.model.unwrap_or_default(),
            seed: seed.into(),
            made_at: self.call.now,
        })
    }

    /// The file that an answer names: of the server itself, or of a public one.
    async fn fetch(&self, url: &url::Url) -> Result<Vec<u8>, PictureTrouble> {
        let request = self.provider.fetch(url, self.patience());
        let response = if self.provider.is_own(url) {
            self.send(request).await?
        } else {
            self.call.send(Reach::Public(&[]), request).await?
        };
        self.provider.fetched(response)
    }

    /// The picture of a file, in the store.
    async fn kept(&self, bytes: Vec<u8>, which: WhichPicture) -> Result<Picture, PictureTrouble> {
        let width = self.widest(which);
        let read =
            blocking::wait_until(self.call.deadline, move || Picture::read(&bytes, width)).await;
        let picture = read.map_err(|error| lost(error, PictureCause::NotAnImage))??;
        let put = self.media.put(&picture.name(), picture.bytes.clone()).await;
        put.map_err(|error| PictureTrouble::new(PictureCause::UploadFailed, error))?;
        Ok(picture)
    }
}

/// What reads an answer did not come to its end: in its time, or for that cause.
fn lost(error: Unanswered, cause: PictureCause) -> PictureTrouble {
    let cause = match error {
        Unanswered::TimeOver(_) => PictureCause::Timeout,
        Unanswered::Lost(_) => cause,
    };
    PictureTrouble::new(cause, error)
}

/// A number that follows from the picture's own key, so that asking again asks for the same.
fn seed(key: &str) -> u32 {
    let digest = Sha256::digest(key);
    u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]) >> 1
}
