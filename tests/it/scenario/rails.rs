//! Rails through the real program: what each came to stays apart, what follows is the table's, and the
//! roll call names what would never be asked.

use std::fs;
use std::path::Path;

use callboard_core::store::Dialect;
use callboard_factory::rails::review::Review;
use serde_json::{Value as Json, json};

use crate::support::factory::{Factory, on_each};
use crate::support::model::{ModelServer, Say};
use crate::support::scripted::{Reply, Scripted};

pub(super) const HEAD: &str = "name = \"judge\"\nbudget = \"5m\"\n[input.draft]\nrequired = true\n";
pub(super) const ASKED: &str = "on.rejected = \"skip\"\non.nothing-to-do = \"skip\"\non.unavailable = \"skip\"\non.failed = \"skip\"\n";

/// A rail, and what adds up all of them.
pub(super) fn rail(id: &str, handler: &str, rest: &str) -> String {
    format!("[[stage]]\nid = \"{id}\"\nhandler = \"{handler}\"\n{rest}{ASKED}")
}

pub(super) fn sum(needs: &[&str], config: &str) -> String {
    format!("[[stage]]\nid = \"sum\"\nhandler = \"qa.aggregate\"\nneeds = {needs:?}\n{config}\n")
}

fn judging(dialect: Dialect, stages: &str) -> Factory {
    let factory = Factory::written(dialect);
    // Its critic is configured otherwise, and a trial is of one of them.
    factory.remove("pipelines/canonical_blog.toml");
    factory.write("pipelines/judge.toml", format!("{HEAD}{stages}"));
    factory
}

/// A draft of the corpus.
pub(super) fn sample(name: &str) -> Json {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/drafts");
    let text = fs::read_to_string(folder.join(format!("{name}.md"))).expect("a draft");
    let (head, markdown) = text["+++\n".len()..].split_once("\n+++\n").expect("a head");
    let head: Json = serde_json::from_str(head).expect("JSON");
    json!({ "title": head["title"], "excerpt": "", "markdown": markdown.trim_start(), "tags": [], "written_by": "model quill" })
}

/// What `sum` reported last of a draft, and how the run ended.
fn judged(factory: &Factory, draft: &Json) -> (String, Json) {
    factory.run(&["run", "judge", "--input", &format!("draft={draft}")]);
    let run = factory.json(&["runs", "list", "--limit", "1"])[0]["id"].clone();
    let shown = factory.json(&["runs", "show", run.as_str().expect("an id")]);
    let stages = shown["stages"].as_array().expect("a list");
    let sum = stages
        .iter()
        .rfind(|stage| stage["stage"] == "sum")
        .unwrap_or_else(|| panic!("{shown:#}"));
    let status = shown["run"]["status"]
        .as_str()
        .expect("a status")
        .to_owned();
    (status, sum["outcome"].clone())
}

/// Each rail of a report with what it came to and what follows.
fn rows(report: &Json) -> Vec<[String; 3]> {
    let rows = report["rails"]
        .as_array()
        .unwrap_or_else(|| panic!("{report:#}"))
        .iter();
    let text = |row: &Json, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.map(|row| ["rail", "came_to", "action"].map(|key| text(row, key)))
        .collect()
}

on_each!(
    a_draft_is_judged_by_its_rules_and_a_critic_that_is_not_there_is_a_flag_and_no_score,
    |dialect: Dialect| {
        let rules = rail("rules", "qa.programmatic", "");
        let others = rail("critic", "qa.critic", "") + &rail("claims", "qa.self_claim", "");
        let sum = sum(
            &["rules", "critic", "claims"],
            "config.required = [\"rules\"]",
        );
        let factory = judging(dialect, &(rules + &others + &sum));
        factory.ok(&["apply"]);
        let (status, outcome) = judged(&factory, &sample("good_sockets"));
        assert_eq!(status, "done", "{outcome:#}");
        let report = &outcome["patch"]["report"];
        let row = |row: [&str; 3]| row.map(str::to_owned);
        assert_eq!(
            rows(report),
            [
                row(["claims", "not-applicable", "allow"]),
                row(["critic", "unavailable", "flag"]),
                row(["rules", "pass", "allow"]),
            ]
        );
        assert_eq!(
            (&report["score"], &outcome["patch"]["flagged"]),
            (&json!(100), &json!(true))
        );
        assert_eq!(report["rails"][1]["score"], Json::Null);

        let (status, outcome) = judged(&factory, &sample("fake_quote"));
        assert_eq!(status, "rejected", "{outcome:#}");
        let report = &outcome["patch"]["report"];
        assert_eq!(rows(report)[2], row(["rules", "fail", "veto"]));
        let finding = &report["rails"][2]["findings"][0];
        assert_eq!(
            (&finding["rule"], &finding["line"]),
            (&json!("fake_quote"), &json!(3))
        );
        // What the plugin hands on across the sandbox is a review as the host makes one of the same findings.
        let run = factory.json(&["runs", "list", "--limit", "1"])[0]["id"].clone();
        let shown = factory.json(&["runs", "show", run.as_str().expect("an id")]);
        let stages = shown["stages"].as_array().expect("a list").iter();
        let rules = stages.clone().find(|stage| stage["stage"] == "rules");
        let handed_on = rules.expect("a stage")["outcome"]["patch"]["programmatic"].clone();
        let review: Review = serde_json::from_value(handed_on.clone()).expect("a review");
        assert_eq!(review, Review::of(review.findings.clone()));
        assert_eq!(serde_json::to_value(&review).expect("JSON"), handed_on);
        let detail = outcome["detail"].as_str().expect("a detail");
        assert!(
            detail.contains("rules: fake_quote (line 3): nobody is known"),
            "{detail}"
        );
    }
);

