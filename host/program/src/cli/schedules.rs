//! `schedules`: what starts by itself, and when.

use std::collections::BTreeMap;
use std::sync::Arc;

use callboard_core::app::App;
use callboard_core::engine::schedule;
use callboard_core::pipeline::Span;
use callboard_core::schedule::Zone;
use callboard_core::shown::Shown;
use callboard_core::store::named::{self, Short};
use callboard_core::store::schedules::{self, Cadence, Kept, Plan, Planned};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::exit::Exit;
use super::output::{Answered, time};
use super::{Context, Failure, find};

/// How many of the times to come are told.
const NEXT: usize = 5;

#[derive(Debug, Subcommand)]
pub(super) enum Schedules {
    /// Every schedule of pipelines and policies, how it fared, and the next five times in its zone.
    List,
    /// One schedule, how it fared and its next times.
    Show {
        /// Its name, or the start of it.
        name: String,
    },
    /// Start a run now, whatever the clock. `overlap` counts as if it had come by itself.
    Fire {
        /// Its name, or the start of it.
        name: String,
    },
}

impl Schedules {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let clock = Clock::of(&app).await?;
        match self {
            Schedules::List => Ok(clock.list(context)),
            Schedules::Show { name } => Ok(clock.show(context, clock.named(&name)?)),
            Schedules::Fire { name } => {
                let (name, planned) = clock.named(&name)?;
                fire(context, &app, name, planned).await
            }
        }
    }
}

/// The plan of the active revision, and how it fared.
pub(super) struct Clock {
    plan: Arc<Plan>,
    kept: BTreeMap<String, Kept>,
    /// The ids of the last runs.
    runs: Short,
    /// The gates at which schedules stop, by the name of the schedule.
    stops: BTreeMap<String, String>,
    now: Timestamp,
}

impl Clock {
    pub(super) async fn of(app: &App) -> Result<Self, Failure> {
        let revision = app.active().await?.revision;
        let kept = schedules::all(app.store()).await?;
        let runs = kept.values().filter_map(|kept| kept.last_run.as_deref());
        let runs = Short::of(app.store(), &named::RUN, runs).await?;
        let plan = app.plan(revision).await?;
        Ok(Self {
            stops: app.stops(&plan).await?,
            plan,
            kept,
            runs,
            now: Timestamp::now(),
        })
    }

    fn list(&self, context: &Context) -> Answered {
        let rows = self.plan.schedules.iter().map(|(name, planned)| {
            let counts = self.kept.get(name);
            let count = |count: fn(&Kept) -> u64| counts.map_or(0, count).to_string();
            vec![
                Shown::line(name),
                Shown::line(describe(planned)),
                Shown::below(self.last(name)),
                Shown::line(count(|kept| kept.skipped)),
                Shown::line(count(|kept| kept.dropped)),
                Shown::below(self.upcoming(name, planned)),
            ]
        });
        let all = self.plan.schedules.iter();
        let json: Vec<_> = all
            .map(|(name, planned)| self.to_json(name, planned))
            .collect();
        let header = ["schedule", "when", "last run", "skipped", "dropped", "next"];
        let answered = context.output.show(&header, rows.collect(), &json);
        for (name, gate) in &self.stops {
            context.output.say("");
            context.output.say(format_args!("{name}: {}", stops(gate)));
        }
        answered
    }

    fn show(&self, context: &Context, (name, planned): (&str, &Planned)) -> Answered {
        let output = context.output;
        output.say(format_args!("{name}: {}", describe(planned)));
        output.say(format_args!("starts:  {}", planned.run.pipeline));
        output.say(format_args!("last:    {}", self.last(name).join(" ")));
        if let Cadence::Clock(schedule) = &planned.cadence {
            let overlap = overlap(schedule);
            let (late, jitter) = (schedule.catch_up, schedule.jitter);
            output.say(format_args!("overlap: {overlap}"));
            output.say(format_args!("late:    at most {late}; jitter: {jitter}"));
        }
        let kept = self.kept.get(name);
        let (skipped, dropped) = kept.map_or((0, 0), |kept| (kept.skipped, kept.dropped));
        output.say(format_args!("skipped: {skipped}; dropped: {dropped}"));
        output.say("");
        if let Some(gate) = self.stops.get(name) {
            output.say(stops(gate));
            output.say("");
        }
        if !planned.enabled {
            output.say("it is off");
            return output.json(&self.to_json(name, planned));
        }
        let zone = zone(planned);
        let times = self.next(name, planned);
        let rows = times.iter().map(|at| vec![time(*at), local(&zone, *at)]);
        output.table(&["next, UTC", &zone.to_string()], rows.collect());
        output.json(&self.to_json(name, planned))
    }

    /// The schedule of a name, or of the only name that starts so.
    fn named(&self, name: &str) -> Result<(&str, &Planned), Failure> {
        let all = &self.plan.schedules;
        if let Some((name, planned)) = all.get_key_value(name) {
            return Ok((name, planned));
        }
        let mut like = all.iter().filter(|(known, _)| known.starts_with(name));
        let problem = match (like.next(), like.next()) {
            (Some((name, planned)), None) => return Ok((name, planned)),
            (None, _) => {
                let known = all.keys().map(String::as_str);
                return Err(find::unknown(
                    "schedule",
                    name,
                    known,
                    "callboard schedules list",
                ));
            }
            _ => format!("more than one schedule starts with `{name}`"),
        };
        Err(Failure::usage(problem).help("`callboard schedules list` names them"))
    }

