//! `content.seo`: what search engines and lists show of a post, on its draft, before the rails judge that. A field that the role does not give, or
//! not as it has to be, is taken from the text, and that is told field by field.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::Done;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::asking::{Asking, RoleQuestion, ask, or_later};
use crate::draft::Draft;
use crate::writing::seo::{Seo, built_in, filled};
use crate::writing::{Article, Brief, listed, unreadable};

struct SeoFields;

callboard_core::register!(SeoFields);

const PROMPT: &str = "canonical_seo";
const SYSTEM: &str = "You describe posts for search engines, and you answer with one JSON object.";
/// The most characters of the text that are shown.
const SHOWN: usize = 4000;

#[derive(Deserialize, JsonSchema)]
struct Reads {
    draft: Draft,
    #[serde(default)]
    brief: Option<Brief>,
    /// What was found the last time.
    #[serde(default)]
    feedback: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The draft with its title, description and keywords where it is found; its own title and its text stay.
    draft: Draft,
}

impl Handler for SeoFields {
    type Config = Asking;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str =
        "Gives a post its title, description and keywords for search engines";

    fn needs(&self) -> Needs {
        Needs::default()
            .prompt(PROMPT, &["title", "text"], &["keywords", "feedback"])
            .role_key("role")
            .by_schema()
    }

    async fn handle(&self, call: &Call, asking: Asking, reads: Reads) -> Handled<Writes> {
        let Reads {
            mut draft,
            brief,
            feedback,
        } = reads;
        let brief = brief.unwrap_or_default();
        let article = Article::of(&draft).map_err(unreadable)?;
        let own = built_in(&draft.title, &draft.excerpt, &brief, &article);
        let text: String = draft.markdown.chars().take(SHOWN).collect();
        let variables = json!({
            "title": draft.title, "text": text, "keywords": listed_words(&brief),
            "feedback": feedback.unwrap_or_default(),
        });
        let question = RoleQuestion {
            prompt: PROMPT,
            variables: &variables,
            system: SYSTEM,
        };
        let role = format!("role {}", asking.role);
        let (seo, instead) = match ask::<Seo>(call, &asking, &question).await {
            Ok(answered) => filled(&answered.value, own),
            Err(stop) => {
                let why = or_later(&asking.role, stop)?;
                let fields = ["title", "description", "keywords"];
                (own, fields.map(|field| (field, why.clone())).into())
            }
        };
        seo.put_on(&mut draft);
        let done = Done::new(Writes { draft });
        let told = instead.into_iter();
        Ok(told.fold(done, |done, (field, why)| {
            done.fallback(format!("{role} for the {field}"), why)
        }))
    }
}

fn listed_words(brief: &Brief) -> String {
    if brief.keywords.is_empty() {
        listed(brief)
    } else {
        brief.keywords.join(", ")
    }
}