on_each!(
    what_rails_have_against_a_draft_is_told_at_the_gate_behind_them,
    |dialect: Dialect| {
        let rails = rail("rules", "qa.programmatic", "") + &rail("critic", "qa.critic", "");
        let sum = sum(&["rules", "critic"], "config.required = [\"rules\"]");
        let gate = "[[stage]]\nid = \"approve\"\ngate = \"good?\"\nneeds = [\"sum\"]\n";
        let factory = judging(dialect, &(rails + &sum + gate));
        factory.ok(&["apply"]);
        let draft = format!("draft={}", sample("good_sockets"));
        let ran = factory.run(&["run", "judge", "--input", &draft]);
        assert_eq!(ran.code, 4, "{ran}");
        let gate = factory.json(&["gates", "list"])[0].clone();
        let run = gate["run"].as_str().expect("a run");
        let shown = factory.json(&["runs", "show", run]);
        let stages = shown["stages"].as_array().expect("a list");
        let sum = stages.iter().find(|stage| stage["stage"] == "sum");
        let sum = sum.expect("it was asked");
        for told in [&gate["question"], &shown["run"]["detail"], &sum["detail"]] {
            let told = told.as_str().expect("a text");
            assert!(told.contains("flagged: critic: "), "{told}");
        }
        assert!(ran.stdout.contains("flagged: critic: "), "{ran}");
    }
);