    /// When it fires the next times; only once, if that depends on the end of a run.
    pub(super) fn next(&self, name: &str, planned: &Planned) -> Vec<Timestamp> {
        let kept = self.kept.get(name).and_then(|kept| kept.next_at);
        if !planned.enabled {
            return Vec::new();
        }
        match &planned.cadence {
            Cadence::Clock(schedule) => {
                let next = kept.or_else(|| schedule.next(self.now));
                let times = std::iter::successors(next, |at| schedule.next(*at));
                times.take(NEXT).collect()
            }
            Cadence::Pause(_) => kept.into_iter().collect(),
        }
    }

    /// The next times in its zone, a line each.
    fn upcoming(&self, name: &str, planned: &Planned) -> Vec<String> {
        let zone = zone(planned);
        let times = self.next(name, planned).into_iter();
        let times: Vec<_> = times.map(|at| local(&zone, at)).collect();
        if !planned.enabled {
            return vec!["off".to_owned()];
        }
        if times.is_empty() {
            return vec!["no worker yet".to_owned()];
        }
        times
    }

    /// When a policy runs next by itself.
    pub(super) fn next_of(&self, pipeline: &str) -> Option<Timestamp> {
        let all = self.plan.schedules.iter();
        let of = all.filter(|(_, planned)| planned.run.pipeline == pipeline);
        of.filter_map(|(name, planned)| self.next(name, planned).first().copied())
            .min()
    }

    fn last(&self, name: &str) -> Vec<String> {
        let kept = self.kept.get(name);
        let Some((kept, run)) = kept.and_then(|kept| Some((kept, kept.last_run.as_ref()?))) else {
            return vec!["never".to_owned()];
        };
        let run = self.runs.show(run);
        match (&kept.last_status, kept.last_started) {
            (Some(status), Some(at)) => vec![format!("{run} {status}"), time(at)],
            _ => vec![run.to_owned()],
        }
    }

    fn to_json(&self, name: &str, planned: &Planned) -> Json {
        let zone = zone(planned);
        let next: Vec<_> = self
            .next(name, planned)
            .into_iter()
            .map(|at| json!({ "utc": at, "local": local(&zone, at) }))
            .collect();
        let kept = self.kept.get(name);
        let mut json = json!({
            "name": name, "starts": planned.run.pipeline, "input": planned.run.input,
            "when": describe(planned), "zone": zone.to_string(), "enabled": planned.enabled,
            "last_run": kept.and_then(|kept| kept.last_run.as_ref()),
            "last_status": kept.and_then(|kept| kept.last_status.as_ref()),
            "last_started": kept.and_then(|kept| kept.last_started),
            "skipped": kept.map_or(0, |kept| kept.skipped),
            "dropped": kept.map_or(0, |kept| kept.dropped),
            "next": next,
        });
        if let Cadence::Clock(schedule) = &planned.cadence {
            json["overlap"] = json!(schedule.overlap);
            json["stops_at"] = json!(self.stops.get(name));
            json["catch_up"] = json!(schedule.catch_up);
            json["jitter"] = json!(schedule.jitter);
        }
        json
    }
}

/// What it means that a schedule stops at a gate.
fn stops(gate: &str) -> String {
    format!(
        "starts no run while one waits at gate `{gate}`; {}",
        schedule::goes_on(gate)
    )
}

fn describe(planned: &Planned) -> String {
    match &planned.cadence {
        Cadence::Clock(schedule) => schedule.describe(),
        Cadence::Pause(pause) => format!("{} after each run", Span(*pause)),
    }
}

fn overlap(schedule: &callboard_core::schedule::Schedule) -> String {
    let overlap = json!(schedule.overlap);
    overlap.as_str().unwrap_or_default().to_owned()
}

fn zone(planned: &Planned) -> Zone {
    match &planned.cadence {
        Cadence::Clock(schedule) => schedule.zone(),
        Cadence::Pause(_) => Zone::default(),
    }
}

fn local(zone: &Zone, at: Timestamp) -> String {
    zone.local(at).strftime("%Y-%m-%d %H:%M:%S%:z").to_string()
}

async fn fire(
    context: &Context,
    app: &App,
    name: &str,
    planned: &Planned,
) -> Result<Answered, Failure> {
    let fired = schedules::fire_now(app.store(), name, planned.clone()).await?;
    if fired.runs.is_empty() {
        let problem = format!("the run before it of `{name}` has not ended; none is started");
        let help = "`callboard runs list` shows it; `callboard runs cancel` ends it";
        return Err(Failure::new(Exit::Failed, problem).help(help));
    }
    for run in &fired.cancelled {
        context.output.say(format_args!("cancelled run {run}"));
    }
    for run in &fired.runs {
        let pipeline = &planned.run.pipeline;
        let queued = format_args!("queued run {run} of {pipeline}");
        context.output.say(queued);
    }
    Ok(context.output.json(&fired))
}
