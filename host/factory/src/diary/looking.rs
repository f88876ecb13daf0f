//! What an operator says of how a repository is looked at.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forge::Forge;
use super::patterns::Patterns;
use super::rules::DiaryRules;

/// Who and what counts, and when a day is worth a post. In patterns `*` stands for anything, and
/// case is the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Looking {
    /// Authors that are programs, by patterns of their name, their address or `Name <address>`:
    /// what they do is counted and not told.
    pub bots: Vec<String>,
    /// Programs that write changes to what is made. Their work is told like a person's, whatever
    /// `bots` says.
    pub agents: Vec<String>,
    /// One person for several authors: a name with patterns. An address is one person anyway, and
    /// so is what the repository's `.mailmap` says.
    pub people: BTreeMap<String, Vec<String>>,
    /// Headlines that are no news, by patterns. A headline or a tag that says nothing but a
    /// version is a release, and told as one.
    pub bookkeeping: Vec<String>,
    /// Generated files, by patterns of their paths: their lines do not count.
    pub generated: Vec<String>,
    /// What the remote is, if its address does not tell: whether `#12` is a pull request, and
    /// where sources are read.
    pub forge: Option<Forge>,
    /// What a day has to weigh. A feature weighs 3, a fix 2, documentation and chores what their
    /// size is, and all of these together no more than the largest; breaking something adds 3, a size of 10, 50 or 300 lines 1, 2 or 3, and a reason,
    /// a closed issue and a crash, leak or loss 1 each.
    pub substance_bar: u32,
    /// The most commits that one post is made from; the newest count.
    #[schemars(range(min = 1))]
    pub max_commits: usize,
    /// How many days with commits `latest` looks back.
    #[schemars(range(min = 1))]
    pub look_back_days: usize,
    /// Look again at days that were found thin.
    pub look_again: bool,
}

/// Programs that keep repositories going.
const BOTS: &[&str] = &[
    "*[bot]*",
    "dependabot*",
    "renovate*",
    "github-actions*",
    "greenkeeper*",
    "snyk-bot*",
    "semantic-release-bot*",
    "pre-commit-ci*",
    "allcontributors*",
    "*@bots.noreply.*",
];
/// Programs that write changes.
const AGENTS: &[&str] = &[
    "copilot-swe-agent[bot]",
    "devin-ai-integration[bot]",
    "google-labs-jules[bot]",
];
/// Headlines that are no news.
const BOOKKEEPING: &[&str] = &[
    "chore(release)*",
    "chore(deps*",
    "build(deps*",
    "fix(deps*",
    "bump * from * to *",
    "update dependency *",
    "version packages*",
    "[ci] release*",
    "bump version*",
    "version bump*",
    "merge branch *",
    "merge remote-tracking branch *",
    "merge tag *",
    "wip",
    "wip *",
    "wip:*",
    "fixup!*",
    "squash!*",
    "*address* review*",
    "*review comments*",
    "fix typo*",
    "typo*",
    "lint",
    "fix lint*",
    "format",
    "formatting",
    "cargo fmt",
    "update changelog*",
];
/// What counts as generated unless the configuration says otherwise.
const GENERATED: &[&str] = &[
    "*.lock",
    "*-lock.json",
    "*-lock.yaml",
    "go.sum",
    "*.min.js",
    "*.min.css",
    "*.map",
    "*.snap",
    "*.svg",
    "*.pb.go",
    "*_pb2.py",
    "*.generated.*",
    "*_generated.*",
    "generated/*",
    "*/generated/*",
    "dist/*",
    "*/dist/*",
    "vendor/*",
    "*/vendor/*",
    "*node_modules/*",
    "*/testdata/*",
    "*/fixtures/*",
    "*changelog*",
];

impl Default for Looking {
    fn default() -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            bots: owned(BOTS),
            agents: owned(AGENTS),
            people: BTreeMap::new(),
            bookkeeping: owned(BOOKKEEPING),
            generated: owned(GENERATED),
            forge: None,
            substance_bar: 4,
            max_commits: 1000,
            look_back_days: 200,
            look_again: false,
        }
    }
}

impl Looking {
    pub fn rules(&self) -> DiaryRules {
        let people = self.people.iter();
        let people = people.map(|(name, patterns)| (name.clone(), Patterns::new(patterns)));
        DiaryRules {
            bots: Patterns::new(&self.bots),
            agents: Patterns::new(&self.agents),
            people: people.collect(),
            bookkeeping: Patterns::new(&self.bookkeeping),
            generated: Patterns::new(&self.generated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Looking;

    /// What an operator reads in the workspace is what holds without it.
    #[test]
    fn the_bundled_pipeline_writes_out_what_holds_without_it() {
        let text = include_str!("../../workspace/pipelines/dev_diary.toml");
        let start = text.find("config.bots").expect("patterns");
        let end = text[start..].find("[[stage]]").expect("the next stage");
        let patterns = text[start..start + end].replace("config.", "");
        let looking: Looking = toml::from_str(&patterns).expect("patterns");
        assert_eq!(looking, Looking::default());
    }
}