#[test]
fn a_required_critic_vetoes_holds_or_passes_by_what_it_answers() {
    let critic = "[[stage]]\nid = \"critic\"\nhandler = \"qa.critic\"\ntimeout = \"20s\"\non.rejected = \"skip\"\non.nothing-to-do = \"skip\"\non.unavailable = \"skip\"\nconfig.trials = 2\nconfig.least_drafts = 4\n";
    let sum = sum(
        &["critic"],
        "on.unavailable = \"end\"\nconfig.required = [\"critic\"]",
    );
    let factory = judging(Dialect::Sqlite, &format!("{critic}{sum}"));
    factory.ok(&["apply"]);
    super::trials::proven(&factory);
    let server = ModelServer::new(Say::Text(r#"{"score": 80, "findings": []}"#));
    factory.ok(&["settings", "set", "roles.critic.url", &server.url()]);
    factory.ok(&["settings", "set", "roles.critic.model", "lens"]);
    let draft = sample("good_sockets");
    let (status, outcome) = judged(&factory, &draft);
    assert_eq!(
        (status.as_str(), server.asked()),
        ("done", 2),
        "{outcome:#}"
    );
    assert_eq!(outcome["patch"]["report"]["score"], 80);

    server.say(Say::Text(
        r#"{"score": 30, "findings": [{"message": "say who", "excerpt": "The worker asked"}]}"#,
    ));
    let (status, outcome) = judged(&factory, &draft);
    assert_eq!(status, "rejected", "{outcome:#}");
    let finding = &outcome["patch"]["report"]["rails"][0]["findings"][0];
    assert_eq!(
        (&finding["message"], &finding["line"]),
        (&json!("say who"), &json!(1))
    );

    // Neither a pass nor a fail: the run ends as unavailable.
    for say in [
        Say::Text("it is fine"),
        Say::Cut(r#"{"score": 99, "findings": []}"#),
        Say::Close,
    ] {
        server.say(say);
        let (status, outcome) = judged(&factory, &draft);
        assert_eq!(status, "unavailable", "{outcome:#}");
        assert_eq!(outcome["dependency"], "rail `critic`");
    }
}

#[test]
fn links_are_alive_dead_or_unreachable() {
    let server = ModelServer::new(Say::Text("here"));
    let gone = Scripted::new(|_| Reply::Page(404, "text/html", "x".repeat(3 << 20)));
    let besides = [server.url(), gone.url("")];
    let rail = rail(
        "links",
        "qa.links",
        &format!("config.besides = {besides:?}\n"),
    );
    let sum = sum(
        &["links"],
        "config.required = [\"links\"]\non.unavailable = \"end\"",
    );
    let factory = judging(Dialect::Sqlite, &(rail + &sum));
    factory.ok(&["apply"]);
    let draft = |markdown: String| json!({ "title": "t", "excerpt": "", "markdown": markdown, "tags": [], "written_by": "x" });
    let here = draft(format!("See [it]({}).", server.url()));
    assert_eq!(judged(&factory, &here).0, "done");
    server.say(Say::Status(404));
    let (status, outcome) = judged(&factory, &here);
    assert_eq!(status, "rejected", "{outcome:#}");
    assert_eq!(
        outcome["patch"]["report"]["rails"][0]["findings"][0]["rule"],
        "dead_link"
    );
    // However much there is to say of it.
    let large = draft(format!("See [it]({}).", gone.url("/large")));
    assert_eq!(judged(&factory, &large).0, "rejected");
    server.say(Say::Close);
    assert_eq!(judged(&factory, &here).0, "unavailable");
    // An address inside is dead for a reader, and the rail does not ask it.
    let inside = draft("See [it](http://127.0.0.1:9/).".to_owned());
    assert_eq!(judged(&factory, &inside).0, "rejected");
    // There is nothing that it is about: the verdict that is required is a flag.
    let (status, outcome) = judged(&factory, &draft("No link.".to_owned()));
    assert_eq!(
        (status.as_str(), &outcome["patch"]["flagged"]),
        ("done", &json!(true))
    );
}

#[test]
fn a_rail_that_would_never_be_asked_is_a_miss() {
    let rules = "[[stage]]\nid = \"rules\"\nhandler = \"qa.programmatic\"\n";
    let sum = sum(&["rules"], "config.required = [\"rules\", \"critic\"]");
    let factory = judging(Dialect::Sqlite, &format!("{rules}{sum}"));
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "`critic` is none of the stages that it needs",
        "ends the run when it is rejected, so `sum` is not asked",
        "ends the run when it is nothing-to-do, so `sum` is not asked",
    ] {
        assert!(said.contains(words), "no `{words}` in\n{ran}");
    }
}

/// A name that no stage has is told once, and a rail whose no nobody hears is told, too.
#[test]
fn a_rail_is_named_by_its_stage_and_heard() {
    let told = |stages: &str| {
        let factory = judging(Dialect::Sqlite, stages);
        let ran = factory.run(&["check"]);
        ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let rules = rail("rules", "qa.programmatic", "");
    let sum = |needs: &[&str]| sum(needs, "config.required = [\"qa.programmatic\"]");
    let said = told(&format!("{rules}{}", sum(&["rules"])));
    assert!(said.contains("write `rules`"), "{said}");
    let style = rail("style", "qa.style", "");
    let said = told(&format!("{rules}{style}{}", sum(&["rules"])));
    let vain = "the run goes on when it rejects, and no `qa.aggregate` needs it";
    assert!(
        said.contains(vain) && said.contains("add \"style\" to the `needs`"),
        "{said}"
    );
    let said = told(&format!("{rules}{style}{}", sum(&["rules", "style"])));
    assert!(!said.contains(vain), "{said}");
}

/// What would wait for ever, in each run and after all the work, is known before.
#[test]
fn a_threshold_that_no_score_reaches_and_a_sum_of_no_rails_are_misses() {
    let style = || rail("style", "qa.style", "");
    let weighed = "config.required = [\"style\"]\nconfig.threshold = 50\nconfig.weights.style = ";
    for (stages, told) in [
        (
            format!("{}{}", style(), sum(&["style"], &format!("{weighed}1"))),
            "",
        ),
        (
            format!("{}{}", style(), sum(&["style"], &format!("{weighed}0"))),
            "no rail gives a score that counts, and 50 is the least",
        ),
        (sum(&[], ""), "none of the stages that it needs is a rail"),
    ] {
        let factory = judging(Dialect::Sqlite, &stages);
        let ran = factory.run(&["check"]);
        let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        let code = i32::from(!told.is_empty());
        assert!(ran.code == code && said.contains(told), "{told}\n{ran}");
    }
}

/// A slip in what is required makes no adviser of the rail, and is told once.
#[test]
fn a_slip_in_what_is_required_is_one_miss_with_the_name_that_was_meant() {
    let rules = "[[stage]]\nid = \"rules\"\nhandler = \"qa.programmatic\"\non.rejected = \"skip\"\non.nothing-to-do = \"skip\"\n";
    let sum = sum(&["rules"], "config.required = [\"rulse\"]");
    let factory = judging(Dialect::Sqlite, &format!("{rules}{sum}"));
    let ran = factory.run(&["--format", "json", "check"]);
    let roll: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    let references = roll["references"].as_array().expect("a list");
    let of_judge = references.iter().filter(|it| {
        let referrer = it["referrer"].as_str().unwrap_or_default();
        referrer.starts_with("stage judge/") && !it["miss"].is_null()
    });
    let told: Vec<_> = of_judge
        .map(|it| (&it["key"], &it["miss"]["mend"]))
        .collect();
    assert_eq!(
        told,
        [(&json!("config.required"), &json!("write `rules`"))],
        "{ran}"
    );
}

#[test]
fn a_loop_that_ends_before_its_draft_is_flagged_is_a_miss() {
    let rules = rail("rules", "qa.programmatic", "max_visits = 2\n");
    let sum = sum(
        &["rules"],
        "on.rejected = \"goto:rules\"\nconfig.required = [\"rules\"]\nconfig.flag_after = 2",
    );
    let factory = judging(Dialect::Sqlite, &format!("{rules}{sum}"));
    let ran = factory.run(&["check"]);
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = "stage `rules` may be visited 2 times, so the run ends as rejected before 2 rejections are flagged";
    assert!(ran.code == 1 && said.contains(words), "{ran}");
    factory.edit("pipelines/judge.toml", "max_visits = 2", "max_visits = 3");
    factory.ok(&["apply"]);
    // Its third rejection is none: the best draft goes on with a flag.
    let (status, outcome) = judged(&factory, &sample("fake_quote"));
    assert_eq!(
        (status.as_str(), &outcome["patch"]["flagged"]),
        ("done", &json!(true)),
        "{outcome:#}"
    );
    // Without a flag the way back is used up, and the run says what came last.
    factory.edit("pipelines/judge.toml", "config.flag_after = 2", "");
    factory.ok(&["apply"]);
    let (status, outcome) = judged(&factory, &sample("fake_quote"));
    assert_eq!(
        (status.as_str(), &outcome["rule"]),
        ("rejected", &json!("rails")),
        "{outcome:#}"
    );
    let detail = outcome["detail"].as_str().expect("a detail");
    assert!(
        detail.contains("fake_quote (line 3)")
            && detail.contains("has had its 3 visits (max_visits)"),
        "{detail}"
    );
}

#[test]
fn a_rule_of_another_name_is_a_miss() {
    let rules = "[[stage]]\nid = \"rules\"\nhandler = \"qa.programmatic\"\nconfig.rules.fake_qoute.enabled = false\n";
    let factory = judging(Dialect::Sqlite, rules);
    let ran = factory.run(&["check"]);
    assert!(ran.code == 1 && ran.stdout.contains("fake_qoute"), "{ran}");
}

#[test]
fn every_rail_is_listed_with_its_rules() {
    let factory = Factory::whole(Dialect::Sqlite);
    let listed = factory.json(&["rails", "list"]);
    let rails = listed.as_array().expect("a list");
    let rail = |name: &str| {
        rails
            .iter()
            .find(|rail| rail["name"] == name)
            .unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(rail("qa.critic")["role"], "critic");
    assert_eq!(rail("qa.programmatic")["plugin"], "qa_rules");
    let rules = rail("qa.programmatic")["rules"].as_array().expect("rules");
    let quote = rules
        .iter()
        .find(|rule| rule["name"] == "fake_quote")
        .expect("a rule");
    assert_eq!(quote["severity"], "error");
    assert!(
        quote["pattern"]
            .as_str()
            .is_some_and(|it| it.contains("quotation marks")),
        "{quote}"
    );
    let printed = factory.ok(&["rails", "list"]);
    for words in [
        "qa.aggregate",
        "truncated_content",
        "qa.grounding",
        "photo_credit",
    ] {
        assert!(printed.contains(words), "no {words} in\n{printed}");
    }
}
