//! The console's first page, the roll: what is registered, whether every reference answers,
//! and what the runs came to. It shows what `/console.json` is.

mod times;

use std::sync::LazyLock;

use axum::extract::State;
use axum::response::{Redirect, Response};
use callboard_core::operations::OperationError;
use callboard_core::operations::runs::RunStatus;
use callboard_core::shown;
use callboard_core::template;
use callboard_factory::operations::overview;
use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;

use super::WebState;
use super::answer::{CONSOLE_CSS, JSON, MOMENT, absent, defect, found, unavailable};

static TEMPLATES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut environment = template::environment();
    environment.set_formatter(callboard_core::html::formatter);
    environment.add_filter("ago", times::ago);
    environment.add_filter("date_and_time", times::date_and_time);
    environment.add_filter("millis", times::millis);
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
pub(super) async fn page(State(web): State<WebState>) -> Response {
    match overview::show(&web.app).await {
        Ok(view) => {
            let site = web.site().ok().map(|site| site.address().to_string());
            match render("roll.html", context! { view => Serde(&view), site }) {
                Ok(html) => found(&MOMENT, html),
                Err(error) => defect(&error),
            }
        }
        Err(error) => out_of_reach(&error),
    }
}

/// The roll as JSON.
pub(super) async fn endpoint(State(web): State<WebState>) -> Response {
    match overview::show(&web.app).await {
        Ok(view) => document(&view, |text| found(&JSON, text)),
        Err(error) => {
            tracing::error!(%error, "the console could not be read");
            document(&error.view(), |text| unavailable(JSON.media, text))
        }
    }
}

fn document(view: &impl Serialize, answer: impl FnOnce(String) -> Response) -> Response {
    match serde_json::to_string_pretty(view) {
        Ok(text) => answer(shown::json(&text)),
        Err(error) => defect(&error),
    }
}

/// The stylesheet of the console.
pub(super) async fn style() -> Response {
    found(
        &CONSOLE_CSS,
        include_str!("../../templates/console/style.css").to_owned(),
    )
}

fn out_of_reach(error: &OperationError) -> Response {
    tracing::error!(%error, "the console could not be read");
    match render("unavailable.html", context! { cause => error.to_string() }) {
        Ok(html) => unavailable(MOMENT.media, html),
        Err(error) => defect(&error),
    }
}

fn render(name: &str, context: minijinja::Value) -> Result<String, minijinja::Error> {
    let broken = |error: &minijinja::Error| minijinja::Error::new(error.kind(), error.to_string());
    let templates = TEMPLATES.as_ref().map_err(broken)?;
    let page = templates.get_template(name)?.render(context)?;
    Ok(shown::markup(&page))
}

/// The outcome of a stage that goes on later.
const DEFERRED: &str = "deferred";

/// The colour of a status of a run, or of an outcome; the word itself is always there too.
#[expect(
    clippy::needless_pass_by_value,
    reason = "filters own what they are given"
)]
fn tone(status: String) -> &'static str {
    let Some(status) = RunStatus::parse(&status) else {
        // The one outcome of a stage that is no status of a run.
        return if status == DEFERRED { "busy" } else { "calm" };
    };
    match status {
        RunStatus::Done => "good",
        RunStatus::Queued | RunStatus::Running | RunStatus::Waiting => "busy",
        RunStatus::Gated | RunStatus::Paused | RunStatus::Unavailable | RunStatus::Rejected => {
            "warn"
        }
        RunStatus::Blocked | RunStatus::Failed | RunStatus::Cancelled => "bad",
        RunStatus::NothingToDo => "calm",
    }
}

#[cfg(test)]
mod tests {
    use callboard_factory::operations::overview::FactoryOverview;
    use serde_json::{Value as Json, json};

    use super::*;

    #[test]
    fn what_cannot_go_on_is_not_calm() {
        let calm: Vec<&str> = RunStatus::names()
            .filter(|name| tone((*name).to_owned()) == "calm")
            .collect();
        assert_eq!(calm, ["nothing-to-do"]);
        assert_eq!(tone("blocked".to_owned()), "bad");
        assert_eq!(tone("deferred".to_owned()), "busy");
    }

    const AT: &str = "1970-01-01T00:00:00Z";

