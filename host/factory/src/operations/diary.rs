//! The diary: what it would say of every day of a history.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use callboard_core::app::App;
use callboard_core::operations::OperationError;
use callboard_core::workspace::Definitions;

use crate::diary::audit::{Audit, AuditedHistory, DayAudit};
use crate::diary::git::{Git, GitError};
use crate::diary::looking::Looking;
use crate::diary::page::TEMPLATE;
use crate::diary::roll;
use crate::draft::ClaimKind;

pub use crate::diary::audit::DayVerdict;

/// How long git may take for a whole history.
const LONGEST: Duration = Duration::from_hours(4);
/// The handler whose configuration says how a repository is looked at.
const HANDLER: &str = "content.collect_git";

/// The days of a history, composed and checked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DiaryAudit {
    /// What the repository is known by.
    pub repository: String,
    /// How many days there are of each verdict.
    pub verdicts: BTreeMap<DayVerdict, usize>,
    /// How long the texts of days that are told are.
    pub words: Lengths,
    /// How many claims the texts make, by kind.
    pub claims: BTreeMap<ClaimKind, usize>,
    /// Each day, oldest first.
    pub days: Vec<DayAudit>,
}

/// The lengths of some texts, in words.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub struct Lengths {
    /// The shortest.
    pub least: usize,
    /// The one in the middle.
    pub median: usize,
    /// The longest.
    pub most: usize,
}

/// What is asked of an audit.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditRequest {
    /// The most days, the newest; all if absent.
    pub days: Option<usize>,
    /// Whether texts are given, too.
    pub texts: bool,
}

/// Compose and check every day of a repository with the template and the configuration of the
/// active revision. Nothing is stored. `seen` is told how many days of how many were looked at.
pub async fn audit(
    app: &App,
    repository: &Path,
    asked: AuditRequest,
    seen: &(dyn Fn(usize, usize) + Sync),
) -> Result<DiaryAudit, OperationError> {
    let loaded = app.active().await?;
    let looking = looking(&loaded.definitions)?;
    let template = roll::text(&loaded.definitions).ok_or_else(|| {
        OperationError::usage(format!(
            "the active revision has no {TEMPLATE}; add it and apply"
        ))
    })?;
    let path = repository.display().to_string();
    let refused = |error: GitError| OperationError::failed(format!("repository {path}: {error}"));
    let git = Git::open(&path, Instant::now() + LONGEST).map_err(refused)?;
    let audit = Audit {
        git: &git,
        looking: &looking,
        template: &template,
        now: Timestamp::now(),
        days: asked.days,
        texts: asked.texts,
    };
    Ok(summed(audit.run(seen).await.map_err(refused)?))
}

/// How the first pipeline that collects from git looks at a repository.
fn looking(definitions: &Definitions) -> Result<Looking, OperationError> {
    let mut stages = definitions
        .pipelines
        .values()
        .flat_map(|pipeline| &pipeline.value.stages);
    let stage = stages.find(|stage| {
        stage
            .handler
            .as_ref()
            .is_some_and(|it| it.as_ref() == HANDLER)
    });
    let Some(config) = stage.map(|stage| stage.config.as_ref()) else {
        return Ok(Looking::default());
    };
    Looking::deserialize(config)
        .map_err(|error| OperationError::usage(format!("the configuration of {HANDLER}: {error}")))
}

fn summed(history: AuditedHistory) -> DiaryAudit {
    let (mut verdicts, mut claims) = (BTreeMap::new(), BTreeMap::new());
    let mut lengths = Vec::new();
    for day in &history.days {
        *verdicts.entry(day.verdict).or_default() += 1;
        for (kind, count) in &day.claims {
            *claims.entry(*kind).or_default() += count;
        }
        lengths.extend((day.verdict == DayVerdict::Told).then_some(day.words));
    }
    lengths.sort_unstable();
    let at = |index: usize| lengths.get(index).copied().unwrap_or_default();
    DiaryAudit {
        repository: history.repository,
        verdicts,
        words: Lengths {
            least: at(0),
            median: at(lengths.len() / 2),
            most: at(lengths.len().saturating_sub(1)),
        },
        claims,
        days: history.days,
    }
}
