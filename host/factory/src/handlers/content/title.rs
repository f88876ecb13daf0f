//! `content.title`: a title that is one, and none that is published. Candidates by the role that writes,
//! then the heading that came with the text, then the topic: whichever is taken instead is told.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::Done;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::asking::{Asking, RoleQuestion, ask, or_later};
use crate::draft::Draft;
use crate::tables::posts;
use crate::writing::titles::{Originality, choose, likeness};
use crate::writing::{Brief, listed};

struct Title;

callboard_core::register!(Title);

const PROMPT: &str = "canonical_title";
const SYSTEM: &str = "You write titles for a publication, and you answer with one JSON object.";
/// The published titles that candidates are held against.
const TITLES: u32 = 500;
/// The most characters of the text that are shown.
const SHOWN: usize = 4000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// A title that is like a published one by this or more, from 0 to 1, is not original.
    #[schemars(range(min = 0.0, max = 1.0))]
    most_alike: f32,
    /// The role that is asked.
    role: String,
    /// The longest answer, in tokens.
    #[schemars(range(min = 64))]
    max_tokens: u32,
    /// How long to wait for the answer at most, in seconds.
    #[schemars(range(min = 1))]
    wait_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            most_alike: 0.75,
            role: "writer".to_owned(),
            max_tokens: 400,
            wait_seconds: 120,
        }
    }
}

impl Config {
    fn asking(&self) -> Asking {
        Asking {
            role: self.role.clone(),
            max_tokens: self.max_tokens,
            wait_seconds: self.wait_seconds,
            ..Asking::default()
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    brief: Brief,
    draft: Draft,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The same text under its title.
    draft: Draft,
    /// How the title was chosen.
    title_originality: Originality,
}

/// What a model is to answer.
#[derive(Deserialize, JsonSchema)]
struct Candidates {
    /// Three to five titles, the best first.
    titles: Vec<String>,
}

impl Handler for Title {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Chooses a title that is like no published one";

    fn needs(&self) -> Needs {
        Needs::default()
            .prompt(PROMPT, &["text"], &["brief", "published"])
            .role_key("role")
            .by_schema()
            .table("posts", &["select"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let Reads { brief, mut draft } = reads;
        let published = call.read(posts::titles(TITLES)).await?;
        let (candidates, mut why) =
            match candidates(call, &config, (&brief, &draft), &published).await {
                Ok(titles) => (titles, None),
                Err(stop) => (Vec::new(), Some(or_later(&config.role, stop)?)),
            };
        let (chosen, mut originality) = choose(&candidates, &published, config.most_alike);
        if let Some(title) = chosen {
            draft.title = title;
            return Ok(Done::new(Writes {
                draft,
                title_originality: originality,
            }));
        }
        let role = format!("role {}", config.role);
        let refused = originality.refused.join("; ");
        let reason = why
            .take()
            .unwrap_or_else(|| format!("no candidate does: {refused}"));
        let own = [draft.title.clone(), brief.topic.clone()];
        let (instead, own) = choose(&own, &published, config.most_alike);
        originality.refused.extend(own.refused);
        if let Some(title) = instead {
            draft.title = title;
            (originality.likeness, originality.nearest) = (own.likeness, own.nearest);
        } else {
            (originality.likeness, originality.nearest) = likeness(&draft.title, &published);
            draft.notes.push(format!(
                "the title is not original: {}",
                originality.refused.join("; ")
            ));
        }
        let done = Done::new(Writes {
            draft,
            title_originality: originality,
        });
        Ok(done.fallback(role, reason))
    }
}

async fn candidates(
    call: &Call,
    config: &Config,
    (brief, draft): (&Brief, &Draft),
    published: &[String],
) -> Result<Vec<String>, callboard_core::outcome::Stop> {
    let text: String = draft.markdown.chars().take(SHOWN).collect();
    let known: Vec<&str> = published.iter().take(30).map(String::as_str).collect();
    let variables = json!({ "brief": listed(brief), "text": text, "published": known.join("\n") });
    let question = RoleQuestion {
        prompt: PROMPT,
        variables: &variables,
        system: SYSTEM,
    };
    Ok(ask::<Candidates>(call, &config.asking(), &question)
        .await?
        .value
        .titles)
}
