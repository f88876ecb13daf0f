//! `diary`: what the diary would say, day by day.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use callboard_factory::operations::diary::{self, AuditRequest, DayVerdict, DiaryAudit};
use clap::Subcommand;
use serde::Serialize;
use serde_json::Value as Json;

use super::exit::Exit;
use super::output::Answered;
use super::{Context, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Diary {
    /// Compose and check every day of a repository's history. Stores nothing.
    Audit {
        /// A git repository.
        #[arg(value_name = "REPO")]
        repository: PathBuf,
        /// The newest so many days on which something landed; all if absent.
        #[arg(long, value_name = "N")]
        days: Option<usize>,
        /// Print the texts, too.
        #[arg(long)]
        texts: bool,
    },
}

/// How often long work says how far it is.
const EVERY: Duration = Duration::from_secs(2);
/// The most reasons of a refused day that are printed.
const REASONS: usize = 5;

impl Diary {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let Diary::Audit {
            repository,
            days,
            texts,
        } = self;
        let repository = std::path::absolute(&repository)
            .map_err(|error| Failure::usage(format!("{}: {error}", repository.display())))?;
        let app = context.app().await?;
        let told = Mutex::new(Instant::now());
        let seen = |seen: usize, all: usize| {
            let Ok(mut told) = told.lock() else { return };
            if told.elapsed() >= EVERY {
                *told = Instant::now();
                context
                    .output
                    .progress(format_args!("{seen} of {all} days"));
            }
        };
        let audit = diary::audit(&app, &repository, AuditRequest { days, texts }, &seen).await?;
        Ok(report(context, &audit))
    }
}

fn report(context: &Context, audit: &DiaryAudit) -> Answered {
    let output = context.output;
    for day in &audit.days {
        if let Some(text) = &day.text {
            output.text(format_args!("{text}\n"));
        }
    }
    let count = |verdict| audit.verdicts.get(&verdict).copied().unwrap_or_default();
    output.say(format_args!(
        "{}: {} days with changes; {} told, {} thin, {} refused, {} unreadable",
        audit.repository,
        audit.days.len(),
        count(DayVerdict::Told),
        count(DayVerdict::Thin),
        count(DayVerdict::Refused),
        count(DayVerdict::Unreadable),
    ));
    let words = audit.words;
    output.say(format_args!(
        "words of a text: {} to {}, the median {}",
        words.least, words.most, words.median
    ));
    let claims: Vec<String> = audit
        .claims
        .iter()
        .map(|(kind, count)| format!("{} {count}", word(kind)))
        .collect();
    let claims = if claims.is_empty() {
        "none".to_owned()
    } else {
        claims.join(", ")
    };
    output.labelled("claims: ", &claims);
    let wrong = |verdict| matches!(verdict, DayVerdict::Refused | DayVerdict::Unreadable);
    for day in audit.days.iter().filter(|day| wrong(day.verdict)) {
        let reasons: Vec<&str> = day
            .reasons
            .iter()
            .take(REASONS)
            .map(String::as_str)
            .collect();
        output.labelled(
            &format!("{} {}: ", day.day, word(&day.verdict)),
            &reasons.join("; "),
        );
    }
    let answered = output.json(audit);
    if count(DayVerdict::Refused) > 0 {
        answered.with(Exit::Failed)
    } else {
        answered
    }
}

/// A name as documents write it.
fn word(name: &impl Serialize) -> String {
    match serde_json::to_value(name) {
        Ok(Json::String(name)) => name,
        _ => String::new(),
    }
}
