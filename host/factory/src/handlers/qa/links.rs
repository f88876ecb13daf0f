//! `qa.links`: whether the links of a draft answer. What is dead, what does not let every reader
//! in and what can't be reached are three things; if nothing can be reached, nothing is known of the draft.

use std::collections::BTreeMap;
use std::time::Duration;

use callboard_core::exchange::{Reach, Request};
use callboard_core::grants::Origin;
use callboard_core::handler::{Call, Handled, Handler};
use callboard_core::outcome::{Done, FailureKind, Stop};
use futures_util::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::markdown::{self, Link};
use crate::rails::reached::{LinksReport, Reached};
use crate::rails::review::Review;

struct LinksRail;

callboard_core::register!(LinksRail);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Of 100 links so many may be dead.
    #[schemars(range(max = 100))]
    most_dead: u32,
    /// So many links that lead elsewhere have to be there.
    least: u32,
    /// How many are asked, the first of them; each address once.
    #[schemars(range(min = 1, max = 500))]
    most: usize,
    /// Seconds that each has to answer.
    #[schemars(range(min = 1))]
    seconds: u64,
    /// How many are asked at a time.
    #[schemars(range(min = 1, max = 32))]
    at_once: usize,
    /// Origins that may be asked besides public ones, such as a wiki of the house.
    besides: Vec<Origin>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            most_dead: 30,
            least: 0,
            most: 100,
            seconds: 8,
            at_once: 5,
            besides: Vec::new(),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    draft: Draft,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    links: Review,
}

impl Handler for LinksRail {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Rejects a draft whose links lead to where nothing is";

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let links = markdown::links(&reads.draft.markdown);
        let links = links.map_err(|cause| Stop::failed(FailureKind::Input, cause))?;
        let links = elsewhere(links, config.most);
        if links.len() < usize::try_from(config.least).unwrap_or(usize::MAX) {
            let detail = format!(
                "it has {} links, and {} are the least",
                links.len(),
                config.least
            );
            let links = Review {
                score: Some(0),
                findings: Vec::new(),
            };
            return Err(Stop::rejected("links", detail).handing_on(&Writes { links }));
        }
        if links.is_empty() {
            return Err(Stop::nothing_to_do("it leads nowhere else"));
        }
        let reached = futures_util::stream::iter(links)
            .map(|link| reach(call, &config, link))
            .buffered(config.at_once)
            .collect::<Vec<_>>();
        verdict(LinksReport::of(&reached.await, config.most_dead))
    }
}

fn verdict(found: LinksReport) -> Handled<Writes> {
    if found.is_dark() {
        let first = found.review.findings.first();
        let cause = first.map_or(String::new(), ToString::to_string);
        let problem = format!(
            "none of {} addresses can be reached: {cause}",
            found.unreachable
        );
        return Err(Stop::unavailable("the network", problem));
    }
    let told: Vec<String> = found.review.errors().map(ToString::to_string).collect();
    let links = Writes {
        links: found.review,
    };
    if told.is_empty() {
        return Ok(Done::new(links));
    }
    Err(Stop::rejected("links", told.join("; ")).handing_on(&links))
}

/// Links to other sites, each address once, the first so many of them.
fn elsewhere(links: Vec<Link>, most: usize) -> Vec<Link> {
    let mut known = BTreeMap::new();
    let away = |link: &Link| {
        ["http://", "https://"]
            .iter()
            .any(|scheme| link.url.to_lowercase().starts_with(scheme))
    };
    for link in links.into_iter().filter(away) {
        let address = link.url.split('#').next().unwrap_or_default().to_owned();
        known.entry(address).or_insert(link);
    }
    let mut links: Vec<Link> = known.into_values().collect();
    links.sort_by_key(|link| link.line);
    links.truncate(most);
    links
}

/// Ask for the head; who has none to give is asked for the page.
async fn reach(call: &Call, config: &Config, link: Link) -> (Link, Reached) {
    let mut reached = Reached::Unreachable("nobody was asked".to_owned());
    for method in ["HEAD", "GET"] {
        let request = Request {
            method: method.to_owned(),
            url: link.url.clone(),
            headers: Vec::new(),
            body: Vec::new(),
            credential: None,
            deadline: Duration::from_secs(config.seconds),
            // What the page says is not read, so that its size is no matter.
            max_body: 0,
            cut: true,
            redirects: 5,
            fresh_connection: false,
        };
        let answer = call.send(Reach::Public(&config.besides), request).await;
        let headless = matches!(&answer, Ok(response) if matches!(response.status, 400 | 403 | 404 | 405 | 501));
        reached = match answer {
            Ok(response) => Reached::by_status(response.status),
            Err(error) => Reached::by_error(&error),
        };
        if !headless {
            break;
        }
    }
    (link, reached)
}
