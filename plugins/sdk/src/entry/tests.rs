//! A handler seen from the host's side.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::*;
use crate::handler::Exported;
use crate::{Needs, Verb};

struct Doubles;
impl Exported for Doubles {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    refuse: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    number: u64,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    doubled: u64,
}

impl Handler for Doubles {
    const NAME: &'static str = "probe.doubles";
    const SUMMARY: &'static str = "Doubles a number";
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    fn needs() -> Needs {
        Needs::none()
            .setting::<String>("probe.key")
            .table("numbers", &[Verb::Select])
    }

    fn handle(_call: &Call, config: Config, reads: Reads) -> Result<Done<Writes>, Stop> {
        if config.refuse {
            return Err(Stop::rejected("whim", "it was told to"));
        }
        Ok(Done::new(Writes {
            doubled: reads.number * 2,
        })
        .effect("doubled", 1))
    }
}

fn call(config: &str, input: &str) -> Outcome {
    run::<Doubles>(WitCall {
        handler: Doubles::NAME.to_owned(),
        config: config.to_owned(),
        input: input.to_owned(),
        run: "r".to_owned(),
        stage: "s".to_owned(),
        visit: 1,
        attempt: 1,
        remaining: 1000,
        now: 0,
    })
}

fn failure(outcome: Outcome) -> wit::Failure {
    match outcome {
        Outcome::Failed(failure) => failure,
        other => panic!("not a failure: {other:?}"),
    }
}

#[test]
fn a_call_comes_back_as_a_patch_with_effects() {
    let Outcome::Done(done) = call("{}", r#"{"number": 21}"#) else {
        panic!("not done")
    };
    assert_eq!(done.patch, r#"{"doubled":42}"#);
    assert_eq!(done.effects, [("doubled".to_owned(), 1)]);
}

#[test]
fn a_stop_keeps_its_case() {
    let outcome = call(r#"{"refuse": true}"#, r#"{"number": 1}"#);
    assert!(
        matches!(outcome, Outcome::Rejected(wit::Rejection { rule, patch: None, .. }) if rule == "whim")
    );
}

#[test]
fn a_config_that_does_not_fit_is_a_config_failure_with_the_key() {
    let failure = failure(call(r#"{"refuze": true}"#, "{}"));
    assert_eq!(failure.kind, wit::FailureKind::Config);
    assert!(
        failure
            .message
            .starts_with("config of `probe.doubles` does not fit: unknown field `refuze`")
    );
    assert!(!failure.retryable);
}

#[test]
fn an_input_that_does_not_fit_is_an_input_failure() {
    let failure = failure(call("{}", "{}"));
    assert_eq!(failure.kind, wit::FailureKind::Input);
    assert!(failure.message.contains("missing field `number`"));
}

#[test]
fn the_contract_holds_schemas_and_needs() {
    let contract = contract::<Doubles>();
    let reads: serde_json::Value =
        serde_json::from_str(&contract.reads_schema).expect("a schema is JSON");
    assert_eq!(reads["required"], serde_json::json!(["number"]));
    let config: serde_json::Value =
        serde_json::from_str(&contract.config_schema).expect("a schema is JSON");
    assert_eq!(config["additionalProperties"], false);
    assert_eq!(contract.settings[0].key, "probe.key");
    assert!(matches!(contract.settings[0].kind, wit::SettingKind::Text));
    assert_eq!(contract.tables[0].verbs, ["select"]);
}
