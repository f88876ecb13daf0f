//! `content.research`: what is read before a post is written: given addresses, feeds, items that taps
//! have kept, and what the operator's search server finds. Error is not empty: what could not be read is named, and if all
//! of it was asked for in vain, research is unavailable.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, Stop};
use futures_util::{StreamExt as _, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::diary::id::derived;
use crate::fetching::{FetchRules, Fetcher};
use crate::research::feed;
use crate::research::{MissedSource, ReadPage, SEARCH, Several, Source, address, host, numbered};
use crate::tables::sources;

mod kept;

struct Research;

callboard_core::register!(Research);

/// Pages that are read at the same time.
const AT_ONCE: usize = 6;
/// The fewest characters of a feed's own text that stand for its page.
const WHOLE: usize = 600;

/// How much is read, and how.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Sources that are kept at most.
    #[schemars(range(min = 1, max = 50))]
    most: usize,
    /// Characters that are kept of each.
    #[schemars(range(min = 500, max = 100_000))]
    characters: usize,
    /// The newest items of each feed, and of each place whose items taps have kept.
    #[schemars(range(min = 1, max = 50))]
    items: usize,
    /// The first results of each query.
    #[schemars(range(min = 1, max = 20))]
    results: usize,
    /// How the network is asked.
    fetch: FetchRules,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            most: 12,
            characters: 20_000,
            items: 5,
            results: 5,
            fetch: FetchRules::default(),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    subject: String,
    /// Addresses of pages, as a list or parted by spaces.
    #[serde(default)]
    urls: Option<Several>,
    /// Addresses of feeds.
    #[serde(default)]
    feeds: Option<Several>,
    /// Items that taps have kept: their ids or addresses, or the feed or folder where they were found.
    #[serde(default)]
    items: Option<Several>,
    /// What the search server is asked, parted by semicolons.
    #[serde(default)]
    queries: Option<Several>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// What was read, each with an id.
    sources: Vec<Source>,
}

/// A page that is to be read, or was read already.
enum WantedPage {
    Page(String),
    Whole(ReadPage),
}

impl Handler for Research {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str =
        "Reads pages, feeds, kept items and search results as sources of a post";

