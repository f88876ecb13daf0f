//! `tap.feeds`: the newest items of RSS, Atom and JSON feeds are kept, each once. A feed that cannot be
//! read is told with its cause; if none can, the tap is unavailable.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{FailureKind, Stop};
use callboard_core::shown::cut;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fetching::{FetchRules, Fetcher};
use crate::research::{MissedSource, Several, feed};
use crate::tables::items::Item;
use crate::tapping::{TapResult, Tapped, sealed};

struct Feeds;

callboard_core::register!(Feeds);

/// The longest title, name and address that are kept.
const LINE: usize = 1000;

/// How much is read, and how.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Feeds at most; the others are told as not read.
    #[schemars(range(min = 1, max = 200))]
    most: usize,
    /// The newest items of each feed.
    #[schemars(range(min = 1, max = 200))]
    items: usize,
    /// Characters that are kept of each text.
    #[schemars(range(min = 100, max = 100_000))]
    characters: usize,
    /// How the network is asked.
    fetch: FetchRules,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            most: 50,
            items: 50,
            characters: 20_000,
            fetch: FetchRules::default(),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// Addresses of feeds, as a list or parted by spaces.
    feeds: Several,
}

impl Handler for Feeds {
    type Config = Config;
    type Reads = Reads;
    type Writes = Tapped;

    const SUMMARY: &'static str = "Keeps the newest items of RSS, Atom and JSON feeds";

    fn needs(&self) -> Needs {
        Needs::default().table("items", &["select", "insert", "update"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Tapped> {
        let feeds = reads.feeds.addresses();
        if feeds.is_empty() {
            let message = "`feeds` is empty; give the address of a feed";
            return Err(Stop::failed(FailureKind::Input, message));
        }
        let fetcher = Fetcher::new(call, &config.fetch);
        let mut found = TapResult::default();
        for (index, address) in feeds.iter().enumerate() {
            if index >= config.most {
                let why = format!("{} feeds are read at most", config.most);
                found.missed.push(MissedSource::new(address, why));
                continue;
            }
            match fetcher.feed(address, config.items).await {
                Ok(read) => {
                    found.any = true;
                    let refused = read.refused.as_ref();
                    found
                        .missed
                        .extend(refused.map(|why| MissedSource::new(address, why)));
                    let items = read.items.into_iter();
                    let items = items.map(|it| item(call, address, it, config.characters));
                    found.items.extend(items);
                }
                Err(why) => found.missed.push(MissedSource::new(address, why)),
            }
        }
        found.keep(call, "feeds").await
    }
}

fn item(call: &Call, feed: &str, it: feed::FeedItem, characters: usize) -> Item {
    let name = if it.id.is_empty() { &it.url } else { &it.id };
    sealed(Item {
        id: String::new(),
        origin: feed.to_owned(),
        name: cut(name, LINE),
        url: cut(&it.url, LINE),
        title: cut(&it.title, LINE),
        published: cut(it.published.unwrap_or_default(), LINE),
        text: it.text.chars().take(characters).collect(),
        digest: String::new(),
        found_at: call.now,
    })
}
