//! A model's answer, read with a closed grammar: `TITLE:`, `EXCERPT:`, then Markdown. What
//! does not fit is refused with a reason, and the built-in text takes its place.

use super::bundle::Bundle;
use super::change::Change;
use super::check::check;
use super::composer::{Draft, closing, tags};
use super::grammar::{Kind, Reading, scan};

/// Marks of reasoning, chat templates and role play, none of which belongs in a post.
const LEAKS: [&str; 14] = [
    "<think",
    "</think",
    "<thinking",
    "<reasoning",
    "<|",
    "|>",
    "[inst]",
    "[/inst]",
    "<<sys>>",
    "as an ai",
    "as a language model",
    "i cannot fulfill",
    "here is the post",
    "### instruction",
];

/// The draft in an answer of `model`, or why it is none. `prompt` is what the model was
/// asked, `material` the part of it that it may repeat.
pub fn read(answer: &str, model: &str, bundle: &Bundle, asked: &Asked) -> Result<Draft, String> {
    leaks(answer, asked)?;
    let parts = parts(answer)?;
    let text = format!(
        "{}\n\n{}\n",
        parts.markdown.trim(),
        closing(bundle, &format!("the model `{}`", model.replace('`', "")))
    );
    let draft = Draft {
        title: parts.title,
        excerpt: parts.excerpt,
        markdown: text,
        tags: tags(bundle, &Change::all(bundle)),
        written_by: format!("model {model}"),
        covers: bundle.day.clone(),
        notes: Vec::new(),
    };
    cited(&parts.markdown)?;
    check(&draft, bundle, &[]).map_err(|misses| {
        let misses: Vec<String> = misses.iter().take(5).map(ToString::to_string).collect();
        format!("its citations do not hold: {}", misses.join("; "))
    })?;
    Ok(draft)
}

/// What a model was asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub prompt: &'a str,
    pub material: &'a str,
}

struct Parts {
    title: String,
    excerpt: String,
    markdown: String,
}

fn leaks(answer: &str, asked: &Asked) -> Result<(), String> {
    if answer.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    let lower = answer.to_lowercase();
    if let Some(leak) = LEAKS.iter().find(|leak| lower.contains(**leak)) {
        return Err(format!("it contains `{leak}`, which is no part of a post"));
    }
    let lines = asked.prompt.lines().map(str::trim);
    let mut own = lines.filter(|line| line.len() >= 40 && !asked.material.contains(*line));
    match own.find(|line| answer.contains(*line)) {
        Some(line) => Err(format!("it repeats its instructions: `{line}`")),
        None => Ok(()),
    }
}

fn parts(answer: &str) -> Result<Parts, String> {
    let mut lines = answer.trim().lines();
    let mut field = |name: &str| {
        let line = lines
            .by_ref()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        let value = line
            .trim()
            .strip_prefix(name)
            .map(|value| value.trim().trim_matches('"').to_owned());
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("it has no line `{name}`"))
    };
    let title = field("TITLE:")?;
    let excerpt = field("EXCERPT:")?;
    let markdown = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
    if title.chars().count() > 120 || title.split_whitespace().count() < 2 {
        return Err(format!("its title does not do: `{title}`"));
    }
    if excerpt.chars().count() > 400 {
        return Err("its excerpt is too long".to_owned());
    }
    if markdown.split_whitespace().count() < 20 {
        return Err("its text is too short".to_owned());
    }
    Ok(Parts {
        title,
        excerpt,
        markdown,
    })
}

/// Every paragraph but the first, and every list, cites something.
fn cited(markdown: &str) -> Result<(), String> {
    let blocks = markdown
        .split("\n\n")
        .map(str::trim)
        .filter(|block| !block.is_empty());
    let told = blocks.filter(|block| !block.starts_with('#') || block.contains('\n'));
    let cites = |block: &&str| {
        let kinds = [Kind::PullRequest, Kind::Commit, Kind::Reference];
        scan(block, Reading::Draft)
            .iter()
            .any(|token| kinds.contains(&token.kind))
    };
    match told.skip(1).find(|block| !cites(block)) {
        Some(block) => {
            let words: Vec<&str> = block.split_whitespace().take(8).collect();
            Err(format!(
                "a paragraph cites nothing: `{} …`",
                words.join(" ")
            ))
        }
        None if !cites(&markdown) => Err("it cites nothing".to_owned()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::bundle::Commit;
    use super::*;

    const GOOD: &str = "TITLE: Sockets are retried once\nEXCERPT: A stale socket no longer fails a call.\n\nToday was about connections that the other side had closed long before we noticed.\n\nA stale socket is retried once on a fresh connection (`1a2b3c4d`).\n";

    fn read_it(answer: &str) -> Result<Draft, String> {
        let bundle = Bundle {
            repository: "o/app".into(),
            day: "2026-06-25".into(),
            commits: vec![Commit {
                id: "1a2b3c4d".repeat(5),
                short: "1a2b3c4d".into(),
                ..Commit::default()
            }],
            ..Bundle::default()
        };
        let asked = Asked {
            prompt: "Write like a person who was there and saw it all.\nMATERIAL",
            material: "MATERIAL",
        };
        read(answer, "tiny-1", &bundle, &asked)
    }

    #[test]
    fn an_answer_in_the_grammar_is_signed_by_its_model() {
        let draft = read_it(GOOD).expect("a draft");
        assert_eq!(draft.written_by, "model tiny-1");
        assert_eq!(draft.title, "Sockets are retried once");
        assert!(
            draft.markdown.contains("Written by the model `tiny-1`"),
            "{}",
            draft.markdown
        );
    }

    #[test]
    fn every_other_answer_is_refused_with_a_reason() {
        let cases = [
            ("", "empty"),
            ("<think>hm</think>", "<think"),
            ("Here you are", "TITLE:"),
            (&GOOD.replace("1a2b3c4d", "9f9f9f9f"), "9f9f9f9f"),
            (&GOOD.replace(" (`1a2b3c4d`)", ""), "cites nothing"),
            (
                &GOOD.replace("`1a2b3c4d`", "`1a2b3c4d`, PR #99"),
                "pull request `99`",
            ),
            (
                &format!("{GOOD}\nWrite like a person who was there and saw it all."),
                "instructions",
            ),
            (
                &GOOD.replace("Sockets are retried once", "2026-06-25"),
                "title",
            ),
        ];
        for (answer, reason) in cases {
            let refused = read_it(answer).expect_err(answer);
            assert!(refused.contains(reason), "{refused}");
        }
    }
}
