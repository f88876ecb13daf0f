//! A prompt: a template in Markdown with front matter in TOML that declares its variables.
//!
//! ```text
//! +++
//! variables = ["day", "commits"]
//! +++
//! Write about {{ day }}.
//! ```

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;

use super::mistakes;
use super::place::{Misread, Place};
use crate::template;

const FENCE: &str = "+++";

/// A prompt of the workspace.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub file: String,
    /// What the template is filled in with.
    pub variables: Vec<String>,
    whole: Arc<str>,
    /// Where the template starts in the whole.
    start: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    #[serde(default)]
    variables: Vec<String>,
}

impl Prompt {
    /// The template, without its front matter.
    pub fn template(&self) -> &str {
        self.whole[self.start..].trim_start_matches(['\r', '\n'])
    }

    /// What it says under its name with variables filled in, or what is wrong with it and where.
    pub fn render(&self, name: &str, variables: &Json) -> Result<String, String> {
        let rendered = template::bounded(self.template()).and_then(|text| {
            template::on_deep_stack(|| {
                template::environment().render_str(&text, minijinja::value::Serde(variables))
            })
        });
        rendered.map_err(|error| {
            let line = self.line(error.line().unwrap_or(1));
            format!("prompt `{name}` ({line}): {}", template::reason(&error))
        })
    }

    /// The place of a line of the template, counted from 1.
    pub fn line(&self, line: usize) -> Place {
        let lines = self.whole[..self.whole.len() - self.template().len()]
            .matches('\n')
            .count();
        Place {
            file: self.file.clone(),
            line: lines + line.max(1),
            column: 1,
        }
    }

    /// The first place where the template says `name`.
    pub fn usage(&self, name: &str) -> Place {
        let offset = word(&self.whole[self.start..], name).map_or(0, |found| self.start + found);
        Place::of(&self.file, &self.whole, offset)
    }

    /// The place where the front matter declares `name`, or would.
    pub fn declaration(&self, name: &str) -> Place {
        let head = &self.whole[..self.start];
        let offset = word(head, name).or_else(|| word(head, "variables"));
        Place::of(&self.file, &self.whole, offset.unwrap_or(0))
    }

    pub(super) fn parse(file: &str, text: &str) -> (Option<Self>, Vec<Misread>) {
        let Some((head, start)) = split(text) else {
            return (None, vec![no_front_matter(file)]);
        };
        // Blank out the fence, so that offsets stay those of the file.
        let toml = head.replacen(FENCE, "   ", 1);
        let (matter, misreads) = mistakes::parse::<FrontMatter>(file, &toml);
        let prompt = matter.map(|matter| Self {
            file: file.to_owned(),
            variables: matter.variables,
            whole: text.into(),
            start,
        });
        (prompt, misreads)
    }
}

/// The front matter with its first fence, and where the template starts.
fn split(text: &str) -> Option<(&str, usize)> {
    let rest = text
        .strip_prefix(FENCE)
        .filter(|rest| rest.starts_with(['\n', '\r']))?;
    let close = rest.find("\n+++")?;
    let end = FENCE.len() + close + 1;
    let after = &text[end + FENCE.len()..];
    let line = after.find('\n').unwrap_or(after.len());
    after[..line]
        .trim()
        .is_empty()
        .then_some((&text[..end], end + FENCE.len() + line))
}

fn no_front_matter(file: &str) -> Misread {
    Misread {
        place: Place::start(file),
        message: "the prompt has no front matter, so its variables are not declared".into(),
        mend: "start it with the lines `+++`, `variables = []`, `+++`".into(),
    }
}

/// The offset of `name` as a whole word.
pub(super) fn word(text: &str, name: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with(part) && !text[at + name.len()..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_has_variables_and_a_template() {
        let text = "+++\nvariables = [\"day\"]\n+++\n\nAbout {{ day }}.\n";
        let (prompt, misreads) = Prompt::parse("prompts/p.md", text);
        let prompt = prompt.expect("a prompt");
        assert_eq!(
            (prompt.variables.as_slice(), misreads.len()),
            (&["day".to_owned()][..], 0)
        );
        assert_eq!(prompt.template(), "About {{ day }}.\n");
        assert_eq!(prompt.line(1).line, 5);
        assert_eq!(prompt.usage("day").to_string(), "prompts/p.md:5:10");
        assert_eq!(prompt.declaration("day").to_string(), "prompts/p.md:2:15");
    }

    #[test]
    fn front_matter_is_asked_for_and_checked() {
        let (_, misreads) = Prompt::parse("p.md", "Hello");
        assert!(misreads[0].to_string().contains("no front matter"));
        let (_, misreads) = Prompt::parse("p.md", "+++\nvariable = []\n+++\nHello");
        assert_eq!(
            misreads[0].to_string(),
            "p.md:2:1: `variable` is no key here; write `variables`, or remove it"
        );
        assert!(split("+++\nunclosed").is_none());
    }
}
