//! The console's first page, the roll: what is registered, whether every reference answers,
//! and what the runs came to. `gather` says what there is; this renders it.

mod gather;
mod moment;
mod view;

use std::sync::LazyLock;

use axum::extract::State;
use axum::response::{Redirect, Response};
use callboard_core::shown;
use callboard_core::store::StoreError;
use callboard_core::template;
use futures_util::future::BoxFuture;
use minijinja::value::Serde;
use minijinja::{Environment, context};

pub use self::view::{
    ConsoleView, GateView, HandlerView, MissView, PipelineView, PluginView, PolicyView,
    RevisionView, RunView, StageRunView, StageView,
};
use super::Face;
use super::answer::{CONSOLE_CSS, JSON, MOMENT, absent, broken, found, unavailable};

/// Says what the console shows.
pub trait Console: Send + Sync {
    /// Everything at this moment.
    fn view(&self) -> BoxFuture<'_, Result<ConsoleView, StoreError>>;
}

static TEMPLATES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut environment = template::environment();
    environment.set_formatter(callboard_core::html::formatter);
    environment.add_filter("ago", moment::ago);
    environment.add_filter("moment", moment::moment);
    environment.add_filter("millis", moment::millis);
    environment.add_filter("tone", tone);
    let files = [
        (
            "base.html",
            include_str!("../../templates/console/base.html"),
        ),
        (
            "roll.html",
            include_str!("../../templates/console/roll.html"),
        ),
        (
            "unavailable.html",
            include_str!("../../templates/console/unavailable.html"),
        ),
    ];
    for (name, text) in files {
        environment.add_template(name, text)?;
    }
    Ok(environment)
});

/// Where the console begins.
pub(super) async fn front() -> Redirect {
    Redirect::to("/console")
}

/// Anything else.
pub(super) async fn not_found() -> Response {
    absent("there is nothing here; the console is at /console\n")
}

/// The roll as a page.
pub(super) async fn page(State(face): State<Face>) -> Response {
    match face.console.view().await {
        Ok(view) => {
            let site = face.site().ok().map(|site| site.address().to_string());
            match render("roll.html", context! { view => Serde(&view), site }) {
                Ok(html) => found(&MOMENT, html),
                Err(error) => defect(&error),
            }
        }
        Err(error) => out_of_reach(&error),
    }
}

/// The roll as JSON.
pub(super) async fn endpoint(State(face): State<Face>) -> Response {
    match face.console.view().await {
        Ok(view) => match serde_json::to_string_pretty(&view) {
            Ok(text) => found(&JSON, shown::json(&text)),
            Err(error) => defect(&error),
        },
        Err(error) => {
            tracing::error!(%error, "the console could not be read");
            let text = serde_json::json!({ "status": "unavailable", "cause": error.to_string() });
            unavailable("application/json", shown::json(&text.to_string()))
        }
    }
}

/// The stylesheet of the console.
pub(super) async fn style() -> Response {
    found(
        &CONSOLE_CSS,
        include_str!("../../templates/console/style.css").to_owned(),
    )
}

fn out_of_reach(error: &StoreError) -> Response {
    tracing::error!(%error, "the console could not be read");
    match render("unavailable.html", context! { cause => error.to_string() }) {
        Ok(html) => unavailable("text/html; charset=utf-8", html),
        Err(error) => defect(&error),
    }
}

fn defect(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "a page of the console could not be rendered");
    broken("this page cannot be shown; the log of callboard says why\n")
}

fn render(name: &str, context: minijinja::Value) -> Result<String, minijinja::Error> {
    let broken = |error: &minijinja::Error| minijinja::Error::new(error.kind(), error.to_string());
    let templates = TEMPLATES.as_ref().map_err(broken)?;
    let page = templates.get_template(name)?.render(context)?;
    Ok(shown::markup(&page))
}

/// The colour of a status; the word itself is always there too.
#[expect(
    clippy::needless_pass_by_value,
    reason = "filters own what they are given"
)]
fn tone(status: String) -> &'static str {
    match status.as_str() {
        "done" | "published" | "approved" => "good",
        "running" | "queued" | "waiting" | "deferred" => "busy",
        "gated" | "unavailable" | "rejected" => "warn",
        "failed" | "cancelled" => "bad",
        _ => "calm",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roll(view: &ConsoleView) -> String {
        let html = render(
            "roll.html",
            context! { view => Serde(view), site => "https://example.org/" },
        );
        html.unwrap_or_else(|error| panic!("{error:#}"))
    }

    #[test]
    fn an_empty_host_has_a_page() {
        let html = roll(&ConsoleView::default());
        assert!(html.contains("No revision is active"), "{html}");
        assert!(html.contains("callboard apply"), "{html}");
    }

    #[test]
    fn everything_on_the_roll_is_named_and_stays_text() {
        let html = roll(&view::sample());
        for text in [
            "content.dev_diary",
            "echo",
            "select on posts",
            "collect",
            "nightly",
        ] {
            assert!(html.contains(text), "{text}: {html}");
        }
        assert!(!html.contains("<script"), "{html}");
    }

    #[test]
    fn a_miss_comes_with_its_mend() {
        let html = roll(&view::sample());
        assert!(html.contains("1 of 12 references is unanswered"), "{html}");
        assert!(
            html.contains("qa.tone") && html.contains("did you mean"),
            "{html}"
        );
    }
}
