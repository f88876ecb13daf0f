//! `content.collect_git`: the commits and pull requests of one UTC day of a local repository.
//!
//! A repository that cannot be read is unavailable and leaves no trace, so the day stays open.
//! A thin day is remembered with a direct write, because "nothing to do" carries no deferred
//! ones. That is safe to repeat: the mark is an upsert that never overrides "published", and it
//! is made only after the whole day was read and only once the day is over.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diary::bundle::{Bundle, subject};
use crate::diary::day::{Wanted, day_of_seconds, is_over};
use crate::diary::gather::Gatherer;
use crate::diary::git::{Git, GitError, History};
use crate::diary::rules::{Rules, VERSION_ONLY};
use crate::tables::diary_days::{self, DayState};
use crate::tables::posts;
use crate::tables::tasks::{self, TaskStatus};

struct CollectGit;

callboard_core::register!(CollectGit);

/// What counts, and when a day is worth a post.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Authors that are programs: parts of their name or address, in any case. They are also
    /// known by a part of the branch that they merge, e.g. `dependabot/…`.
    bots: Vec<String>,
    /// Beginnings of subjects that are no work, in any case, up to a whole word. `<version>`
    /// stands for subjects that say nothing but a version. Merges are always left out; a
    /// merged pull request is told by its commits.
    bookkeeping: Vec<String>,
    /// What a day has to weigh. A feature weighs 4, a fix 3, documentation 1, a chore 0; a
    /// reason, a review and a size of 50 lines add 1 each.
    substance_bar: u32,
    /// The most commits that one post is made from; the newest count.
    #[schemars(range(min = 1))]
    max_commits: usize,
    /// How many days with commits `latest` looks back.
    #[schemars(range(min = 1))]
    look_back_days: usize,
    /// Look again at days that were found thin.
    look_again: bool,
}

impl Default for Config {
    fn default() -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            bots: owned(&[
                "[bot]",
                "dependabot",
                "renovate",
                "github-actions",
                "greenkeeper",
                "snyk-bot",
                "semantic-release-bot",
                "pre-commit-ci",
                "allcontributors",
            ]),
            bookkeeping: owned(&[
                "chore(release)",
                "chore(deps)",
                "build(deps)",
                "release:",
                "bump version",
                "version bump",
                "merge branch",
                "merge remote-tracking branch",
                "merge tag",
                "wip",
                "fixup!",
                "squash!",
                VERSION_ONLY,
            ]),
            substance_bar: 5,
            max_commits: 300,
            look_back_days: 200,
            look_again: false,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The folder of a git repository on this machine.
    #[schemars(extend("format" = "path"))]
    repository: String,
    /// `YYYY-MM-DD` in UTC, or `latest` for the latest day with substance.
    #[serde(default)]
    date: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The material of the day.
    bundle: Bundle,
    /// What a post about it is about, once.
    subject: String,
}

impl Handler for CollectGit {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Collects a day's commits and pull requests from a repository";

    fn needs(&self) -> Needs {
        Needs::default()
            .table("posts", &["select"])
            .table("tasks", &["select"])
            .table("diary_days", &["select", "insert", "update"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let wanted = reads.date.as_deref().unwrap_or("latest");
        let wanted = Wanted::parse(wanted, call.now)
            .map_err(|error| Stop::failed(FailureKind::Input, error))?;
        let path = reads.repository.trim();
        if path.is_empty() {
            let message = "`repository` is empty; give the folder of a git repository";
            return Err(Stop::failed(FailureKind::Input, message));
        }
        let rules = Rules {
            bots: config.bots.clone(),
            bookkeeping: config.bookkeeping.clone(),
        };
        let git = Git::open(path, call.deadline).map_err(|error| error.stop(path))?;
        let repository = git.name().await.map_err(|error| error.stop(path))?;
        if !git.has_commits().await.map_err(|error| error.stop(path))? {
            return Err(Stop::nothing_to_do(format!(
                "empty repository: {repository} has no commit yet"
            )));
        }
        let history = git.history().await.map_err(|error| error.stop(path))?;
        let gatherer = Gatherer {
            git: &git,
            repository: &repository,
            rules: &rules,
            limit: config.max_commits,
            now: call.now,
        };
        let search = Search {
            call,
            config: &config,
            gatherer,
            history: &history,
            path,
        };
        let bundle = match wanted {
            Wanted::Day(day) => search.day(day).await?,
            Wanted::Latest => search.latest().await?,
        };
        let subject = bundle.subject();
        Ok(Done::new(Writes { bundle, subject }))
    }
}

/// One look at a history.
struct Search<'s> {
    call: &'s Call,
    config: &'s Config,
    gatherer: Gatherer<'s>,
    history: &'s History,
    path: &'s str,
}

impl Search<'_> {
    async fn day(&self, day: Date) -> Result<Bundle, Stop> {
        self.undecided(day).await?;
        let bundle = self.read(day).await?;
        if self.is_thin(&bundle) {
            self.remember_thin(&bundle, day).await?;
            return Err(Stop::nothing_to_do(self.thin(&bundle)));
        }
        Ok(bundle)
    }

