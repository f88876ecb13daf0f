//! `schedules`: what starts by itself, and when.

use callboard_core::operations::schedules::{self, ScheduleView};
use callboard_core::shown::Shown;
use clap::Subcommand;

use super::output::{Answered, time};
use super::{Context, Failure};

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
        match self {
            Schedules::List => {
                let all = schedules::list(&app).await?;
                Ok(list(context, &all))
            }
            Schedules::Show { name } => {
                let schedule = schedules::show(&app, &name).await?;
                Ok(show(context, &schedule))
            }
            Schedules::Fire { name } => {
                let (fired, pipeline) = schedules::fire(&app, &name).await?;
                for run in &fired.cancelled {
                    context.output.say(format_args!("cancelled run {run}"));
                }
                for run in &fired.runs {
                    let queued = format_args!("queued run {run} of {pipeline}");
                    context.output.say(queued);
                }
                Ok(context.output.json(&fired))
            }
        }
    }
}

fn list(context: &Context, all: &Vec<ScheduleView>) -> Answered {
    let output = context.output;
    let header = ["schedule", "when", "last run", "skipped", "dropped", "next"];
    let answered = output.show(&header, all.iter().map(row).collect(), all);
    for schedule in all {
        if let Some(stops) = schedule.stops() {
            output.say("");
            output.say(format_args!("{}: {stops}", schedule.name));
        }
    }
    answered
}

fn row(schedule: &ScheduleView) -> Vec<Shown> {
    vec![
        Shown::line(&schedule.name),
        Shown::line(&schedule.when),
        Shown::below(last(schedule)),
        Shown::line(schedule.skipped),
        Shown::line(schedule.dropped),
        Shown::below(upcoming(schedule)),
    ]
}

fn show(context: &Context, schedule: &ScheduleView) -> Answered {
    let output = context.output;
    let ScheduleView {
        name, when, zone, ..
    } = schedule;
    output.say(format_args!("{name}: {when}"));
    output.say(format_args!("starts:  {}", schedule.starts));
    output.say(format_args!("last:    {}", last(schedule).join(" ")));
    if let Some(overlap) = schedule.overlap {
        let (late, jitter) = (schedule.catch_up(), schedule.jitter());
        output.say(format_args!("overlap: {}", overlap.as_str()));
        output.say(format_args!("late:    at most {late}; jitter: {jitter}"));
    }
    let (skipped, dropped) = (schedule.skipped, schedule.dropped);
    output.say(format_args!("skipped: {skipped}; dropped: {dropped}"));
    output.say("");
    if let Some(stops) = schedule.stops() {
        output.say(stops);
        output.say("");
    }
    if schedule.enabled {
        let next = schedule.next.iter();
        let rows = next.map(|at| vec![time(at.utc), at.local.clone()]);
        output.table(&["next, UTC", zone], rows.collect());
    } else {
        output.say("it is off");
    }
    output.json(schedule)
}

/// The next times in its zone, a line each.
fn upcoming(schedule: &ScheduleView) -> Vec<String> {
    if !schedule.enabled {
        return vec!["off".to_owned()];
    }
    if schedule.next.is_empty() {
        return vec!["no worker yet".to_owned()];
    }
    let next = schedule.next.iter();
    next.map(|at| at.local.clone()).collect()
}

fn last(schedule: &ScheduleView) -> Vec<String> {
    let Some(run) = &schedule.last_run_short else {
        return vec!["never".to_owned()];
    };
    match (schedule.last_status, schedule.last_started_at) {
        (Some(status), Some(at)) => vec![format!("{run} {status}"), time(at)],
        _ => vec![run.clone()],
    }
}
