//! `content.collect_git`: what landed in a local repository on one UTC day.
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
use crate::diary::day::{WantedDay, day_of_seconds, is_over};
use crate::diary::gather::{Gatherer, Landed};
use crate::diary::git::{Git, GitError};
use crate::diary::looking::Looking;
use crate::tables::diary_days::{self, DayState};
use crate::tables::posts;
use crate::tables::tasks::{self, Task, TaskStatus};

/// A day as it is asked for: of each year the days that there may be, which the calendar has to have, too.
const DAY: &str = "^(latest|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))$";

struct CollectGit;

callboard_core::register!(CollectGit);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The folder of a git repository on this machine.
    #[schemars(extend("format" = "path"))]
    repository: String,
    /// `YYYY-MM-DD` in UTC, or `latest` for the latest day with substance.
    #[serde(default)]
    #[schemars(extend("pattern" = DAY))]
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
    type Config = Looking;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Collects what landed in a repository on a day";

    fn needs(&self) -> Needs {
        Needs::default()
            .table("posts", &["select"])
            .table("tasks", &["select"])
            .table("diary_days", &["select", "insert", "update"])
    }

    async fn handle(&self, call: &Call, config: Looking, reads: Reads) -> Handled<Writes> {
        let wanted = reads.date.as_deref().unwrap_or("latest");
        let wanted = WantedDay::parse(wanted, call.now)
            .map_err(|error| Stop::failed(FailureKind::Input, error))?;
        let path = reads.repository.trim();
        if path.is_empty() {
            let message = "`repository` is empty; give the folder of a git repository";
            return Err(Stop::failed(FailureKind::Input, message));
        }
        let git = Git::open(path, call.deadline).map_err(|error| error.stop(path))?;
        let identity = git.identity().await.map_err(|error| error.stop(path))?;
        if !git.has_commits().await.map_err(|error| error.stop(path))? {
            return Err(Stop::nothing_to_do(format!(
                "empty repository: {} has no commit yet",
                identity.name
            )));
        }
        let history = git.history().await.map_err(|error| error.stop(path))?;
        let landed = Landed::new(history);
        let gatherer = Gatherer {
            identity: &identity,
            rules: &config.rules(),
            forge: config.forge,
            limit: config.max_commits,
            now: call.now,
        };
        let search = HistorySearch {
            call,
            config: &config,
            gatherer,
            subject_of: landed.identity(&identity),
            git: &git,
            landed: &landed,
            path,
        };
        let bundle = match wanted {
            WantedDay::Day(day) => search.day(day).await?,
            WantedDay::Latest => search.latest().await?,
        };
        let subject = bundle.subject();
        let unlooked = bundle.unlooked.clone();
        let done = Done::new(Writes { bundle, subject });
        Ok(unlooked.iter().fold(done, without_files))
    }
}

/// A commit is told by its message alone.
fn without_files(done: Done<Writes>, id: &String) -> Done<Writes> {
    let why = "git takes more memory for them than it may have; the commit is made to harm, or far too large";
    done.fallback(format!("the files of commit {id}"), why)
}

/// One look at a history.
struct HistorySearch<'s> {
    call: &'s Call,
    config: &'s Looking,
    gatherer: Gatherer<'s>,
    /// What the repository is known by.
    subject_of: String,
    git: &'s Git,
    landed: &'s Landed,
    path: &'s str,
}

impl HistorySearch<'_> {
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
        let days = self.landed.days();
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
            self.gatherer.identity.name
        )))
    }

    async fn read(&self, day: Date) -> Result<Bundle, Stop> {
        let bundle = self.gatherer.bundle(self.git, self.landed, day).await;
        bundle.map_err(|error: GitError| error.stop(self.path))
    }

    fn is_thin(&self, bundle: &Bundle) -> bool {
        bundle.changes.is_empty() || bundle.substance < self.config.substance_bar
    }

    fn thin(&self, bundle: &Bundle) -> String {
        let Bundle {
            repository,
            day,
            changes,
            dropped,
            substance,
            ..
        } = bundle;
        let so_far = if bundle.day_is_over { "" } else { " so far" };
        let left_out = dropped.bots + dropped.bookkeeping + dropped.undone;
        if changes.is_empty() && left_out == 0 && bundle.releases.is_empty() {
            return format!("thin day: nothing landed in {repository} on {day}{so_far}");
        }
        format!(
            "thin day: {day} of {repository} weighs {substance}{so_far}, the bar is {}; {} changes count, {left_out} are by bots, bookkeeping or taken back",
            self.config.substance_bar,
            changes.len()
        )
    }

    /// Remember a thin day that is over. A day without any commit is remembered only if there
    /// are later ones: else the repository may just not be up to date.
    async fn remember_thin(&self, bundle: &Bundle, day: Date) -> Result<(), Stop> {
        let left_out = bundle.dropped.bots + bundle.dropped.bookkeeping + bundle.dropped.undone;
        let goes_on = self.landed.days().last().is_some_and(|last| *last > day);
        let seen = !bundle.changes.is_empty() || left_out > 0 || goes_on;
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
        let subject = subject(&self.subject_of, &day.to_string());
        if let Some(post) = self.call.read_first(posts::about(&subject)).await? {
            let (slug, since) = (&post.slug, post.since());
            return Err(Stop::nothing_to_do(format!(
                "already published as `{slug}`{since}"
            )));
        }
        let task = self.call.read_first(tasks::about(&subject)).await?;
        let waits = [TaskStatus::AwaitingApproval, TaskStatus::Approved];
        let is_waiting = |task: &&Task| waits.contains(&task.status) && task.run != self.call.run;
        if let Some(task) = task.as_ref().filter(is_waiting) {
            return Err(Stop::nothing_to_do(format!(
                "a draft about {day} waits for approval already: `callboard tasks approve {}`",
                &task.id[..task.id.len().min(8)]
            )));
        }
        // A task that was asked for can have no draft of what is another's: said before anything is asked of a model.
        let own = self.call.read_first(tasks::made_by(&self.call.run)).await?;
        let another = task.filter(|task| own.as_ref().is_some_and(|own| own.id != task.id));
        if let Some(reason) = another.and_then(|task| task.taken(true)) {
            return Err(Stop::nothing_to_do(reason));
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
        let subject = subject(&self.subject_of, &day.to_string());
        self.call.read_first(diary_days::state(&subject)).await
    }
}