    /// The latest day with substance. Decided days before it are passed over if thin, and end
    /// the search if published.
    async fn latest(&self) -> Result<Bundle, Stop> {
        let days: std::collections::BTreeSet<Date> = self
            .history
            .commits
            .iter()
            .map(|commit| day_of_seconds(commit.committed_at))
            .collect();
        let now = day_of_seconds(self.call.now.as_second());
        let past = days.iter().rev().filter(|day| **day <= now);
        for day in past.take(self.config.look_back_days) {
            if self.state(*day).await? == Some(DayState::Thin) && !self.config.look_again {
                continue;
            }
            self.undecided(*day).await?;
            let bundle = self.read(*day).await?;
            if !self.is_thin(&bundle) {
                return Ok(bundle);
            }
            self.remember_thin(&bundle, *day).await?;
        }
        let days = self.config.look_back_days;
        Err(Stop::nothing_to_do(format!(
            "no day with substance among the last {days} days with commits of {}",
            self.gatherer.repository
        )))
    }

    async fn read(&self, day: Date) -> Result<Bundle, Stop> {
        let bundle = self.gatherer.bundle(self.history, day).await;
        bundle.map_err(|error: GitError| error.stop(self.path))
    }

    fn is_thin(&self, bundle: &Bundle) -> bool {
        bundle.commits.is_empty() || bundle.substance < self.config.substance_bar
    }

    fn thin(&self, bundle: &Bundle) -> String {
        let Bundle {
            repository,
            day,
            commits,
            dropped,
            substance,
            ..
        } = bundle;
        let so_far = if bundle.day_is_over { "" } else { " so far" };
        let left_out = dropped.bots + dropped.bookkeeping;
        if commits.is_empty() && left_out == 0 {
            return format!("thin day: {repository} has no commit on {day}{so_far}");
        }
        format!(
            "thin day: {day} of {repository} weighs {substance}{so_far}, the bar is {}; {} commits count, {left_out} are by bots or bookkeeping",
            self.config.substance_bar,
            commits.len()
        )
    }

    /// Remember a thin day that is over. A day without any commit is remembered only if there
    /// are later ones: else the repository may just not be up to date.
    async fn remember_thin(&self, bundle: &Bundle, day: Date) -> Result<(), Stop> {
        let left_out = bundle.dropped.bots + bundle.dropped.bookkeeping;
        let goes_on = self
            .history
            .commits
            .iter()
            .any(|c| day_of_seconds(c.committed_at) > day);
        let seen = !bundle.commits.is_empty() || left_out > 0 || goes_on;
        if !is_over(day, self.call.now) || !seen {
            return Ok(());
        }
        let Call { run, now, .. } = self.call;
        let mark = diary_days::mark(&bundle.subject(), DayState::Thin, run, *now);
        self.call.execute(mark).await?;
        Ok(())
    }

    /// Stop if the day is published, waits for approval, or was found thin.
    async fn undecided(&self, day: Date) -> Result<(), Stop> {
        let subject = subject(self.gatherer.repository, &day.to_string());
        if let Some(post) = self.call.read_first(posts::about(&subject)).await? {
            let slug = post.slug;
            let since = if post.removed {
                ", and removed since"
            } else {
                ""
            };
            return Err(Stop::nothing_to_do(format!(
                "already published as `{slug}`{since}"
            )));
        }
        let task = self.call.read_first(tasks::about(&subject)).await?;
        if let Some(task) = task
            .filter(|task| task.status == TaskStatus::AwaitingApproval && task.run != self.call.run)
        {
            return Err(Stop::nothing_to_do(format!(
                "a draft about {day} waits for approval already: `callboard tasks approve {}`",
                &task.id[..task.id.len().min(8)]
            )));
        }
        match self.state(day).await? {
            Some(DayState::Thin) if !self.config.look_again => Err(Stop::nothing_to_do(format!(
                "already looked at {day}: thin day"
            ))),
            Some(DayState::Published) => {
                Err(Stop::nothing_to_do(format!("already published: {day}")))
            }
            _ => Ok(()),
        }
    }

    async fn state(&self, day: Date) -> Result<Option<DayState>, Stop> {
        let subject = subject(self.gatherer.repository, &day.to_string());
        self.call.read_first(diary_days::state(&subject)).await
    }
}
