//! Tests of the roll call: a good workspace has no miss, and each thing that can be wrong
//! with it is missed by its referrer, with file, line and mend.

mod given;
mod ground;
mod guards;
mod mended;
mod mends;
mod named;
mod slips;
mod tried;
mod wanted;

use self::ground::{Ground, misses};
use crate::handler::RowUse;
use crate::store::Store;
use crate::workspace::Definitions;

/// A change of one file, and the miss that has to follow: `referrer key @ place: problem`
/// and the mend, each as a part of the text.
type Case<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

async fn each(cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for (file, from, to, miss, mend) in cases {
        let mut ground = Ground::good();
        ground.replace(file, from, to);
        let misses = misses(&ground).await;
        let found = misses
            .iter()
            .any(|(text, mended)| text.contains(miss) && mended.contains(mend));
        if !found {
            wrong.push(format!(
                "{file}: {from:?} -> {to:?}\nwanted {miss}\n  mend {mend}\nmisses {misses:#?}"
            ));
        }
        wrong.extend(mends::wrong(file, from, to).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

const P: &str = "pipelines/diary.toml";
const Q: &str = "policies/ttl.toml";

#[tokio::test]
async fn a_database_that_does_not_answer_is_no_miss() {
    let ground = Ground::good();
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("t.db").display());
    let store = Store::open(&url).await.expect("a store");
    let definitions = Definitions::parse(&ground.files).expect("definitions");
    let roll = ground.asked(&definitions, &store).await.expect("an answer");
    assert_eq!(roll.misses().count(), 0);
    store.close().await;
    let asked = ground.asked(&definitions, &store).await;
    let error = asked.expect_err("the database is closed");
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_good_workspace_has_no_miss() {
    let roll = Ground::good().roll().await;
    assert_eq!(roll.misses().map(ground::told).collect::<Vec<_>>(), []);
    assert!(roll.answers().count() > 60, "{}", roll.answers().count());
    let notes: Vec<_> = roll
        .notes()
        .map(|note| (note.referrer.to_string(), note.key.as_str()))
        .collect();
    assert_eq!(
        notes,
        [
            ("handler content.count".to_owned(), "name"),
            ("handler qa.advice".to_owned(), "name"),
            ("handler retention.keep_newest".to_owned(), "name"),
            ("settings.toml".to_owned(), "site.tagline")
        ]
    );
    let json = serde_json::to_value(&roll).expect("serializes");
    assert_eq!(json["references"][0]["kind"], "handler");
    assert_eq!(json["references"][0]["place"]["line"], 8);
}

#[tokio::test]
async fn handlers_and_their_configuration_answer() {
    each(&[
        (P, "content.collect", "content.colect", "stage diary/collect handler @ pipelines/diary.toml:8:1: no handler is called `content.colect`", "write `handler = \"content.collect\"`"),
        (P, "content.collect", "zzz.q", "no handler is called `zzz.q`", "callboard handlers list"),
        (Q, "retention.ttl_prune", "retention.ttl_prun", "policy ttl handler @ policies/ttl.toml:2:1: no handler", "write `handler = \"retention.ttl_prune\"`"),
        (P, "limit = 5", "limit = \"five\"", "stage diary/collect config.limit @ pipelines/diary.toml:9:12: \"five\" is not of type \"integer\"", "callboard handlers show content.collect"),
        (Q, "ttl_days = 180", "ttl_days = 99999999999", "policy ttl config.ttl_days @ policies/ttl.toml:8:1: 99999999999 is greater than the maximum of 36500", "write a value that fits"),
        (Q, "ttl_days = 180", "ttl_days = 180\nbatch_size = 4294967296", "policy ttl config.batch_size @ policies/ttl.toml:9:1: 4294967296 is greater than the maximum of 4294967295", "write a value that fits"),
        (P, "limit = 5", "limmit = 5", "stage diary/collect config.limmit @ pipelines/diary.toml:9:12: `limmit` is no key", "write `limit`"),
        (P, "limit = 5", "", "stage diary/collect config @ pipelines/diary.toml:9:1: `limit` is missing", "add `limit = …` inside `config = { … }`"),
        (Q, "ttl_days = 180", "ttl_days = 180\nttl_dayz = 1", "policy ttl config.ttl_dayz @ policies/ttl.toml:9:1: `ttl_dayz` is no key", "write `ttl_days`"),
    ])
    .await;
}

/// What a schema takes is what the type takes: a whole number that is written with a point is one.
#[tokio::test]
async fn a_number_is_read_once() {
    let mut ground = Ground::good();
    ground.replace(Q, "ttl_days = 180", "ttl_days = 180.0");
    assert_eq!(misses(&ground).await, []);
    let registry = crate::registry::Registry::native().expect("native handlers");
    let prune = registry.get("retention.ttl_prune").expect("it is shipped");
    let config = |days: serde_json::Value| serde_json::json!({"table": "t", "age_column": "a", "ttl_days": days});
    let misread = |days| prune.handler.misread(&config(days));
    assert_eq!(misread(180.0.into()), None);
    let told = misread(0.5.into()).expect("no whole number");
    assert!(told.contains("expected u32"), "{told}");
}

#[tokio::test]
async fn stages_answer_to_each_other() {
    each(&[
        (P, "needs = [\"collect\"]", "needs = [\"colect\"]", "stage diary/draft needs @ pipelines/diary.toml:13:10: there is no stage `colect`", "write `collect`"),
        (P, "id = \"collect\"", "id = \"collect\"\nneeds = [\"publish\"]", "pipeline diary needs @ pipelines/diary.toml:8:1: `collect`, `draft`, `critic`, `approve` and `publish` need each other in a circle", "remove one of their `needs`"),
        (P, "goto:draft", "goto:drafd", "stage diary/critic on.rejected @ pipelines/diary.toml:21:4: there is no stage `drafd`", "write `draft`"),
        (P, "max_visits = 3", "max_visits = 1", "stage diary/critic on.rejected @ pipelines/diary.toml:21:4: stage `draft` may be visited once only", "add `max_visits = 3` to stage `draft`"),
        (P, "max_visits = 3", "max_visits = 0", "stage diary/draft max_visits @ pipelines/diary.toml:15:1: a stage that may never be visited", "max_visits = 1"),
        (P, "on.rejected", "on.rejectd", "stage diary/critic on.rejectd @ pipelines/diary.toml:21:4: no handler reports `rejectd`", "write `on.rejected`"),
        (P, "on.rejected = \"goto:draft\"", "on.done = \"hold\"", "stage diary/critic on.done @ pipelines/diary.toml:21:4: a stage that is done and held", "\"continue\""),
        (P, "Publish it?", " ", "stage diary/approve gate @ pipelines/diary.toml:25:1: the gate asks nothing", "write `gate ="),
        (P, "gate = \"Publish it?\"", "gate = \"Publish it?\"\nrequired = true", "stage diary/approve gate @ pipelines/diary.toml:25:1: `required` marks a verdict", "remove `required`"),
        (P, "gate = \"Publish it?\"", "gate = \"Publish it?\"\ntimeout = \"3s\"", "a gate does not read `timeout`", "expiry = {"),
        (P, "gate = \"Publish it?\"", "gate = \"Publish it?\"\nretry = { attempts = 2 }", "a gate does not read `retry`", "remove it"),
        (P, "gate = \"Publish it?\"", "gate = \"Publish it?\"\nconfig.x = 1", "a gate does not read `config`", "remove it"),
        (P, "gate = \"Publish it?\"", "gate = \"Publish it?\"\non.unavailable = \"skip\"", "a gate does not read `on.unavailable`", "says yes"),
        (P, "handler = \"qa.critic\"", "handler = \"qa.advice\"", "stage diary/critic required @ pipelines/diary.toml:20:1: handler `qa.advice` does not give a verdict", "remove `required = true`"),
        (P, "on.rejected = \"goto:draft\"", "on.unavailable = \"skip\"", "stage diary/critic required @ pipelines/diary.toml:20:1: its verdict is required, and passed over when it is unavailable", "on.unavailable = \"hold\""),
        (P, "id = \"publish\"", "id = \"publish\"\non.done = \"goto:draft\"", "pipeline diary stage @ pipelines/diary.toml:6:3: no stage that ends a run can be reached", "on.done"),
        (P, "id = \"collect\"", "id = \"collect\"\non.done = \"end\"", "stage diary/draft needs @ pipelines/diary.toml:14:1: stage `draft` never runs: `collect` never lets it", "on.done = \"continue\""),
    ])
    .await;
}

const STAGE: &str = "[[stage]]\nid = \"collect\"";
const DAILY: &str = "[[schedule]]\ncron = \"0 6 * * *\"\ninput = { day = \"2026-01-05\" }\n";

#[tokio::test]
async fn a_schedule_gives_what_its_pipeline_takes() {
    let gives = |input: &str| DAILY.replace("day = \"2026-01-05\"", input);
    let [unknown, unfit, none] = ["day = \"d\", dya = 1", "day = 5", ""].map(gives);
    let twice = format!("{DAILY}{DAILY}");
    for (schedules, miss, mend) in [
        (
            unknown,
            "schedule.0.input.dya @ pipelines/diary.toml:8:22: the pipeline has no input `dya`; it takes `day`",
            "[input.dya]",
        ),
        (
            unfit,
            "schedule.0.input.day @ pipelines/diary.toml:8:11: it does not fit what `content.collect` reads: 5 is not of type \"string\"",
            "write a value that fits",
        ),
        (
            none,
            "schedule.0.input.day @ pipelines/diary.toml:8:1: the schedule does not give the input `day`",
            "add `day` to the `input` of the schedule",
        ),
        (
            twice,
            "schedule.1 @ pipelines/diary.toml:9:1: the same times are there twice",
            "remove one of the two",
        ),
    ] {
        let mut ground = Ground::good();
        ground.replace(P, STAGE, &format!("{schedules}{STAGE}"));
        let misses = misses(&ground).await;
        let miss = format!("pipeline diary {miss}");
        let found = misses
            .iter()
            .any(|(text, mended)| text.contains(&miss) && mended.contains(mend));
        assert!(found, "wanted {miss}; mend {mend}\nmisses {misses:#?}");
    }
    let mut ground = Ground::good();
    ground.replace(P, STAGE, &format!("{DAILY}{STAGE}"));
    assert_eq!(misses(&ground).await, []);
}

#[tokio::test]
async fn a_policy_has_a_pause_or_times_of_the_clock() {
    each(&[
        (Q, "[config]", "[[schedule]]\nevery = \"24h\"\ninput = { a = 1 }\n[config]", "policy ttl schedule.0.input.a @ policies/ttl.toml:7:11: a policy takes no input, and the schedule gives `a`", "remove the `input`"),
        (Q, "every = \"1h\"\n", "every = \"1h\"\n[[schedule]]\nevery = \"24h\"\n", "policy ttl every @ policies/ttl.toml:4:1: `every` is a pause after each run, and there are schedules too", "remove `every`"),
        (Q, "every = \"1h\"\n", "", "policy ttl every @ policies/ttl.toml:1:1: it never runs", "write `every = \"24h\"`"),
    ])
    .await;
}

#[tokio::test]
async fn keys_that_are_read_are_written() {
    each(&[
        (P, "needs = [\"collect\"]", "needs = []", "stage diary/draft handler @ pipelines/diary.toml:12:1: `content.draft` reads `commits`, and nothing before it writes it", "add \"collect\" to the `needs` of stage `draft`"),
        (P, "[input.day]", "[input.dy]", "stage diary/collect handler @ pipelines/diary.toml:8:1: `content.collect` reads `day`, and nothing", "add `[input.day]`"),
        (P, "required = true # day", "", "`content.collect` reads `day`, and a run may start without it", "[input.day]"),
        (P, "id = \"collect\"", "id = \"collect\"\non.nothing-to-do = \"skip\"", "`content.draft` reads `commits`, which stage `collect` does not write when it is nothing-to-do", "on.nothing-to-do = \"end\""),
        (P, "content.collect", "content.count", "stage diary/draft handler @ pipelines/diary.toml:12:1: stage `collect` writes `commits` as integer, and it is read as array", "converts it"),
        (P, "content.draft", "content.missing_link", "no handler is called `content.missing_link`", ""),
        (P, "needs = [\"draft\"]\n", "needs = [\"collect\"]\nconfig.also = true\n", "`draft`, and nothing before it writes it", "add \"draft\" to the `needs` of stage `critic`"),
        (P, "required = true # day", "default = 5", "pipeline diary input.day @ pipelines/diary.toml:4:1: the default does not fit what `content.collect` reads: 5 is not of type \"string\"", "write a default that fits"),
        (P, "id = \"critic\"", "id = \"again\"\nhandler = \"content.draft\"\nneeds = [\"collect\"]\n[[stage]]\nid = \"critic\"", "stage diary/again handler @ pipelines/diary.toml:18:1: stages `draft` and `again` both write `draft`", "add \"draft\" to the `needs` of stage `again`"),
    ])
    .await;
}

#[tokio::test]
async fn times_fit_in_the_budget() {
    each(&[
        (P, "budget = \"10m\"", "budget = \"0s\"", "pipeline diary budget @ pipelines/diary.toml:2:1: a run may take no time", "budget = \"10m\""),
        (P, "budget = \"10m\"", "budget = \"3m\"", "pipeline diary budget @ pipelines/diary.toml:2:1: the timeouts along collect → draft → critic → approve → publish add up to", "write `budget ="),
        (P, "timeout = \"3m\"", "timeout = \"11m\"", "stage diary/draft timeout @ pipelines/diary.toml:14:1: the timeout 11m is longer than the budget 10m", "longer budget"),
        (P, "timeout = \"3m\"", "timeout = \"0s\"", "stage diary/draft timeout @ pipelines/diary.toml:14:1: the stage may take no time", "timeout = \"90s\""),
        (P, "timeout = \"3m\"", "timeout = \"3m\"\nretry.attempts = 0", "stage diary/draft retry.attempts @ pipelines/diary.toml:15:7: a stage without an attempt", "attempts = 1"),
    ])
    .await;
}

#[tokio::test]
async fn policies_fit_the_live_schema() {
    each(&[
        (Q, "table = \"embeddings\"", "table = \"embedings\"", "policy ttl table @ policies/ttl.toml:3:1: the database has no table `embedings`", "write `embeddings`"),
        (Q, "table = \"embeddings\"", "table = \"posts\"", "policy ttl table @ policies/ttl.toml:3:1: `retention.ttl_prune` does not touch table `posts`", "name `embeddings`"),
        (Q, "[config]\ntable = \"embeddings\"", "[config]\ntable = \"embedings\"", "policy ttl config.table @ policies/ttl.toml:6:1: the database has no table `embedings`", "write `embeddings`"),
        (Q, "age_column = \"created_at\"", "age_column = \"created\"", "policy ttl config.age_column @ policies/ttl.toml:7:1: table `embeddings` has no column `created`", "write `created_at`"),
        (Q, "ttl_days = 180", "ttl_days = 180\nkey = \"idd\"", "policy ttl config.key @ policies/ttl.toml:9:1: table `embeddings` has no column `idd`", "write `id`"),
    ])
    .await;
}

#[tokio::test]
async fn policies_that_eat_each_others_rows_are_told_from_their_contracts() {
    const KEEP: &str = "name = \"ttl\"\nhandler = \"retention.keep_newest\"\ntable = \"embeddings\"\nevery = \"1h\"\n\
        [config]\ntable = \"embeddings\"\norder_column = \"created_at\"\nkeep = 5\n";
    let whole =
        |ttl: &'static str| -> String { Ground::good().text(Q).replace("ttl_days = 180", ttl) };
    let eaten =
        "policy ttl config.ttl_days @ policies/ttl.toml:8:1: it deletes original rows after";
    for (policy, miss, mend) in [
        (whole("ttl_days = 1"), format!("{eaten} 1 days, and policy `collapse` reads them after 90 and may come to it on day 97 only"), "write `ttl_days = 98` or more, or a smaller `age_days` in policies/collapse.toml"),
        // The collapse has its next turn within a week.
        (whole("ttl_days = 97"), format!("{eaten} 97 days"), "write `ttl_days = 98` or more"),
        (KEEP.to_owned(), "policy ttl handler @ policies/ttl.toml:2:1: it deletes original rows whatever their age, and policy `collapse` reads them after 90 days".to_owned(), "`enabled = false`"),
    ] {
        let mut ground = Ground::good();
        ground.write(Q, &policy);
        let misses = misses(&ground).await;
        assert_eq!(misses.len(), 1, "{misses:#?}");
        assert!(misses[0].0.contains(&miss), "wanted {miss}: {misses:#?}");
        assert!(misses[0].1.contains(mend), "wanted {mend}: {misses:#?}");
    }
    let mut ground = Ground::good();
    ground.replace(Q, "ttl_days = 180", "ttl_days = 98");
    assert_eq!(misses(&ground).await, []);
    ground.replace(Q, "ttl_days = 98", "ttl_days = 1");
    ground.replace(Q, "[config]", "enabled = false\n[config]");
    assert_eq!(misses(&ground).await, [], "it never runs");
}

/// A plugin whose contract takes summaries, by age or as orphans, beside the collapse.
#[tokio::test]
async fn a_prune_that_takes_what_another_policy_writes_is_missed() {
    let old = RowUse::deletes("summary").after("ttl_days");
    for taken in [old, RowUse::deletes("summary").orphans()] {
        let mut ground = Ground::good();
        ground.change("retention.ttl_prune", |contract| {
            contract.needs.tables[0].rows = vec![taken.clone()];
        });
        let misses = misses(&ground).await;
        assert_eq!(misses.len(), 1, "{misses:#?}");
        let miss = "`retention.ttl_prune` deletes the summary rows that policy `collapse` writes";
        assert!(misses[0].0.contains(miss), "{misses:#?}");
    }
}

#[tokio::test]
async fn a_contract_that_names_what_is_not_there_is_missed() {
    let mut ground = Ground::good();
    ground.change("retention.ttl_prune", |contract| {
        let rows = RowUse::writes("original").after("age");
        contract.needs.tables[0].rows = vec![rows];
    });
    let misses = misses(&ground).await;
    let texts: Vec<_> = misses.iter().map(|(text, _)| text.as_str()).collect();
    let named = |part: &str| texts.iter().any(|text| text.contains(part));
    assert!(
        named("the contract names `age`, which is no key of the configuration"),
        "{texts:#?}"
    );
    assert!(
        named("the contract writes rows without the verb `insert` or `update`"),
        "{texts:#?}"
    );
}

#[tokio::test]
async fn conditions_limits_and_gates_answer() {
    let stage = |line: &'static str| -> Case {
        let (from, to, miss, mend) = match line {
            "when" => (
                "needs = [\"collect\"]",
                "needs = [\"collect\"]\nwhen = [{ key = \"commitz\", present = true }]",
                "stage diary/draft when @ pipelines/diary.toml:14:11: `commitz` is no input, and no stage before writes it",
                "write `commits`",
            ),
            "empty" => (
                "needs = [\"collect\"]",
                "needs = [\"collect\"]\nwhen = [{ key = \"commits\" }]",
                "the condition says nothing",
                "add `is`",
            ),
            "skipped" => (
                "needs = [\"collect\"]",
                "needs = [\"collect\"]\nwhen = [{ key = \"commits\", present = true }]",
                "which stage `draft` does not write when its condition does not hold",
                "remove the `when` of stage `draft`",
            ),
            "expiry" => (
                "needs = [\"collect\"]",
                "needs = [\"collect\"]\nexpiry = { after = \"1h\", as = \"rejected\" }",
                "stage diary/draft expiry @ pipelines/diary.toml:14:1: only a gate asks a person",
                "remove it",
            ),
            "part" => (
                "needs = [\"collect\"]",
                "needs = [\"collect\"]\nregenerate = { text = \"collect\" }",
                "stage diary/draft regenerate.text",
                "remove it",
            ),
            _ => unreachable!("{line}"),
        };
        (P, from, to, miss, mend)
    };
    each(&["when", "empty", "skipped", "expiry", "part"].map(stage)).await;
    let mut ground = Ground::good();
    let head = "budget = ";
    ground.replace(
        P,
        head,
        "limits = { key = \"dya\", at_once = 0 }\nbudget = ",
    );
    let misses = misses(&ground).await;
    let found: Vec<_> = misses.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found[0].contains("`dya` is no input of the pipeline"),
        "{found:#?}"
    );
    assert!(found[1].contains("no run would ever start"), "{found:#?}");
}

#[tokio::test]
async fn settings_and_roles_answer() {
    const S: &str = "settings.toml";
    each(&[
        (S, "[\"diary.author\"]", "[\"diary.auther\"]", "handler content.draft settings @ pipelines/diary.toml:12:1: setting `diary.author` is not declared", "write `[\"diary.author\"]` for `[\"diary.auther\"]` at settings.toml:1:2"),
        (S, "default = \"Ann\"\n", "", "handler content.draft settings @ pipelines/diary.toml:12:1: setting `diary.author` is required and not set (settings.toml:1:2)", "callboard settings set diary.author VALUE"),
        (S, "default = \"small\"\n", "", "handler qa.critic roles @ pipelines/diary.toml:18:1: role `critic` does not resolve: `roles.critic.model` is not set", "callboard settings set roles.critic.model VALUE"),
        (S, "default = \"small\"\n", "", "settings.toml roles.critic.url @ settings.toml:8:2: role `critic` is set half", "callboard settings set roles.critic.model"),
        (S, "[\"roles.critic.model\"]", "[\"roles.critic.modell\"]", "role `critic` has no setting `roles.critic.model`", "write `[\"roles.critic.model\"]` for"),
    ])
    .await;
    let mut ground = Ground::good();
    ground.stored("diary.author", "x");
    ground.stored("site.tagline", "x");
    ground.stored("gone", "x");
    ground.replace(S, "type = \"string\" # tagline", "type = \"integer\"");
    let misses = misses(&ground).await;
    assert_eq!(misses.len(), 2, "{misses:#?}");
    let gone = "database gone @ -: has a value, but is not declared";
    assert!(misses[0].0.contains(gone), "{misses:#?}");
    assert!(misses[0].1.contains("callboard settings unset gone"));
    let unfit = "database site.tagline @ settings.toml:17:1: `x` is not a whole number";
    assert!(misses[1].0.contains(unfit), "{misses:#?}");
}

#[tokio::test]
async fn prompts_answer() {
    const R: &str = "prompts/draft.md";
    const DAY: &str = "variables = [\"day\"]\n+++\n\nAbout {{ day }}";
    const NONE: &str = "variables = []\n+++\n\nAbout";
    const TONE: &str = "variables = [\"day\", \"tone\"]\n+++\n\nAbout {{ day }} {{ tone }}";
    each(&[
        (R, "{{ day }}", "{{ dai }}", "prompt draft variables @ prompts/draft.md:5:10: the template uses `dai`, which is not declared", "write `day`"),
        (R, DAY, NONE, "prompt draft variables @ prompts/draft.md:2:1: the prompt does not use `day`, without which a model is not told what `content.draft` asks it about", "add \"day\" to `variables`, and `{{ day }}` to the text"),
        (R, DAY, TONE, "prompt draft variables @ prompts/draft.md:2:22: `content.draft`, which fills in the prompt, gives `day` and `mood` and no `tone`", "remove it"),
        (R, DAY, "variables = [\"dya\"]\n+++\n\nAbout {{ dya }}", "prompt draft variables @ prompts/draft.md:2:15: `content.draft`, which fills in the prompt, gives `day` and `mood` and no `dya`", "write `day`"),
        (R, "{{ day }}", "{{ day }} {{ tone }}", "prompt draft variables @ prompts/draft.md:5:20: `content.draft`, which fills in the prompt, gives `day` and `mood` and no `tone`", "remove it"),
        (R, "[\"day\"]", "[\"day\", \"mood\"]", "prompt draft variables @ prompts/draft.md:2:22: variable `mood` is declared, and the template does not use it", "remove it from `variables`"),
        (R, "{{ day }}", "{% if day %}", "prompt draft template @ prompts/draft.md:5:1: the template does not compile", "correct the template"),
        (R, "{{ day }}", "{{ day|uper }}", "prompt draft template @ prompts/draft.md:5:14: the prompt cannot be filled in: there is no filter `uper`", "write `upper`"),
        (R, "{{ day }}", "{% for it in day %}{{ it.title is titled }}{% endfor %}", "prompt draft template @ prompts/draft.md:5:41: the prompt cannot be filled in: there is no test `titled`", "write one of `boolean`"),
        (R, "{{ day }}", "{{ day.zzz }}", "prompt draft template @ prompts/draft.md:5:14: the prompt cannot be filled in: `day.zzz`: `day` is a text", "write `day`"),
        (R, "{{ day }}", "{{ day }}{% if day == 'x' %}{{ day[7].x }}{% endif %}", "prompt draft template @ prompts/draft.md:5:45: the prompt cannot be filled in: `day[7].x`: `day[7]` is a text", "write `day[7]`"),
        (R, "{{ day }}", "{{ day + 1 }}", "prompt draft template @ prompts/draft.md:5:1: the prompt cannot be filled in: invalid operation", "correct the template"),
        (R, "{{ day }}", "{{ day }}{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}", "prompt draft template @ prompts/draft.md:5:1: the prompt cannot be filled in: a rendering takes more than", "correct the template"),
    ])
    .await;
    let mut ground = Ground::good();
    ground.remove("prompts/draft.md");
    let misses = misses(&ground).await;
    assert!(
        misses[0].0.contains(
            "handler content.draft prompts @ pipelines/diary.toml:12:1: there is no prompt `draft`"
        ),
        "{misses:#?}"
    );
}

#[tokio::test]
async fn plugins_answer() {
    const M: &str = "plugins/embeddings_collapse/plugin.toml";
    const C: &str = "callboard.toml";
    each(&[
        (M, "embeddings_collapse.wasm", "collapse.wasm", "plugin embeddings_collapse component @ plugins/embeddings_collapse/plugin.toml:4:1: the component plugins/embeddings_collapse/collapse.wasm is not there", "copy its component to plugins/embeddings_collapse/collapse.wasm"),
        (M, "wit = \"0.1\"", "wit = \"0.2\"", "plugin embeddings_collapse wit @ plugins/embeddings_collapse/plugin.toml:3:1: the plugin is built for WIT 0.2, and this host serves 0.1", "wit/0.1"),
        ("plugins/embeddings_collapse/embeddings_collapse.wasm", "asm", "asn", "plugin embeddings_collapse name @ plugins/embeddings_collapse/plugin.toml:1:1: component", "callboard apply"),
        (C, "vectors = true", "", "plugin embeddings_collapse ask @ plugins/embeddings_collapse/plugin.toml:7:1: the plugin asks for vectors, which is not allowed", "write under [grants.embeddings_collapse] in callboard.toml:\nvectors = true"),
        (C, "\"memory.*\"", "\"other.*\"", "the plugin asks for setting memory.*, which is not allowed", "add \"memory.*\" to `keys` at callboard.toml:5:10"),
        (C, "table = \"embeddings\"", "table = \"runs\"", "callboard.toml grants.embeddings_collapse.db @ callboard.toml:6:1: table `runs` belongs to the host", "name one of `commits`"),
        (C, "table = \"embeddings\"", "table = \"embeding\"", "callboard.toml grants.embeddings_collapse.db @ callboard.toml:6:1: the database has no table `embeding`", "write `embeddings`"),
        (C, "[limits.", "[[grants.embeddings_collapse.credentials]]\nname = \"site.tagline\"\nto = \"https://a.example\"\n[limits.", "callboard.toml grants.embeddings_collapse.credentials @ callboard.toml:9:1: the credential `site.tagline` is a setting of the type string", "type = \"secret\""),
        (M, "[ask.settings]", "[[ask.http]]\nhost = \"127.0.0.1\"\n[ask.settings]", "the plugin asks for GET https://127.0.0.1, which is not allowed", "[[grants.embeddings_collapse.http]]"),
        (C, "\"select\", \"insert\", \"delete\"", "\"select\", \"insert\"", "plugin embeddings_collapse ask @ plugins/embeddings_collapse/plugin.toml:9:1: the plugin asks for delete on table embeddings", "[[grants.embeddings_collapse.db]]\ntable = \"embeddings\"\nverbs = [\"delete\"]"),
        (M, "table = \"embeddings\"", "table = \"settings\"", "the plugin asks for select/insert/delete on table settings", "nothing can allow it"),
        (M, "table = \"embeddings\"", "table = \"embeding\"", "plugin embeddings_collapse ask.db @ plugins/embeddings_collapse/plugin.toml:10:1: the database has no table `embeding`", "write `embeddings`"),
        (M, "keys = [\"memory.*\"]", "keys = []", "handler retention.embeddings_collapse settings @ plugins/embeddings_collapse/plugin.toml:13:6: handler `retention.embeddings_collapse` reads setting `memory.size`", "add \"memory.size\" to `keys` at plugins/embeddings_collapse/plugin.toml:14:1"),
        (M, "\"select\", \"insert\", \"delete\"", "\"select\", \"insert\"", "handler retention.embeddings_collapse tables @ plugins/embeddings_collapse/plugin.toml:9:7: handler `retention.embeddings_collapse` needs delete on table `embeddings`", "[[ask.db]]\ntable = \"embeddings\"\nverbs = [\"delete\"]"),
        (C, "[limits.embeddings_collapse]", "[limits.embeddings_colapse]", "callboard.toml limits.embeddings_colapse @ callboard.toml:9:9: there is no plugin `embeddings_colapse`", "write `[limits.embeddings_collapse]`"),
        ("plugins/embeddings_collapse/contracts.json", "Collapse", "Something", "plugin embeddings_collapse handlers @ plugins/embeddings_collapse/plugin.toml:1:1: `retention.embeddings_collapse` says something else", "callboard apply"),
    ])
    .await;
    // Withdrawn whole, it is one cause.
    let mut ground = Ground::good();
    let (verbs, table) = (
        "[\"select\", \"insert\", \"delete\"]",
        "\ntable = \"embeddings\"\n",
    );
    let grant = format!("[[grants.embeddings_collapse.db]]{table}verbs = {verbs}\n");
    ground.replace(C, &grant, "");
    let misses = misses(&ground).await;
    assert_eq!(misses.len(), 1, "{misses:#?}");
    let asked = "the plugin asks for select/insert/delete on table embeddings";
    assert!(misses[0].0.contains(asked), "{misses:#?}");
    assert!(misses[0].1.contains(grant.trim_end()), "{misses:#?}");
}

#[tokio::test]
async fn a_credential_is_asked_for_declared_and_goes_where_the_plugin_calls() {
    const M: &str = "plugins/embeddings_collapse/plugin.toml";
    let keys = "keys = [\"memory.*\"]";
    let asks = |name: &str| {
        format!("{keys}\n[[ask.credentials]]\nname = \"{name}\"\nto = \"https://api.example.com\"")
    };
    let (nobodys, plain) = (asks("nobody.key"), asks("memory.size"));
    each(&[
        (M, keys, &nobodys, "plugin embeddings_collapse ask @ plugins/embeddings_collapse/plugin.toml:15:1: the plugin asks for credential nobody.key to https://api.example.com, which is not allowed", "[[grants.embeddings_collapse.credentials]]\nname = \"nobody.key\"\nto = \"https://api.example.com\""),
        (M, keys, &nobodys, "plugin embeddings_collapse credentials @ plugins/embeddings_collapse/plugin.toml:15:1: the credential `nobody.key` is not declared", "[\"nobody.key\"]\ntype = \"secret\""),
        (M, keys, &plain, "plugin embeddings_collapse credentials @ plugins/embeddings_collapse/plugin.toml:15:1: the credential `memory.size` is a setting of the type integer", "name a secret"),
    ])
    .await;
    let mut ground = Ground::good();
    ground.replace(M, keys, &asks("memory.key"));
    let secret = "[\"memory.key\"]\ntype = \"secret\"\ndescription = \"a key\"\n[\"memory.size\"]";
    ground.replace("settings.toml", "[\"memory.size\"]", secret);
    let misses = misses(&ground).await;
    let wanted = "goes where the plugin does not ask to call";
    let found = misses.iter().find(|(text, _)| text.contains(wanted));
    let (_, mend) = found.unwrap_or_else(|| panic!("{misses:#?}"));
    assert!(
        mend.contains("host = \"api.example.com\"") && mend.contains("port = 443"),
        "{mend}"
    );
}

#[tokio::test]
async fn native_files_and_handlers_are_the_same_set() {
    let mut ground = Ground::good();
    ground.native_files.push("qa/forgotten.rs");
    ground.native_files.retain(|file| *file != "qa/advice.rs");
    let misses = misses(&ground).await;
    assert!(misses[0].0.contains("handlers/qa/forgotten.rs register! @ -: the file is there, but `qa.forgotten` is not registered"), "{misses:#?}");
    assert!(
        misses[1]
            .0
            .contains("handler qa.advice file @ -: `qa.advice` is registered, but has no file"),
        "{misses:#?}"
    );
}
