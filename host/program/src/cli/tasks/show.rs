//! `tasks show`, `diff` and `history`: a task, its texts, and what happened to it.

use callboard_core::app::App;
use callboard_factory::operations::tasks::{
    self, DraftView, RailsReport, StageFallback, TaskDetails, TaskMoveView,
};

use crate::cli::models::took;
use crate::cli::output::{Answered, Output, time};
use crate::cli::{Context, Failure};

pub(super) async fn task(context: &Context, app: &App, id: &str) -> Result<Answered, Failure> {
    let details = tasks::show(app, id).await?;
    tell(context.output, &details);
    Ok(context.output.json(&details))
}

/// All that is known of a task.
pub(in crate::cli) fn tell(output: Output, details: &TaskDetails) {
    let task = &details.task;
    output.say(format_args!("task     {}", task.id));
    output.say(format_args!("status   {}", tasks::word(task.status)));
    output.say(format_args!("subject  {}", task.subject));
    if let Some(key) = &task.key {
        output.say(format_args!("key      {key}"));
    }
    output.say(format_args!("run      {}", task.run));
    for fallback in &details.fallbacks {
        let StageFallback { stage, what, why } = fallback;
        output.say(format_args!(
            "fallback {stage}: {what} did not do it: {why}"
        ));
    }
    about(output, details);
    match &details.draft {
        Some(draft) => show(output, draft, &details.fallbacks),
        None => output.say(format_args!("topic    {}", task.topic)),
    }
}

/// What was read for it, what it shows, what models took, and what rails found.
fn about(output: Output, details: &TaskDetails) {
    for source in &details.sources {
        let name = if source.title.is_empty() {
            &source.site
        } else {
            &source.title
        };
        let (number, url) = (&source.number, &source.url);
        output.say(format_args!("source   {number} {name}: {url}"));
    }
    for picture in &details.pictures {
        let (which, src, alt) = (picture.which, &picture.src, &picture.alt);
        output.say(format_args!("picture  {which} {src}: {alt}"));
    }
    took(output, &details.models);
    let report = details.draft.as_ref().and_then(DraftView::rails);
    if let Some(report) = report {
        rails(output, &report);
    }
}

fn rails(output: Output, report: &RailsReport) {
    for row in &report.rails {
        let (rail, came_to) = (&row.rail, row.came_to.word());
        let score = row.score.map(|score| format!(", {score} of 100"));
        let score = score.unwrap_or_default();
        let told = report.flags.iter().any(|flag| flag.ends_with(&row.why));
        let why = if row.why.is_empty() || told {
            String::new()
        } else {
            format!(": {}", row.why)
        };
        output.say(format_args!("rail     {rail}: {came_to}{score}{why}"));
    }
    if let Some(score) = report.score {
        output.say(format_args!("score    {score} of 100"));
    }
    for flag in &report.flags {
        output.say(format_args!("flag     {flag}"));
    }
}

fn show(output: Output, draft: &DraftView, fallbacks: &[StageFallback]) {
    for (place, note) in draft.notes.iter().enumerate() {
        // Each round of a pipeline may have said the same.
        let again = draft.notes[..place].contains(note);
        if !again && !fallbacks.iter().any(|it| note.contains(&it.why)) {
            output.say(format_args!("note     {note}"));
        }
    }
    let (number, by) = (draft.number, &draft.written_by);
    if draft.editor.is_empty() {
        output.say(format_args!("draft    {number} by {by}"));
    } else {
        let editor = &draft.editor;
        output.say(format_args!(
            "draft    {number} by {by}, edited by {editor}"
        ));
    }
    // What goes out with the text, and is not in it.
    if !draft.seo_title.is_empty() {
        output.labelled("found as ", &draft.seo_title);
    }
    if !draft.excerpt.is_empty() {
        output.labelled("excerpt  ", &draft.excerpt);
    }
    if !draft.tags.is_empty() {
        output.labelled("tags     ", &draft.tags.join(", "));
    }
    if !draft.covers.is_empty() {
        output.labelled("covers   ", &draft.covers);
    }
    if let Some(image) = &draft.featured {
        output.labelled("shows    ", &format!("{}: {}", image.src, image.alt));
    }
    output.say("");
    output.say(format_args!("# {}", draft.title));
    output.say("");
    output.text(&draft.markdown);
}

pub(super) async fn diff(
    context: &Context,
    app: &App,
    id: &str,
    numbers: Option<(i64, i64)>,
) -> Result<Answered, Failure> {
    let diff = tasks::diff(app, id, numbers).await?;
    if diff.diff.is_empty() {
        let (old, new) = (diff.old, diff.new);
        context
            .output
            .say(format_args!("drafts {old} and {new} say the same"));
    } else {
        context.output.text(&diff.diff);
    }
    Ok(context.output.json(&diff))
}

pub(super) async fn history(context: &Context, app: &App, id: &str) -> Result<Answered, Failure> {
    let moves = tasks::history(app, id).await?;
    let header = ["at", "event", "from", "to", "draft", "who", "detail"];
    let rows = moves.iter().map(row).collect();
    Ok(context.output.show(&header, rows, &moves))
}

fn row(it: &TaskMoveView) -> Vec<String> {
    vec![
        time(it.at),
        tasks::word(it.event).to_owned(),
        it.from.map_or("", tasks::word).to_owned(),
        tasks::word(it.to).to_owned(),
        it.draft.to_string(),
        it.who.clone(),
        it.detail.clone(),
    ]
}
