//! A test of the workspace stands on its own: what its own pipeline wants and it does not give is told at its
//! place, and what other pipelines want is none of its business.

use super::ground::{Ground, misses, told};
use crate::settings::SettingType;

const DAY: &str =
    "name = \"day\"\npipeline = \"diary\"\n[input]\nday = \"1\"\n[expect]\nstatus = \"done\"\n";
const TALLY: &str = "name = \"tally\"\npipeline = \"count\"\n[input]\nday = \"1\"\n[settings]\n\"site.tagline\" = \"x\"\n[expect]\nstatus = \"done\"\n";
const COUNT: &str = "name = \"count\"\nbudget = \"1m\"\n[input.day]\nrequired = true\n[[stage]]\nid = \"count\"\nhandler = \"content.count\"\n";
const SETTING: &str =
    "[\"judge.least\"]\ntype = \"integer\"\nrequired = true\ndescription = \"of a day\"\n";

/// Two pipelines with a test each, of which one needs a setting that is set in the workspace alone.
fn two() -> Ground {
    let mut ground = Ground::good();
    ground.change("content.count", |it| {
        it.needs.settings = vec!["judge.least".to_owned()];
        let types = vec![SettingType::Integer];
        it.needs
            .setting_types
            .insert("judge.least".to_owned(), types);
    });
    let settings = format!("{}{SETTING}", ground.text("settings.toml"));
    ground.write("settings.toml", &settings);
    ground.write("pipelines/count.toml", COUNT);
    ground.write("tests/day.toml", DAY);
    ground.write("tests/tally.toml", TALLY);
    ground.stored("judge.least", "3");
    ground
}

#[tokio::test]
async fn what_a_test_lacks_is_told_at_its_place() {
    let ground = two();
    let mend = "write under [settings] in tests/tally.toml:\n\"judge.least\" = \"…\"  # integer";
    let problem = "test tally settings @ tests/tally.toml:5:2: the test does not give `judge.least`, \
                   which handler content.count needs";
    let lacks = (problem.to_owned(), mend.to_owned());
    assert_eq!(misses(&ground).await, std::slice::from_ref(&lacks));
    // The test itself is run in a database without the value of the workspace.
    let mut alone = two();
    alone.unset();
    let roll = alone.roll().await;
    let of = |name: &str| {
        roll.clone()
            .of_test(name)
            .misses()
            .map(told)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("day"),
        [],
        "another pipeline's setting is none of its business"
    );
    assert_eq!(of("tally"), [lacks]);
    let mut given = two();
    given.replace(
        "tests/tally.toml",
        "[settings]",
        "[settings]\n\"judge.least\" = \"3\"",
    );
    assert_eq!(misses(&given).await, []);
    // A run that is to be blocked may lack it.
    let mut blocked = two();
    blocked.replace("tests/tally.toml", "\"done\"", "\"blocked\"");
    assert_eq!(misses(&blocked).await, []);
}

#[tokio::test]
async fn a_role_that_a_test_does_not_give_is_told_with_all_its_settings() {
    let mut ground = two();
    ground.remove("tests/tally.toml");
    for default in [
        "default = \"http://127.0.0.1:8080/\"\n",
        "default = \"small\"\n",
    ] {
        ground.replace("settings.toml", default, "");
    }
    ground.stored("roles.critic.url", "http://127.0.0.1:1/");
    ground.stored("roles.critic.model", "small");
    let told = misses(&ground).await;
    let [(problem, mend)] = &told[..] else {
        panic!("{told:#?}");
    };
    let wanted = "the test does not give `roles.critic.url` and `roles.critic.model`, which handler qa.critic needs";
    assert!(problem.ends_with(wanted), "{problem}");
    let lines = "\"roles.critic.url\" = \"…\"  # url\n\"roles.critic.model\" = \"…\"  # model";
    assert_eq!(
        *mend,
        format!("add to tests/day.toml:\n[settings]\n{lines}")
    );
}

#[tokio::test]
async fn what_a_test_says_at_a_gate_is_whole() {
    let said = async |decision: &str| {
        let mut ground = Ground::good();
        let part = "gate = \"Publish it?\"\nregenerate = { text = \"draft\" }";
        ground.replace("pipelines/diary.toml", "gate = \"Publish it?\"", part);
        let decision = format!("[[decision]]\ngate = \"approve\"\n{decision}\n[expect]");
        ground.write("tests/day.toml", &DAY.replace("[expect]", &decision));
        misses(&ground).await
    };
    for whole in ["as = \"approved\"", "as = \"regenerated\"\npart = \"text\""] {
        assert_eq!(said(whole).await, [], "{whole}");
    }
    for (decision, problem, mend) in [
        (
            "as = \"regenerated\"",
            "does not say what is made anew",
            "add `part`, one of `text`",
        ),
        (
            "as = \"regenerated\"\npart = \"txet\"",
            "there is no part `txet`",
            "write `text`",
        ),
        (
            "as = \"rejected\"\npart = \"text\"",
            "only what is made anew has a `part`",
            "remove it",
        ),
    ] {
        let told = said(decision).await;
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(
            told[0].0.contains(problem) && told[0].1.starts_with(mend),
            "{told:#?}"
        );
    }
    let mut ground = Ground::good();
    ground.write(
        "tests/day.toml",
        &DAY.replace("[input]", "cassette = \"../x\"\n[input]"),
    );
    let told = misses(&ground).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].0.contains("`../x` is no name of a folder"),
        "{told:#?}"
    );
}
