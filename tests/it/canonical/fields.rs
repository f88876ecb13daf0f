//! What lists and search engines show of a post goes out as its text does, and the rails judge it with that.

use std::sync::atomic::{AtomicUsize, Ordering};

use callboard_core::store::Dialect;
use serde_json::json;

use super::press::{SEO, TOPIC, draft, factory, model, press, run, text, web};
use crate::support::factory::{Factory, on_each};
use crate::support::scripted::{Asked, Reply, Scripted, wanted};

const NOTES: &str = "notes=The weather was written down every evening.";
/// A description that no rule lets pass.
const BAD: &str = "Wick, lens and weather book: a day of a lighthouse keeper [citation needed].";

fn is_seo(asked: &Asked) -> bool {
    wanted(asked).contains(&"keywords".to_owned())
}

/// What the model is asked for, which describes a post badly as often as that.
fn describing(times: usize) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    let described = AtomicUsize::new(0);
    move |asked| {
        if !asked.path.ends_with("/chat/completions") {
            return web(asked);
        }
        if is_seo(asked) && described.fetch_add(1, Ordering::SeqCst) < times {
            let answer = json!({ "title": "What the keepers did", "description": BAD, "keywords": ["lighthouse"] });
            return Reply::model(&answer.to_string(), true);
        }
        model(asked)
    }
}

fn asked_for_seo(press: &Scripted) -> Vec<String> {
    let asked = press.asked().into_iter();
    asked.filter(is_seo).map(|asked| asked.body).collect()
}

on_each!(
    an_excerpt_that_no_rule_lets_pass_is_sent_back_and_comes_back_mended,
    |dialect: Dialect| {
        let press = Scripted::new(describing(1));
        let factory = factory(dialect, &press);
        let ran = run(
            &factory,
            &[TOPIC, &format!("urls={}", press.url("/lamp")), NOTES],
        );
        assert_eq!(ran.code, 4, "{ran}");
        let asked = asked_for_seo(&press);
        assert_eq!(asked.len(), 2);
        assert!(
            asked[1].contains("the excerpt: ") && asked[1].contains("citation needed"),
            "{}",
            asked[1]
        );
        let draft = draft(&factory);
        let report = &draft["report"];
        assert_eq!(
            (&report["rails"]["round"], &report["flagged"]),
            (&json!(2), &json!(false)),
            "{report:#}"
        );
        assert!(
            text(&draft, "excerpt")
                .starts_with("Wick, lens and weather book: a day of a lighthouse keeper at"),
            "{draft:#}"
        );
        assert_eq!(
            text(&draft, "seo_title"),
            "What the keepers of the Fastnet did"
        );
        let judges = press.asked();
        let mut judges = judges
            .iter()
            .filter(|asked| wanted(asked).contains(&"score".to_owned()));
        assert!(judges.all(|asked| {
            asked
                .body
                .contains("In lists it is described as: Wick, lens")
        }));
    }
);

#[test]
fn one_that_is_never_mended_is_flagged_with_the_field_and_the_rule() {
    let press = Scripted::new(describing(usize::MAX));
    let factory = factory(Dialect::Sqlite, &press);
    let ran = run(
        &factory,
        &[TOPIC, &format!("urls={}", press.url("/lamp")), NOTES],
    );
    assert_eq!(ran.code, 4, "{ran}");
    let report = draft(&factory)["report"].clone();
    assert_eq!(report["flagged"], true, "{report:#}");
    let rails = report["rails"]["rails"].as_array().expect("rails");
    let rules = rails
        .iter()
        .find(|row| row["rail"] == "rules")
        .expect("the rules");
    let finding = &rules["findings"][0];
    assert_eq!(
        (&finding["rule"], &finding["line"]),
        (&json!("placeholder_citation"), &json!(null))
    );
    assert!(
        text(finding, "message").starts_with("the excerpt: "),
        "{finding}"
    );
    assert!(
        text(finding, "excerpt").contains("citation needed"),
        "{finding}"
    );
}

fn published(press: &Scripted) -> (Factory, String) {
    let factory = factory(Dialect::Sqlite, press);
    let ran = run(
        &factory,
        &[TOPIC, &format!("urls={}", press.url("/lamp")), NOTES],
    );
    assert_eq!(ran.code, 4, "{ran}");
    factory.ok(&["tasks", "approve", &factory.task()]);
    let slug = factory.texts("SELECT slug FROM posts", "slug").remove(0);
    factory.execute("UPDATE posts SET excerpt = 'as it was'");
    (factory, slug)
}

/// The fields of a published post made anew are judged alone, before anybody is asked.
#[test]
fn what_is_shown_of_a_post_anew_is_judged_before_it_goes_out() {
    for (times, code, status) in [(2, 4, "gated"), (usize::MAX, 1, "rejected")] {
        let press = press();
        let (factory, slug) = published(&press);
        press.script(describing(times));
        let before = asked_for_seo(&press).len();
        let ran = factory.run(&["run", "seo_refresh", "--input", &format!("slug={slug}")]);
        let shown = factory.json(&["runs", "list", "--limit", "1"])[0].clone();
        assert_eq!(
            (ran.code, shown["status"].as_str()),
            (code, Some(status)),
            "{ran}"
        );
        assert_eq!(
            asked_for_seo(&press).len() - before,
            3,
            "as often as it may"
        );
        assert_eq!(factory.count("posts WHERE excerpt = 'as it was'"), 1);
        if code == 4 {
            let gate = factory.json(&["gates", "list"])[0]["run"].clone();
            factory.ok(&["gates", "approve", gate.as_str().expect("a run")]);
            assert_eq!(factory.count("posts WHERE excerpt LIKE 'Wick, lens%'"), 1);
        }
    }
    assert!(SEO.contains("Wick, lens"));
}

/// Whoever lets the fields be made behind the rails is told so by the roll.
#[test]
fn fields_that_are_made_behind_the_rails_are_a_miss() {
    let press = press();
    let factory = super::press::written(Dialect::Sqlite, &press);
    let text = factory.read("pipelines/canonical_blog.toml");
    let text = text.replace("needs = [\"seo\"]", "needs = [\"sources\"]");
    let text = text.replace(
        "\"reconcile\", \"rules\"",
        "\"reconcile\", \"seo\", \"rules\"",
    );
    factory.write("pipelines/canonical_blog.toml", text);
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("it writes `draft`, which stage `judged` hands on"),
        "{ran}"
    );
    assert!(
        said.contains("add \"seo\" to the `needs` of stage `rules`"),
        "{ran}"
    );
}
