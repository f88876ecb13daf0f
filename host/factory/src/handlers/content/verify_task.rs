//! `content.verify_task`: what a person asks for, made fit to be written: a topic that is none yet, and
//! something that a text can stand on.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diary::id::hash;
use crate::diary::text::named;
use crate::research::{Several, spaced};
use crate::slug;
use crate::tables::{posts, tasks};
use crate::writing::Brief;
use crate::writing::titles::likeness;

struct VerifyTask;

callboard_core::register!(VerifyTask);

/// The longest topic, and the longest notes.
const TOPIC: usize = 300;
const NOTES: usize = 20_000;
/// The published titles that a topic is held against.
const TITLES: u32 = 500;

/// What is enough, and what is too much alike.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// The fewest letters and digits of a topic.
    topic_characters: usize,
    /// The fewest characters of notes that do without anything to read.
    notes_characters: usize,
    /// A topic that is like a published title by more than this, from 0 to 1, is refused.
    #[schemars(range(min = 0.0, max = 1.0))]
    most_alike: f32,
    /// The style, tone, audience and words of a post whose task says no other.
    style: String,
    tone: String,
    audience: String,
    #[schemars(range(min = 100, max = 5000))]
    words: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            topic_characters: 8,
            notes_characters: 200,
            most_alike: 0.9,
            style: "an article that explains".to_owned(),
            tone: "plain and friendly".to_owned(),
            audience: "readers who are curious and no experts".to_owned(),
            words: 900,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// What the post is about.
    topic: String,
    /// What is known of it; a source like those that are read.
    #[serde(default)]
    notes: Option<String>,
    #[serde(default)]
    style: Option<String>,
    #[serde(default)]
    tone: Option<String>,
    #[serde(default)]
    audience: Option<String>,
    /// Parted by commas.
    #[serde(default)]
    keywords: Option<Several>,
    /// How many words are wanted; 0 for the usual number.
    #[serde(default)]
    words: Option<u32>,
    #[serde(default)]
    urls: Option<Several>,
    #[serde(default)]
    feeds: Option<Several>,
    #[serde(default)]
    items: Option<Several>,
    #[serde(default)]
    queries: Option<Several>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// What the post is about, once.
    subject: String,
    brief: Brief,
}

impl Handler for VerifyTask {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Makes a topic and notes fit to be written, once a topic";

    fn needs(&self) -> Needs {
        Needs::default()
            .table("posts", &["select"])
            .table("tasks", &["select"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let topic = spaced(&reads.topic);
        enough(&topic, &config, &reads)?;
        let subject = subject(&topic);
        if let Some(post) = call.read_first(posts::about(&subject)).await? {
            let (slug, since) = (&post.slug, post.since());
            let reason = format!("`{topic}` is published already as `{slug}`{since}");
            return Err(Stop::nothing_to_do(reason));
        }
        if let Some(reason) = taken(call, &subject).await? {
            return Err(Stop::nothing_to_do(reason));
        }
        let titles = call.read(posts::titles(TITLES)).await?;
        let (alike, nearest) = likeness(&topic, &titles);
        if let Some(nearest) = nearest.filter(|_| alike > config.most_alike) {
            let detail = format!(
                "`{topic}` is like the published `{nearest}` ({alike:.2}); say what is new in the topic"
            );
            return Err(Stop::rejected("published", detail));
        }
        let brief = brief(topic, config, reads);
        Ok(Done::new(Writes { subject, brief }))
    }
}

/// Whether a text can be made of what is given.
fn enough(topic: &str, config: &Config, reads: &Reads) -> Result<(), Stop> {
    let thin = |message: String| Err(Stop::failed(FailureKind::Input, message));
    let letters = topic.chars().filter(|c| c.is_alphanumeric()).count();
    if letters < config.topic_characters {
        return thin(format!(
            "the topic `{topic}` has {letters} letters, fewer than {}; say what the post is about",
            config.topic_characters
        ));
    }
    let notes = reads.notes.as_deref().unwrap_or_default();
    let length = notes.chars().count();
    if topic.chars().count() > TOPIC || length > NOTES {
        return thin(format!(
            "the topic has more than {TOPIC} characters, or the notes more than {NOTES}; give addresses to read instead"
        ));
    }
    let given = [&reads.urls, &reads.feeds, &reads.items, &reads.queries];
    let reading = given.iter().any(|given| {
        given
            .as_ref()
            .is_some_and(|given| !given.phrases().is_empty())
    });
    if !reading && notes.trim().chars().count() < config.notes_characters {
        return thin(format!(
            "there is nothing that a post about `{topic}` could stand on: give `urls`, `feeds`, `items` or `queries`, or notes of {} characters",
            config.notes_characters
        ));
    }
    Ok(())
}

/// What a post about a topic is about, once, however it is written. Words that can be read, and the digest
/// that tells apart what they do not: `C` from `C#`, and what comes after the first of them.
fn subject(topic: &str) -> String {
    let (slug, digest) = (slug::words(topic, 60), &hash(&named(topic))[..8]);
    let subject = format!("post:{slug}-{digest}");
    subject.replace(":-", ":")
}

/// Why a topic is in other hands, before anything is paid for it.
async fn taken(call: &Call, subject: &str) -> Result<Option<String>, Stop> {
    let own = call.read_first(tasks::made_by(&call.run)).await?;
    let about = call.read_first(tasks::about(subject)).await?;
    let other = about.filter(|about| own.as_ref() != Some(about));
    Ok(other.and_then(|other| other.taken(own.is_some())))
}

fn brief(topic: String, config: Config, reads: Reads) -> Brief {
    let or = |given: Option<String>, usual: String| {
        let given = given
            .map(|text| spaced(&text))
            .filter(|text| !text.is_empty());
        given.unwrap_or(usual)
    };
    Brief {
        topic,
        notes: reads.notes.unwrap_or_default().trim().to_owned(),
        style: or(reads.style, config.style),
        tone: or(reads.tone, config.tone),
        audience: or(reads.audience, config.audience),
        keywords: reads
            .keywords
            .map(|given| given.words())
            .unwrap_or_default(),
        words: reads
            .words
            .filter(|words| *words > 0)
            .unwrap_or(config.words)
            .clamp(100, 5000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_topic_however_it_is_written() {
        let learn = |what: &str| subject(&format!("How to learn {what}"));
        assert_eq!(learn("C++"), learn("c++!"));
        assert_ne!(learn("C++"), learn("C#"));
        assert_ne!(learn("C"), learn("C#"));
        let part = |number: u8| subject(&format!("{} part {number}", "A long topic ".repeat(9)));
        assert_ne!(part(1), part(2));
        assert!(
            learn("C").starts_with("post:how-to-learn-c-"),
            "{}",
            learn("C")
        );
        assert!(subject("!!!???").starts_with("post:"));
    }
}