    fn roll(view: &impl Serialize) -> String {
        let html = render(
            "roll.html",
            context! { view => Serde(view), site => "https://example.org/" },
        );
        html.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// One of everything, with a text that must stay text.
    fn sample() -> Json {
        let sample = json!({
            "name": "Board",
            "revision": {
                "number": 3, "digest": "0123456789abcdef", "short": "0123456789ab", "active": true,
                "note": "<script>alert(1)</script>", "created_at": AT, "activated_at": AT,
            },
            "settings_digest": "00112233445566",
            "registry_digest": "aabbccddeeff00",
            "handlers": [handler(json!({ "native": "content/dev_diary.rs" })), handler(json!({
                "plugin": "echo", "version": "1.0.0", "digest": "ffeeddccbbaa",
            }))],
            "plugins": [plugin()],
            "pipelines": [{
                "name": "dev_diary", "description": "A day in a repository", "budget_ms": 1000,
                "priority": 0, "input": [],
                "stages": [
                    stage("collect", Some("content.dev_diary"), None),
                    stage("approve", None, Some("Publish it?")),
                ],
            }],
            "policies": [{
                "name": "nightly", "description": "", "handler": "retention.ttl_prune",
                "table": "embeddings", "every_ms": 86_400_000, "cadence": "1d", "enabled": true,
                "last": null, "next_at": null, "ledger": null,
            }],
            "runs": [{ "run": run(), "stages": [{
                "run": "0190a0b0-0000-7000-8000-000000000001", "short": "000001",
                "pipeline": "dev_diary", "stage": "collect", "visit": 1, "outcome": "failed",
                "then": "fail", "detail": "timeout: no answer", "finished_at": AT, "took_ms": 1200,
            }] }],
            "gates": [{
                "run": "0190a0b0-0000-7000-8000-000000000001", "run_short": "000001",
                "stage": "approve", "visit": 1, "question": "Publish it?",
                "shows": { "seo": { "title": "A <b>title</b>", "keywords": ["a", "b"] } },
                "subject": "0190a0b0", "subject_short": "0190a0b0", "opened_at": AT,
                "expires_at": null, "decision": null, "part": null, "feedback": null,
                "decided_by": null, "decided_at": null,
            }],
            "misses": [{
                "referrer": "stage dev_diary/judge", "key": "handler", "kind": "handler",
                "target": "qa.tone",
                "place": { "file": "pipelines/dev_diary.toml", "line": 12, "column": 1 },
                "miss": { "problem": "no such handler", "mend": "did you mean qa.tune?" },
            }],
            "references": 12,
            "tasks": { "0190a0b0": {
                "id": "0190a0b0", "short": "0190a0b0", "key": null, "subject": "dev_diary:board:1970-01-01",
                "topic": "A post", "run": "0190a0b0-0000-7000-8000-000000000001",
                "draft": 1, "status": "awaiting-approval", "created_at": AT, "updated_at": AT,
            } },
        });
        is_one(&sample);
        sample
    }

    /// A sample that is no such document would show nothing.
    fn is_one(sample: &Json) {
        let schema = schemars::generate::SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<FactoryOverview>();
        let validator = jsonschema::validator_for(schema.as_value()).expect("a schema");
        let errors: Vec<_> = validator.iter_errors(sample).collect();
        assert!(errors.is_empty(), "no such document: {errors:#?}");
    }

    fn handler(origin: Json) -> Json {
        json!({
            "name": "content.dev_diary", "summary": "Collects a day", "origin": origin,
            "reads": [], "writes": [],
            "needs": { "settings": [], "roles": [], "prompts": [], "tables": [] },
            "always_gives_a_verdict": false, "decides": false, "may_flag": false, "referenced_by": ["pipeline dev_diary"],
        })
    }

    fn plugin() -> Json {
        json!({
            "name": "echo", "version": "1.0.0", "description": "Says it again", "wit": "0.1",
            "component": "echo.wasm", "digest": "ffeeddccbbaa", "handlers": ["content.echo"],
            "grants": {
                "log": false, "vectors": false, "http": [], "credentials": [],
                "settings": { "keys": [] }, "model": { "roles": [] },
                "db": [{ "table": "posts", "verbs": ["select"] }],
            },
            "granted": ["select on posts"], "limits": [],
        })
    }

    fn stage(id: &str, handler: Option<&str>, gate: Option<&str>) -> Json {
        json!({
            "id": id, "handler": handler, "gate": gate, "needs": [], "config": {},
            "timeout_ms": null, "max_visits": 1, "required": false,
        })
    }

    fn run() -> Json {
        json!({
            "id": "0190a0b0-0000-7000-8000-000000000001", "short": "000001",
            "pipeline": "dev_diary", "revision": 3, "status": "failed",
            "detail": "timeout: no answer", "input": {}, "settings": null, "origin": "cli",
            "priority": 0,
            "limits": { "key": null, "at_once": null, "rate": null, "rate_window_ms": null },
            "created_at": AT, "started_at": AT, "wake_at": AT, "spent_ms": 1200,
            "finished_at": AT,
        })
    }

    #[test]
    fn an_empty_host_has_a_page() {
        let html = roll(&FactoryOverview::default());
        assert!(html.contains("No revision is active"), "{html}");
        assert!(html.contains("callboard apply"), "{html}");
    }

    #[test]
    fn everything_on_the_roll_is_named_and_stays_text() {
        let html = roll(&sample());
        for text in [
            "content.dev_diary",
            "native (content/dev_diary.rs)",
            "plugin echo 1.0.0",
            "select on posts",
            "collect",
            "nightly",
            "A post",
            "1.2 s",
        ] {
            assert!(html.contains(text), "{text}: {html}");
        }
        assert!(!html.contains("<script"), "{html}");
    }

    #[test]
    fn a_miss_comes_with_its_mend() {
        let html = roll(&sample());
        assert!(html.contains("1 of 12 references is unanswered"), "{html}");
        assert!(
            html.contains("qa.tone") && html.contains("did you mean"),
            "{html}"
        );
    }
}