    fn needs(&self) -> Needs {
        Needs::default()
            .setting(SEARCH)
            .table("items", &["select"])
            .table("sources", &["insert", "update"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let fetcher = Fetcher::new(call, &config.fetch);
        let asked = ReadingList::of(&reads);
        if asked.is_nothing() {
            return Ok(Done::new(Writes {
                sources: Vec::new(),
            }));
        }
        let (wanted, mut missed) = asked.wanted(call, &fetcher, &config).await?;
        let mut found = Vec::new();
        let fetched = stream::iter(wanted).map(|wanted| read(&fetcher, wanted));
        let mut fetched = fetched.buffered(AT_ONCE);
        while let Some(read) = fetched.next().await {
            match read {
                Ok(page) => found.push(page),
                Err(why) => missed.push(why),
            }
        }
        let sources = numbered(found, config.most, config.characters);
        if sources.is_empty() {
            let causes = missed
                .iter()
                .map(|missed| format!("{}: {}", missed.what, missed.why));
            let causes: Vec<String> = causes.collect();
            return Err(Stop::unavailable("research", causes.join("; ")));
        }
        let rows: Vec<sources::SourceRow> = sources
            .iter()
            .map(|it| row(call, &reads.subject, it))
            .collect();
        let done = Done::new(Writes { sources }).write(sources::upsert(&rows));
        let done = missed
            .into_iter()
            .fold(done, |done, it| done.fallback(it.what, it.why));
        Ok(done.effect("sources_kept", rows.len() as u64))
    }
}

/// What a person asks to be read.
struct ReadingList {
    urls: Vec<String>,
    feeds: Vec<String>,
    items: Vec<String>,
    queries: Vec<String>,
}

impl ReadingList {
    fn of(reads: &Reads) -> Self {
        let addresses = |several: &Option<Several>| {
            several.as_ref().map(Several::addresses).unwrap_or_default()
        };
        Self {
            urls: addresses(&reads.urls),
            feeds: addresses(&reads.feeds),
            items: addresses(&reads.items),
            queries: reads
                .queries
                .as_ref()
                .map(Several::phrases)
                .unwrap_or_default(),
        }
    }

    fn is_nothing(&self) -> bool {
        let all = [&self.urls, &self.feeds, &self.items, &self.queries];
        all.iter().all(|given| given.is_empty())
    }

    /// The pages that are to be read, each once, and what led to none.
    async fn wanted(
        &self,
        call: &Call,
        fetcher: &Fetcher<'_>,
        config: &Config,
    ) -> Result<(Vec<WantedPage>, Vec<MissedSource>), Stop> {
        let mut wanted: Vec<WantedPage> = self.urls.iter().cloned().map(WantedPage::Page).collect();
        let mut missed = Vec::new();
        for feed in &self.feeds {
            match fetcher.feed(feed, config.items).await {
                Ok(read) => {
                    missed.extend(
                        read.refused
                            .as_ref()
                            .map(|why| MissedSource::new(feed, why)),
                    );
                    wanted.extend(told_by(read));
                }
                Err(why) => missed.push(MissedSource::new(feed, why)),
            }
        }
        let (kept, unknown) = kept::items(call, &self.items, config).await?;
        wanted.extend(kept);
        missed.extend(unknown);
        let server = Self::server(call)?;
        for query in &self.queries {
            let found = match &server {
                Some(server) => fetcher.search(server, query, config.results).await,
                None => Err(format!(
                    "no search server is set; callboard settings set {SEARCH} URL"
                )),
            };
            match found {
                Ok(hits) if hits.is_empty() => {
                    missed.push(MissedSource::new(query, "nothing was found"));
                }
                Ok(hits) => wanted.extend(hits.into_iter().map(|hit| WantedPage::Page(hit.url))),
                Err(why) => missed.push(MissedSource::new(format!("search for `{query}`"), why)),
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        wanted.retain(|it| it.url().is_empty() || seen.insert(address(it.url())));
        // One in two may have no text that can be read.
        let beyond = wanted.len().saturating_sub(config.most * 2);
        wanted.truncate(config.most * 2);
        if beyond > 0 {
            let most = config.most;
            let why = format!("{beyond} more addresses were not read: `config.most` is {most}");
            missed.push(MissedSource::new("what was found", why));
        }
        Ok((wanted, missed))
    }

    fn server(call: &Call) -> Result<Option<Url>, Stop> {
        let config = |error: &dyn std::fmt::Display| {
            Stop::failed(
                callboard_core::outcome::FailureKind::Config,
                format!("setting {SEARCH}: {error}"),
            )
        };
        let set = call.settings.text(SEARCH).map_err(|error| config(&error))?;
        set.map(|text| {
            text.parse()
                .map_err(|error: url::ParseError| config(&error))
        })
        .transpose()
    }
}

impl WantedPage {
    fn url(&self) -> &str {
        match self {
            WantedPage::Page(url) => url,
            WantedPage::Whole(found) => &found.url,
        }
    }
}

/// What a feed leads to.
fn told_by(read: feed::ParsedFeed) -> impl Iterator<Item = WantedPage> {
    let feed::ParsedFeed {
        url, title, items, ..
    } = read;
    let items = items.into_iter().filter(|item| !item.url.is_empty());
    items.map(move |item| {
        if !stands_for(&url, &item.url, &item.text) {
            return WantedPage::Page(item.url);
        }
        let site = if title.is_empty() {
            host(&item.url)
        } else {
            title.clone()
        };
        WantedPage::Whole(ReadPage {
            url: item.url,
            title: item.title,
            site,
            published: item.published,
            text: item.text,
        })
    })
}

/// Whether what a feed says of a page can be taken for it. What it says of somebody else's is not what stands there.
fn stands_for(feed: &str, page: &str, text: &str) -> bool {
    feed::speaks_for(feed, page) && text.chars().count() >= WHOLE
}

async fn read(fetcher: &Fetcher<'_>, wanted: WantedPage) -> Result<ReadPage, MissedSource> {
    match wanted {
        WantedPage::Page(url) => fetcher
            .page(&url)
            .await
            .map_err(|why| MissedSource::new(url, why)),
        WantedPage::Whole(found) => Ok(found),
    }
}

/// What a source is known by.
fn place(url: &str, site: &str, title: &str) -> String {
    match url {
        "" => format!("{site}\n{title}"),
        url => address(url),
    }
}

fn row(call: &Call, subject: &str, source: &Source) -> sources::SourceRow {
    let Source {
        id,
        url,
        title,
        site,
        published,
        text,
    } = source.clone();
    sources::SourceRow {
        id: derived(&["source", subject, &place(&url, &site, &title)]),
        subject: subject.to_owned(),
        run: call.run.clone(),
        number: id,
        url,
        title,
        site,
        published: published.unwrap_or_default(),
        text,
        fetched_at: call.now,
    }
}
